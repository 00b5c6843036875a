//! The messages of a FIFO queue, indexed by group for the next receive.
//!
//! One rule stands for the whole order: inside a group messages go out in the order they were sent, up to the first one
//! that can't, and a group whose first message can't go out gives nothing. So a group is locked while one of its
//! messages is in flight, and it costs no other group anything: receives look only at groups that can give.
//!
//! What always holds: `ready` holds exactly the groups whose first message is known and visible, as far as settled, each
//! under the rank of that message; each group knows how many of its messages are in flight. Where all messages are in memory,
//! all of it follows from the entries, the delay of the queue and how far [`settle`](FifoMessages::settle) was called, never
//! from the order of calls.
//!
//! Messages that were never delivered may rest in the store, see [`window`]. A group gives only what it has inside the window,
//! so it never gives a message before an earlier one; which group gives next may depend on where messages lie.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html>.

use std::collections::{BTreeMap, BTreeSet};

mod window;

pub use window::Missing;

use super::MessageCounts;
use super::resting::{Held, Resting, count};
use crate::message::{AttemptKey, Entry, GroupKey, Sequence};
use crate::time::Timestamp;

/// The place of a group among those that can give: the rank of its first message, then that message's sequence.
type Turn = (Timestamp, Sequence);

/// The messages of one FIFO queue.
#[derive(Clone, Debug, Default)]
pub struct FifoMessages {
    entries: BTreeMap<Sequence, Held>,
    groups: BTreeMap<GroupKey, Group>,
    ready: BTreeMap<Turn, GroupKey>,
    in_flight: BTreeSet<(Timestamp, Sequence)>,
    /// Never delivered, their delay running. In the order they become visible, since all have the same delay.
    delayed: BTreeSet<Sequence>,
    /// Those that remember the receive that handed them out, by its name and their place in it.
    attempts: BTreeSet<(AttemptKey, u8, Sequence)>,
    delay_secs: u32,
    groups_in_flight: usize,
    /// While some messages are not in memory.
    resting: Option<Box<Resting>>,
    /// Groups that have more messages inside the window than memory takes, with the first one that may rest.
    passed: BTreeMap<GroupKey, Sequence>,
    /// None of those that rest inside the window was sent earlier.
    passed_oldest_sent_at: Timestamp,
    /// Messages in memory that stand inside the window; all while nothing rests.
    ahead: usize,
}

#[derive(Clone, Debug, Default)]
struct Group {
    /// All in memory.
    members: BTreeSet<Sequence>,
    ready_at: Option<Turn>,
    in_flight: usize,
}

impl FifoMessages {
    /// No messages, in a queue whose messages are delayed by so many seconds.
    #[must_use]
    pub fn new(delay_secs: u32) -> Self {
        Self { delay_secs, ..Self::default() }
    }

    /// The entry of a message, if the queue holds it in memory.
    #[must_use]
    pub fn get(&self, sequence: Sequence) -> Option<&Entry> {
        self.entries.get(&sequence).map(|held| &held.entry)
    }

    /// All entries in memory in the order they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (Sequence, &Entry)> {
        self.entries.iter().map(|(sequence, held)| (*sequence, &held.entry))
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

    /// Whether any group can give a message, as far as settled.
    #[must_use]
    pub fn has_available(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The messages that can be received, in the order a receive takes them, as far as settled: group after group.
    pub fn available(&self) -> impl Iterator<Item = (Sequence, &Entry)> {
        self.ready.values().filter_map(|key| Some((key, self.groups.get(key)?))).flat_map(|(key, group)| {
            group
                .members
                .iter()
                .filter_map(|sequence| self.get(*sequence).map(|entry| (*sequence, entry)))
                .take_while(|(sequence, entry)| {
                    self.is_known(*key, *sequence) && !self.is_hidden(*sequence, entry)
                })
        })
    }

    /// The messages that remember a receive of that name, in the order in which it handed them out.
    pub fn of_attempt(&self, key: AttemptKey) -> impl Iterator<Item = (Sequence, &Entry)> {
        let range = (key, u8::MIN, Sequence(u64::MIN))..=(key, u8::MAX, Sequence(u64::MAX));
        let sequences = self.attempts.range(range).map(|(_, _, sequence)| *sequence);
        sequences.filter_map(|sequence| self.get(sequence).map(|entry| (sequence, entry)))
    }

    /// The message of the same group that was sent next, if that is known.
    #[must_use]
    pub fn following(&self, sequence: Sequence) -> Option<Sequence> {
        let key = group_of(self.get(sequence)?);
        let next = self.groups.get(&key)?.members.range(sequence.next()..).next().copied();
        next.filter(|next| self.is_known(key, *next))
    }

    /// The message of the same group in memory that was sent just before.
    #[must_use]
    pub fn preceding(&self, sequence: Sequence) -> Option<Sequence> {
        let group = self.groups.get(&group_of(self.get(sequence)?))?;
        group.members.range(..sequence).next_back().copied()
    }

    /// The entries in memory from one number up to another, in the order they were sent.
    pub fn between(&self, from: Sequence, below: Sequence) -> impl Iterator<Item = (Sequence, &Entry)> {
        self.entries.range(from..below.max(from)).map(|(sequence, held)| (*sequence, &held.entry))
    }

    /// The earliest time at which a hidden message in memory becomes visible.
    #[must_use]
    pub fn next_visible_at(&self) -> Option<Timestamp> {
        let lease_end = self.in_flight.first().map(|(visible_at, _)| *visible_at);
        let delay_end = self.delayed.first().and_then(|sequence| self.get(*sequence));
        let delay_end = delay_end.map(|entry| self.visible_at(entry));
        lease_end.into_iter().chain(delay_end).min()
    }

    /// Exact counts, as far as settled; of resting messages exact to the second. Messages behind a locked group count as
    /// visible.
    #[must_use]
    pub fn counts(&self) -> MessageCounts {
        let resting_delayed = self.resting.as_ref().map_or(0, |resting| count(resting.delayed()));
        let (in_flight, delayed) = (self.in_flight.len(), self.delayed.len());
        MessageCounts {
            visible: self.entries.len() - in_flight - delayed + self.rest_count() - resting_delayed,
            in_flight,
            delayed: delayed + resting_delayed,
        }
    }

    /// How many groups have messages in flight, as far as settled.
    #[must_use]
    pub fn groups_in_flight(&self) -> usize {
        self.groups_in_flight
    }

    /// Puts a message in, or replaces its entry; `now` decides whether it is visible, and `changed` is the batch that does so.
    pub fn put(&mut self, sequence: Sequence, entry: Entry, now: Timestamp, changed: u64) {
        self.remove(sequence);
        self.insert(sequence, Held { entry, changed }, now);
    }

    fn insert(&mut self, sequence: Sequence, held: Held, now: Timestamp) {
        let entry = held.entry;
        self.entries.insert(sequence, held);
        self.ahead += usize::from(sequence <= self.edge());
        self.groups.entry(group_of(&entry)).or_default().members.insert(sequence);
        self.hide(sequence, &entry, now);
        self.note_attempt(sequence, &entry);
        self.line_up(&entry);
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
        held.changed = changed;
        let before = held.entry;
        change(&mut held.entry);
        held.entry.group = before.group;
        let after = held.entry;
        self.show(sequence, &before);
        self.hide(sequence, &after, now);
        self.drop_attempt(sequence, &before);
        self.note_attempt(sequence, &after);
        self.line_up(&after);
        true
    }

    /// Takes a message in memory out; `None` when it is not there.
    pub fn remove(&mut self, sequence: Sequence) -> Option<Entry> {
        let Held { entry, .. } = self.entries.remove(&sequence)?;
        self.ahead -= usize::from(sequence <= self.edge());
        self.show(sequence, &entry);
        self.drop_attempt(sequence, &entry);
        if let Some(group) = self.groups.get_mut(&group_of(&entry)) {
            group.members.remove(&sequence);
        }
        self.line_up(&entry);
        Some(entry)
    }

    /// Takes out all messages below `sequence`. All that rest are below it: numbers are given to what comes later.
    pub fn remove_below(&mut self, sequence: Sequence) {
        let kept = self.entries.split_off(&sequence);
        let removed = std::mem::replace(&mut self.entries, kept);
        if self.entries.is_empty() {
            *self = Self::new(self.delay_secs);
            return;
        }
        for (sequence, held) in removed {
            self.entries.insert(sequence, held);
            self.remove(sequence);
        }
        self.let_go_of_resting();
    }

    /// The queue's delay is another now: it counts for every message that was never delivered.
    pub fn set_delay(&mut self, delay_secs: u32, now: Timestamp) {
        let longer_secs = u64::from(self.delay_secs.max(delay_secs));
        if let Some(resting) = &mut self.resting {
            resting.shift_delays(self.delay_secs, delay_secs);
        }
        self.delay_secs = delay_secs;
        let concerned: Vec<Sequence> = self
            .entries
            .iter()
            .rev()
            .take_while(|(_, held)| held.entry.sent_at.plus_secs(longer_secs) > now)
            .filter(|(_, held)| held.entry.never_delivered())
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in concerned {
            let changed = self.entries.get(&sequence).map_or(0, |held| held.changed);
            self.update(sequence, now, changed, |_| {});
        }
    }

    /// Makes visible what has become due by `now`, at most `limit` messages. Returns whether more is due.
    pub fn settle(&mut self, now: Timestamp, limit: usize) -> bool {
        if let Some(resting) = &mut self.resting {
            resting.settle(now);
        }
        self.widen(limit);
        for _ in 0..limit {
            let Some(sequence) = self.due(now) else { return false };
            if let Some(entry) = self.get(sequence).copied() {
                self.show(sequence, &entry);
                self.line_up(&entry);
            }
        }
        self.due(now).is_some()
    }

    fn due(&self, now: Timestamp) -> Option<Sequence> {
        let lease_ended = self.in_flight.first().filter(|(visible_at, _)| *visible_at <= now);
        lease_ended.map(|(_, sequence)| *sequence).or_else(|| {
            let first = self.delayed.first().copied()?;
            self.get(first).is_some_and(|entry| self.visible_at(entry) <= now).then_some(first)
        })
    }

    /// When a message is or was visible.
    #[must_use]
    pub fn visible_at(&self, entry: &Entry) -> Timestamp {
        if entry.never_delivered() {
            entry.sent_at.plus_secs(u64::from(self.delay_secs))
        } else {
            entry.visible_at
        }
    }

    fn is_hidden(&self, sequence: Sequence, entry: &Entry) -> bool {
        if entry.never_delivered() {
            self.delayed.contains(&sequence)
        } else {
            self.in_flight.contains(&(entry.visible_at, sequence))
        }
    }

    fn hide(&mut self, sequence: Sequence, entry: &Entry, now: Timestamp) {
        if self.visible_at(entry) <= now {
            return;
        }
        if entry.never_delivered() {
            self.delayed.insert(sequence);
        } else if self.in_flight.insert((entry.visible_at, sequence))
            && let Some(group) = self.groups.get_mut(&group_of(entry))
        {
            group.in_flight += 1;
            self.groups_in_flight += usize::from(group.in_flight == 1);
        }
    }

    fn show(&mut self, sequence: Sequence, entry: &Entry) {
        self.delayed.remove(&sequence);
        if self.in_flight.remove(&(entry.visible_at, sequence))
            && let Some(group) = self.groups.get_mut(&group_of(entry))
        {
            group.in_flight -= 1;
            self.groups_in_flight -= usize::from(group.in_flight == 0);
        }
    }

    fn note_attempt(&mut self, sequence: Sequence, entry: &Entry) {
        if let Some(attempt) = entry.attempt {
            self.attempts.insert((attempt.key, attempt.place, sequence));
        }
    }

    fn drop_attempt(&mut self, sequence: Sequence, entry: &Entry) {
        if let Some(attempt) = entry.attempt {
            self.attempts.remove(&(attempt.key, attempt.place, sequence));
        }
    }

    /// Brings the place of an entry's group in line with its first message.
    fn line_up(&mut self, entry: &Entry) {
        self.line_up_group(group_of(entry));
    }

    fn line_up_group(&mut self, key: GroupKey) {
        let Some(group) = self.groups.get(&key) else { return };
        let before = group.ready_at;
        let first = group.members.first().copied().filter(|first| self.is_known(key, *first));
        let first = first.and_then(|sequence| Some((sequence, *self.get(sequence)?)));
        let turn = first.filter(|(sequence, entry)| !self.is_hidden(*sequence, entry));
        let turn = turn.map(|(sequence, entry)| (entry.rank, sequence));
        if turn != before {
            before.map(|turn| self.ready.remove(&turn));
            turn.map(|turn| self.ready.insert(turn, key));
        }
        match self.groups.get_mut(&key) {
            Some(group) if group.members.is_empty() => drop(self.groups.remove(&key)),
            Some(group) => group.ready_at = turn,
            None => {}
        }
    }
}

/// Messages without a group, which no FIFO queue accepts, would be a group of their own.
fn group_of(entry: &Entry) -> GroupKey {
    entry.group.unwrap_or_default()
}

#[cfg(test)]
mod tests;
