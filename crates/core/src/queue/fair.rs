//! Whose turn it is in a standard queue whose messages have groups: a group that takes more than its share lets the others
//! go first.
//!
//! A group is what Amazon SQS calls a tenant of a fair queue. It is *noisy* while it has messages to give, has sent one in
//! the last five minutes, and either more than a tenth of the queue's messages in flight are its own and those are 30 or
//! more, or more than a tenth of the recent processing time was spent on it. Messages of groups that are not noisy go out
//! first, in the plain order of the queue; among noisy groups the one with the fewest in flight gives next. Nothing is
//! locked, dropped or held back, and no order is promised. A message without a group is a tenant of its own, which one
//! message can't make noisy, so it needs no record.
//!
//! What it knows, and from where:
//! - what a group has visible, in flight and delayed follows from the entries, and from how far the queue is settled;
//! - when a group last sent follows from its entries too, and is remembered while it has any in memory; read back from a
//!   store, it is the time of the latest that is left;
//! - processing time, from a receive to the end of the lease, is a statistic. Replaying events yields it again; read back
//!   from a store it begins at zero, which costs a noisy group nothing but some turns. It is no state and in no digest.
//!
//! No more than nine groups can hold more than a tenth of anything, so all noisy ones are found by looking at the ends of
//! two ordered sets. A group without a message has no record. Each group needs its first visible messages only, besides
//! four numbers.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html>.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::MessageCounts;
use super::processing_time::ProcessingTime;
use super::turns::{NoisyGroup, Turn, Turns};
use crate::limits;
use crate::message::{Entry, GroupKey, Sequence};
use crate::time::Timestamp;

/// How many messages a queue holds in groups that are not noisy, those without a group included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FairCounts {
    /// `ApproximateNumberOfNoisyGroups`.
    pub noisy_groups: usize,
    /// `ApproximateNumberOfMessagesVisibleInQuietGroups`.
    pub quiet_visible: usize,
    /// `ApproximateNumberOfMessagesNotVisibleInQuietGroups`.
    pub quiet_in_flight: usize,
    /// `ApproximateNumberOfMessagesDelayedInQuietGroups`.
    pub quiet_delayed: usize,
    /// For `ApproximateAgeOfOldestMessageInQuietGroups`: when the message was sent that waits at their front. Those in
    /// flight, and those received often enough to stand at the back, do not count while others wait.
    pub quiet_oldest_sent_at: Option<Timestamp>,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Visible,
    InFlight,
    Delayed,
}

/// The groups of one queue.
#[derive(Clone, Debug)]
pub(super) struct Fair {
    /// When the first group came: leases that ended until then are not counted, whenever that is noticed.
    since: Timestamp,
    groups: BTreeMap<GroupKey, Group>,
    /// The first visible message of each group that has one.
    heads: BTreeMap<Turn, GroupKey>,
    /// Groups with enough messages in flight to be noisy, by how many.
    crowded: BTreeSet<(usize, GroupKey)>,
    /// Groups that processing time was spent on, by how much.
    costly: BTreeSet<(ProcessingTime, GroupKey)>,
    /// Spent on all groups and on messages without one, also on groups that have no message any more.
    total: ProcessingTime,
}

#[derive(Clone, Debug, Default)]
struct Group {
    visible: BTreeSet<Turn>,
    in_flight: usize,
    delayed: usize,
    last_sent_at: Timestamp,
    spent: ProcessingTime,
}

impl Fair {
    /// No groups.
    pub(super) const fn new(since: Timestamp) -> Self {
        Self {
            since,
            groups: BTreeMap::new(),
            heads: BTreeMap::new(),
            crowded: BTreeSet::new(),
            costly: BTreeSet::new(),
            total: ProcessingTime::ZERO,
        }
    }

    /// Whether a group is noisy while the whole queue has so many messages in flight.
    pub(super) fn has_noisy(&self, in_flight: usize, now: Timestamp) -> bool {
        !self.noisy(in_flight, now).is_empty()
    }

    /// A message of a group stands here now.
    pub(super) fn enter(&mut self, key: GroupKey, sequence: Sequence, entry: &Entry, place: Place) {
        let group = self.groups.entry(key).or_default();
        group.last_sent_at = group.last_sent_at.max(entry.sent_at);
        match place {
            Place::Visible => {
                let first = group.visible.first().copied();
                group.visible.insert((entry.rank, sequence));
                self.line_up(key, first);
            }
            Place::InFlight => self.count_in_flight(key, |in_flight| in_flight + 1),
            Place::Delayed => group.delayed += 1,
        }
    }

    /// A message of a group stood here. The group keeps its record.
    pub(super) fn leave(&mut self, key: GroupKey, sequence: Sequence, entry: &Entry, place: Place) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        match place {
            Place::Visible => {
                let first = group.visible.first().copied();
                group.visible.remove(&(entry.rank, sequence));
                self.line_up(key, first);
            }
            Place::InFlight => self.count_in_flight(key, |in_flight| in_flight.saturating_sub(1)),
            Place::Delayed => group.delayed = group.delayed.saturating_sub(1),
        }
    }

    /// Forgets a group that has no message.
    pub(super) fn forget_empty(&mut self, key: GroupKey) {
        let Some(group) = self.groups.get(&key) else { return };
        if group.visible.is_empty() && group.in_flight == 0 && group.delayed == 0 {
            self.costly.remove(&(group.spent, key));
            self.groups.remove(&key);
        }
    }

    /// A lease ended, of a message with or without a group.
    pub(super) fn spend(&mut self, key: Option<GroupKey>, received_at: Timestamp, ended_at: Timestamp) {
        let spent = ProcessingTime::of(received_at, ended_at);
        if spent == ProcessingTime::ZERO || ended_at <= self.since {
            return;
        }
        self.total = self.total.plus(spent);
        let group = key.and_then(|key| Some((key, self.groups.get_mut(&key)?)));
        if let Some((key, group)) = group {
            self.costly.remove(&(group.spent, key));
            group.spent = group.spent.plus(spent);
            self.costly.insert((group.spent, key));
        }
    }

    /// All visible messages in the order a receive takes them; `plain` are those without a group, and `in_flight` counts
    /// those of the whole queue.
    pub(super) fn turns<'a>(
        &'a self,
        plain: &'a BTreeSet<Turn>,
        in_flight: usize,
        now: Timestamp,
    ) -> Turns<'a> {
        let noisy = self.noisy(in_flight, now).into_iter().filter_map(|key| {
            let Group { visible, in_flight, spent, .. } = self.groups.get(&key)?;
            Some(NoisyGroup { key, in_flight: *in_flight, spent: *spent, next: visible.first().copied() })
        });
        Turns {
            fair: self,
            plain: plain.iter().peekable(),
            heads: self.heads.iter().peekable(),
            begun: BTreeMap::new(),
            noisy: noisy.collect(),
        }
    }

    /// The visible message of a group that comes after this one.
    pub(super) fn following(&self, key: GroupKey, turn: Turn) -> Option<Turn> {
        let group = self.groups.get(&key)?;
        group.visible.range((Bound::Excluded(turn), Bound::Unbounded)).next().copied()
    }

    /// Counts of the groups that are not noisy, with the counts in memory of the whole queue; `plain` are the visible messages
    /// without a group.
    pub(super) fn counts(
        &self,
        plain: &BTreeSet<Turn>,
        MessageCounts { visible, in_flight, delayed }: MessageCounts,
        now: Timestamp,
    ) -> (FairCounts, Option<Sequence>) {
        let noisy = self.noisy(in_flight, now);
        let mut counts = FairCounts {
            noisy_groups: noisy.len(),
            quiet_visible: visible,
            quiet_in_flight: in_flight,
            quiet_delayed: delayed,
            quiet_oldest_sent_at: None,
        };
        for group in noisy.iter().filter_map(|key| self.groups.get(key)) {
            counts.quiet_visible -= group.visible.len();
            counts.quiet_in_flight -= group.in_flight;
            counts.quiet_delayed -= group.delayed;
        }
        let quiet = self.heads.iter().find(|(_, key)| !noisy.contains(key)).map(|(turn, _)| turn);
        let first = quiet.into_iter().chain(plain.first()).min();
        (counts, first.map(|(_, sequence)| *sequence))
    }

    fn noisy(&self, in_flight: usize, now: Timestamp) -> BTreeSet<GroupKey> {
        let crowded = self.crowded.iter().rev().take_while(|(own, _)| own * 10 > in_flight);
        let costly = self.costly.iter().rev().take_while(|(spent, _)| spent.exceeds_tenth_of(self.total));
        let suspects = crowded.map(|(_, key)| *key).chain(costly.map(|(_, key)| *key));
        suspects
            .filter(|key| self.groups.get(key).is_some_and(|group| group.has_sent_and_waits(now)))
            .collect()
    }

    /// Brings the place of a group in line with its first visible message, which was another before.
    fn line_up(&mut self, key: GroupKey, before: Option<Turn>) {
        let first = self.groups.get(&key).and_then(|group| group.visible.first().copied());
        if first != before {
            before.map(|turn| self.heads.remove(&turn));
            first.map(|turn| self.heads.insert(turn, key));
        }
    }

    fn count_in_flight(&mut self, key: GroupKey, change: impl FnOnce(usize) -> usize) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        let before = group.in_flight;
        group.in_flight = change(before);
        if before >= limits::NOISY_IN_FLIGHT_MESSAGES {
            self.crowded.remove(&(before, key));
        }
        if group.in_flight >= limits::NOISY_IN_FLIGHT_MESSAGES {
            self.crowded.insert((group.in_flight, key));
        }
    }
}

impl Group {
    fn has_sent_and_waits(&self, now: Timestamp) -> bool {
        !self.visible.is_empty() && self.last_sent_at.plus_secs(limits::QUIET_AFTER_SECS) > now
    }
}
