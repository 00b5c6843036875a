//! What of a FIFO queue is in memory: a window at its front, what was ever delivered, and what came of late.
//!
//! The window is a range of numbers, from the first message up to the edge. All that is inside it is in memory, but for
//! groups that are *passed over*: when a group has more messages in the window than memory should take, because it is locked,
//! say, those from some number on stay where they are, and the window goes on behind them for the sake of the other groups.
//! So each group knows its messages up to a number, without a gap, and gives none behind it.
//!
//! What always holds: a message that rests was never delivered. Moving the edge looks at a bounded number of messages.

use std::ops::Bound;

use super::{FifoMessages, group_of};
use crate::message::{Entry, GroupKey, Sequence};
use crate::queue::resting::{Backlog, Edge, Held, Resting, count};
use crate::time::Timestamp;

/// Fewer groups than that may have less than one receive takes.
const FEW_GROUPS: usize = 10;

/// What a queue lacks when it has nothing in memory that it can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// What stands behind the window.
    Window,
    /// Messages of a group that was passed over, from a number on.
    Group(GroupKey, Sequence),
}

impl FifoMessages {
    /// What is known of the messages that are not in memory; `None` when all are.
    #[must_use]
    pub fn resting(&self) -> Option<&Resting> {
        self.resting.as_deref()
    }

    /// Messages inside the window that are not in flight, as far as settled.
    #[must_use]
    pub fn ahead(&self) -> usize {
        self.ahead.saturating_sub(self.in_flight.len())
    }

    /// What must be read before it is known that no more can be received at `now`.
    #[must_use]
    pub fn missing(&self, now: Timestamp) -> Option<Missing> {
        let resting = self.resting.as_ref().filter(|resting| resting.messages() > 0)?;
        if let Some((group, from)) = self.passed.iter().find(|(group, _)| self.may_give_more(**group, now)) {
            return Some(Missing::Group(*group, *from));
        }
        // All have the same delay, so nothing behind a delayed message can be received.
        let last = self.entries.range(..=self.edge()).next_back();
        let ends_delayed =
            last.is_some_and(|(_, held)| held.entry.never_delivered() && self.visible_at(&held.entry) > now);
        (resting.edge() != Edge::END && !ends_delayed).then_some(Missing::Window)
    }

    /// All messages of the queue rest, as a store tells.
    pub fn rest(&mut self, backlog: &Backlog, now: Timestamp) {
        self.resting = Some(Box::new(Resting::of(backlog, now)));
        self.ahead = 0;
    }

    /// Brings a message back that rests; `false` when it is in memory already, or when none rests.
    pub fn admit(&mut self, sequence: Sequence, entry: Entry, now: Timestamp) -> bool {
        let Some(resting) = self.resting.as_mut().filter(|_| !self.entries.contains_key(&sequence)) else {
            return false;
        };
        resting.remove(&entry);
        self.insert(sequence, Held { entry, changed: 0 }, now);
        true
    }

    /// As [`admit`](Self::admit), of a message that the window is to reach, unless its group has `most` in memory: then the
    /// group is passed over from there on.
    pub fn admit_ahead(&mut self, sequence: Sequence, entry: Entry, now: Timestamp, most: usize) -> bool {
        if self.entries.contains_key(&sequence) {
            return false;
        }
        let group = group_of(&entry);
        let is_full = self.groups.get(&group).is_some_and(|group| group.members.len() >= most);
        if is_full || self.passed.contains_key(&group) {
            if self.passed.is_empty() {
                self.passed_oldest_sent_at = entry.sent_at;
            }
            self.passed_oldest_sent_at = self.passed_oldest_sent_at.min(entry.sent_at);
            self.passed.entry(group).or_insert(sequence);
            return false;
        }
        self.admit(sequence, entry, now)
    }

    /// Lets messages rest that stand behind the window, which keeps about `keep`: those that were never delivered, from number
    /// `from` on, whose last change was made by batch `through` or an earlier one. Looks at no more than about twice `limit`
    /// messages. Returns how many went.
    pub fn release(
        &mut self,
        now: Timestamp,
        keep: usize,
        limit: usize,
        through: u64,
        from: Sequence,
    ) -> usize {
        self.narrow(keep, limit);
        let behind = (Bound::Excluded(self.edge()), Bound::Unbounded);
        let can_rest = |(sequence, held): &(&Sequence, &Held)| {
            held.changed <= through && held.entry.never_delivered() && **sequence >= from
        };
        let going = self.entries.range(behind).take(limit).filter(can_rest);
        let going: Vec<Sequence> = going.map(|(sequence, _)| *sequence).collect();
        for sequence in &going {
            let Some(entry) = self.remove(*sequence) else { continue };
            if let Some(resting) = &mut self.resting {
                resting.add(*sequence, &entry, now);
            }
        }
        going.len()
    }

    /// The window reaches further: all messages up to `edge` are in memory now, but for groups that were passed over.
    /// Looks at no more than about `limit` messages, and reaches as far as that.
    pub fn reach(&mut self, edge: Sequence, oldest_sent_at: Timestamp, limit: usize) {
        self.move_edge_up(edge, limit);
        if let Some(resting) = &mut self.resting {
            let passed = if self.passed.is_empty() { Timestamp::MAX } else { self.passed_oldest_sent_at };
            resting.know_oldest(oldest_sent_at.min(passed));
        }
    }

    /// More of a group that was passed over at `from` is in memory: all before `next`, or all that there is.
    pub fn reach_of_group(&mut self, group: GroupKey, from: Sequence, next: Option<Sequence>) {
        if self.passed.get(&group) != Some(&from) {
            return;
        }
        match next {
            Some(next) => self.passed.insert(group, next),
            None => self.passed.remove(&group),
        };
        self.line_up_group(group);
    }

    /// Where a group is passed over, if it is.
    #[must_use]
    pub fn passed_over_at(&self, group: GroupKey) -> Option<Sequence> {
        self.passed.get(&group).copied()
    }

    /// As `resting`, to tell it what was read.
    pub(in crate::queue) fn resting_mut(&mut self) -> Option<&mut Resting> {
        self.resting.as_deref_mut()
    }

    pub(super) fn rest_count(&self) -> usize {
        self.resting.as_ref().map_or(0, |resting| count(resting.messages()))
    }

    pub(super) fn edge(&self) -> Sequence {
        self.resting.as_ref().map_or(Edge::END.line, |resting| resting.edge().line)
    }

    /// Whether all messages of a group up to this number are in memory.
    pub(super) fn is_known(&self, group: GroupKey, sequence: Sequence) -> bool {
        self.rest_count() == 0
            || (sequence <= self.edge() && self.passed.get(&group).is_none_or(|from| sequence < *from))
    }

    /// Once nothing rests, the window takes in what is in memory behind it, as soon as few groups have anything to give.
    pub(super) fn widen(&mut self, limit: usize) {
        if self.resting.is_none() || self.rest_count() > 0 || self.ready.len() >= FEW_GROUPS {
            return;
        }
        for group in std::mem::take(&mut self.passed).into_keys() {
            self.line_up_group(group);
        }
        self.move_edge_up(Edge::END.line, limit);
        if self.edge() == Edge::END.line {
            self.resting = None;
        }
    }

    /// Nothing rests any more.
    pub(super) fn let_go_of_resting(&mut self) {
        self.passed.clear();
        self.move_edge_up(Edge::END.line, usize::MAX);
        self.resting = None;
    }

    /// Whether a group that was passed over could give more at `now` than what is known of it.
    fn may_give_more(&self, key: GroupKey, now: Timestamp) -> bool {
        let Some(group) = self.groups.get(&key) else { return true };
        let known = group.members.iter().take_while(|member| self.is_known(key, **member)).last();
        let last = known.and_then(|last| self.get(*last));
        group.in_flight == 0 && last.is_none_or(|last| self.visible_at(last) <= now)
    }

    fn move_edge_up(&mut self, edge: Sequence, limit: usize) {
        let before = self.edge();
        let Some(resting) = self.resting.as_mut().filter(|_| edge > before) else { return };
        let passed = || self.entries.range((Bound::Excluded(before), Bound::Included(edge)));
        let beyond = passed().nth(limit).map(|(sequence, _)| *sequence);
        let edge = beyond.map_or(edge, |beyond| Sequence(beyond.0 - 1));
        let groups: Vec<GroupKey> = passed().take(limit).map(|(_, held)| group_of(&held.entry)).collect();
        resting.move_edge(edge_at(edge));
        self.ahead += groups.len();
        groups.into_iter().for_each(|group| self.line_up_group(group));
    }

    /// Ends the window earlier if it reaches much further than `keep` messages in memory, step by step.
    fn narrow(&mut self, keep: usize, limit: usize) {
        if self.ahead <= keep.saturating_mul(2) {
            return;
        }
        let excess = (self.ahead - keep).min(limit);
        let out = self.entries.range(..=self.edge()).rev().take(excess);
        let out: Vec<(Sequence, GroupKey)> =
            out.map(|(sequence, held)| (*sequence, group_of(&held.entry))).collect();
        let Some(lowest) = out.last().map(|(sequence, _)| *sequence) else { return };
        let edge = Sequence(lowest.0 - 1);
        match &mut self.resting {
            Some(resting) => resting.move_edge(edge_at(edge)),
            None => self.resting = Some(Box::new(Resting::behind(edge_at(edge)))),
        }
        self.ahead -= out.len();
        self.passed.retain(|_, from| *from <= edge);
        out.into_iter().for_each(|(_, group)| self.line_up_group(group));
    }
}

/// The edge of a window of numbers.
fn edge_at(line: Sequence) -> Edge {
    if line == Edge::END.line { Edge::END } else { Edge { turn: (Timestamp::EPOCH, line), line } }
}
