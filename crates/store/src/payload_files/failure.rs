//! A call on a payload file that failed, and what its caller must do about it.

use std::fmt;
use std::io;

use crate::error::StoreError;
use crate::redb_disk::Operation;

/// A call that failed.
#[derive(Debug)]
pub(crate) struct FileFault {
    /// The file, with its directory.
    pub(crate) file: String,
    /// What was tried.
    pub(crate) operation: Operation,
    /// The first byte that was to be read.
    pub(crate) offset_bytes: u64,
    /// What the system answered.
    pub(crate) error: io::Error,
}

impl FileFault {
    /// What is missing, if that is what is wrong.
    fn damage(&self) -> Option<String> {
        match (self.operation, self.error.kind()) {
            (Operation::Open, io::ErrorKind::NotFound) => {
                Some(format!("it is missing, and payloads lie in it from byte {} on", self.offset_bytes))
            }
            (Operation::Read, io::ErrorKind::UnexpectedEof) => {
                Some(format!("it ends too early, and payloads lie in it from byte {} on", self.offset_bytes))
            }
            _ => None,
        }
    }

    /// What the caller is told.
    pub(crate) fn into_error(self) -> StoreError {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        if let Some(what) = self.damage() {
            return StoreError::Damaged { file: self.file, what };
        }
        let Self { file, operation, offset_bytes: _, error } = self;
        match (operation, error.kind()) {
            // A sync that found no space has lost writes: that is no refusal, and not to be tried again.
            (
                Operation::Write | Operation::SetLen | Operation::Create,
                StorageFull | QuotaExceeded | FileTooLarge,
            ) => StoreError::Full { file },
            (operation, _) => StoreError::Io { operation: operation.as_str(), file, error },
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, operation, offset_bytes, error } = self;
        match self.damage() {
            Some(what) => write!(f, "{file}: {what}"),
            None => write!(f, "{} of {file} at byte {offset_bytes} failed: {error}", operation.as_str()),
        }
    }
}
