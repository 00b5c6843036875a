//! Takes a backup: the state at one durable position, as a stream of records.
//!
//! ```text
//!   log    ─ ─ ┬──────────────────────────┬──────────── ─ ─
//!              │ batches behind the rows  │ what comes meanwhile
//!              ▲                          ▲
//!      rows: snapshot of the store     through
//! ```
//!
//! Batches go first, so that the log may be trimmed soon. What always holds: a backup holds everything up to its
//! position and nothing behind it, or it has no end record. Memory is bounded by the largest batch.
//!
//! It refuses rows that are damaged; a message whose payload alone is damaged is taken along as it is.

pub(crate) mod format;

use std::io;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::Instance;
use millpond_core::message::{Entry, MessageRef};
use millpond_core::payload;
use millpond_core::queue::{Deduplication, QueueRecord};
use millpond_log::{Log, LogConfig, LogId, LogReader, Position, SegmentLog};
pub use millpond_store::Snapshot;
use millpond_store::{DamagedRow, Examiner, Flow, RedbConfig, RedbStore};

use crate::directory::Directory;
pub use format::{BackupError, Begin, Totals};
use format::{Records, Row};

/// Takes the bytes of a backup, piece by piece.
pub type Sink<'a> = &'a mut dyn FnMut(Bytes) -> io::Result<()>;

/// When and by whom a backup is made.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Now, in milliseconds since 1970.
    pub taken_at_millis: u64,
    /// The version of this program.
    pub program: String,
}

/// Why a backup did not become whole.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Whoever takes the bytes took no more.
    #[error("the backup could not be written: {0}")]
    Sink(#[from] io::Error),
    /// What was to be saved can't be read.
    #[error("{0}")]
    Source(String),
}

/// Writes a backup of a store and the log behind it. `between` is called once no batch is read any more.
///
/// # Errors
/// [`NotTaken`]; what can't be read is also told in the bytes.
pub fn write(
    origin: Origin,
    snapshot: &dyn Snapshot,
    log: &dyn LogReader,
    through: Position,
    between: impl FnOnce(),
    sink: Sink<'_>,
) -> Result<Totals, NotTaken> {
    let reflected = snapshot.reflected().ok_or_else(|| {
        NotTaken::Source("the store is damaged: what it reflects of the log does not read".to_owned())
    })?;
    let through = through.max(reflected);
    let Origin { taken_at_millis, program } = origin;
    let mut records = Records::begin(sink, &Begin { taken_at_millis, reflected, through, program })?;
    let mut totals = Totals::default();
    for position in (reflected.next().0..through.next().0).map(Position) {
        match log.read(position) {
            Ok(batch) => records.batch(position, &batch)?,
            Err(error) => return fail(records, format!("the log can't be read: {error}")),
        }
        totals.batches += 1;
    }
    between();
    let mut rows = Rows { records: &mut records, totals, failure: None, sink_failure: None };
    let examined = snapshot.examine(&mut rows);
    let Rows { totals, failure, sink_failure, .. } = rows;
    if let Some(error) = sink_failure {
        return Err(error.into());
    }
    match (examined, failure) {
        (Ok(()), None) => {
            records.end(totals)?;
            Ok(totals)
        }
        (Err(error), _) => fail(records, error.to_string()),
        (_, Some(reason)) => fail(records, reason),
    }
}

fn fail(records: Records<'_>, reason: String) -> Result<Totals, NotTaken> {
    records.failed(&reason)?;
    Err(NotTaken::Source(reason))
}

/// Writes a backup of a directory that no service uses.
///
/// # Errors
/// [`NotTaken`]: also when the directory is damaged, which a check tells in full.
pub fn write_directory(directory: &Directory, origin: Origin, sink: Sink<'_>) -> Result<Totals, NotTaken> {
    let failed = |error: &dyn std::fmt::Display| NotTaken::Source(error.to_string());
    let (log, report) = SegmentLog::open_inline(directory.disk(), LogConfig::default(), LogId([0; 16]))
        .map_err(|error| failed(&error))?;
    let bounds = report.bounds;
    if !directory.has_store() && bounds.first != Position::FIRST {
        return Err(NotTaken::Source("the store is missing".to_owned()));
    }
    if !directory.has_store() {
        // The log is whole from its first batch on; the store that is made here is nowhere but in memory.
        RedbStore::open(directory.disk(), RedbConfig::default()).map_err(|error| failed(&error))?;
    }
    let snapshot =
        RedbStore::open_damaged(directory.disk(), RedbConfig::default()).map_err(|error| failed(&error))?;
    let reflected = snapshot.reflected().unwrap_or(Position::NONE);
    if bounds.first > reflected.next() || bounds.tail <= reflected {
        return Err(NotTaken::Source(format!(
            "the store reflects the log up to {reflected}, but the log holds {} to {}: files are missing",
            bounds.first,
            bounds.tail.previous()
        )));
    }
    let taken = write(origin, &*snapshot, &*log.reader(), bounds.tail.previous(), || {}, sink);
    // An engine that is closed writes, and may give up over damage.
    std::mem::forget(snapshot);
    taken
}

/// Writes rows as they are shown.
struct Rows<'r, 's> {
    records: &'r mut Records<'s>,
    totals: Totals,
    failure: Option<String>,
    sink_failure: Option<io::Error>,
}

impl Rows<'_, '_> {
    fn put(&mut self, row: &Row) -> Flow {
        match self.records.row(row) {
            Ok(()) => Flow::Continue(()),
            Err(error) => {
                self.sink_failure = Some(error);
                Flow::Break(())
            }
        }
    }
}

impl Examiner for Rows<'_, '_> {
    fn instance(&mut self, instance: Instance) -> Flow {
        self.put(&Row::Instance(instance))
    }

    fn queue(&mut self, record: QueueRecord) -> Flow {
        self.totals.queues += 1;
        self.put(&Row::Queue(record))
    }

    fn document(&mut self, key: DocumentKey, document: Document) -> Flow {
        self.totals.documents += 1;
        self.put(&Row::Document(key, document))
    }

    fn deduplication(&mut self, message: MessageRef, row: Deduplication) -> Flow {
        self.totals.deduplications += 1;
        self.put(&Row::Deduplication(message, row))
    }

    fn message(&mut self, message: MessageRef, entry: Entry, payload: Option<Bytes>) -> Flow {
        let payload = payload.unwrap_or_default();
        self.totals.messages += 1;
        self.totals.payload_bytes += payload.len() as u64;
        self.totals.damaged_payloads += u64::from(payload::verify(&payload).is_err());
        self.put(&Row::Message(message, entry, payload))
    }

    fn damaged(&mut self, row: DamagedRow) -> Flow {
        if row.is_lone_payload {
            return Flow::Continue(());
        }
        self.failure = Some(format!(
            "the store is damaged: table {}, {}: {}. Stop the service and look at it with millpond check DIR",
            row.table, row.row, row.what
        ));
        Flow::Break(())
    }
}
