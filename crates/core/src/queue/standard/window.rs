//! What of a standard queue is in memory: a window at its front, and what can't rest.
//!
//! Messages leave memory one by one and come back one by one; the index stays right in between. Behind the edge of the
//! window only messages in memory are known, so receives stop there.

use std::collections::btree_set::Range;
use std::iter::Peekable;
use std::ops::Bound;

use super::StandardMessages;
use crate::limits;
use crate::message::{Entry, Sequence};
use crate::queue::resting::{Backlog, Edge, Held, Resting};
use crate::queue::turns::Turn;
use crate::time::Timestamp;

impl StandardMessages {
    /// Whether a message at rest may be received at `now` before those behind the window, and before those of noisy groups as
    /// long as not too many of these stand inside the window.
    #[must_use]
    pub fn is_short(&self, now: Timestamp) -> bool {
        let looks_further = self.fair.is_none() || self.ahead < limits::FAIR_LOOK_AHEAD_MESSAGES;
        looks_further && self.resting.as_ref().is_some_and(|resting| resting.may_give(now))
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
        if self.rest_count() == 0 {
            self.let_go_of_resting();
        }
        true
    }

    /// Lets messages rest that stand behind the first `keep` visible ones: those that are not in flight, and whose last change
    /// was made by batch `through` or an earlier one. Looks at no more than about `limit` messages. Returns how many went.
    pub fn release(&mut self, now: Timestamp, keep: usize, limit: usize, through: u64) -> usize {
        let noisy = self.fair.as_ref().is_some_and(|fair| fair.has_noisy(self.in_flight.len(), now));
        self.draw_edge(if noisy { keep.max(limits::FAIR_LOOK_AHEAD_MESSAGES) } else { keep });
        let edge = (Bound::Excluded(self.edge()), Bound::Unbounded);
        let visible = self.visible.range(edge).chain(self.visible_in_groups.range(edge));
        let behind = visible.chain(self.delayed.range(edge)).take(limit);
        let can_rest =
            |(_, sequence): &&Turn| self.entries.get(sequence).is_some_and(|held| held.changed <= through);
        let going: Vec<Sequence> = behind.filter(can_rest).map(|(_, sequence)| *sequence).collect();
        for sequence in &going {
            self.let_rest(*sequence, now);
        }
        if self.rest_count() == 0 {
            self.let_go_of_resting();
        }
        going.len()
    }

    /// The window reaches further: all messages up to `edge` are in memory now.
    pub fn reach(&mut self, edge: Edge, oldest_sent_at: Timestamp) {
        let Some(resting) = &mut self.resting else { return };
        let before = resting.edge();
        if edge > before {
            resting.move_edge(edge);
            let passed = (Bound::Excluded(before.turn), Bound::Included(edge.turn));
            self.ahead += self.visible.range(passed).count() + self.visible_in_groups.range(passed).count();
        }
        resting.know_oldest(oldest_sent_at);
        if resting.messages() == 0 {
            self.let_go_of_resting();
        }
    }

    /// As `resting`, to tell it what was read.
    pub(in crate::queue) fn resting_mut(&mut self) -> Option<&mut Resting> {
        self.resting.as_deref_mut()
    }

    pub(super) fn let_go_of_resting(&mut self) {
        self.resting = None;
        self.ahead = self.visible.len() + self.visible_in_groups.len();
    }

    /// Ends the window behind `keep` visible messages, if it reaches much further.
    fn draw_edge(&mut self, keep: usize) {
        if self.resting.is_some() && self.ahead <= keep.saturating_mul(2) {
            return;
        }
        let edge = self.edge();
        let inside = || {
            let in_groups = self.visible_in_groups.range(..=edge).peekable();
            Merged { one: self.visible.range(..=edge).peekable(), other: in_groups }.take(keep)
        };
        let turn = inside().last().unwrap_or(Edge::START.turn);
        let in_line = |(_, sequence): &Turn| self.get(*sequence).is_some_and(Entry::is_in_line);
        let line = inside().filter(in_line).map(|(_, sequence)| sequence).last();
        let edge = Edge { turn, line: line.unwrap_or(Edge::START.line) };
        self.ahead = inside().count();
        match &mut self.resting {
            Some(resting) => resting.move_edge(edge),
            None => self.resting = Some(Box::new(Resting::behind(edge))),
        }
    }

    fn let_rest(&mut self, sequence: Sequence, now: Timestamp) {
        let Some(Held { entry, .. }) = self.entries.remove(&sequence) else { return };
        self.unindex(sequence, &entry);
        self.forget(sequence, &entry);
        if let Some(resting) = &mut self.resting {
            resting.add(sequence, &entry, now);
        }
    }
}

/// Two sets as one.
struct Merged<'a> {
    one: Peekable<Range<'a, Turn>>,
    other: Peekable<Range<'a, Turn>>,
}

impl Iterator for Merged<'_> {
    type Item = Turn;

    fn next(&mut self) -> Option<Turn> {
        let takes_other = match (self.one.peek(), self.other.peek()) {
            (Some(one), Some(other)) => other < one,
            (one, _) => one.is_none(),
        };
        if takes_other { self.other.next() } else { self.one.next() }.copied()
    }
}
