//! The messages of a standard queue, indexed for the next receive.
//!
//! What always holds: each entry is either in `visible` or in `hidden`, and which of the two is only a matter of how
//! far [`settle`](StandardMessages::settle) has been called. Settling changes no entry, so it may happen at any time,
//! in any steps, live and replayed, without changing what the queue is. Entries in sequence order are also in the
//! order they were sent, dead letters excepted. Visible messages that have a group stand in [`super::fair`] instead, which
//! a queue has from its first such message on; the others pay nothing for it.
//!
//! It refuses to decide: who may receive what stands in [`crate::decide`].

use std::collections::{BTreeMap, BTreeSet};

use super::fair::{Fair, FairCounts, Place};
use super::turns::Turn;
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
    /// Those without a group.
    visible: BTreeSet<Turn>,
    hidden: BTreeSet<(Timestamp, Sequence)>,
    delayed: usize,
    /// All messages by age, once a dead letter has come, which may be older than its neighbours; absent while the order of
    /// the sequences is that of the age.
    by_age: Option<BTreeSet<(Timestamp, Sequence)>>,
    /// Once a message with a group has come.
    fair: Option<Box<Fair>>,
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

    /// Whether any message can be received, as far as settled.
    #[must_use]
    pub fn has_available(&self) -> bool {
        !self.visible.is_empty() || self.fair.as_ref().is_some_and(|fair| fair.visible() > 0)
    }

    /// The messages that can be received, in the order a receive at `now` takes them, as far as settled.
    pub fn available(&self, now: Timestamp) -> Box<dyn Iterator<Item = (Sequence, &Entry)> + '_> {
        let entry = |sequence: Sequence| self.entries.get(&sequence).map(|entry| (sequence, entry));
        match &self.fair {
            None => Box::new(self.visible.iter().filter_map(move |(_, sequence)| entry(*sequence))),
            Some(fair) => {
                let turns = fair.turns(&self.visible, self.in_flight(), now);
                Box::new(turns.filter_map(move |(_, sequence)| entry(sequence)))
            }
        }
    }

    /// The earliest time at which a hidden message becomes visible.
    #[must_use]
    pub fn next_visible_at(&self) -> Option<Timestamp> {
        self.hidden.first().map(|(visible_at, _)| *visible_at)
    }

    /// Exact counts, as far as settled.
    #[must_use]
    pub fn counts(&self) -> MessageCounts {
        let in_groups = self.fair.as_ref().map_or(0, |fair| fair.visible());
        MessageCounts {
            visible: self.visible.len() + in_groups,
            in_flight: self.in_flight(),
            delayed: self.delayed,
        }
    }

    /// What groups have at `now`, as far as settled; `None` as long as no message with a group has come.
    #[must_use]
    pub fn fair_counts(&self, now: Timestamp) -> Option<FairCounts> {
        let fair = self.fair.as_ref()?;
        let (mut counts, oldest) = fair.counts(&self.visible, self.in_flight(), self.delayed, now);
        let oldest = oldest.and_then(|sequence| self.entries.get(&sequence));
        counts.quiet_oldest_sent_at = oldest.map(|entry| entry.sent_at);
        Some(counts)
    }

    fn in_flight(&self) -> usize {
        self.hidden.len() - self.delayed
    }

    /// Puts a message in, or replaces its entry; `now` decides whether it is visible.
    pub fn put(&mut self, sequence: Sequence, entry: Entry, now: Timestamp) {
        self.remove(sequence, now);
        self.entries.insert(sequence, entry);
        if let Some(by_age) = &mut self.by_age {
            by_age.insert((entry.sent_at, sequence));
        } else if entry.source.is_some() {
            let by_age = self.entries.iter().map(|(sequence, entry)| (entry.sent_at, *sequence));
            self.by_age = Some(by_age.collect());
        }
        self.index(sequence, &entry, now);
    }

    /// Changes the entry of a message; `false` when the queue does not hold it. The group stays what it is.
    pub fn update(&mut self, sequence: Sequence, now: Timestamp, change: impl FnOnce(&mut Entry)) -> bool {
        let Some(entry) = self.entries.get_mut(&sequence) else { return false };
        let before = *entry;
        change(entry);
        entry.group = before.group;
        let after = *entry;
        let place = self.unindex(sequence, &before);
        self.index(sequence, &after, now);
        // A lease that was extended goes on, and one whose delivery never reached its receiver took nobody's time.
        let goes_on = after.visible_at > now || after.received_at.is_none();
        if before.visible_at <= now || !goes_on {
            self.lease_ended(&before, place, now);
        }
        true
    }

    /// Takes a message out; `None` when the queue does not hold it.
    pub fn remove(&mut self, sequence: Sequence, now: Timestamp) -> Option<Entry> {
        let entry = self.entries.remove(&sequence)?;
        let place = self.unindex(sequence, &entry);
        self.lease_ended(&entry, place, now);
        self.forget(sequence, &entry);
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
            self.forget(*sequence, entry);
        }
    }

    /// Makes visible what has become due by `now`, at most `limit` messages. Returns whether more is due.
    pub fn settle(&mut self, now: Timestamp, limit: usize) -> bool {
        for _ in 0..limit {
            let Some(&(visible_at, sequence)) = self.hidden.first() else { return false };
            if visible_at > now {
                return false;
            }
            let Some(entry) = self.entries.get(&sequence).copied() else { return false };
            let place = self.unindex(sequence, &entry);
            self.index(sequence, &entry, visible_at);
            self.lease_ended(&entry, place, visible_at);
        }
        self.hidden.first().is_some_and(|(visible_at, _)| *visible_at <= now)
    }

    fn index(&mut self, sequence: Sequence, entry: &Entry, now: Timestamp) {
        let place = if entry.visible_at > now { hidden_place(entry) } else { Place::Visible };
        if place != Place::Visible {
            self.hidden.insert((entry.visible_at, sequence));
            self.delayed += usize::from(place == Place::Delayed);
        }
        match entry.group {
            Some(group) => {
                let fair = self.fair.get_or_insert_with(|| Box::new(Fair::new(now)));
                fair.enter(group, sequence, entry, place);
            }
            None if place == Place::Visible => drop(self.visible.insert((entry.rank, sequence))),
            None => {}
        }
    }

    /// Answers where the message stood.
    fn unindex(&mut self, sequence: Sequence, entry: &Entry) -> Place {
        let was_hidden = self.hidden.remove(&(entry.visible_at, sequence));
        let place = if was_hidden { hidden_place(entry) } else { Place::Visible };
        self.delayed -= usize::from(place == Place::Delayed);
        match (entry.group, &mut self.fair) {
            (Some(group), Some(fair)) => fair.leave(group, sequence, entry, place),
            _ if place == Place::Visible => drop(self.visible.remove(&(entry.rank, sequence))),
            _ => {}
        }
        place
    }

    /// A message that was in flight is so no more.
    fn lease_ended(&mut self, entry: &Entry, place: Place, now: Timestamp) {
        let Some(fair) = &mut self.fair else { return };
        if let (Place::InFlight, Some(received_at)) = (place, entry.received_at) {
            fair.spend(entry.group, received_at, entry.visible_at.min(now));
        }
    }

    /// What no other index tells of a message that is gone.
    fn forget(&mut self, sequence: Sequence, entry: &Entry) {
        if let Some(by_age) = &mut self.by_age {
            by_age.remove(&(entry.sent_at, sequence));
        }
        if let (Some(group), Some(fair)) = (entry.group, &mut self.fair) {
            fair.forget_empty(group);
        }
    }
}

const fn hidden_place(entry: &Entry) -> Place {
    if entry.never_delivered() { Place::Delayed } else { Place::InFlight }
}
