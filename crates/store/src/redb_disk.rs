//! The storage engine on our own disk seam: its file is a [`DiskFile`], so every read, write and sync of the store can
//! be observed, failed or cut off like those of the log.
//!
//! What always holds: calls are passed on one to one, with a sync of our own when much was written since the last; the last
//! failure is kept, with the operation that met it, because the engine often reports only that something has failed before.
//! The last is the one that counts: the engine passes over a failed write that was early (the page stays dirty and is written
//! again) and stops at every other. A sync that has failed fails from then on. It refuses to lock (the data directory has a
//! lock already), to retry and to interpret pages.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use millpond_log::DiskFile;
use redb::StorageBackend;

/// A call that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What was tried, as it reads in a message: `writing`.
    pub(crate) operation: Operation,
    /// What the system answered.
    pub(crate) error: io::Error,
}

/// What the engine asks of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Asking for the length.
    Len,
    /// Reading.
    Read,
    /// Growing or cutting the file.
    SetLen,
    /// Writing.
    Write,
    /// Making writes durable.
    Sync,
    /// Opening a file of payloads.
    Open,
    /// Making a file of payloads.
    Create,
    /// Making the names of files of payloads durable.
    SyncDir,
}

impl Operation {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Len => "asking for the length",
            Self::Read => "reading",
            Self::SetLen => "resizing",
            Self::Write => "writing",
            Self::Sync => "syncing",
            Self::Open => "opening",
            Self::Create => "creating",
            Self::SyncDir => "syncing the directory",
        }
    }
}

/// The last failure of an open file, shared between the engine's side and ours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures(Arc<Mutex<Option<Failure>>>);

impl Failures {
    /// The last failure, if there was one.
    pub(crate) fn last(&self) -> Option<Failure> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let copy =
            |failure: &Failure| Failure { operation: failure.operation, error: copy_of(&failure.error) };
        last.as_ref().map(copy)
    }

    fn note<T>(&self, operation: Operation, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            let failure = Failure { operation, error: copy_of(error) };
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        })
    }
}

fn copy_of(error: &io::Error) -> io::Error {
    let described = || io::Error::new(error.kind(), error.to_string());
    error.raw_os_error().map_or_else(described, io::Error::from_raw_os_error)
}

/// The engine's file.
pub(crate) struct RedbFile {
    file: Arc<dyn DiskFile>,
    failures: Failures,
    unsynced_bytes: AtomicU64,
    /// What the first failed sync was answered.
    failed_sync: Mutex<Option<io::Error>>,
}

/// So many bytes are made durable at once: what the disk has yet to write, the syncs of the log wait for.
const SYNCED_AT_ONCE_BYTES: u64 = 4 << 20;

impl RedbFile {
    pub(crate) fn new(file: Arc<dyn DiskFile>, failures: Failures) -> Self {
        Self { file, failures, unsynced_bytes: AtomicU64::new(0), failed_sync: Mutex::new(None) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut failed = self.failed_sync.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &*failed {
            return Err(copy_of(error));
        }
        self.unsynced_bytes.store(0, Ordering::Relaxed);
        self.file.sync_data().inspect_err(|error| *failed = Some(copy_of(error)))
    }
}

impl fmt::Debug for RedbFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedbFile")
    }
}

impl StorageBackend for RedbFile {
    fn len(&self) -> io::Result<u64> {
        self.failures.note(Operation::Len, self.file.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.failures.note(Operation::Read, self.file.read_at(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.failures.note(Operation::SetLen, self.file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.failures.note(Operation::Sync, self.sync())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.failures.note(Operation::Write, self.file.write_at(offset, data))?;
        let written_bytes = data.len() as u64;
        let unsynced_bytes = self.unsynced_bytes.fetch_add(written_bytes, Ordering::Relaxed) + written_bytes;
        if unsynced_bytes < SYNCED_AT_ONCE_BYTES {
            return Ok(());
        }
        self.failures.note(Operation::Sync, self.sync())
    }
}
