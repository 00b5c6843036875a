//! The messages of a queue, whichever kind it is.
//!
//! It forwards to the index of that kind and knows no rule of either.

use super::fifo::Missing;
use super::{
    Backlog, Edge, FairCounts, FifoMessages, MessageCounts, QueueAttributes, Resting, StandardMessages,
};
use crate::limits;
use crate::message::{Entry, Sequence};
use crate::time::Timestamp;

/// The messages of one queue.
#[derive(Clone, Debug)]
pub enum QueueMessages {
    /// Of a standard queue.
    Standard(StandardMessages),
    /// Of a FIFO queue.
    Fifo(FifoMessages),
}

impl QueueMessages {
    /// The empty index of a queue with these settings.
    #[must_use]
    pub fn of(attributes: &QueueAttributes) -> Self {
        match attributes.fifo {
            None => Self::Standard(StandardMessages::default()),
            Some(_) => Self::Fifo(FifoMessages::new(attributes.delay_secs)),
        }
    }

    /// The settings of the queue are others now; what kind it is never changes.
    pub fn set_attributes(&mut self, attributes: &QueueAttributes, now: Timestamp) {
        match self {
            Self::Standard(_) => {}
            Self::Fifo(messages) => messages.set_delay(attributes.delay_secs, now),
        }
    }

    /// The entry of a message, if the queue holds it.
    #[must_use]
    pub fn get(&self, sequence: Sequence) -> Option<&Entry> {
        match self {
            Self::Standard(messages) => messages.get(sequence),
            Self::Fifo(messages) => messages.get(sequence),
        }
    }

    /// All entries in the order they were sent.
    pub fn iter(&self) -> Box<dyn Iterator<Item = (Sequence, &Entry)> + '_> {
        match self {
            Self::Standard(messages) => Box::new(messages.iter()),
            Self::Fifo(messages) => Box::new(messages.iter()),
        }
    }

    /// The entries from one number up to another, in the order they were sent.
    pub fn between(
        &self,
        from: Sequence,
        below: Sequence,
    ) -> Box<dyn Iterator<Item = (Sequence, &Entry)> + '_> {
        match self {
            Self::Standard(messages) => Box::new(messages.between(from, below)),
            Self::Fifo(messages) => Box::new(messages.between(from, below)),
        }
    }

    /// Whether a message is visible at `now`, settled or not.
    #[must_use]
    pub fn is_visible_at(&self, entry: &Entry, now: Timestamp) -> bool {
        let visible_at = match self {
            Self::Standard(_) => entry.visible_at,
            Self::Fifo(messages) => messages.visible_at(entry),
        };
        visible_at <= now
    }

    /// The message that must not be overtaken by this one: the one before it in its group, in a FIFO queue.
    #[must_use]
    pub fn preceding(&self, sequence: Sequence) -> Option<Sequence> {
        match self {
            Self::Standard(_) => None,
            Self::Fifo(messages) => messages.preceding(sequence),
        }
    }

    /// All entries by the time they were sent.
    pub fn by_age(&self) -> Box<dyn Iterator<Item = (Sequence, &Entry)> + '_> {
        match self {
            Self::Standard(messages) => Box::new(messages.by_age()),
            // In the order of the numbers, none was sent before the one before it.
            Self::Fifo(messages) => Box::new(messages.iter()),
        }
    }

    /// The entry that was sent first.
    #[must_use]
    pub fn oldest(&self) -> Option<(Sequence, &Entry)> {
        match self {
            Self::Standard(messages) => messages.oldest(),
            Self::Fifo(messages) => messages.iter().next(),
        }
    }

    /// What is known of the messages that are not in memory; `None` when all are.
    #[must_use]
    pub fn resting(&self) -> Option<&Resting> {
        match self {
            Self::Standard(messages) => messages.resting(),
            Self::Fifo(messages) => messages.resting(),
        }
    }

    /// What must be read before it is known that no more can be received at `now`.
    #[must_use]
    pub fn missing(&self, now: Timestamp) -> Option<Missing> {
        match self {
            Self::Standard(messages) => messages.is_short(now).then_some(Missing::Window),
            Self::Fifo(messages) => messages.missing(now),
        }
    }

    /// Messages inside the window at the front that may be received soon, as far as settled.
    #[must_use]
    pub fn ahead(&self) -> usize {
        match self {
            Self::Standard(messages) => messages.ahead(),
            Self::Fifo(messages) => messages.ahead(),
        }
    }

    /// The index of a standard queue.
    #[must_use]
    pub fn standard(&self) -> Option<&StandardMessages> {
        match self {
            Self::Standard(messages) => Some(messages),
            Self::Fifo(_) => None,
        }
    }

    /// The index of a FIFO queue.
    #[must_use]
    pub fn fifo(&self) -> Option<&FifoMessages> {
        match self {
            Self::Standard(_) => None,
            Self::Fifo(messages) => Some(messages),
        }
    }

    /// As [`QueueMessages::fifo`], to change it.
    pub fn fifo_mut(&mut self) -> Option<&mut FifoMessages> {
        match self {
            Self::Standard(_) => None,
            Self::Fifo(messages) => Some(messages),
        }
    }

    /// All messages of the queue, which has none in memory, rest as a store tells.
    pub fn rest(&mut self, backlog: &Backlog, now: Timestamp) {
        match self {
            Self::Standard(messages) => messages.rest(backlog, now),
            Self::Fifo(messages) => messages.rest(backlog, now),
        }
    }

    /// Brings a message back that rests; `false` when it is in memory already, or when none rests.
    pub fn admit(&mut self, sequence: Sequence, entry: Entry, now: Timestamp) -> bool {
        match self {
            Self::Standard(messages) => messages.admit(sequence, entry, now),
            Self::Fifo(messages) => messages.admit(sequence, entry, now),
        }
    }

    /// As [`QueueMessages::admit`], of a message that the window is to reach: a group of a FIFO queue gets no more than `most`.
    pub fn admit_ahead(&mut self, sequence: Sequence, entry: Entry, now: Timestamp, most: usize) -> bool {
        match self {
            Self::Standard(messages) => messages.admit(sequence, entry, now),
            Self::Fifo(messages) => messages.admit_ahead(sequence, entry, now, most),
        }
    }

    /// The window reaches further: all messages up to `edge` are in memory now, and none that rests was sent earlier than told.
    pub fn reach(&mut self, edge: Edge, oldest_sent_at: Timestamp) {
        match self {
            Self::Standard(messages) => messages.reach(edge, oldest_sent_at),
            Self::Fifo(messages) => messages.reach(edge.line, oldest_sent_at, limits::REACH_MESSAGES),
        }
    }

    /// No resting message was sent before `oldest_sent_at`.
    pub fn know_oldest(&mut self, oldest_sent_at: Timestamp) {
        if let Some(resting) = self.resting_mut() {
            resting.know_oldest(oldest_sent_at);
        }
    }

    /// No resting message has a number below `first`, from where the queue's move task goes on.
    pub fn know_first(&mut self, first: Sequence) {
        if let Some(resting) = self.resting_mut() {
            resting.know_first(first);
        }
    }

    fn resting_mut(&mut self) -> Option<&mut Resting> {
        match self {
            Self::Standard(messages) => messages.resting_mut(),
            Self::Fifo(messages) => messages.resting_mut(),
        }
    }

    /// When the oldest message was sent; a resting one may be younger than it says.
    #[must_use]
    pub fn oldest_sent_at(&self) -> Option<Timestamp> {
        let held = self.oldest().map(|(_, entry)| entry.sent_at);
        held.into_iter().chain(self.resting().map(Resting::oldest_sent_at)).min()
    }

    /// The number of messages in memory.
    #[must_use]
    pub fn held(&self) -> usize {
        match self {
            Self::Standard(messages) => messages.held(),
            Self::Fifo(messages) => messages.held(),
        }
    }

    /// The number of messages, whatever their state.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Standard(messages) => messages.len(),
            Self::Fifo(messages) => messages.len(),
        }
    }

    /// Whether the queue holds no message at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Standard(messages) => messages.is_empty(),
            Self::Fifo(messages) => messages.is_empty(),
        }
    }

    /// Whether a receive would find a message, as far as settled.
    #[must_use]
    pub fn has_available(&self) -> bool {
        match self {
            Self::Standard(messages) => messages.has_available(),
            Self::Fifo(messages) => messages.has_available(),
        }
    }

    /// The messages that can be received, in the order a receive at `now` takes them, as far as settled.
    pub fn available(&self, now: Timestamp) -> Box<dyn Iterator<Item = (Sequence, &Entry)> + '_> {
        match self {
            Self::Standard(messages) => messages.available(now),
            Self::Fifo(messages) => Box::new(messages.available()),
        }
    }

    /// The earliest time at which a hidden message in memory becomes visible.
    #[must_use]
    pub fn next_visible_at(&self) -> Option<Timestamp> {
        match self {
            Self::Standard(messages) => messages.next_visible_at(),
            Self::Fifo(messages) => messages.next_visible_at(),
        }
    }

    /// Exact counts, as far as settled.
    #[must_use]
    pub fn counts(&self) -> MessageCounts {
        match self {
            Self::Standard(messages) => messages.counts(),
            Self::Fifo(messages) => messages.counts(),
        }
    }

    /// Of a FIFO queue: how many groups have messages in flight, as far as settled.
    #[must_use]
    pub fn groups_in_flight(&self) -> Option<usize> {
        match self {
            Self::Standard(_) => None,
            Self::Fifo(messages) => Some(messages.groups_in_flight()),
        }
    }

    /// What message groups of a standard queue have at `now`, as far as settled: cheap, whatever the queue holds. `None`
    /// of a FIFO queue, and as long as no message with a group has come.
    #[must_use]
    pub fn fair_counts(&self, now: Timestamp) -> Option<FairCounts> {
        match self {
            Self::Standard(messages) => messages.fair_counts(now),
            Self::Fifo(_) => None,
        }
    }

    /// Puts a message in, or replaces its entry; `now` decides whether it is visible, and `changed` is the batch that does
    /// so.
    pub fn put(&mut self, sequence: Sequence, entry: Entry, now: Timestamp, changed: u64) {
        match self {
            Self::Standard(messages) => messages.put(sequence, entry, now, changed),
            Self::Fifo(messages) => messages.put(sequence, entry, now, changed),
        }
    }

    /// Changes the entry of a message; `false` when the queue does not hold it.
    pub fn update(
        &mut self,
        sequence: Sequence,
        now: Timestamp,
        changed: u64,
        change: impl FnOnce(&mut Entry),
    ) -> bool {
        match self {
            Self::Standard(messages) => messages.update(sequence, now, changed, change),
            Self::Fifo(messages) => messages.update(sequence, now, changed, change),
        }
    }

    /// Takes a message out; `None` when the queue does not hold it.
    pub fn remove(&mut self, sequence: Sequence, now: Timestamp) -> Option<Entry> {
        match self {
            Self::Standard(messages) => messages.remove(sequence, now),
            Self::Fifo(messages) => messages.remove(sequence),
        }
    }

    /// Takes out all messages below `sequence`.
    pub fn remove_below(&mut self, sequence: Sequence) {
        match self {
            Self::Standard(messages) => messages.remove_below(sequence),
            Self::Fifo(messages) => messages.remove_below(sequence),
        }
    }

    /// Makes visible what has become due by `now`, at most `limit` messages. Returns whether more is due.
    pub fn settle(&mut self, now: Timestamp, limit: usize) -> bool {
        match self {
            Self::Standard(messages) => messages.settle(now, limit),
            Self::Fifo(messages) => messages.settle(now, limit),
        }
    }
}
