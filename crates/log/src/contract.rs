//! The contract of a log: what every implementation promises and what its owner must do.
//!
//! ```text
//!   trimmed        readable, durable             in flight        unwritten
//!  ─ ─ ─ ─ ┬──────────────────────────────┬─────────────────────┬─ ─ ─ ─ ─ ─
//!          │  7   8   9   10   11   12  13│  14   15   16   17  │ 18
//!          ▲                           ▲                         ▲
//!        first            Progress::Durable(13)                tail
//! ```
//!
//! A log is a sequence of *batches*. Each has a *position*: a dense number that starts at 1 and says nothing
//! about layout. A batch is opaque bytes and atomic: after a crash all of it is there, or none.
//!
//! What always holds:
//!
//! - **Order.** Batches become durable in the order of their positions. After a crash at any moment the log is
//!   a prefix of what was submitted, and the prefix contains every position that was ever reported durable.
//! - **Durable means durable.** Once `poll` has answered `Durable(p)`, no power cut takes `p` or anything
//!   before it away.
//! - **Unknown is not absent.** A batch that was submitted and not reported durable may or may not be there
//!   after the next open. When it is, it is a batch like any other.
//! - **One writer.** Each open raises the epoch. A batch of an older epoch is never accepted behind a batch, or
//!   behind an open, of a newer one.
//! - **Failure is final.** After `Progress::Failed` or `Progress::Fenced` nothing is accepted and nothing is
//!   reported any more. The owner drops the log and is born again from its checkpoint and a new open. A failed
//!   sync is never retried: the kernel may have dropped the pages that it could not write.
//!
//! What it refuses: to know what is in a batch, to reorder, to drop, to grow beyond its budget.
//!
//! **Header-only batches.** A batch with an empty payload is allowed, takes a position like any other and is
//! replayed with empty bytes. The owner submits one when it falls idle ([`Log::submit`] with `Bytes::new()`).
//! Each batch on disk says what was durable when it was written; the idle batch is the one that says it of the
//! last real batch, so that later damage there is recognised as damage and not taken for a torn write. The log
//! never appends by itself: positions stay the owner's to count.

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use bytes::Bytes;

use crate::stats::Stats;

/// The number of a batch: dense, the first is 1, free of layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Before the first batch.
    pub const NONE: Position = Position(0);
    /// The first batch that a log ever holds.
    pub const FIRST: Position = Position(1);

    /// The position behind this one.
    #[must_use]
    pub fn next(self) -> Position {
        Position(self.0 + 1)
    }

    /// The position before this one; `NONE` stays `NONE`.
    #[must_use]
    pub fn previous(self) -> Position {
        Position(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

/// Where a log begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Raised by each open; batches written from now on carry it.
    pub epoch: u64,
    /// The first position that can still be read. Equal to `tail` when the log is empty.
    pub first: Position,
    /// The first unwritten position: what the next `submit` must expect.
    pub tail: Position,
}

/// Why a batch was not taken. Each variant says what the owner must do; those that are not final hand the
/// payload back.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too much is in flight. Submit the same batch again after `poll` has reported progress (or after the
    /// waker has been called: a segment may just be under preparation).
    #[error("too many bytes are in flight to the log")]
    Full(Bytes),
    /// The log has no room. Trim it (budget) or free space on the disk, then submit again; nothing is damaged.
    #[error("the log has no room: {cause}")]
    OutOfSpace {
        /// The batch, handed back.
        payload: Bytes,
        /// What would make room.
        cause: SpaceCause,
    },
    /// The batch can never be taken. Split it.
    #[error("a batch of {} bytes is larger than the limit of {limit_bytes}", payload.len())]
    TooLarge {
        /// The batch, handed back.
        payload: Bytes,
        /// The largest payload that this log takes.
        limit_bytes: usize,
    },
    /// `expected` is not the tail: the owner has lost count. It must stop.
    #[error("a batch was submitted for another position than the tail {tail}")]
    WrongPosition {
        /// Where the log stands.
        tail: Position,
    },
    /// Another writer has opened the log. The owner must stop.
    #[error("another writer has taken over the log")]
    Fenced,
    /// The log has failed before; see [`Progress::Failed`]. The owner must stop.
    #[error("the log has failed and takes no more batches")]
    Dead,
}

/// Says nothing of the payload's content, which is no log line's business.
impl fmt::Debug for SubmitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SubmitError({self})")
    }
}

/// What stands in the way of more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpaceCause {
    /// All segments of the budget hold batches that have not been trimmed.
    #[error("its budget is used up until it is trimmed")]
    Budget,
    /// The disk (or the quota) is full.
    #[error("the disk is full")]
    Disk,
}

/// What has become of the batches submitted so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every batch up to and including this position is durable. Never goes back.
    Durable(Position),
    /// Another writer has opened the log: what was not reported durable has an unknown outcome.
    Fenced,
    /// A write or a sync has failed: what was not reported durable has an unknown outcome. The owner must die.
    Failed(Failure),
}

/// The first failure of a log. Final.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation} of {file} failed: {error}")]
pub struct Failure {
    /// What was tried, such as `sync`.
    pub operation: &'static str,
    /// The file or directory.
    pub file: String,
    /// What the system answered.
    pub error: String,
}

/// Why this writer is no longer the only one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmError {
    /// Another writer has opened the log.
    #[error("another writer has taken over the log")]
    Fenced,
    /// The log has failed before.
    #[error("the log has failed: {0}")]
    Failed(Failure),
}

/// Why the front of the log was not released.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrimError {
    /// The owner wants to release what is not durable yet: it has lost count and must stop.
    #[error("cannot trim beyond the durable position {durable}")]
    NotDurable {
        /// The last durable position.
        durable: Position,
    },
    /// Another writer has opened the log.
    #[error("another writer has taken over the log")]
    Fenced,
    /// The log has failed, before or in this call. The owner must die.
    #[error("the log has failed: {0}")]
    Failed(Failure),
}

/// Why a batch could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The batch was trimmed: its content is in the owner's checkpoint.
    #[error("the log begins at position {first}")]
    Trimmed {
        /// The first position that can be read.
        first: Position,
    },
    /// The batch is not durable (yet).
    #[error("the log is durable up to position {durable} only")]
    NotDurable {
        /// The last durable position.
        durable: Position,
    },
    /// The bytes on disk are not those that were written. Report it, quarantine what was in the batch.
    #[error("batch {position} is damaged: {reason} at byte {offset_bytes} of {file}")]
    Damaged {
        /// The batch.
        position: Position,
        /// The file that holds it.
        file: String,
        /// Where the batch begins in the file.
        offset_bytes: u64,
        /// What does not match.
        reason: &'static str,
    },
    /// The read itself failed, or a range lies outside of the payload.
    #[error("reading batch {position} from {file} failed: {error}")]
    Failed {
        /// The batch.
        position: Position,
        /// The file that holds it.
        file: String,
        /// What the system answered.
        error: String,
    },
}

/// A write-ahead log with one writer. See the [module's page](self) for what every implementation promises.
pub trait Log: Send {
    /// Where the log begins and ends, now. `tail` counts what has been submitted.
    fn bounds(&self) -> Bounds;

    /// The largest payload that [`Log::submit`] takes, in bytes.
    fn payload_max_bytes(&self) -> usize;

    /// Hands over one batch. `expected` must be `bounds().tail`; the tail moves on by one.
    ///
    /// Never blocks on the disk in a threaded implementation. Batches are written in order; all that is queued
    /// while a sync runs is written together and covered by the next. An empty payload is a header-only batch.
    fn submit(&mut self, expected: Position, payload: Bytes) -> Result<(), SubmitError>;

    /// What is durable. Never blocks on the disk in a threaded implementation; an inline one does all its
    /// writing here. Cheap enough to call on every turn of the owner's loop.
    fn poll(&mut self) -> Progress;

    /// Is this still the only writer? To be asked before a read that reveals state without writing anything. A
    /// log that holds an exclusive lock on a local directory knows and answers at once.
    fn confirm(&mut self) -> Result<(), ConfirmError>;

    /// Gives every durable batch from `from` on to `visit`, in order, verified, until it breaks. Answers the
    /// position behind the last batch visited. `from` at the tail visits nothing. For recovery and followers.
    fn replay(
        &mut self,
        from: Position,
        visit: &mut dyn FnMut(Position, Bytes) -> ControlFlow<()>,
    ) -> Result<Position, ReadError>;

    /// Releases batches before `before`, which must be durable. May keep some of them (a log frees whole
    /// segments), and a crash may bring released ones back: `bounds().first <= before` is all that is promised.
    /// Trimming what is trimmed already is no error.
    fn trim(&mut self, before: Position) -> Result<(), TrimError>;

    /// A handle for reads and figures from any thread. It outlives the log: then it reads what it still can.
    fn reader(&self) -> Arc<dyn LogReader>;
}

/// Reads durable batches from any thread, and tells how the log fares.
pub trait LogReader: Send + Sync {
    /// The payload of one durable batch, verified by its checksums. Empty for a header-only batch.
    fn read(&self, position: Position) -> Result<Bytes, ReadError>;

    /// A part of the payload of one durable batch, **not** verified by the batch's checksum: for callers whose
    /// parts carry checksums of their own and who do not want to read a whole batch for one of them.
    fn read_range(&self, position: Position, range_bytes: Range<u32>) -> Result<Bytes, ReadError>;

    /// Space taken and left: when to checkpoint and what to admit.
    fn usage(&self) -> Usage;

    /// Counters since the log was opened.
    fn stats(&self) -> Stats;
}

/// Space taken and left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What the log may take on disk at most.
    pub budget_bytes: u64,
    /// What batches take, with headers and padding, and with the unusable rest of full segments.
    pub used_bytes: u64,
    /// Room that is there for certain: it is on disk already, only to be overwritten.
    pub ready_bytes: u64,
    /// The disk refused to give more room when last asked.
    pub disk_full: bool,
    /// What a trim can free, oldest first. The segment being written is not in it.
    pub sealed: Vec<SealedSegment>,
}

/// A full segment: a trim up to `last.next()` frees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedSegment {
    /// Its first batch.
    pub first: Position,
    /// Its last batch.
    pub last: Position,
    /// What it takes on disk.
    pub bytes: u64,
}
