//! Delivery into a SQLite file. Its transactions take the write lock at their start, so several sinks may share a
//! file; readers are never blocked, because the journal is a write-ahead log; a commit is on disk when it returns.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params_from_iter};

use super::{Layout, Target, TargetError, Written, sqlite_failure, sqlite_schema};
use crate::delivery::Piece;

/// How long a transaction waits for another connection's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection to a SQLite file.
pub(crate) struct SqliteTarget {
    path: PathBuf,
    layout: Arc<Layout>,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    connection: Connection,
    file: FileId,
}

/// Which file a path leads to, as device and inode.
type FileId = (u64, u64);

impl SqliteTarget {
    pub(crate) fn new(path: PathBuf, layout: Arc<Layout>) -> Self {
        Self { path, layout, open: Arc::default() }
    }
}

impl Target for SqliteTarget {
    async fn prepare(&mut self) -> Result<Vec<String>, TargetError> {
        let (path, layout, slot) = (self.path.clone(), Arc::clone(&self.layout), Arc::clone(&self.open));
        blocking(move || {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            *slot = None;
            let (open, created) = open(&path, &layout)?;
            *slot = Some(open);
            Ok(created)
        })
        .await
    }

    async fn write(&mut self, source: &str, piece: &Piece) -> Result<Written, TargetError> {
        let (path, layout, slot) = (self.path.clone(), Arc::clone(&self.layout), Arc::clone(&self.open));
        let (source, piece) = (source.to_owned(), piece.clone());
        blocking(move || {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(open) = slot.as_mut() else {
                return Err(TargetError::outage("the file is not open".to_owned()));
            };
            // SQLite goes on writing into a file that was deleted or replaced, and what it wrote would be gone.
            if file_id(&path).ok() != Some(open.file) {
                return Err(TargetError::outage("the file was deleted or replaced".to_owned()));
            }
            write(&mut open.connection, &layout, &source, &piece)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TargetError> + Send + 'static,
) -> Result<T, TargetError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(TargetError::outage("the program is ending".to_owned())),
        },
    }
}

fn file_id(path: &Path) -> std::io::Result<FileId> {
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

fn open(path: &Path, layout: &Layout) -> Result<(Open, Vec<String>), TargetError> {
    if !layout.create && !path.exists() {
        let text = format!(
            "there is no such file, and the sink may not create it. {}",
            sqlite_schema::advice(layout)
        );
        return Err(TargetError::configuration(text));
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if layout.create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let mut connection =
        Connection::open_with_flags(path, flags).map_err(|_| TargetError::configuration(unopened(path)))?;
    if connection.is_readonly("main").map_err(sqlite_failure)? {
        return Err(TargetError::configuration("this user may not write the file".to_owned()));
    }
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite_failure)?;
    // Where a write-ahead log is not possible SQLite keeps its rollback journal, which EXTRA makes as durable.
    let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = EXTRA;";
    connection.execute_batch(pragmas).map_err(sqlite_failure)?;
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite_failure)?;
    let created = sqlite_schema::prepare(&transaction, layout)?;
    transaction.commit().map_err(sqlite_failure)?;
    let file = file_id(path).map_err(|error| TargetError::configuration(error.to_string()))?;
    Ok((Open { connection, file }, created))
}

/// Why a file could not be opened. SQLite's own text repeats its path and gives no reason.
fn unopened(path: &Path) -> String {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    match directory {
        Some(directory) if !directory.is_dir() => {
            format!("there is no directory {}; create it, or name another file", directory.display())
        }
        _ if path.is_dir() => "it is a directory, and a file is needed".to_owned(),
        _ => "the file can't be opened; this user must be allowed to read and write it and its directory"
            .to_owned(),
    }
}

fn write(
    connection: &mut Connection,
    layout: &Layout,
    source: &str,
    piece: &Piece,
) -> Result<Written, TargetError> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite_failure)?;
    let mut written = Written::default();
    {
        let mut remember = transaction.prepare_cached(&insert_ledger(layout)).map_err(sqlite_failure)?;
        let mut insert = transaction.prepare_cached(&insert_row(layout)).map_err(sqlite_failure)?;
        for delivery in piece.iter() {
            if remember.execute([source, &delivery.ledger_key]).map_err(sqlite_failure)? == 0 {
                written.already_landed += 1;
                continue;
            }
            insert.execute(params_from_iter(&delivery.row.0)).map_err(sqlite_failure)?;
            written.landed += 1;
        }
    }
    transaction.commit().map_err(sqlite_failure)?;
    Ok(written)
}

fn insert_ledger(layout: &Layout) -> String {
    format!(
        "INSERT INTO {} (queue, message_key, landed_at) VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) \
         ON CONFLICT DO NOTHING",
        layout.ledger_table.quoted('"')
    )
}

fn insert_row(layout: &Layout) -> String {
    let columns: Vec<_> = layout.columns.iter().map(|column| column.quoted('"')).collect();
    let values = vec!["?"; columns.len()];
    format!(
        "INSERT INTO {} ({}) VALUES ({})",
        layout.table.quoted('"'),
        columns.join(", "),
        values.join(", ")
    )
}
