//! From what the engine reports to what the caller must do.
//!
//! The engine reports damage in three ways: as an error, as a failed read beyond the end of the file, and, in places,
//! as a panic. All three end here as [`StoreError::Damaged`]. What can't be caught: where damage has hit the engine's
//! own lists of free pages, it may panic again while it unwinds, and then the process aborts.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use millpond_core::evolve::Inconsistent;
use millpond_core::format::Malformed;

use crate::error::StoreError;
use crate::payload_files::FileFault;
use crate::payload_files::ledger::Miscounted;
use crate::redb_disk::{Failure, Failures, Operation};

#[cfg(test)]
mod tests;

/// What went wrong inside of one operation.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The engine says so.
    Engine(redb::Error),
    /// A payload file could not be read or written.
    File(FileFault),
    /// A row of a table does not decode.
    Row(&'static str, Malformed),
    /// Rows do not fit each other.
    Rows(String),
    /// A later version has written the store.
    Newer(u64),
    /// The caller's changes do not fit.
    Inconsistent(Inconsistent),
    /// The engine panicked.
    Panic(String),
}

/// For who goes on behind it: what is wrong, without the file.
impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Engine(error) => write!(f, "{error}"),
            Self::File(fault) => write!(f, "{fault}"),
            Self::Row(_, malformed) => write!(f, "{malformed}"),
            Self::Rows(what) => f.write_str(what),
            Self::Newer(found) => write!(f, "it has the later format {found}"),
            Self::Inconsistent(inconsistent) => write!(f, "{inconsistent}"),
            Self::Panic(message) => write!(f, "the storage engine gave up: {message}"),
        }
    }
}

impl Fault {
    /// Whether the engine refused only because another thread's call has failed before.
    pub(crate) fn is_aftermath(&self) -> bool {
        matches!(self, Self::Engine(redb::Error::PreviousIo | redb::Error::DatabaseClosed))
    }

    /// What the caller is told. A failure of the file explains whatever the engine made of it.
    pub(crate) fn into_error(self, file: &str, failures: &Failures) -> StoreError {
        let file = file.to_owned();
        let what = match self {
            Self::Inconsistent(inconsistent) => return inconsistent.into(),
            Self::File(fault) => return fault.into_error(),
            Self::Newer(found) => return StoreError::Newer { file, found, known: super::rows::FORMAT },
            Self::Row(table, malformed) => format!("a row of table {table} does not read: {malformed}"),
            Self::Rows(what) => what,
            Self::Engine(redb::Error::Io(error)) => {
                let failure = failures.last().unwrap_or(Failure { operation: Operation::Read, error });
                return failed(file, failure);
            }
            Self::Engine(error @ (redb::Error::PreviousIo | redb::Error::DatabaseClosed)) => {
                let unknown =
                    || Failure { operation: Operation::Read, error: io::Error::other(error.to_string()) };
                return failed(file, failures.last().unwrap_or_else(unknown));
            }
            Self::Engine(error) => error.to_string(),
            Self::Panic(message) => match failures.last() {
                Some(failure) => return failed(file, failure),
                None => format!("the storage engine gave up: {message}"),
            },
        };
        StoreError::Damaged { file, what }
    }
}

fn failed(file: String, failure: Failure) -> StoreError {
    use io::ErrorKind::{FileTooLarge, InvalidData, QuotaExceeded, StorageFull, UnexpectedEof};
    let Failure { operation, error } = failure;
    match (operation, error.kind()) {
        // A sync that found no space has lost writes: that is no refusal, and not to be tried again.
        (Operation::Write | Operation::SetLen, StorageFull | QuotaExceeded | FileTooLarge) => {
            StoreError::Full { file }
        }
        (Operation::Read, UnexpectedEof) => {
            StoreError::Damaged { file, what: "it is shorter than its content".to_owned() }
        }
        (Operation::Read, InvalidData) => StoreError::Damaged { file, what: error.to_string() },
        (operation, _) => StoreError::Io { operation: operation.as_str(), file, error },
    }
}

/// Runs one operation and turns a panic of the engine into a fault.
pub(crate) fn guarded<T>(operation: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    // What the operation touches is either dropped after a panic or guarded by the engine's own poisoning.
    catch_unwind(AssertUnwindSafe(operation)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without a message");
        Err(Fault::Panic(message.to_owned()))
    })
}

impl From<FileFault> for Fault {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}

impl From<Miscounted> for Fault {
    fn from(Miscounted { file }: Miscounted) -> Self {
        Self::Rows(format!("payload file {file} does not hold what rows of table extents say"))
    }
}

impl From<redb::StorageError> for Fault {
    fn from(error: redb::StorageError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<redb::TableError> for Fault {
    fn from(error: redb::TableError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<redb::TransactionError> for Fault {
    fn from(error: redb::TransactionError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<redb::CommitError> for Fault {
    fn from(error: redb::CommitError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<redb::DatabaseError> for Fault {
    fn from(error: redb::DatabaseError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<redb::CursorError> for Fault {
    fn from(error: redb::CursorError) -> Self {
        Self::Engine(error.into())
    }
}
