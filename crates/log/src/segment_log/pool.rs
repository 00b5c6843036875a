//! Has files ready before the writer needs them: fills new ones with zeros, takes trimmed ones back.
//!
//! Always: a trimmed segment changes its name only after the superblock durably says that it is trimmed; a file
//! is called a spare only when all its bytes are allocated and durable, so overwriting it needs no more room; all
//! files together stay within the budget.
//!
//! A full disk is no failure here: there is just no spare until it has room again. It refuses to touch a file
//! that still holds batches.

use std::io;
use std::sync::Arc;

use crate::contract::Failure;
use crate::disk::{Disk, DiskFile};
use crate::format::{Geometry, Superblock};
use crate::stats::{Counters, add};

use super::LogConfig;
use super::index::{Index, LiveSegment};
use super::names::{FILLING_FILE, spare_name};
use super::segment_writer::failure;
use super::shared::{Shared, Spare};
use super::superblock::{SUPERBLOCK_FILE, SuperblockFile};

/// Zeros are written in pieces of this size.
const FILL_PIECE_BYTES: usize = 1 << 20;
/// A sync after this many keeps each of them short, so that a batch's sync never waits for a long one.
const FILL_PIECES_A_SYNC: u64 = 4;

/// What one turn of work has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something was done; there may be more to do.
    Worked,
    /// There is nothing to do.
    Idle,
    /// A spare is wanted and the disk is full.
    DiskFull,
}

/// Keeps spares ready.
pub(super) struct SegmentPool {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) config: LogConfig,
    pub(super) shared: Arc<Shared>,
    pub(super) index: Arc<Index>,
    pub(super) counters: Arc<Counters>,
    pub(super) superblock: SuperblockFile,
    pub(super) next_spare: u64,
}

/// Is the error one that more room on the disk would cure?
pub(super) fn is_out_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Creates the file that is to be filled. One that an earlier fill left behind is replaced and not filled further: after a failed
/// sync nobody knows what is in it.
fn create_filling(disk: &dyn Disk) -> io::Result<Arc<dyn DiskFile>> {
    match disk.create(FILLING_FILE) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(FILLING_FILE)?;
            // Before the name is used again: a rename must never take the removed file.
            disk.sync_dir()?;
            disk.create(FILLING_FILE)
        }
        created => created,
    }
}

/// Creates a file full of zeros, durable in content (not in name).
pub(super) fn zero_fill(disk: &dyn Disk, geometry: Geometry) -> io::Result<Arc<dyn DiskFile>> {
    let file = create_filling(disk)?;
    let filled = (|| {
        let zeros =
            vec![0; FILL_PIECE_BYTES.min(usize::try_from(geometry.segment_bytes).unwrap_or(usize::MAX))];
        let pieces = geometry.segment_bytes.div_ceil(zeros.len() as u64);
        for piece in 0..pieces {
            let offset_bytes = piece * zeros.len() as u64;
            let len = (geometry.segment_bytes - offset_bytes).min(zeros.len() as u64);
            file.write_at(offset_bytes, &zeros[..usize::try_from(len).unwrap_or(zeros.len())])?;
            if (piece + 1) % FILL_PIECES_A_SYNC == 0 {
                file.sync_data()?;
            }
        }
        file.sync_data()
    })();
    match filled {
        Ok(()) => Ok(file),
        Err(error) => {
            // Only to give the room back soon: the next fill and an open remove the file as well.
            let _ = disk.remove(FILLING_FILE).and_then(|()| disk.sync_dir());
            Err(error)
        }
    }
}

impl SegmentPool {
    /// Does one thing that is due, if any.
    pub(super) fn turn(&mut self) -> Result<Turn, Failure> {
        let mut state = self.shared.lock();
        if state.pool_has_ended() {
            return Ok(Turn::Idle);
        }
        let retired = std::mem::take(&mut state.retired);
        if !retired.is_empty() {
            drop(state);
            self.recycle(retired)?;
            return Ok(Turn::Worked);
        }
        let total_bytes = state.segments_bytes + state.spares_bytes() + self.config.segment_bytes;
        let due = state.spares.len() < self.config.ready_segments && total_bytes <= self.config.budget_bytes;
        if !due {
            // No more room is needed, so whether the disk would give it is of no matter.
            state.disk_full = false;
            state.spare_wanted = false;
        }
        if !state.spare_wanted || state.stopping {
            return Ok(Turn::Idle);
        }
        drop(state);
        self.make_spare()
    }

    fn make_spare(&mut self) -> Result<Turn, Failure> {
        let made =
            zero_fill(&*self.disk, self.config.geometry()).and_then(|file| self.adopt(FILLING_FILE, file));
        match made {
            Ok(spare) => {
                add(&self.counters.zero_filled_segments, 1);
                let mut state = self.shared.lock();
                state.spares.push_back(spare);
                state.disk_full = false;
                Ok(Turn::Worked)
            }
            Err(error) if is_out_of_space(&error) => {
                let mut state = self.shared.lock();
                state.disk_full = true;
                state.spare_wanted = false;
                Ok(Turn::DiskFull)
            }
            Err(error) => Err(failure("preparation of a segment", &self.disk.location())(error)),
        }
    }

    /// Gives a file the name of a spare.
    fn adopt(&mut self, name: &str, file: Arc<dyn DiskFile>) -> io::Result<Spare> {
        let spare = Spare { name: spare_name(self.next_spare), file, geometry: self.config.geometry() };
        self.next_spare += 1;
        self.disk.rename(name, &spare.name)?;
        self.disk.sync_dir()?;
        Ok(spare)
    }

    /// Frees trimmed segments: for use again, or from the disk.
    fn recycle(&mut self, retired: Vec<LiveSegment>) -> Result<(), Failure> {
        let durable_through = self.shared.lock().durable;
        let (first_generation, first) = self.index.oldest();
        let superblock =
            Superblock { durable_through, first_generation, first, ..*self.superblock.current() };
        self.superblock.replace(superblock).map_err(failure("write", SUPERBLOCK_FILE))?;
        for segment in retired {
            let keep = segment.geometry == self.config.geometry()
                && self.shared.lock().spares.len() < self.config.recycled_segments_max;
            let spare = if keep {
                let spare = Spare {
                    name: spare_name(self.next_spare),
                    file: segment.file,
                    geometry: segment.geometry,
                };
                self.next_spare += 1;
                self.disk.rename(&segment.name, &spare.name).map_err(failure("rename", &segment.name))?;
                add(&self.counters.recycled_segments, 1);
                Some(spare)
            } else {
                self.disk.remove(&segment.name).map_err(failure("remove", &segment.name))?;
                None
            };
            let mut state = self.shared.lock();
            state.spares.extend(spare);
            state.spare_wanted = true;
        }
        self.disk.sync_dir().map_err(failure("sync", &self.disk.location()))
    }
}

#[cfg(test)]
mod tests;
