//! The contract of a store: what every implementation promises and what its owner must do.
//!
//! ```text
//!   log   ─ ─ ┬───────────────────────┬──────────────────────┬─ ─
//!             │ batches 7 … 41        │ batches 42 … 60      │
//!             └─────────┬─────────────┴──────────┬───────────┘
//!                fold: evolve            replayed after a crash
//!                       │
//!                    Changes ── apply(changes, 41) ──▶ store, reflected() = 41
//! ```
//!
//! A store is the checkpoint of a log. Its owner follows the log, folds a range of **durable** batches into the net
//! [`Changes`] of the range, and hands them over with the last position of the range. Only then may the log be
//! trimmed. A restart loads rows, of a large backlog only those that can't rest, and replays the log behind [`Store::reflected`].
//!
//! What always holds:
//!
//! - **Atomic.** After a crash at any moment the store holds all changes of an `apply`, or none, and `reflected()` says
//!   which.
//! - **Durable means durable.** When `apply` has returned `Ok`, no power cut takes the changes away.
//! - **Order of effects.** Inside one `apply`: queues with `None` go with all their messages and sends; then `removed_below`
//!   takes messages out; then `messages` are put, updated and removed. A purge therefore never takes what was sent
//!   behind it, and a message of the range that a purge took is simply not in `messages`.
//! - **Readers see applies whole.** Each call of a [`StoreReader`] sees the latest applied state, never a part of one.
//! - **Bounded.** Memory follows configuration and the size of one `Changes`, never the number of rows. Space freed
//!   by removed rows is used again, so a steady flow takes a steady amount of disk.
//! - **Failure is final** after [`StoreError::Io`] and [`StoreError::Damaged`]: the owner drops the store. After
//!   [`StoreError::Full`] the old state stands and the store goes on.
//!
//! What it refuses: to interpret rows, to decide, to look at a clock, to verify what is inside a payload (it carries
//! its own checksum, and only who reads it can tell the damage to one message from the damage to a store).
//!
//! **Orders.** A queue can be read in pieces, in the orders that a receive, expiry and a move task need, each piece found by
//! seeking: see [`Wanted`]. A remembered send is found by its number.
//!
//! **Bulk removal** of a queue, of everything that it holds, or of remembered sends costs `apply` a bounded amount of work however many
//! rows it hits: they are gone for every reader and every load at once, and their space is given back piece by piece,
//! a part with each `apply` and the rest in [`Store::reclaim`].

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::{Inconsistent, Instance};
use millpond_core::message::{Entry, GroupKey, MessageRef, QueueId, Sequence};
use millpond_core::queue::{Backlog, Deduplication, Edge, QueueRecord};
use millpond_core::time::Timestamp;
use millpond_log::Position;

use crate::error::StoreError;

/// The net effect of a range of the log on the rows of a store, in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The instance row, if it changed.
    pub instance: Option<Instance>,
    /// Records of queues; `None` removes a queue with all its messages.
    pub queues: BTreeMap<QueueId, Option<QueueRecord>>,
    /// Takes out all messages of a queue below a sequence, before `messages` are applied. Nothing below it is ever put
    /// in again: numbers are never reused. It is cheap when that is all that the queue holds.
    pub removed_below: BTreeMap<QueueId, Sequence>,
    /// What becomes of single messages. None of them belongs to a queue that is removed here.
    pub messages: BTreeMap<MessageRef, MessageChange>,
    /// Takes out all remembered sends of a queue below a sequence, before `deduplications` are put in.
    pub forgotten_below: BTreeMap<QueueId, Sequence>,
    /// Remembered sends that come in, by the message they sent, which may be gone. None of them belongs to a queue that
    /// is removed here, and none stands below `forgotten_below`.
    pub deduplications: BTreeMap<MessageRef, Deduplication>,
    /// Documents; `None` removes one.
    pub documents: BTreeMap<DocumentKey, Option<Document>>,
}

impl Changes {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { instance, queues, removed_below, messages, forgotten_below, deduplications, documents } =
            self;
        instance.is_none()
            && queues.is_empty()
            && removed_below.is_empty()
            && messages.is_empty()
            && forgotten_below.is_empty()
            && deduplications.is_empty()
            && documents.is_empty()
    }

    /// Whether a bulk removal among the changes takes a message out.
    #[must_use]
    pub fn take_out(&self, message: MessageRef) -> bool {
        let below = self.removed_below.get(&message.queue);
        matches!(self.queues.get(&message.queue), Some(None))
            || below.is_some_and(|below| message.sequence < *below)
    }

    /// Checks that no message is both put in and taken out. Every store does so before it changes anything.
    ///
    /// # Errors
    /// [`Inconsistent::OutOfSequence`] with the first such message: numbers are never reused, so it can't come behind
    /// the removal.
    pub fn check(&self) -> Result<(), Inconsistent> {
        let put = |change: &MessageChange| matches!(change, MessageChange::Put { .. });
        let lost = self.messages.iter().find(|(message, change)| put(change) && self.take_out(**message));
        lost.map_or(Ok(()), |(message, _)| Err(Inconsistent::OutOfSequence(*message)))
    }
}

/// What becomes of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageChange {
    /// The message comes into the store. If it is there already, entry and payload are replaced.
    /// [`StoreError::Inconsistent`] when a bulk removal of the same changes takes it out.
    Put {
        /// Its entry.
        entry: Entry,
        /// Its encoded payload, see [`millpond_core::payload`].
        payload: Bytes,
    },
    /// The message is in the store and has a new entry; its payload stays. [`StoreError::Inconsistent`] when it is
    /// not there.
    Update {
        /// Its entry.
        entry: Entry,
    },
    /// The message leaves the store. Nothing happens when it is not there.
    Remove,
}

/// The checkpoint of a log, with one owner. See the [module's page](self) for what every implementation promises.
pub trait Store: Send {
    /// The last log position whose effects are in the store; [`Position::NONE`] when it was never written.
    fn reflected(&self) -> Position;

    /// Shows the rows to `visitor`: the instance, then queues, documents, remembered sends, and entries, each in key
    /// order but for the entries. If there are more than `limit` entries, the backlog of each queue is shown instead, before
    /// its entries, and of the entries only those whose latest lease ends after the time of the instance row, and all of a
    /// FIFO queue that were ever delivered. Payloads are not read. For the start of a service.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a row can't be read, or when rows are missing, or when the visitor refuses a row.
    fn load(&self, limit: u64, visitor: &mut dyn Visitor) -> Result<(), StoreError>;

    /// Makes `changes` and the position they reflect durable, in one atomic step. `reflected` must be durable in the
    /// log and not less than [`Store::reflected`]. Empty changes only move the position.
    ///
    /// # Errors
    /// See [`StoreError`]: each variant says whether the old state stands.
    fn apply(&mut self, changes: Changes, reflected: Position) -> Result<(), StoreError>;

    /// Gives back the space of at most `limit_rows` messages that bulk removals took out, of as many rows of sends that were
    /// forgotten, and a bounded part of what is dead in payload files, when that is worth it. Returns whether more is left. To
    /// be called while there is nothing to apply, until it returns `false`; costs nothing then.
    ///
    /// # Errors
    /// As [`Store::apply`].
    fn reclaim(&mut self, limit_rows: usize) -> Result<bool, StoreError>;

    /// A handle for reads from any thread. It outlives the store: then it reads what it still can.
    fn reader(&self) -> Arc<dyn StoreReader>;

    /// What the store holds and takes.
    fn usage(&self) -> Usage;
}

/// Reads from any thread. Each call sees the latest applied state as a whole.
pub trait StoreReader: Send + Sync {
    /// The encoded payload of a message; `None` when it is not in the store. **Not** verified: the caller checks it
    /// with [`millpond_core::payload::verify`] or by decoding it. `None` for a message whose entry is there is damage
    /// as well.
    fn payload(&self, message: MessageRef) -> Result<Option<Bytes>, StoreError>;

    /// As [`StoreReader::payload`], for many messages of one state. Cheapest in key order.
    fn payloads(&self, messages: &[MessageRef]) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// The entry of a message.
    fn entry(&self, message: MessageRef) -> Result<Option<Entry>, StoreError>;

    /// Entries of one queue, at most `limit` of them, or remembered sends, all of one state.
    fn find(&self, queue: QueueId, wanted: &Wanted, limit: usize) -> Result<Found, StoreError>;

    /// The record of a queue.
    fn queue(&self, queue: QueueId) -> Result<Option<QueueRecord>, StoreError>;

    /// The instance row; the default one when none was ever applied.
    fn instance(&self) -> Result<Instance, StoreError>;

    /// One document.
    fn document(&self, key: &DocumentKey) -> Result<Option<Document>, StoreError>;

    /// The latest applied state, as it stays whatever is applied from now on. A store on a disk can't use the space of
    /// what it holds again before it is dropped.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;
}

/// A store at one moment, for those who look at all of it: checks, salvage and backups.
pub trait Snapshot: Send {
    /// What the state reflects of the log; `None` when the row that says so is damaged.
    fn reflected(&self) -> Option<Position>;

    /// Shows everything there is to `examiner`, with payloads: the instance, then queues, documents, remembered sends and
    /// messages, each in key order as far as it can be told, but for the messages, which come in runs of key order. What is damaged is shown as such, and the rest goes on
    /// behind it, until the examiner breaks.
    ///
    /// # Errors
    /// [`StoreError`] when nothing can be told any more, such as that the store was opened again meanwhile.
    fn examine(&self, examiner: &mut dyn Examiner) -> Result<(), StoreError>;

    /// Where the payload of a message lies, for messages to people: the name of a file, and the payload's first byte in it.
    /// `None` where that is not known.
    fn payload_place(&self, message: MessageRef) -> Option<(String, u64)>;
}

/// Whether an examiner wants to see more.
pub type Flow = ControlFlow<()>;

/// Who is shown all rows of a store, damaged ones too.
pub trait Examiner {
    /// The instance row; not called when it is damaged.
    fn instance(&mut self, instance: Instance) -> Flow;
    /// A queue's record.
    fn queue(&mut self, record: QueueRecord) -> Flow;
    /// A document.
    fn document(&mut self, key: DocumentKey, document: Document) -> Flow;
    /// What a queue remembers of a send, by the message it sent.
    fn deduplication(&mut self, message: MessageRef, row: Deduplication) -> Flow;
    /// A message's entry with its encoded payload, which is **not** verified; `None` when there is none.
    fn message(&mut self, message: MessageRef, entry: Entry, payload: Option<Bytes>) -> Flow;
    /// A row that can't be read, or a payload without an entry.
    fn damaged(&mut self, row: DamagedRow) -> Flow;
}

/// What is damaged in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedRow {
    /// The table.
    pub table: &'static str,
    /// Which of its rows, in words.
    pub row: String,
    /// The message that it is about.
    pub message: Option<MessageRef>,
    /// What is wrong with it.
    pub what: String,
    /// It is a whole payload that no entry names.
    pub is_lone_payload: bool,
    /// The payload of a message whose entry is damaged or missing, where there is one. Not verified.
    pub payload: Option<Bytes>,
}

/// Which messages of a queue are to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those whose turn comes behind an edge, in the order of their turns.
    Behind(Edge),
    /// Those of these numbers, in this order. There is no limit to them.
    Messages(Vec<Sequence>),
    /// Those that were sent until then, the oldest first, behind those that an earlier find ended with.
    SentUntil(Timestamp, Edge),
    /// Those from a number on, in the order of the numbers.
    From(Sequence),
    /// Those of a group from a number on, in the order of the numbers. It may end early when many of other groups stand in
    /// between.
    OfGroup(GroupKey, Sequence),
    /// Not messages, but what the queue remembers of the sends of these numbers. There is no limit to them.
    Sends(Vec<Sequence>),
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The position that all of it reflects.
    pub reflected: Position,
    /// The messages.
    pub messages: Vec<(Sequence, Entry)>,
    /// Where the next find goes on, for messages in the order of their numbers behind its line; `None` when nothing is behind
    /// these. Of no meaning where numbers were given.
    pub end: Option<Edge>,
    /// Nothing in the queue that stands behind these was sent earlier; the end of time when nothing does. Only told where
    /// turns or ages were wanted.
    pub oldest_sent_at: Timestamp,
    /// The remembered sends, where they were wanted, in the order in which they were asked for.
    pub sends: Vec<(Sequence, Deduplication)>,
}

/// Who is shown the rows of a store. A refusal ends the load: the rows do not fit each other.
pub trait Visitor {
    /// The instance row; the default one when none was ever applied. Called first and once.
    fn instance(&mut self, instance: Instance) -> Result<(), Inconsistent>;
    /// A queue's record.
    fn queue(&mut self, record: QueueRecord) -> Result<(), Inconsistent>;
    /// A document.
    fn document(&mut self, key: DocumentKey, document: Document) -> Result<(), Inconsistent>;
    /// What a queue remembers of a send, by the message it sent.
    fn deduplication(&mut self, message: MessageRef, row: Deduplication) -> Result<(), Inconsistent>;
    /// What a queue holds, of which not all entries are shown.
    fn backlog(&mut self, queue: QueueId, backlog: Backlog) -> Result<(), Inconsistent>;
    /// A message's entry.
    fn entry(&mut self, message: MessageRef, entry: Entry) -> Result<(), Inconsistent>;
}

/// What a store holds and takes. Messages that a bulk removal took out count until their space is reclaimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Message rows.
    pub messages: u64,
    /// Encoded bytes of their payloads.
    pub payload_bytes: u64,
    /// Bytes of all files, free pages and what is dead in payload files included; 0 for a store without a disk.
    pub disk_bytes: u64,
}
