//! The messages of a standard queue, indexed for the next receive.
//!
//! What always holds: each entry is either in `visible` or in `hidden`, and which of the two is only a matter of how
//! far [`settle`](StandardMessages::settle) has been called. Settling changes no entry, so it may happen at any time,
//! in any steps, live and replayed, without changing what the queue is. Entries in sequence order are also in the
//! order they were sent, dead letters excepted.
//!
//! It refuses to decide: who may receive what stands in [`crate::decide`].

use std::collections::{BTreeMap, BTreeSet};

use crate::message::{Entry, Sequence};
use crate::time::Timestamp;

/// How many messages a queue holds, by what a receiver could do with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// Ready to be received.
    pub visible: usize,
    /// Received and not yet deleted, their lease running.
    pub in_flight: usize,
    /// Sent with a delay that has not passed.
    pub delayed: usize,
}

/// The messages of one standard queue.
#[derive(Clone, Debug, Default)]
pub struct StandardMessages {
    entries: BTreeMap<Sequence, Entry>,
    visible: BTreeSet<(u64, Sequence)>,
    hidden: BTreeSet<(Timestamp, Sequence)>,
    delayed: usize,
    /// All messages by age, once a dead letter has come, which may be older than its neighbours; absent while the order of
    /// the sequences is that of the age.
    by_age: Option<BTreeSet<(Timestamp, Sequence)>>,
}

impl StandardMessages {
    /// The entry of a message, if the queue holds it.
    #[must_use]
    pub fn get(&self, sequence: Sequence) -> Option<&Entry> {
        self.entries.get(&sequence)
    }

    /// All entries in the order they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (Sequence, &Entry)> {
        self.entries.iter().map(|(sequence, entry)| (*sequence, entry))
    }

    /// The entry that was sent first.
    #[must_use]
    pub fn oldest(&self) -> Option<(Sequence, &Entry)> {
        match &self.by_age {
            Some(by_age) => {
                by_age.first().and_then(|(_, sequence)| Some((*sequence, self.entries.get(sequence)?)))
            }
            None => self.entries.first_key_value().map(|(sequence, entry)| (*sequence, entry)),
        }
    }

    /// All entries by the time they were sent.
    pub fn by_age(&self) -> impl Iterator<Item = (Sequence, &Entry)> {
        let (sorted, unsorted) = match &self.by_age {
            Some(by_age) => (Some(by_age.iter()), None),
            None => (None, Some(self.iter())),
        };
        let sorted = sorted.into_iter().flatten();
        let sorted = sorted.filter_map(|(_, sequence)| Some((*sequence, self.entries.get(sequence)?)));
        sorted.chain(unsorted.into_iter().flatten())
    }

    /// The entries from one number up to another, in the order they were sent.
    pub fn between(&self, from: Sequence, below: Sequence) -> impl Iterator<Item = (Sequence, &Entry)> {
        self.entries.range(from..below.max(from)).map(|(sequence, entry)| (*sequence, entry))
    }

    /// The number of messages, whatever their state.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the queue holds no message at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The messages that can be received, in the order a receive takes them, as far as settled.
    pub fn visible(&self) -> impl Iterator<Item = (Sequence, &Entry)> {
        self.visible
            .iter()
            .filter_map(|(_, sequence)| self.entries.get(sequence).map(|entry| (*sequence, entry)))
    }

    /// The earliest time at which a hidden message becomes visible.
    #[must_use]
    pub fn next_visible_at(&self) -> Option<Timestamp> {
        self.hidden.first().map(|(visible_at, _)| *visible_at)
    }

    /// Exact counts, as far as settled.
    #[must_use]
    pub fn counts(&self) -> MessageCounts {
        MessageCounts {
            visible: self.visible.len(),
            in_flight: self.hidden.len() - self.delayed,
            delayed: self.delayed,
        }
    }

    /// Puts a message in, or replaces its entry; `now` decides whether it is visible.
    pub fn put(&mut self, sequence: Sequence, entry: Entry, now: Timestamp) {
        self.remove(sequence);
        self.entries.insert(sequence, entry);
        if let Some(by_age) = &mut self.by_age {
            by_age.insert((entry.sent_at, sequence));
        } else if entry.source.is_some() {
            let by_age = self.entries.iter().map(|(sequence, entry)| (entry.sent_at, *sequence));
            self.by_age = Some(by_age.collect());
        }
        self.index(sequence, &entry, now);
    }

    /// Changes the entry of a message; `false` when the queue does not hold it.
    pub fn update(&mut self, sequence: Sequence, now: Timestamp, change: impl FnOnce(&mut Entry)) -> bool {
        let Some(entry) = self.entries.get_mut(&sequence) else { return false };
        let before = *entry;
        change(entry);
        let after = *entry;
        self.unindex(sequence, &before);
        self.index(sequence, &after, now);
        true
    }

    /// Takes a message out; `None` when the queue does not hold it.
    pub fn remove(&mut self, sequence: Sequence) -> Option<Entry> {
        let entry = self.entries.remove(&sequence)?;
        self.unindex(sequence, &entry);
        if let Some(by_age) = &mut self.by_age {
            by_age.remove(&(entry.sent_at, sequence));
        }
        if self.entries.is_empty() {
            self.by_age = None;
        }
        Some(entry)
    }

    /// Takes out all messages below `sequence`.
    pub fn remove_below(&mut self, sequence: Sequence) {
        let kept = self.entries.split_off(&sequence);
        let removed = std::mem::replace(&mut self.entries, kept);
        if self.entries.is_empty() {
            *self = Self::default();
            return;
        }
        for (sequence, entry) in &removed {
            self.unindex(*sequence, entry);
            if let Some(by_age) = &mut self.by_age {
                by_age.remove(&(entry.sent_at, *sequence));
            }
        }
    }

    /// Makes visible what has become due by `now`, at most `limit` messages. Returns whether more is due.
    pub fn settle(&mut self, now: Timestamp, limit: usize) -> bool {
        for _ in 0..limit {
            let Some(&(visible_at, sequence)) = self.hidden.first() else { return false };
            if visible_at > now {
                return false;
            }
            self.hidden.pop_first();
            if let Some(entry) = self.entries.get(&sequence) {
                self.delayed -= usize::from(entry.never_delivered());
                self.visible.insert((entry.rank, sequence));
            }
        }
        self.hidden.first().is_some_and(|(visible_at, _)| *visible_at <= now)
    }

    fn index(&mut self, sequence: Sequence, entry: &Entry, now: Timestamp) {
        if entry.visible_at > now {
            self.hidden.insert((entry.visible_at, sequence));
            self.delayed += usize::from(entry.never_delivered());
        } else {
            self.visible.insert((entry.rank, sequence));
        }
    }

    fn unindex(&mut self, sequence: Sequence, entry: &Entry) {
        if self.hidden.remove(&(entry.visible_at, sequence)) {
            self.delayed -= usize::from(entry.never_delivered());
        } else {
            self.visible.remove(&(entry.rank, sequence));
        }
    }
}
