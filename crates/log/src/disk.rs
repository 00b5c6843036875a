//! One directory of files: the only way in which the log, and any store on the same seam, touches a disk.
//!
//! What always holds, for every implementation:
//!
//! - A write is visible to every reader at once, and durable after the next successful `sync_data` of its file.
//! - A created, renamed or removed name is durable after the next successful `sync_dir`.
//! - Before that, a power cut may keep or lose each of them, and each 512-byte sector of a write, on its own.
//! - After a failed `sync_data` nothing is known about what was written since the last one, and asking again
//!   tells nothing: the caller must give the file up.
//!
//! Names are plain file names in one directory, without separators. There are no subdirectories.

use std::any::Any;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// Bytes that a disk writes or loses as one.
pub const SECTOR_BYTES: u64 = 512;

/// A directory.
pub trait Disk: Send + Sync {
    /// Where this is, for messages to people.
    fn location(&self) -> String;

    /// The names of all files, sorted.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates an empty file. `AlreadyExists` if there is one of this name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames a file, replacing a file that has the new name. Open files stay open.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Open files can still be read and written.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creates, renames and removes durable.
    fn sync_dir(&self) -> io::Result<()>;

    /// Takes the directory for this process alone, until the lock is dropped.
    fn lock(&self) -> Result<DirLock, LockError>;
}

/// An open file. Reads and writes carry their offset, so that one handle serves all threads.
#[allow(clippy::len_without_is_empty)] // A file that is empty is of no special interest.
pub trait DiskFile: Send + Sync {
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Cuts the file, or extends it with zeros.
    fn set_len(&self, len_bytes: u64) -> io::Result<()>;

    /// Fills the buffer from `offset_bytes` on. `UnexpectedEof` if the file ends before.
    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `data`, extending the file if need be.
    fn write_at(&self, offset_bytes: u64, data: &[u8]) -> io::Result<()>;

    /// Writes all parts, one behind the other. May use the slices to keep count.
    fn write_vectored_at(&self, offset_bytes: u64, parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        let mut offset = offset_bytes;
        for part in parts {
            self.write_at(offset, part)?;
            offset += part.len() as u64;
        }
        Ok(())
    }

    /// Makes content and length durable.
    fn sync_data(&self) -> io::Result<()>;
}

/// Holds a directory for this process until it is dropped.
pub struct DirLock {
    _held: Box<dyn Any + Send + Sync>,
}

impl DirLock {
    /// A lock that lasts as long as `held`.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl std::fmt::Debug for DirLock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DirLock")
    }
}

/// Why a directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it, and says so in the lock file.
    #[error(
        "data directory {location} is held by process {process}: stop that process, or use another directory"
    )]
    Held {
        /// The directory.
        location: String,
        /// The process id of the holder, or `unknown`.
        process: String,
    },
    /// The lock file could not be opened, locked or written.
    #[error("data directory {location} cannot be locked: {error}")]
    Io {
        /// The directory.
        location: String,
        /// What the system answered.
        error: io::Error,
    },
}
