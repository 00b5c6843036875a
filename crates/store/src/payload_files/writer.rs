//! The records of one transaction on their way to the disk.
//!
//! What always holds: records are gathered and written in large pieces, one behind the other; those of a transaction begin
//! at a sector of their own, so that what was committed before is never written again; [`Writer::finish`] answers only when
//! all of them, and the names of new files, are durable. A writer that is dropped before has changed nothing that anyone
//! knows of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::message::MessageRef;
use millpond_log::DiskFile;
use millpond_log::disk::SECTOR_BYTES;

use super::files::Files;
use super::ledger::{FileRow, Kind, Ledger};
use super::record::{self, put_header};
use super::{Extent, FileFault};
use crate::redb_disk::Operation;
use crate::redb_store::fault::Fault;

/// Records are written when so many bytes of them are there.
const PIECE_BYTES: usize = 1 << 20;
/// So many bytes are made durable at once: what the disk has yet to write, the syncs of the log wait for.
const SYNCED_AT_ONCE_BYTES: u64 = 4 << 20;

/// What one transaction writes.
pub(crate) struct Writer<'f> {
    pub(super) files: &'f Files,
    pub(super) ledger: Ledger,
    new: Option<Stream>,
    kept: Option<Stream>,
    /// Files that were written and are not synced.
    written: BTreeMap<u64, Arc<dyn DiskFile>>,
    has_created: bool,
    pub(super) has_merged: bool,
    /// Bytes of records that came and went.
    changed_bytes: u64,
    dropped: Vec<u64>,
}

/// The end of a file.
struct Stream {
    number: u64,
    file: Arc<dyn DiskFile>,
    /// Where the gathered bytes begin.
    at_bytes: u64,
    gathered: Vec<u8>,
    /// Bytes that were written and are not synced.
    unsynced_bytes: u64,
}

impl Stream {
    fn end_bytes(&self) -> u64 {
        self.at_bytes + self.gathered.len() as u64
    }

    fn write(&mut self, files: &Files) -> Result<(), FileFault> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let written = self.file.write_at(self.at_bytes, &self.gathered);
        written.map_err(|error| files.failed(self.number, Operation::Write, self.at_bytes, error))?;
        self.unsynced_bytes += self.gathered.len() as u64;
        self.at_bytes = self.end_bytes();
        self.gathered.clear();
        if self.unsynced_bytes >= SYNCED_AT_ONCE_BYTES {
            self.unsynced_bytes = 0;
            let synced = self.file.sync_data();
            synced.map_err(|error| files.failed(self.number, Operation::Sync, 0, error))?;
        }
        Ok(())
    }
}

impl<'f> Writer<'f> {
    pub(super) fn new(files: &'f Files, ledger: Ledger) -> Self {
        Self {
            files,
            ledger,
            new: None,
            kept: None,
            written: BTreeMap::new(),
            has_created: false,
            has_merged: false,
            changed_bytes: 0,
            dropped: Vec::new(),
        }
    }

    /// Writes a payload behind the others of its kind.
    pub(crate) fn append(
        &mut self,
        kind: Kind,
        message: MessageRef,
        payload: &Bytes,
    ) -> Result<Extent, Fault> {
        let len_bytes = u32::try_from(payload.len())
            .map_err(|_| Fault::Rows(format!("a payload of {} bytes is too long", payload.len())))?;
        let mut stream = match self.stream(kind).take() {
            Some(stream) if stream.end_bytes() < self.files.file_bytes => stream,
            full => {
                if let Some(mut full) = full {
                    full.write(self.files)?;
                }
                self.open_stream(kind)?
            }
        };
        let begin_bytes = stream.end_bytes();
        put_header(&mut stream.gathered, (stream.number, begin_bytes), message, len_bytes);
        let offset_bytes = stream.end_bytes();
        stream.gathered.extend_from_slice(payload);
        let end_bytes = stream.end_bytes();
        self.ledger.add(stream.number, end_bytes, end_bytes - begin_bytes)?;
        self.changed_bytes += end_bytes - begin_bytes;
        if stream.gathered.len() >= PIECE_BYTES {
            stream.write(self.files)?;
        }
        let file = stream.number;
        *self.stream(kind) = Some(stream);
        Ok(Extent { file, offset_bytes, len_bytes })
    }

    /// A payload is not needed any more.
    pub(crate) fn release(&mut self, message: MessageRef, extent: Extent) -> Result<(), Fault> {
        let bytes = record::whole_bytes(message, extent.len_bytes);
        self.ledger.remove(extent.file, bytes)?;
        self.changed_bytes += bytes;
        Ok(())
    }

    /// Bytes of records that came and went so far.
    pub(crate) const fn changed_bytes(&self) -> u64 {
        self.changed_bytes
    }

    /// Files that this transaction writes.
    pub(super) fn written(&self) -> BTreeSet<u64> {
        self.written.keys().copied().collect()
    }

    /// Makes all of it durable. Answers which rows of files change, `None` for a file that goes.
    pub(crate) fn finish(&mut self) -> Result<Vec<(u64, Option<FileRow>)>, Fault> {
        for mut stream in [self.new.take(), self.kept.take()].into_iter().flatten() {
            stream.write(self.files)?;
        }
        for (number, file) in &self.written {
            let synced = file.sync_data();
            synced.map_err(|error| self.files.failed(*number, Operation::Sync, 0, error))?;
        }
        if self.has_created {
            self.files.sync_dir()?;
        }
        self.dropped = self.ledger.drop_empty(&self.written());
        Ok(self.ledger.take_changed())
    }

    /// The engine has committed the rows.
    pub(crate) fn committed(self) {
        self.files.commit(self.ledger, &self.dropped);
    }

    fn stream(&mut self, kind: Kind) -> &mut Option<Stream> {
        match kind {
            Kind::New => &mut self.new,
            Kind::Kept => &mut self.kept,
        }
    }

    fn open_stream(&mut self, kind: Kind) -> Result<Stream, FileFault> {
        let current = self.ledger.current(kind, self.files.file_bytes);
        let current = current.and_then(|number| self.ledger.get(number).map(|row| (number, row)));
        let stream = if let Some((number, row)) = current {
            let file = self.files.open(number, row.end_bytes)?;
            let at_bytes = row.end_bytes.next_multiple_of(SECTOR_BYTES);
            Stream { number, file, at_bytes, gathered: Vec::new(), unsynced_bytes: 0 }
        } else {
            let (number, file) = self.files.create()?;
            self.has_created = true;
            self.ledger.put(number, FileRow::new(kind));
            Stream { number, file, at_bytes: 0, gathered: record::head(number), unsynced_bytes: 0 }
        };
        self.written.insert(stream.number, Arc::clone(&stream.file));
        Ok(stream)
    }
}
