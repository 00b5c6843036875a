//! The tables of messages while changes are written into them.
//!
//! What always holds: a message has an entry exactly when it has a row that says where its payload lies; a message below its queue's row in
//! table `removed_below` is hidden from every reader and waits only for its space to be given back; numbers are never
//! reused, so nothing is ever put below that row. Hiding costs one row however many messages it hits, and deleting
//! goes in pieces, so neither memory nor time of a transaction follows the size of a queue.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use millpond_core::evolve::Inconsistent;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::time::Timestamp;
use millpond_log::Position;
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::apply::Checkpoint;
use super::entries::Entries;
use super::fault::Fault;
use super::payloads::Payloads;
use super::rows::{self, QueueBytes, REMOVED};
use crate::contract::MessageChange;
use crate::payload_files::Writer;

/// The tables of messages, open for writing.
pub(crate) struct Messages<'t, 'w, 'f> {
    entries: Entries<'t>,
    payloads: Payloads<'t, 'w, 'f>,
    removed: Table<'t, &'static QueueBytes, &'static [u8]>,
}

impl<'t, 'w, 'f> Messages<'t, 'w, 'f> {
    pub(crate) fn open(
        transaction: &'t WriteTransaction,
        writer: &'w mut Writer<'f>,
        before: Checkpoint,
    ) -> Result<Self, Fault> {
        Ok(Self {
            entries: Entries::open(transaction)?,
            payloads: Payloads::open(transaction, writer, before.payload_bytes)?,
            removed: transaction.open_table(REMOVED)?,
        })
    }

    /// What the store holds with the changes so far, at a position.
    pub(crate) fn checkpoint(&self, reflected: Position) -> Result<Checkpoint, Fault> {
        Ok(Checkpoint { reflected, messages: self.entries.len()?, payload_bytes: self.payloads.bytes() })
    }

    /// Writes what is kept until the end, at the time that the store reflects, if it is known. Payloads are durable then.
    pub(crate) fn finish(self, clock: Option<Timestamp>) -> Result<(), Fault> {
        self.entries.finish(clock)?;
        self.payloads.finish()
    }

    /// Merges payload files while it is due, unless messages wait for [`Messages::reclaim`]: their payloads need not be kept.
    /// Answers whether it is due still.
    pub(crate) fn merge(&mut self, at_least_bytes: u64) -> Result<bool, Fault> {
        if self.has_hidden()? { Ok(false) } else { self.payloads.merge(at_least_bytes) }
    }

    /// Whether messages wait for [`Messages::reclaim`].
    pub(crate) fn has_hidden(&self) -> Result<bool, Fault> {
        Ok(!self.removed.is_empty()?)
    }

    /// Takes out all messages of a queue below a sequence: at once and for every reader when that is all of them, else one
    /// by one.
    pub(crate) fn hide_below(&mut self, queue: QueueId, below: Sequence) -> Result<(), Fault> {
        let hidden = self.hidden_below(queue)?;
        if self.entries.first_in(queue, hidden, below)?.is_none() {
            return Ok(());
        }
        if self.entries.first_in(queue, below, Sequence(u64::MAX))?.is_some() {
            return self.delete_run(queue, hidden, below);
        }
        let key = rows::queue_key(queue);
        let sealed = rows::seal("removed_below", &key, below.0.to_le_bytes().to_vec());
        self.removed.insert(&key, &sealed[..])?;
        self.entries.begin_era(queue, below.0);
        Ok(())
    }

    /// Takes out a queue's messages and what is counted of them.
    pub(crate) fn hide_queue(&mut self, queue: QueueId) -> Result<(), Fault> {
        self.hide_below(queue, Sequence(u64::MAX))?;
        self.entries.forget(queue);
        Ok(())
    }

    /// Deletes hidden messages, at most `limit_rows` of them.
    pub(crate) fn reclaim(&mut self, limit_rows: usize) -> Result<(), Fault> {
        let mut left = u64::try_from(limit_rows).unwrap_or(u64::MAX);
        while left > 0 {
            let first = self.removed.first()?.map(|(key, _)| rows::queue_of(key.value()));
            let Some(queue) = first else { return Ok(()) };
            let below = self.hidden_below(queue)?;
            let dropped = self.entries.drop_eras_before(queue, below.0, left)?;
            left -= dropped.min(left);
            match self.entries.first_in(queue, Sequence(0), below)? {
                // Sequences are dense at most, so so many numbers are at most so many rows.
                Some(first) => {
                    let end = Sequence(first.0.saturating_add(left)).min(below);
                    left -= self.drop_range(queue, first, end)?.min(left);
                }
                None if dropped == 0 => {
                    self.removed.remove(&rows::queue_key(queue))?;
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Puts, updates and removes single messages, queue by queue.
    pub(crate) fn apply(&mut self, changes: &BTreeMap<MessageRef, MessageChange>) -> Result<(), Fault> {
        let mut next = changes.first_key_value().map(|(message, _)| message.queue);
        while let Some(queue) = next {
            let first = MessageRef { queue, sequence: Sequence(0) };
            let last = MessageRef { queue, sequence: Sequence(u64::MAX) };
            self.apply_to_queue(queue, || changes.range(first..=last))?;
            let behind = (Bound::Excluded(last), Bound::Unbounded);
            next = changes.range(behind).next().map(|(message, _)| message.queue);
        }
        Ok(())
    }

    fn apply_to_queue<'c, I>(&mut self, queue: QueueId, changes: impl Fn() -> I) -> Result<(), Fault>
    where
        I: Iterator<Item = (&'c MessageRef, &'c MessageChange)>,
    {
        let hidden_below = self.hidden_below(queue)?;
        let mut run: Option<(Sequence, Sequence)> = None;
        for (message, change) in changes() {
            match change {
                MessageChange::Put { .. } => {}
                MessageChange::Update { entry } => {
                    self.update(*message, entry, hidden_below)?;
                }
                // It went with all others of its queue.
                MessageChange::Remove if message.sequence < hidden_below => {}
                MessageChange::Remove => {
                    run = match run {
                        Some((first, end)) if end == message.sequence => Some((first, end.next())),
                        Some((first, end)) => {
                            self.delete_run(queue, first, end)?;
                            Some((message.sequence, message.sequence.next()))
                        }
                        None => Some((message.sequence, message.sequence.next())),
                    };
                }
            }
        }
        if let Some((first, end)) = run {
            self.delete_run(queue, first, end)?;
        }
        let puts = || {
            changes().filter_map(|(message, change)| match change {
                MessageChange::Put { entry, payload } => Some((*message, entry, payload)),
                MessageChange::Update { .. } | MessageChange::Remove => None,
            })
        };
        self.put_all(hidden_below, puts)
    }

    fn update(&mut self, message: MessageRef, entry: &Entry, hidden_below: Sequence) -> Result<(), Fault> {
        if message.sequence >= hidden_below && self.entries.update(message, entry)? {
            Ok(())
        } else {
            Err(Fault::Inconsistent(Inconsistent::NoSuchMessage(message)))
        }
    }

    /// Puts new messages in. Almost always they belong behind all others of their queue, where the engine takes
    /// sorted rows at a fraction of the cost.
    fn put_all<'c, I>(&mut self, hidden_below: Sequence, puts: impl Fn() -> I) -> Result<(), Fault>
    where
        I: Iterator<Item = (MessageRef, &'c Entry, &'c Bytes)>,
    {
        let Some((first, ..)) = puts().next() else { return Ok(()) };
        if first.sequence < hidden_below {
            return Err(Fault::Inconsistent(Inconsistent::OutOfSequence(first)));
        }
        if !self.entries.is_behind_all(first)? {
            return puts().try_for_each(|(message, entry, payload)| self.put(message, entry, payload));
        }
        self.entries.append(first, puts().map(|(message, entry, _)| (message, entry)))?;
        self.payloads.append(first, puts().map(|(message, _, payload)| (message, payload)))
    }

    fn put(&mut self, message: MessageRef, entry: &Entry, payload: &Bytes) -> Result<(), Fault> {
        self.delete_run(message.queue, message.sequence, message.sequence.next())?;
        self.entries.insert(message, entry)?;
        self.payloads.insert(message, payload)
    }

    /// Deletes the messages `first..end`; each may be there or not.
    fn delete_run(&mut self, queue: QueueId, first: Sequence, end: Sequence) -> Result<(), Fault> {
        if end > first.next() {
            self.entries.remove_range(queue, first, end)?;
            return self.payloads.remove_range(queue, first, end);
        }
        let message = MessageRef { queue, sequence: first };
        if self.entries.remove(message)?.is_none() {
            return Ok(());
        }
        self.payloads.remove(message)
    }

    /// Gives back the space of hidden messages in `first..end`, and says how many there were.
    fn drop_range(&mut self, queue: QueueId, first: Sequence, end: Sequence) -> Result<u64, Fault> {
        let dropped = self.entries.drop_range(queue, first, end)?;
        self.payloads.remove_range(queue, first, end)?;
        Ok(dropped)
    }

    fn hidden_below(&self, queue: QueueId) -> Result<Sequence, Fault> {
        super::reader::hidden_below(&self.removed, queue)
    }
}
