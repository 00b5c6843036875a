//! Bugs that the tests of the tests plant: each is a wrapper around a part that is sound, so nothing of them is in
//! the product, and the oracle does not know which one is there.

use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use millpond_core::event::Event;
use millpond_core::format::batch::{Batch, BatchBuilder};
use millpond_log::{
    Bounds, ConfirmError, DirLock, Disk, DiskFile, LockError, Log, LogReader, Position, Progress, ReadError,
    Stats, SubmitError, TrimError, Usage,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// The log reports batches as durable before it has synced them.
    ReportedBeforeSync,
    /// A reply whose command led to no event does not wait.
    EventlessReplyNotHeld,
    /// A checkpoint reaches further than what is durable.
    CheckpointAheadOfDurable,
    /// The log is trimmed before the checkpoint is written.
    TrimmedBeforeCheckpoint,
    /// A lease is not written to the log.
    LeaseNotLogged,
    /// A delete is not written to the log.
    DeleteNotLogged,
    /// A visibility change is not written to the log.
    VisibilityChangeNotLogged,
    /// Recovery forgets the last batch.
    LastBatchNotReplayed,
    /// Names of files are not synced.
    DirectoryNotSynced,
    /// A failed sync is tried again.
    FailedSyncRetried,
    /// A purge is not written to the log.
    PurgeNotLogged,
}

/// Batches that were handed to the log, whether or not they are durable.
pub(crate) type Submitted = Arc<Mutex<Vec<(Position, Bytes)>>>;

/// A log with a bug.
pub(crate) struct PlantedLog {
    pub(crate) inner: Box<dyn Log>,
    pub(crate) bug: Bug,
    pub(crate) polls: u64,
    pub(crate) submitted: Submitted,
}

impl PlantedLog {
    fn forgets(&self, event: &Event) -> bool {
        match self.bug {
            Bug::LeaseNotLogged => matches!(event, Event::MessagesReceived { .. }),
            Bug::DeleteNotLogged => matches!(event, Event::MessagesDeleted { .. }),
            Bug::VisibilityChangeNotLogged => matches!(event, Event::VisibilityChanged { .. }),
            Bug::PurgeNotLogged => matches!(event, Event::QueuePurged { .. }),
            _ => false,
        }
    }

    fn altered(&self, payload: Bytes) -> Bytes {
        let Ok(batch) = Batch::decode(payload.clone()) else { return payload };
        let sends = batch.events.iter().any(|event| matches!(event, Event::MessageSent { .. }));
        // The places of payloads must stay as the engine knows them.
        if sends || !batch.events.iter().any(|event| self.forgets(event)) {
            return payload;
        }
        let mut builder = BatchBuilder::new(batch.at);
        for event in batch.events.iter().filter(|event| !self.forgets(event)) {
            builder.push(event);
        }
        builder.finish()
    }
}

impl Log for PlantedLog {
    fn bounds(&self) -> Bounds {
        self.inner.bounds()
    }

    fn payload_max_bytes(&self) -> usize {
        self.inner.payload_max_bytes()
    }

    fn submit(&mut self, expected: Position, payload: Bytes) -> Result<(), SubmitError> {
        let payload = self.altered(payload);
        self.inner.submit(expected, payload.clone())?;
        self.submitted.lock().unwrap().push((expected, payload));
        Ok(())
    }

    fn poll(&mut self) -> Progress {
        self.polls += 1;
        if self.bug == Bug::ReportedBeforeSync && !self.polls.is_multiple_of(4) {
            return Progress::Durable(self.inner.bounds().tail.previous());
        }
        self.inner.poll()
    }

    fn confirm(&mut self) -> Result<(), ConfirmError> {
        self.inner.confirm()
    }

    fn replay(
        &mut self,
        from: Position,
        visit: &mut dyn FnMut(Position, Bytes) -> ControlFlow<()>,
    ) -> Result<Position, ReadError> {
        let last = self.inner.bounds().tail.previous();
        let forgets = self.bug == Bug::LastBatchNotReplayed;
        self.inner.replay(from, &mut |position, payload| {
            if forgets && position == last { ControlFlow::Break(()) } else { visit(position, payload) }
        })
    }

    fn trim(&mut self, before: Position) -> Result<(), TrimError> {
        self.inner.trim(before)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.inner.reader()
    }
}

/// Reads what was submitted, durable or not.
pub(crate) struct EagerReader {
    pub(crate) inner: Arc<dyn LogReader>,
    pub(crate) submitted: Submitted,
}

impl LogReader for EagerReader {
    fn read(&self, position: Position) -> Result<Bytes, ReadError> {
        let submitted = self.submitted.lock().unwrap();
        let found = submitted.iter().find(|(at, _)| *at == position).map(|(_, payload)| payload.clone());
        found.map_or_else(|| self.inner.read(position), Ok)
    }

    fn read_range(&self, position: Position, range_bytes: Range<u32>) -> Result<Bytes, ReadError> {
        self.inner.read_range(position, range_bytes)
    }

    fn usage(&self) -> Usage {
        self.inner.usage()
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }
}

/// A disk with a bug in how it is used.
pub(crate) struct PlantedDisk {
    pub(crate) inner: Arc<dyn Disk>,
    pub(crate) bug: Bug,
}

struct RetryingFile(Arc<dyn DiskFile>);

impl Disk for PlantedDisk {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.inner.open(name).map(|file| self.planted(file))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.inner.create(name).map(|file| self.planted(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        if self.bug == Bug::DirectoryNotSynced { Ok(()) } else { self.inner.sync_dir() }
    }

    fn lock(&self) -> Result<DirLock, LockError> {
        self.inner.lock()
    }
}

impl PlantedDisk {
    fn planted(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        if self.bug == Bug::FailedSyncRetried { Arc::new(RetryingFile(file)) } else { file }
    }
}

impl DiskFile for RetryingFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.0.set_len(len_bytes)
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset_bytes, buffer)
    }

    fn write_at(&self, offset_bytes: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(offset_bytes, data)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data().or_else(|_| self.0.sync_data())
    }
}
