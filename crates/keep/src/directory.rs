//! A data directory that is only read.

use std::io;
use std::path::Path;
use std::sync::Arc;

use millpond_log::{DirLock, Disk, LockError, OverlayDisk};
use millpond_store::RedbStore;

/// A file that a directory with a log has.
const SUPERBLOCK: &str = "log.superblock";
/// How the names of segments begin.
const SEGMENT: &str = "segment-";

/// A data directory that no service uses, for as long as this lives. Nothing that is done with it reaches it.
#[derive(Debug)]
pub struct Directory {
    disk: Arc<OverlayDisk>,
    _lock: DirLock,
}

/// Why a directory can't be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It can't be read at all.
    #[error("the directory {path} can't be read: {error}")]
    Unreadable {
        /// The directory, as it was given.
        path: String,
        /// What the system answered.
        error: io::Error,
    },
    /// There is no data in it.
    #[error("there is no Millpond data in {path}: no log.superblock, no segment and no store.redb")]
    NoData {
        /// The directory, as it was given.
        path: String,
    },
    /// A service uses it.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl DirectoryError {
    /// Whether another directory should have been named, which no state of this one would change.
    #[must_use]
    pub fn is_wrong_directory(&self) -> bool {
        let Self::Unreadable { error, .. } = self else { return matches!(self, Self::NoData { .. }) };
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
    }
}

impl Directory {
    /// Takes a directory for this process, to be read.
    ///
    /// # Errors
    /// [`DirectoryError`] says what stands in the way.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        let unreadable = |error| DirectoryError::Unreadable { path: path.display().to_string(), error };
        let disk = OverlayDisk::open(path).map_err(unreadable)?;
        let lock = disk.lock()?;
        // Its files may have changed until it was ours.
        disk.look_again().map_err(unreadable)?;
        let directory = Self { disk: Arc::new(disk), _lock: lock };
        if directory.has_store() || directory.has_log() {
            Ok(directory)
        } else {
            Err(DirectoryError::NoData { path: path.display().to_string() })
        }
    }

    /// Its files, under whatever was written over them meanwhile.
    #[must_use]
    pub fn disk(&self) -> Arc<dyn Disk> {
        self.disk.clone()
    }

    /// Its place, for messages to people.
    #[must_use]
    pub fn location(&self) -> String {
        self.disk.location()
    }

    /// Whether it has the store's file.
    #[must_use]
    pub fn has_store(&self) -> bool {
        self.names().iter().any(|name| name == RedbStore::FILE)
    }

    /// Whether it has any file of a log.
    #[must_use]
    pub fn has_log(&self) -> bool {
        self.names().iter().any(|name| name == SUPERBLOCK || name.starts_with(SEGMENT))
    }

    /// The names of its files.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        // It keeps its names in memory, so this does not fail.
        self.disk.list().unwrap_or_default()
    }
}
