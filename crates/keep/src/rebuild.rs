//! Makes a data directory anew, from rows and batches.
//!
//! What always holds: it is built beside the place where it is to be, under a name that says it is unfinished, and gets
//! its name when it is whole and synced; memory is bounded. Its log begins at the first position again.
//!
//! It refuses a place that is not empty.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use millpond_engine::checkpoint::{CheckpointError, Overlay};
use millpond_log::{Disk, LogConfig, LogId, OpenError, Position, RealDisk, SegmentLog};
use millpond_store::{Changes, MessageChange, RedbConfig, RedbStore, Store, StoreError};

use crate::backup::format::Row;

/// Rows and batches go into the store in pieces of about this size.
const PIECE_BYTES: usize = 8 << 20;
/// A row takes about this besides what it holds.
const ROW_BYTES: usize = 256;
/// Space that is given back in one step.
const RECLAIM_ROWS: usize = 50_000;

/// Why a directory could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is something in its place.
    #[error("{path} is not empty: name a directory that is not there yet, or an empty one")]
    NotEmpty {
        /// The place.
        path: String,
    },
    /// An attempt that was interrupted left its work behind.
    #[error("{path} is there, from an attempt that did not end: remove it, then try again")]
    Unfinished {
        /// The place.
        path: String,
    },
    /// The system did not do what was asked.
    #[error("{path} could not be made: {error}")]
    Io {
        /// The place.
        path: String,
        /// What it answered.
        error: io::Error,
    },
    /// The store could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log could not be made.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// A batch does not fit what is before it.
    #[error(transparent)]
    Batch(#[from] CheckpointError),
}

/// A directory under construction.
pub(crate) struct Rebuild {
    place: PathBuf,
    unfinished: PathBuf,
    disk: Arc<RealDisk>,
    /// Dropped before the directory gets its name.
    store: Option<RedbStore>,
    changes: Changes,
    changed_bytes: usize,
    batches: Vec<(Position, Bytes)>,
    batches_bytes: usize,
}

impl Rebuild {
    /// Begins a directory that is to be at `place`, which must be empty or not there.
    pub(crate) fn begin(place: &Path) -> Result<Self, RebuildError> {
        let failed = |error| RebuildError::Io { path: place.display().to_string(), error };
        match fs::read_dir(place) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(RebuildError::NotEmpty { path: place.display().to_string() });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(RebuildError::NotEmpty { path: place.display().to_string() });
            }
            Err(error) => return Err(failed(error)),
        }
        let mut name = std::path::absolute(place).map_err(failed)?.into_os_string();
        name.push(".unfinished");
        let unfinished = PathBuf::from(name);
        if let Some(parent) = unfinished.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        }
        match DirBuilder::new().mode(0o700).create(&unfinished) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(RebuildError::Unfinished { path: unfinished.display().to_string() });
            }
            Err(error) => return Err(failed(error)),
        }
        let disk = Arc::new(RealDisk::open(&unfinished).map_err(failed)?);
        let store = RedbStore::open(disk.clone(), RedbConfig::default())?;
        Ok(Self {
            place: std::path::absolute(place).map_err(failed)?,
            unfinished,
            disk,
            store: Some(store),
            changes: Changes::default(),
            changed_bytes: 0,
            batches: Vec::new(),
            batches_bytes: 0,
        })
    }

    /// Where it is built.
    pub(crate) fn directory(&self) -> &Path {
        &self.unfinished
    }

    /// Takes a row. All rows come before all batches.
    pub(crate) fn row(&mut self, row: Row) -> Result<(), RebuildError> {
        self.changed_bytes += ROW_BYTES;
        let changes = &mut self.changes;
        match row {
            Row::Instance(instance) => changes.instance = Some(instance),
            Row::Queue(record) => drop(changes.queues.insert(record.id, Some(record))),
            Row::Document(key, document) => {
                self.changed_bytes += document.value.len();
                changes.documents.insert(key, Some(document));
            }
            Row::Deduplication(message, row) => drop(changes.deduplications.insert(message, row)),
            Row::Message(message, entry, payload) => {
                self.changed_bytes += payload.len();
                changes.messages.insert(message, MessageChange::Put { entry, payload });
            }
        }
        if self.changed_bytes > PIECE_BYTES { self.flush_rows() } else { Ok(()) }
    }

    /// Takes a batch, to be applied on top of the rows and of the batches before it.
    pub(crate) fn batch(&mut self, position: Position, payload: Bytes) -> Result<(), RebuildError> {
        self.flush_rows()?;
        self.batches_bytes += payload.len() + ROW_BYTES;
        self.batches.push((position, payload));
        if self.batches_bytes > PIECE_BYTES { self.flush_batches() } else { Ok(()) }
    }

    /// Applies something on top of all rows and batches so far.
    pub(crate) fn on_top<T>(
        &mut self,
        work: impl FnOnce(&mut Overlay<'_>) -> Result<T, CheckpointError>,
    ) -> Result<T, RebuildError> {
        self.flush_rows()?;
        let Some(store) = &mut self.store else { unreachable!("the store is there until the end") };
        let rows = store.reader();
        let mut overlay = Overlay::over(&*rows)?;
        let done = work(&mut overlay)?;
        store.apply(overlay.into_changes(), Position::NONE)?;
        Ok(done)
    }

    fn flush_rows(&mut self) -> Result<(), RebuildError> {
        self.changed_bytes = 0;
        let changes = std::mem::take(&mut self.changes);
        if let (false, Some(store)) = (changes.is_empty(), &mut self.store) {
            store.apply(changes, Position::NONE)?;
        }
        Ok(())
    }

    fn flush_batches(&mut self) -> Result<(), RebuildError> {
        self.batches_bytes = 0;
        let batches = std::mem::take(&mut self.batches);
        self.on_top(|overlay| {
            let mut batches = batches.into_iter().filter(|(_, payload)| !payload.is_empty());
            batches.try_for_each(|(position, payload)| overlay.fold(position, payload))
        })
    }

    /// Makes it whole, and gives it its name. `log_id` is random.
    pub(crate) fn finish(mut self, log_id: LogId) -> Result<(), RebuildError> {
        self.flush_rows()?;
        self.flush_batches()?;
        if let Some(mut store) = self.store.take() {
            while store.reclaim(RECLAIM_ROWS)? {}
        }
        drop(SegmentLog::open_inline(self.disk.clone(), LogConfig::default(), log_id)?);
        let failed = |error| RebuildError::Io { path: self.place.display().to_string(), error };
        self.disk.sync_dir().map_err(failed)?;
        fs::rename(&self.unfinished, &self.place).map_err(failed)?;
        let parent = self.place.parent().map(File::open).transpose().map_err(failed)?;
        parent.map_or(Ok(()), |parent| parent.sync_all()).map_err(failed)
    }
}

impl Drop for Rebuild {
    fn drop(&mut self) {
        self.store = None;
        // Named already, or of no use to anyone.
        let _ = fs::remove_dir_all(&self.unfinished);
    }
}
