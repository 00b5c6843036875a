//! The engine's open file and the payload files beside it, shared by the store and its readers, and how they are created.
//!
//! What always holds: a file of the store's name is whole, because it is built under another name, synced and then
//! renamed; a payload file that a row names is there and long enough when the store is opened; readers only ever wait for the short moment in which the file is opened again after a full disk.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use millpond_log::{Disk, DiskFile};
use redb::{Builder, Database, ReadTransaction, ReadableDatabase, ReadableTableMetadata, WriteTransaction};

use super::RedbConfig;
use super::apply::{Checkpoint, decode_checkpoint, put_checkpoint, put_store_row};
use super::examine::RedbSnapshot;
use super::fault::{Fault, guarded};
use super::migrate;
use super::payloads;
use super::reader::store_row;
use super::remembered;
use super::rows::{
    BACKLOGS, CHECKPOINT_ROW, DOCUMENTS, EXTENTS, FORMAT, FORMAT_1, FORMAT_ROW, Order, PAYLOAD_FILES, Place,
    QUEUES, REMOVED,
};
use crate::contract::{Snapshot, Visitor};
use crate::error::StoreError;
use crate::payload_files::{Files, Writer};
use crate::redb_disk::{Failures, RedbFile};

/// The store's file.
pub(crate) const FILE: &str = "store.redb";
/// The file while it is built.
const NEW_FILE: &str = "store.redb.new";

/// The engine, open.
pub(crate) struct Opened {
    disk: Arc<dyn Disk>,
    config: RedbConfig,
    engine: RwLock<Engine>,
    files: Arc<Files>,
    /// Held while changes are written, until a failure has been dealt with. Of one that is final it keeps what was tried.
    writing: Mutex<Option<&'static str>>,
    /// How often the file was opened: a snapshot is of one of these times.
    openings: AtomicU64,
}

struct Engine {
    /// Absent only after it could not be opened again.
    database: Option<Database>,
    failures: Failures,
}

impl Opened {
    /// Opens the store of a directory, creating it if there is none.
    pub(crate) fn open(disk: Arc<dyn Disk>, config: RedbConfig) -> Result<(Self, Checkpoint), StoreError> {
        let opened = Self::closed(disk, config);
        if !opened.exists()? {
            opened.create()?;
        }
        let checkpoint = opened.reopen()?;
        opened.files.tidy();
        Ok((opened, checkpoint))
    }

    fn closed(disk: Arc<dyn Disk>, config: RedbConfig) -> Self {
        let files = Arc::new(Files::new(Arc::clone(&disk), config.payload_file_bytes));
        Self {
            disk,
            config,
            files,
            engine: RwLock::new(Engine { database: None, failures: Failures::default() }),
            writing: Mutex::new(None),
            openings: AtomicU64::new(0),
        }
    }

    /// The file's place, for messages to people.
    pub(crate) fn file(&self) -> String {
        format!("{}/{FILE}", self.disk.location())
    }

    /// The lengths of all files.
    pub(crate) fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.disk.open(FILE)?.len()? + self.files.disk_bytes())
    }

    /// How long a payload file gets.
    pub(crate) const fn payload_file_bytes(&self) -> u64 {
        self.config.payload_file_bytes
    }

    /// The payload files.
    pub(crate) fn files(&self) -> &Arc<Files> {
        &self.files
    }

    /// Runs a read on a fresh snapshot.
    pub(crate) fn read<T>(
        &self,
        operation: impl Fn(&ReadTransaction) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        match self.try_read(&operation) {
            Err((fault, _)) if fault.is_aftermath() => {
                // The writer has met a full disk and is about to open the file again.
                drop(self.writing());
                self.try_read(&operation)
            }
            result => result,
        }
        .map_err(|(fault, failures)| fault.into_error(&self.file(), &failures))
    }

    /// Shows all rows to a visitor. A panic of the visitor goes on.
    pub(crate) fn load(&self, limit: u64, visitor: &mut dyn Visitor) -> Result<(), StoreError> {
        let engine = self.engine();
        let in_visitor = Cell::new(false);
        let result = guarded(|| {
            let transaction = engine.database()?.begin_read()?;
            super::load::load(&transaction, limit, visitor, &in_visitor)
        });
        if in_visitor.get()
            && let Err(Fault::Panic(message)) = result
        {
            std::panic::resume_unwind(Box::new(message));
        }
        result.map_err(|fault| fault.into_error(&self.file(), &engine.failures))
    }

    /// The latest committed state, for as long as it is looked at.
    pub(crate) fn snapshot(self: &Arc<Self>) -> Result<Box<dyn Snapshot>, StoreError> {
        let hold = self.files.hold();
        let engine = self.engine();
        let openings = self.openings();
        let begun = guarded(|| Ok(engine.database()?.begin_read()?));
        let transaction = begun.map_err(|fault| fault.into_error(&self.file(), &engine.failures))?;
        let reflected = guarded(|| checkpoint_row(&transaction)).ok().map(|checkpoint| checkpoint.reflected);
        Ok(Box::new(RedbSnapshot::new(Arc::clone(self), (transaction, hold), openings, reflected)))
    }

    /// How often the file was opened.
    pub(crate) fn openings(&self) -> u64 {
        self.openings.load(Ordering::Relaxed)
    }

    /// What the store said or failed at, as its caller is told.
    pub(crate) fn explain(&self, fault: Fault) -> StoreError {
        fault.into_error(&self.file(), &self.engine().failures)
    }

    /// Opens the engine on a store that may be damaged: only its format must be known.
    pub(crate) fn open_damaged(disk: Arc<dyn Disk>, config: RedbConfig) -> Result<Arc<Self>, StoreError> {
        let opened = Arc::new(Self::closed(disk, config));
        match opened.reopen() {
            Ok(_) => {}
            Err(StoreError::Damaged { .. }) if opened.engine().database.is_some() => {}
            Err(error) => return Err(error),
        }
        Ok(opened)
    }

    /// Runs a write in one transaction and makes it durable. After a full disk the file is open again, and holds what
    /// it held before.
    pub(crate) fn write<T>(
        &self,
        before: Checkpoint,
        operation: impl FnOnce(&WriteTransaction, &mut Writer<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut writing = self.writing();
        if let Some(operation) = *writing {
            let error = io::Error::other("it has failed before, which is final");
            return Err(StoreError::Io { operation, file: self.file(), error });
        }
        let engine = self.engine();
        let mut writer = self.files.writer();
        let result =
            guarded(|| write_to(engine.database()?, |transaction| operation(transaction, &mut writer)));
        let result = result.map_err(|fault| fault.into_error(&self.file(), &engine.failures));
        drop(engine);
        match result {
            Ok(_) => writer.committed(),
            Err(StoreError::Full { .. }) => {
                let files_before = self.files.ledger();
                let now = self.reopen()?;
                if now != before || self.files.ledger() != files_before {
                    // It was committed after all, but whether it is synced is unknown: nothing may be removed.
                    let error = io::Error::other("the disk was full when a commit was about to end");
                    return Err(StoreError::Io { operation: "committing", file: self.file(), error });
                }
                self.files.tidy();
            }
            Err(StoreError::Io { operation, .. }) => *writing = Some(operation),
            Err(_) => {}
        }
        result
    }

    fn try_read<T>(
        &self,
        operation: impl Fn(&ReadTransaction) -> Result<T, Fault>,
    ) -> Result<T, (Fault, Failures)> {
        let engine = self.engine();
        guarded(|| operation(&engine.database()?.begin_read()?))
            .map_err(|fault| (fault, engine.failures.clone()))
    }

    /// Opens the file, for the first time or after a failure, and reads what it reflects.
    fn reopen(&self) -> Result<Checkpoint, StoreError> {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        // The engine must have let go of the file before it is opened again.
        engine.database = None;
        self.openings.fetch_add(1, Ordering::Relaxed);
        engine.failures = Failures::default();
        let failures = engine.failures.clone();
        let file = self.disk.open(FILE).map_err(|error| self.failed("opening", error))?;
        let open = || {
            let database = self.builder().create_with_backend(RedbFile::new(file, failures.clone()))?;
            migrate::to_this_format(&database, &self.files, self.config.migrated_at_once)?;
            Ok(database)
        };
        let opened = guarded(open).map_err(|fault| fault.into_error(&self.file(), &failures));
        let database = engine.database.insert(opened?);
        guarded(|| self.read_checkpoint(database)).map_err(|fault| fault.into_error(&self.file(), &failures))
    }

    /// What the store reflects; its payload files must be there.
    fn read_checkpoint(&self, database: &Database) -> Result<Checkpoint, Fault> {
        let transaction = database.begin_read()?;
        let checkpoint = checkpoint_row(&transaction)?;
        self.files.learn(payloads::ledger(&transaction)?);
        self.files.verify()?;
        Ok(checkpoint)
    }

    fn exists(&self) -> Result<bool, StoreError> {
        let names = self.disk.list().map_err(|error| self.failed("looking for", error))?;
        Ok(names.iter().any(|name| name == FILE))
    }

    /// Builds an empty store under another name and gives it its name when it is whole and synced.
    fn create(&self) -> Result<(), StoreError> {
        self.create_unnamed().map_err(|error| self.failed("creating", error)).and_then(|file| {
            let failures = Failures::default();
            let build = || {
                let backend = RedbFile::new(file, failures.clone());
                write_to(&self.builder().create_with_backend(backend)?, create_tables)
            };
            guarded(build).map_err(|fault| fault.into_error(&self.file(), &failures))
        })?;
        self.disk.rename(NEW_FILE, FILE).map_err(|error| self.failed("naming", error))?;
        self.disk.sync_dir().map_err(|error| self.failed("syncing the directory", error))
    }

    /// A new file that is durably the one under its name: if a power cut could keep the later rename without this, an
    /// unfinished file that an earlier attempt left behind would become the store.
    fn create_unnamed(&self) -> io::Result<Arc<dyn DiskFile>> {
        match self.disk.remove(NEW_FILE) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = self.disk.create(NEW_FILE)?;
        self.disk.sync_dir()?;
        Ok(file)
    }

    fn builder(&self) -> Builder {
        let mut builder = Builder::new();
        builder.set_cache_size(self.config.cache_bytes);
        builder
    }

    fn failed(&self, operation: &'static str, error: io::Error) -> StoreError {
        StoreError::Io { operation, file: self.file(), error }
    }

    fn engine(&self) -> RwLockReadGuard<'_, Engine> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    fn database(&self) -> Result<&Database, Fault> {
        self.database.as_ref().ok_or(Fault::Engine(redb::Error::DatabaseClosed))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Closing tidies the file up. Nothing is owed to it: a file that was not closed opens as fast, so a fault here,
        // a panic over damage included, concerns nobody any more.
        let _ = guarded(|| {
            self.database.take();
            Ok(())
        });
    }
}

pub(crate) fn write_to<T>(
    database: &Database,
    operation: impl FnOnce(&WriteTransaction) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut transaction = database.begin_write()?;
    // With its bookkeeping in each commit, the engine opens at once after a crash, however large the file. It also
    // commits in two phases then: a torn commit can't be taken for a whole one.
    transaction.set_quick_repair(true);
    let done = operation(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

fn create_tables(transaction: &WriteTransaction) -> Result<(), Fault> {
    transaction.open_table(QUEUES)?;
    transaction.open_table(REMOVED)?;
    transaction.open_table(DOCUMENTS)?;
    remembered::create_tables(transaction)?;
    create_message_tables(transaction)?;
    put_checkpoint(transaction, Checkpoint::default())?;
    put_format(transaction)
}

/// Makes the tables that messages lie in, as far as they are not there.
pub(crate) fn create_message_tables(transaction: &WriteTransaction) -> Result<(), Fault> {
    for place in Place::ALL {
        transaction.open_table(place.entries())?;
    }
    for order in [Order::Turns, Order::Leases, Order::Ages] {
        transaction.open_table(order.table())?;
    }
    transaction.open_table(BACKLOGS)?;
    transaction.open_table(EXTENTS)?;
    transaction.open_table(PAYLOAD_FILES)?;
    Ok(())
}

/// Says that the store is of this format.
pub(crate) fn put_format(transaction: &WriteTransaction) -> Result<(), Fault> {
    put_store_row(transaction, FORMAT_ROW, FORMAT.to_le_bytes().to_vec())
}

/// The format of a store: this one, or one that can be brought to this one.
pub(crate) fn read_format(transaction: &ReadTransaction) -> Result<u64, Fault> {
    let format = store_row(transaction, FORMAT_ROW)?.ok_or_else(|| missing(FORMAT_ROW))?;
    let format = format[..].try_into().map(u64::from_le_bytes);
    match format.map_err(|_| Fault::Rows("its format row holds no number".to_owned()))? {
        0 => Err(Fault::Rows("its format row holds 0".to_owned())),
        known @ FORMAT_1..=FORMAT => Ok(known),
        later => Err(Fault::Newer(later)),
    }
}

fn checkpoint_row(transaction: &ReadTransaction) -> Result<Checkpoint, Fault> {
    let mut messages = 0;
    for place in Place::ALL {
        messages += transaction.open_table(place.entries())?.len()?;
    }
    decode_checkpoint(
        store_row(transaction, CHECKPOINT_ROW)?.ok_or_else(|| missing(CHECKPOINT_ROW))?,
        messages,
    )
}

fn missing(row: &str) -> Fault {
    Fault::Rows(format!("its {row} row is missing"))
}
