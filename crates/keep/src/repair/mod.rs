//! Saves what can be read of a damaged data directory into a new one.
//!
//! Rows come from the store, each that matches its checksum; then the batches of the log that the store does not reflect
//! are applied on top, in order. Where batches are missing, those behind them are applied as far as they speak of what is
//! there: see [`lenient`] for the rule.
//!
//! What always holds: the damaged directory is not changed; whatever is not in the new directory and can be named is told
//! as a [`Loss`]; whole messages that have no queue to lie in are put into a file beside the data.
//!
//! It refuses to invent: no queue without its row, no message without its bytes.

mod lenient;
mod rows;
mod unplaced;

use std::fmt;
use std::path::Path;

use millpond_core::format::batch::Batch;
use millpond_log::{LogId, Position, SalvagedLog};
use millpond_store::{RedbConfig, RedbStore};

use crate::directory::{Directory, DirectoryError};
use crate::finding::QueueNames;
use crate::progress::Progress;
use crate::rebuild::{Rebuild, RebuildError};
use lenient::{Lenient, Unknown};
use rows::Saving;
pub use unplaced::UNPLACED_FILE;
use unplaced::Unplaced;

/// Something that could not be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What kind of thing: `message`, `queue`, `document`, `batches`, `row`, `log`, `store`.
    pub kind: &'static str,
    /// Which one.
    pub which: String,
    /// Why, and what that means.
    pub why: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.which, self.why)
    }
}

/// What came of a repair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Queues that came from rows; more may have come from the log.
    pub queues: u64,
    /// Messages that came from rows.
    pub messages: u64,
    /// Documents that came from rows.
    pub documents: u64,
    /// Remembered sends that came from rows.
    pub deduplications: u64,
    /// Batches that were applied on top.
    pub batches: u64,
    /// Messages that were sent in them.
    pub sent: u64,
    /// Whole messages without a queue, which are in [`UNPLACED_FILE`].
    pub unplaced: u64,
    /// What could not be saved.
    pub lost: u64,
}

/// Why there is no new directory.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The damaged one can't be looked at.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The new one can't be made.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    /// The new one would lie in the damaged one.
    #[error("{0} lies in the damaged directory, which is not to be changed: name another place")]
    Within(String),
}

/// Who is told of a repair as it goes.
pub struct Watch<'a> {
    /// Of each loss.
    pub lost: &'a mut dyn FnMut(&Loss),
    /// Of how far it is.
    pub progress: &'a mut dyn Progress,
}

/// What is known so far.
struct Work<'a> {
    watch: Watch<'a>,
    saved: Saved,
    names: QueueNames,
    unplaced: Unplaced,
}

impl Work<'_> {
    fn lose(&mut self, kind: &'static str, which: impl Into<String>, why: impl Into<String>) {
        self.saved.lost += 1;
        (self.watch.lost)(&Loss { kind, which: which.into(), why: why.into() });
    }
}

/// Makes a new directory at `place`, out of what can be read of `damaged`. `log_id` is random.
///
/// # Errors
/// [`RepairError`]; there is nothing at `place` then. That something could not be saved is no error.
pub fn repair(damaged: &Path, place: &Path, log_id: LogId, watch: Watch<'_>) -> Result<Saved, RepairError> {
    let directory = Directory::open(damaged)?;
    if std::path::absolute(place).is_ok_and(|place| place.starts_with(directory.location())) {
        return Err(RepairError::Within(place.display().to_string()));
    }
    let mut rebuild = Rebuild::begin(place)?;
    let unplaced = Unplaced::in_directory(rebuild.directory());
    let mut work = Work { watch, saved: Saved::default(), names: QueueNames::default(), unplaced };
    let reflected = save_rows(&directory, &mut rebuild, &mut work)?;
    save_batches(&directory, reflected, &mut rebuild, &mut work)?;
    work.saved.unplaced = work
        .unplaced
        .finish()
        .map_err(|error| RebuildError::Io { path: place.display().to_string(), error })?;
    rebuild.finish(log_id)?;
    Ok(work.saved)
}

/// Takes all whole rows along. Answers what they reflect of the log, where that is known.
fn save_rows(
    directory: &Directory,
    rebuild: &mut Rebuild,
    work: &mut Work<'_>,
) -> Result<Option<Position>, RepairError> {
    if !directory.has_store() {
        // A log that is whole from its first batch on needs none.
        return Ok(Some(Position::NONE));
    }
    let snapshot = match RedbStore::open_damaged(directory.disk(), RedbConfig::default()) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            work.lose("store", RedbStore::FILE, format!("nothing of it can be read: {error}"));
            return Ok(Some(Position::NONE));
        }
    };
    let reflected = snapshot.reflected();
    if reflected.is_none() {
        let why = "it is not known which batches of the log its rows reflect; all were applied that fit, so receives may count twice";
        work.lose("row", "the checkpoint row of the store", why);
    }
    let mut saving = Saving::new(rebuild, work);
    let examined = snapshot.examine(&mut saving);
    saving.finish()?;
    if let Err(error) = examined {
        work.lose("store", RedbStore::FILE, error.to_string());
    }
    // An engine that is closed writes, and may give up over damage.
    std::mem::forget(snapshot);
    Ok(reflected)
}

/// Batches are applied together up to this size.
const GROUP_BYTES: usize = 8 << 20;

/// Applies the batches that the rows do not reflect.
fn save_batches(
    directory: &Directory,
    reflected: Option<Position>,
    rebuild: &mut Rebuild,
    work: &mut Work<'_>,
) -> Result<(), RepairError> {
    let salvaged = match SalvagedLog::read(&*directory.disk()) {
        Ok(salvaged) => salvaged,
        Err(error) => {
            work.lose("log", "the log", format!("it can't be read: {error}"));
            return Ok(());
        }
    };
    let mut next = begin_of_batches(directory, reflected, &salvaged, work);
    let wanted: Vec<Position> = salvaged.positions().filter(|position| *position >= next).collect();
    let total = wanted.len() as u64;
    let mut unknown = Unknown::default();
    let mut group: Vec<(Position, Batch)> = Vec::new();
    let mut group_bytes = 0;
    for (done, position) in (0..).zip(wanted) {
        work.watch.progress.at("batches applied", done, Some(total));
        if position > next {
            if position > salvaged.durable {
                // It was never acknowledged, and neither was what is missing before it.
                break;
            }
            lost_batches(work, next, position.previous());
        }
        next = position.next();
        let batch = salvaged.payload(position).map_err(|error| error.to_string()).and_then(|payload| {
            group_bytes += payload.len();
            if payload.is_empty() {
                Ok(None)
            } else {
                Batch::decode(payload).map(Some).map_err(|error| error.to_string())
            }
        });
        match batch {
            Ok(None) => {}
            Ok(Some(batch)) => group.push((position, batch)),
            Err(error) => {
                work.lose("batches", format!("batch {position}"), format!("it can't be understood: {error}"))
            }
        }
        if group_bytes > GROUP_BYTES {
            apply(rebuild, work, &mut unknown, &std::mem::take(&mut group))?;
            group_bytes = 0;
        }
    }
    apply(rebuild, work, &mut unknown, &group)?;
    if salvaged.durable >= next {
        lost_batches(work, next, salvaged.durable);
    }
    for (message, why) in unknown.lost() {
        let which = work.names.message(message, None);
        work.lose("message", which, why);
    }
    Ok(())
}

/// The first batch that the rows do not reflect, as far as that is known. Tells what is missing before it.
fn begin_of_batches(
    directory: &Directory,
    reflected: Option<Position>,
    salvaged: &SalvagedLog,
    work: &mut Work<'_>,
) -> Position {
    let first = salvaged.positions().next();
    let next = reflected.map_or(first.unwrap_or(Position::FIRST), Position::next);
    if !directory.has_store() && first.is_some_and(|first| first > Position::FIRST) {
        let why = "it is missing, and with it everything that the log was trimmed of";
        work.lose("store", RedbStore::FILE, why);
    }
    if first.is_none() {
        let why = "no batch of it can be read; what the store did not reflect yet is lost";
        work.lose("log", format!("the log from batch {next} on"), why);
    }
    next
}

fn lost_batches(work: &mut Work<'_>, first: Position, last: Position) {
    let which = if first == last { format!("batch {first}") } else { format!("batches {first} to {last}") };
    work.lose(
        "batches",
        which,
        "they are damaged or missing. What was sent in them is lost, as far as it is not named here; what was deleted, purged \
         or received in them is as it was before them, so such messages may be delivered again",
    );
}

fn apply(
    rebuild: &mut Rebuild,
    work: &mut Work<'_>,
    unknown: &mut Unknown,
    group: &[(Position, Batch)],
) -> Result<(), RepairError> {
    if group.is_empty() {
        return Ok(());
    }
    let done = rebuild.on_top(|overlay| {
        let mut lenient = Lenient::over(overlay, unknown);
        for (_, batch) in group {
            lenient.fold(batch)?;
        }
        Ok(lenient.into_done())
    })?;
    work.saved.batches += group.len() as u64;
    work.saved.sent += done.sent;
    for record in &done.created {
        work.names.learn(record);
    }
    for (message, payload) in done.without_queue {
        work.unplaced.put(message, &payload, "its queue is not known any more");
        let which = work.names.message(message, Some(&payload));
        work.lose("message", which, format!("its queue is not known any more; it is in {UNPLACED_FILE}"));
    }
    for why in done.skipped {
        work.lose("change", "a change of the log", why);
    }
    Ok(())
}
