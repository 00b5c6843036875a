//! The messages of a standard queue, indexed for the next receive.
//!
//! What always holds: each entry in memory is either visible, in flight or delayed, and which of them is only a matter of
//! how far [`settle`](StandardMessages::settle) has been called. Settling changes no entry, so it may happen at any time,
//! in any steps, live and replayed, without changing what the queue is. Entries in sequence order are also in the
//! order they were sent, dead letters excepted. Visible messages that have a group stand in [`super::fair`] instead, which
//! a queue has from its first such message on; the others pay nothing for it.
//!
//! Messages may rest in the store instead, see [`super::resting`]. Where one lies changes nothing of what the queue is, and
//! a receive takes the same messages in the same order; only counts and the oldest message are then told from bounds. In a queue
//! with groups it takes those of quiet groups first as far as they are in the window, which looks only so far behind noisy ones.
//!
//! It refuses to decide: who may receive what stands in [`crate::decide`].

use std::collections::{BTreeMap, BTreeSet};

mod window;

use super::fair::{Fair, FairCounts, Place};
use super::resting::{Edge, Held, Resting, count};
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
    entries: BTreeMap<Sequence, Held>,
    /// Those without a group.
    visible: BTreeSet<Turn>,
    /// Visible ones with a group.
    visible_in_groups: BTreeSet<Turn>,
    in_flight: BTreeSet<Turn>,
    delayed: BTreeSet<Turn>,
    /// All messages by age, once a dead letter has come, which may be older than its neighbours; absent while the order of
    /// the sequences is that of the age.
    by_age: Option<BTreeSet<Turn>>,
    /// Once a message with a group has come.
    fair: Option<Box<Fair>>,
    /// While some messages are not in memory.
    resting: Option<Box<Resting>>,
    /// Of the visible ones, those inside the window at the front; all while nothing rests.
    ahead: usize,
}

impl StandardMessages {
    /// The entry of a message, if the queue holds it in memory.
    #[must_use]
    pub fn get(&self, sequence: Sequence) -> Option<&Entry> {
        self.entries.get(&sequence).map(|held| &held.entry)
    }

    /// All entries in memory in the order they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (Sequence, &Entry)> {
        self.entries.iter().map(|(sequence, held)| (*sequence, &held.entry))
    }

    /// The entry in memory that was sent first.
    #[must_use]
    pub fn oldest(&self) -> Option<(Sequence, &Entry)> {
        match &self.by_age {
            Some(by_age) => by_age.first().and_then(|(_, sequence)| Some((*sequence, self.get(*sequence)?))),
            None => self.iter().next(),
        }
    }

    /// All entries in memory by the time they were sent.
    pub fn by_age(&self) -> impl Iterator<Item = (Sequence, &Entry)> {
        let (sorted, unsorted) = match &self.by_age {
            Some(by_age) => (Some(by_age.iter()), None),
            None => (None, Some(self.iter())),
        };
        let sorted = sorted.into_iter().flatten();
        let sorted = sorted.filter_map(|(_, sequence)| Some((*sequence, self.get(*sequence)?)));
        sorted.chain(unsorted.into_iter().flatten())
    }

    /// The entries in memory from one number up to another, in the order they were sent.
    pub fn between(&self, from: Sequence, below: Sequence) -> impl Iterator<Item = (Sequence, &Entry)> {
        self.entries.range(from..below.max(from)).map(|(sequence, held)| (*sequence, &held.entry))
    }

    /// The number of messages, whatever their state and wherever they lie.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() + self.rest_count()
    }

    /// Whether the queue holds no message at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of messages in memory.
    #[must_use]
    pub fn held(&self) -> usize {
        self.entries.len()
    }

    /// What is known of the messages that are not in memory; `None` when all are.
    #[must_use]
    pub fn resting(&self) -> Option<&Resting> {
        self.resting.as_deref()
    }

    /// Visible messages inside the window at the front, as far as settled.
    #[must_use]
    pub const fn ahead(&self) -> usize {
        self.ahead
    }

    /// Whether any message in memory can be received, as far as settled.
    #[must_use]
    pub fn has_available(&self) -> bool {
        self.ahead > 0 || !self.visible_in_groups.is_empty()
    }

    /// The messages that can be received, in the order a receive at `now` takes them, as far as settled: up to the end of the
    /// window, and in a queue with groups all in memory behind it.
    pub fn available(&self, now: Timestamp) -> Box<dyn Iterator<Item = (Sequence, &Entry)> + '_> {
        let entry = |sequence: Sequence| self.get(sequence).map(|entry| (sequence, entry));
        let edge = self.edge();
        match &self.fair {
            None => Box::new(
                self.visible
                    .iter()
                    .take_while(move |turn| **turn <= edge)
                    .filter_map(move |(_, sequence)| entry(*sequence)),
            ),
            Some(fair) => {
                let turns = fair.turns(&self.visible, self.in_flight.len(), now);
                Box::new(turns.filter_map(move |(_, sequence)| entry(sequence)))
            }
        }
    }

    /// Of those [`available`](Self::available), the ones that nothing at rest comes before.
    pub fn available_first(&self, now: Timestamp) -> Box<dyn Iterator<Item = (Sequence, &Entry)> + '_> {
        let edge = self.edge();
        match (&self.fair, &self.resting) {
            (Some(fair), Some(_)) => {
                let turns = fair.turns(&self.visible, self.in_flight.len(), now).quiet_ones();
                let turns = turns.take_while(move |turn| *turn <= edge);
                Box::new(turns.filter_map(|(_, sequence)| self.get(sequence).map(|entry| (sequence, entry))))
            }
            _ => self.available(now),
        }
    }

    /// The earliest time at which a hidden message in memory becomes visible.
    #[must_use]
    pub fn next_visible_at(&self) -> Option<Timestamp> {
        self.first_hidden().map(|(visible_at, _)| visible_at)
    }

    /// Exact counts, as far as settled; of resting messages exact to the second.
    #[must_use]
    pub fn counts(&self) -> MessageCounts {
        let in_groups = self.visible_in_groups.len();
        let resting_delayed = self.resting.as_ref().map_or(0, |resting| count(resting.delayed()));
        MessageCounts {
            visible: self.visible.len() + in_groups + self.rest_count() - resting_delayed,
            in_flight: self.in_flight.len(),
            delayed: self.delayed.len() + resting_delayed,
        }
    }

    /// What groups have at `now`, as far as settled; `None` as long as no message with a group has come.
    #[must_use]
    pub fn fair_counts(&self, now: Timestamp) -> Option<FairCounts> {
        let fair = self.fair.as_ref()?;
        let visible = self.visible.len() + self.visible_in_groups.len();
        let in_memory =
            MessageCounts { visible, in_flight: self.in_flight.len(), delayed: self.delayed.len() };
        let (mut counts, oldest) = fair.counts(&self.visible, in_memory, now);
        let oldest = oldest.and_then(|sequence| self.get(sequence));
        counts.quiet_oldest_sent_at = oldest.map(|entry| entry.sent_at);
        if let Some(resting) = &self.resting {
            counts.quiet_visible += count(resting.messages() - resting.delayed());
            counts.quiet_delayed += count(resting.delayed());
        }
        Some(counts)
    }

    /// Puts a message in, or replaces its entry; `now` decides whether it is visible.
    pub fn put(&mut self, sequence: Sequence, entry: Entry, now: Timestamp, changed: u64) {
        self.remove(sequence, now);
        self.insert(sequence, Held { entry, changed }, now);
    }

    /// Changes the entry of a message in memory; `false` when it is not there. The group stays what it is.
    pub fn update(
        &mut self,
        sequence: Sequence,
        now: Timestamp,
        changed: u64,
        change: impl FnOnce(&mut Entry),
    ) -> bool {
        let Some(held) = self.entries.get_mut(&sequence) else { return false };
        let before = held.entry;
        change(&mut held.entry);
        held.entry.group = before.group;
        held.changed = changed;
        let after = held.entry;
        let place = self.unindex(sequence, &before);
        self.index(sequence, &after, now);
        // A lease that was extended goes on, and one whose delivery never reached its receiver took nobody's time.
        let goes_on = after.visible_at > now || after.received_at.is_none();
        if before.visible_at <= now || !goes_on {
            self.lease_ended(&before, place, now);
        }
        true
    }

    /// Takes a message in memory out; `None` when it is not there.
    pub fn remove(&mut self, sequence: Sequence, now: Timestamp) -> Option<Entry> {
        let Held { entry, .. } = self.entries.remove(&sequence)?;
        let place = self.unindex(sequence, &entry);
        self.lease_ended(&entry, place, now);
        self.forget(sequence, &entry);
        if self.entries.is_empty() {
            self.by_age = None;
        }
        Some(entry)
    }

    /// Takes out all messages below `sequence`. All that rest are below it: numbers are given to what comes later.
    pub fn remove_below(&mut self, sequence: Sequence) {
        self.let_go_of_resting();
        let kept = self.entries.split_off(&sequence);
        let removed = std::mem::replace(&mut self.entries, kept);
        if self.entries.is_empty() {
            *self = Self::default();
            return;
        }
        for (sequence, Held { entry, .. }) in &removed {
            self.unindex(*sequence, entry);
            self.forget(*sequence, entry);
        }
    }

    /// Makes visible what has become due by `now`, at most `limit` messages. Returns whether more is due.
    pub fn settle(&mut self, now: Timestamp, limit: usize) -> bool {
        if let Some(resting) = &mut self.resting {
            resting.settle(now);
        }
        for _ in 0..limit {
            let Some((visible_at, sequence)) = self.first_hidden().filter(|(at, _)| *at <= now) else {
                return false;
            };
            let Some(entry) = self.get(sequence).copied() else { return false };
            let place = self.unindex(sequence, &entry);
            self.index(sequence, &entry, visible_at);
            self.lease_ended(&entry, place, visible_at);
        }
        self.first_hidden().is_some_and(|(visible_at, _)| visible_at <= now)
    }

    fn rest_count(&self) -> usize {
        self.resting.as_ref().map_or(0, |resting| count(resting.messages()))
    }

    fn edge(&self) -> Turn {
        self.resting.as_ref().map_or(Edge::END.turn, |resting| resting.edge().turn)
    }

    fn first_hidden(&self) -> Option<Turn> {
        [self.in_flight.first(), self.delayed.first()].into_iter().flatten().min().copied()
    }

    fn insert(&mut self, sequence: Sequence, held: Held, now: Timestamp) {
        let entry = held.entry;
        self.entries.insert(sequence, held);
        if let Some(by_age) = &mut self.by_age {
            by_age.insert((entry.sent_at, sequence));
        } else if entry.source.is_some() {
            let by_age = self.iter().map(|(sequence, entry)| (entry.sent_at, sequence));
            self.by_age = Some(by_age.collect());
        }
        self.index(sequence, &entry, now);
    }

    fn index(&mut self, sequence: Sequence, entry: &Entry, now: Timestamp) {
        let hidden = (entry.visible_at, sequence);
        let place = match entry.visible_at > now {
            false => Place::Visible,
            true if entry.never_delivered() => Place::Delayed,
            true => Place::InFlight,
        };
        match place {
            Place::Visible => {}
            Place::InFlight => drop(self.in_flight.insert(hidden)),
            Place::Delayed => drop(self.delayed.insert(hidden)),
        }
        if let Some(group) = entry.group {
            let fair = self.fair.get_or_insert_with(|| Box::new(Fair::new(now)));
            fair.enter(group, sequence, entry, place);
        }
        if place == Place::Visible {
            let turn = (entry.rank, sequence);
            self.ahead += usize::from(turn <= self.edge());
            self.visible_of(entry).insert(turn);
        }
    }

    /// Answers where the message stood.
    fn unindex(&mut self, sequence: Sequence, entry: &Entry) -> Place {
        let hidden = (entry.visible_at, sequence);
        let place = match entry.never_delivered() {
            true if self.delayed.remove(&hidden) => Place::Delayed,
            false if self.in_flight.remove(&hidden) => Place::InFlight,
            _ => Place::Visible,
        };
        if let (Some(group), Some(fair)) = (entry.group, &mut self.fair) {
            fair.leave(group, sequence, entry, place);
        }
        if place == Place::Visible {
            let turn = (entry.rank, sequence);
            self.ahead -= usize::from(self.visible_of(entry).remove(&turn) && turn <= self.edge());
        }
        place
    }

    fn visible_of(&mut self, entry: &Entry) -> &mut BTreeSet<Turn> {
        if entry.group.is_some() { &mut self.visible_in_groups } else { &mut self.visible }
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
