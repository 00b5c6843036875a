//! The file that holds what is true of the log as a whole, in two slots that are written by turns.
//!
//! A write goes to the slot that does not hold, so a torn one leaves the other. The file is created whole under
//! another name first: under its own name it always has one valid slot, or it is damaged.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::format::{RecordFault, SLOT_BYTES, Superblock};

/// The file's name.
pub(super) const SUPERBLOCK_FILE: &str = "log.superblock";
const SUPERBLOCK_NEW_FILE: &str = "log.superblock.new";

/// Each slot begins a page of its own.
const SLOT_STRIDE_BYTES: u64 = 4096;

/// What the file holds.
pub(super) enum Found {
    /// There is no such file.
    None,
    /// The newer valid slot.
    Superblock(SuperblockFile),
    /// Neither slot is whole.
    Damaged,
    /// A slot of a later format.
    Version(u8),
}

/// The open file, and what its newer slot says.
pub(super) struct SuperblockFile {
    file: Arc<dyn DiskFile>,
    current: Superblock,
}

impl SuperblockFile {
    /// Reads both slots.
    pub(super) fn find(disk: &dyn Disk) -> io::Result<Found> {
        let file = match disk.open(SUPERBLOCK_FILE) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::None),
            Err(error) => return Err(error),
        };
        let mut newest: Option<Superblock> = None;
        for slot in 0..2 {
            match read_slot(&*file, slot)? {
                Ok(found) if newest.is_none_or(|newest| newest.sequence < found.sequence) => {
                    newest = Some(found)
                }
                Err(RecordFault::Version(version)) => return Ok(Found::Version(version)),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(newest.map_or(Found::Damaged, |current| Found::Superblock(Self { file, current })))
    }

    /// Creates the file, durable under its name when this returns.
    pub(super) fn create(disk: &dyn Disk, first: &Superblock) -> io::Result<Self> {
        if disk.list()?.iter().any(|name| name == SUPERBLOCK_NEW_FILE) {
            disk.remove(SUPERBLOCK_NEW_FILE)?;
            // Or the rename below might take the removed file, on a medium that keeps changes out of order.
            disk.sync_dir()?;
        }
        let file = disk.create(SUPERBLOCK_NEW_FILE)?;
        file.write_at(0, &vec![0; 2 * SLOT_STRIDE_BYTES as usize])?;
        file.write_at(slot_offset_bytes(first.sequence), &first.encode())?;
        file.sync_data()?;
        disk.rename(SUPERBLOCK_NEW_FILE, SUPERBLOCK_FILE)?;
        disk.sync_dir()?;
        Ok(Self { file, current: *first })
    }

    pub(super) fn current(&self) -> &Superblock {
        &self.current
    }

    /// Makes durable what was found: after a failed sync of an earlier process it may be in the page cache alone.
    pub(super) fn make_durable(&self) -> io::Result<()> {
        self.file.write_at(slot_offset_bytes(self.current.sequence), &self.current.encode())?;
        self.file.sync_data()
    }

    /// Writes `next` into the other slot, durable when this returns. The sequence is counted here.
    pub(super) fn replace(&mut self, next: Superblock) -> io::Result<()> {
        let next = Superblock { sequence: self.current.sequence + 1, ..next };
        self.file.write_at(slot_offset_bytes(next.sequence), &next.encode())?;
        self.file.sync_data()?;
        self.current = next;
        Ok(())
    }
}

fn slot_offset_bytes(sequence: u64) -> u64 {
    (sequence % 2) * SLOT_STRIDE_BYTES
}

fn read_slot(file: &dyn DiskFile, slot: u64) -> io::Result<Result<Superblock, RecordFault>> {
    let mut bytes = [0; SLOT_BYTES];
    match file.read_at(slot_offset_bytes(slot), &mut bytes) {
        Ok(()) => Ok(Superblock::decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Err(RecordFault::Absent)),
        Err(error) => Err(error),
    }
}
