//! Writes groups of batches into the active segment and makes them durable. The same code under both shells.
//!
//! Always: a group is one vectored write and one sync in each segment it touches; a segment begins only after the
//! one before it is synced; batches in it count as durable only after its file and the directory are synced. A
//! batch enters the index, and so can be read, only when it is durable.
//!
//! It refuses to go on after any failure: its owner drops it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Instant;

use crate::contract::{Failure, Position};
use crate::disk::{Disk, DiskFile};
use crate::format::{FrameHeader, Geometry, HEADER_BYTES, LogId, SegmentHeader};
use crate::stats::{Counters, add};

use super::BLOCK_BYTES_MAX;
use super::index::{Index, LiveSegment};
use super::names::segment_name;
use super::shared::{Pending, Spare};

static PADDING: [u8; BLOCK_BYTES_MAX as usize] = [0; BLOCK_BYTES_MAX as usize];

/// The segment being written.
pub(super) struct Active {
    pub(super) name: String,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) generation: u64,
    pub(super) geometry: Geometry,
    pub(super) end_bytes: u64,
}

/// Writes groups of batches.
pub(super) struct SegmentWriter {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) index: Arc<Index>,
    pub(super) counters: Arc<Counters>,
    pub(super) log_id: LogId,
    pub(super) epoch: u64,
    pub(super) active: Active,
    /// The last position that is durable.
    pub(super) durable: Position,
    /// Of the group being written; kept for its memory.
    pub(super) headers: Vec<[u8; HEADER_BYTES]>,
}

/// The failure of `operation` on `file`.
pub(super) fn failure<'a>(operation: &'static str, file: &'a str) -> impl FnOnce(io::Error) -> Failure + 'a {
    move |error| Failure { operation, file: file.to_owned(), error: error.to_string() }
}

impl SegmentWriter {
    /// Writes all batches of the group. When this returns, all of them are durable and the group is empty.
    pub(super) fn write_group(&mut self, group: &mut VecDeque<Pending>) -> Result<(), Failure> {
        if group.is_empty() {
            return Ok(());
        }
        add(&self.counters.groups, 1);
        while !group.is_empty() {
            let rolled = match group[0].roll_to.take() {
                Some(spare) => Some(self.roll(spare, group[0].position)?),
                None => None,
            };
            let in_this_segment =
                group.iter().position(|pending| pending.roll_to.is_some()).unwrap_or(group.len());
            self.write_run(group, in_this_segment)?;
            self.sync(rolled)?;
            self.publish(group, in_this_segment);
        }
        Ok(())
    }

    /// Lets the log go on in another file. All before it is durable.
    fn roll(&mut self, spare: Spare, first: Position) -> Result<LiveSegment, Failure> {
        let generation = self.active.generation + 1;
        let name = segment_name(generation);
        self.disk.rename(&spare.name, &name).map_err(failure("rename", &name))?;
        let header = SegmentHeader {
            log_id: self.log_id,
            generation,
            epoch: self.epoch,
            first,
            geometry: spare.geometry,
        };
        spare.file.write_at(0, &header.encode()).map_err(failure("write", &name))?;
        add(&self.counters.rolls, 1);
        let end_bytes = u64::from(spare.geometry.block_bytes);
        self.active = Active {
            name: name.clone(),
            file: Arc::clone(&spare.file),
            generation,
            geometry: spare.geometry,
            end_bytes,
        };
        let (geometry, file) = (spare.geometry, spare.file);
        Ok(LiveSegment { name, generation, geometry, file, first, blocks: Vec::new(), end_bytes })
    }

    /// Writes the first `count` batches of the group behind the end of the active segment.
    fn write_run(&mut self, group: &VecDeque<Pending>, count: usize) -> Result<(), Failure> {
        self.headers.clear();
        for pending in group.iter().take(count) {
            let header = FrameHeader {
                log_id: self.log_id,
                generation: self.active.generation,
                epoch: self.epoch,
                position: pending.position,
                durable_through: self.durable,
                payload_bytes: u32::try_from(pending.payload.len()).expect("submit refuses larger payloads"),
                payload_crc: crc32c::crc32c(&pending.payload),
            };
            self.headers.push(header.encode());
        }
        let geometry = self.active.geometry;
        let mut parts = Vec::with_capacity(3 * count);
        let mut run_bytes = 0;
        for (header, pending) in self.headers.iter().zip(group) {
            let filled = HEADER_BYTES + pending.payload.len();
            let extent_bytes = geometry.extent_bytes(pending.payload.len());
            let padding = usize::try_from(extent_bytes).unwrap_or(usize::MAX) - filled;
            parts.extend([header, &pending.payload[..], &PADDING[..padding]].map(IoSlice::new));
            run_bytes += extent_bytes;
        }
        let offset_bytes = self.active.end_bytes;
        self.active
            .file
            .write_vectored_at(offset_bytes, &mut parts)
            .map_err(failure("write", &self.active.name))?;
        add(&self.counters.written_bytes, run_bytes);
        self.active.end_bytes += run_bytes;
        Ok(())
    }

    /// Makes the active segment durable, and its name if it has just begun.
    fn sync(&mut self, rolled: Option<LiveSegment>) -> Result<(), Failure> {
        let begun = Instant::now();
        self.active.file.sync_data().map_err(failure("sync", &self.active.name))?;
        self.counters.note_sync(begun.elapsed());
        if let Some(segment) = rolled {
            self.disk.sync_dir().map_err(failure("sync", &self.disk.location()))?;
            self.index.begin_segment(segment);
        }
        Ok(())
    }

    /// Takes the first `count` batches, now durable, out of the group and into the index.
    fn publish(&mut self, group: &mut VecDeque<Pending>, count: usize) {
        let geometry = self.active.geometry;
        self.index
            .publish(group.iter().take(count).map(|pending| geometry.extent_bytes(pending.payload.len())));
        for pending in group.drain(..count) {
            self.durable = pending.position;
            add(&self.counters.batches, 1);
            add(&self.counters.payload_bytes, pending.payload.len() as u64);
        }
    }
}
