//! The store on a disk: tables of the storage engine `redb`, a copy-on-write B-tree in one file, and payload files of our own
//! beside it.
//!
//! What always holds, beyond [the contract](crate::contract): one `apply` is one transaction of the engine, committed
//! in two phases, before which the payloads that it names are synced, so a power cut leaves the old root or the new one; the engine opens at once after a crash; memory is
//! bounded by the cache's size; free pages are used again before the file grows. Damage is found by the checksum of
//! each row, by the count of rows, or by the engine.
//!
//! What it refuses: to lock the directory (the log holds the lock), to shrink its file while it is open.

mod apply;
mod earlier_entries;
mod earlier_payloads;
mod entries;
mod examine;
pub(crate) mod fault;
mod find;
mod load;
mod messages;
mod migrate;
mod opened;
mod payloads;
mod reader;
mod remembered;
mod rows;

use std::cell::Cell;
use std::sync::Arc;

use millpond_log::{Disk, Position};
use redb::WriteTransaction;

use crate::contract::{Changes, Snapshot, Store, StoreReader, Usage, Visitor};
use crate::error::StoreError;
use crate::payload_files::Writer;
use apply::Checkpoint;
use fault::Fault;
use opened::Opened;
use reader::RedbReader;

/// Bounds of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedbConfig {
    /// Memory that the engine may use for pages, clean and dirty together. More than a few MiB bring little: the
    /// operating system keeps the file's pages too.
    pub cache_bytes: usize,
    /// Entries moved in one transaction when a store of an earlier format is opened.
    pub migrated_at_once: usize,
    /// A payload file that is so long takes no more payloads. What is dead in all of them stays below half of what lives and
    /// two such files.
    pub payload_file_bytes: u64,
}

impl Default for RedbConfig {
    fn default() -> Self {
        Self { cache_bytes: 8 << 20, migrated_at_once: 50_000, payload_file_bytes: 32 << 20 }
    }
}

/// The store on a disk.
pub struct RedbStore {
    opened: Arc<Opened>,
    checkpoint: Checkpoint,
}

impl RedbStore {
    /// The name of its file in the data directory.
    pub const FILE: &str = opened::FILE;

    /// Opens the store of a directory, and creates it, durably, if there is none. The caller holds the directory's
    /// lock.
    ///
    /// # Errors
    /// [`StoreError::Newer`] and [`StoreError::Damaged`] leave the file as it is.
    pub fn open(disk: Arc<dyn Disk>, config: RedbConfig) -> Result<Self, StoreError> {
        let (opened, checkpoint) = Opened::open(disk, config)?;
        Ok(Self { opened: Arc::new(opened), checkpoint })
    }

    /// Writes, and merges what is due in payload files. Where there is no space for a merge, changes that make room may find
    /// enough.
    fn write<T>(
        &self,
        operation: impl Fn(&WriteTransaction, &mut Writer<'_>, Option<u64>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let at_least_bytes = self.opened.payload_file_bytes();
        let merging = Cell::new(false);
        let written = self.opened.write(self.checkpoint, |transaction, writer| {
            let done = operation(transaction, writer, Some(at_least_bytes));
            merging.set(writer.has_merged());
            done
        });
        match written {
            Err(StoreError::Full { .. }) if merging.get() => {
                self.opened.write(self.checkpoint, |transaction, writer| operation(transaction, writer, None))
            }
            written => written,
        }
    }

    /// What can be read of a store that may be damaged. On a disk that takes writes the engine may write to the file while
    /// it opens it: hand in an [`OverlayDisk`](millpond_log::OverlayDisk).
    ///
    /// # Errors
    /// [`StoreError`] when nothing of it can be read, such as that there is none.
    pub fn open_damaged(disk: Arc<dyn Disk>, config: RedbConfig) -> Result<Box<dyn Snapshot>, StoreError> {
        Opened::open_damaged(disk, config)?.snapshot()
    }
}

impl Store for RedbStore {
    fn reflected(&self) -> Position {
        self.checkpoint.reflected
    }

    fn load(&self, limit: u64, visitor: &mut dyn Visitor) -> Result<(), StoreError> {
        self.opened.load(limit, visitor)
    }

    fn apply(&mut self, changes: Changes, reflected: Position) -> Result<(), StoreError> {
        let before = self.checkpoint;
        if reflected < before.reflected {
            return Err(StoreError::Backwards { reflected: before.reflected, offered: reflected });
        }
        changes.check()?;
        self.checkpoint = self.write(|transaction, writer, merge| {
            apply::apply(transaction, writer, merge, &changes, before, reflected)
        })?;
        Ok(())
    }

    fn reclaim(&mut self, limit_rows: usize) -> Result<bool, StoreError> {
        let before = self.checkpoint;
        let has_hidden = self.opened.read(apply::has_hidden)?;
        if !has_hidden && !self.opened.files().writer().is_merge_due() {
            return Ok(false);
        }
        let reclaimed = self.write(|transaction, writer, merge| {
            apply::reclaim(transaction, writer, merge, before, limit_rows)
        });
        match reclaimed {
            // There is time for a merge when there is space for it: what was applied stands.
            Err(StoreError::Full { .. }) if !has_hidden => Ok(false),
            reclaimed => {
                let (checkpoint, more) = reclaimed?;
                self.checkpoint = checkpoint;
                Ok(more)
            }
        }
    }

    fn reader(&self) -> Arc<dyn StoreReader> {
        Arc::new(RedbReader::new(self.opened.clone()))
    }

    fn usage(&self) -> Usage {
        let Checkpoint { reflected: _, messages, payload_bytes } = self.checkpoint;
        // A length that can't be asked for shows in the next read or write as well, and there it matters.
        let disk_bytes = self.opened.len_bytes().unwrap_or(0);
        Usage { messages, payload_bytes, disk_bytes }
    }
}
