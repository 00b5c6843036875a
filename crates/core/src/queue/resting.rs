//! What a queue knows of the messages that rest in the store: how many there are and where they begin, not which they are.
//!
//! A queue with a large backlog holds in memory what is in flight, what has changed of late, and a window at its front.
//! The window ends at the [`Edge`]: every message whose turn comes at or before it is in memory, every resting one comes
//! behind it. So the order in which messages go out is the same wherever they lie. In queues with message groups some of that is
//! looser: see `fifo/window.rs` for what a FIFO queue passes over, and [`super::standard`] for noisy groups.
//!
//! What always holds: a message that rests can be received or waits for its delay to pass; none is in flight. What is known of
//! age and numbers are bounds: nothing that rests is older, and nothing has a number between where the queue's move task goes
//! on and [`Resting::first`].
//!
//! It refuses to read a store: who has read brings the messages back one by one.

use std::collections::BTreeMap;

use super::turns::Turn;
use crate::message::{Entry, Sequence};
use crate::time::Timestamp;

/// A message in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) entry: Entry,
    /// The batch that changed it last.
    pub(super) changed: u64,
}

/// Up to where the window at a queue's front reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Every message whose turn comes at or before this one is in memory.
    pub turn: Turn,
    /// Every message in line with this number or a smaller one is in memory, too. It tells a reader where to go on; see
    /// [`Entry::is_in_line`].
    pub line: Sequence,
}

impl Edge {
    /// Nothing is in the window.
    pub const START: Self = Self { turn: (Timestamp::EPOCH, Sequence(0)), line: Sequence(0) };
    /// All is in the window.
    pub const END: Self = Self { turn: (Timestamp::MAX, Sequence(u64::MAX)), line: Sequence(u64::MAX) };
}

/// Counts of a backlog, as a store keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Messages, whatever their state.
    pub messages: u64,
    /// Bytes of their encoded payloads.
    pub bytes: u64,
    /// Of those never delivered whose delay ends in a second of its own: how many, by that second. Seconds that have
    /// passed may be left out.
    pub delayed: BTreeMap<u64, u64>,
    /// None of them was sent earlier.
    pub oldest_sent_at: Timestamp,
}

/// The messages of one queue that rest in the store.
#[derive(Clone, Debug)]
pub struct Resting {
    messages: u64,
    delayed: BTreeMap<u64, u64>,
    delayed_messages: u64,
    edge: Edge,
    oldest_sent_at: Timestamp,
    first: Sequence,
}

impl Resting {
    /// Nothing rests yet, and the window ends at `edge`.
    pub(super) const fn behind(edge: Edge) -> Self {
        Self {
            messages: 0,
            delayed: BTreeMap::new(),
            delayed_messages: 0,
            edge,
            oldest_sent_at: Timestamp::MAX,
            first: Sequence(u64::MAX),
        }
    }

    /// A whole backlog rests, as a store tells at `now`.
    pub(super) fn of(backlog: &Backlog, now: Timestamp) -> Self {
        let mut resting = Self {
            messages: backlog.messages,
            delayed: backlog.delayed.clone(),
            delayed_messages: backlog.delayed.values().sum(),
            edge: Edge::START,
            oldest_sent_at: backlog.oldest_sent_at,
            first: Sequence(0),
        };
        resting.settle(now);
        resting
    }

    /// How many messages rest.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// How many of them wait for their delay to pass: exact to the second.
    #[must_use]
    pub const fn delayed(&self) -> u64 {
        self.delayed_messages
    }

    /// Up to where the window reaches.
    #[must_use]
    pub const fn edge(&self) -> Edge {
        self.edge
    }

    /// Nothing that rests was sent earlier.
    #[must_use]
    pub const fn oldest_sent_at(&self) -> Timestamp {
        self.oldest_sent_at
    }

    /// Nothing that rests has a smaller number, from where the queue's move task goes on.
    #[must_use]
    pub const fn first(&self) -> Sequence {
        self.first
    }

    /// Whether a message that can be received at `now` may rest, or one in memory comes behind one that rests.
    #[must_use]
    pub fn may_give(&self, now: Timestamp) -> bool {
        // What was sent to the back at this moment waits from the next one on.
        self.messages > 0 && self.edge.turn.0 <= now.plus_millis(1)
    }

    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some(first) = self.delayed.first_entry().filter(|first| second_end(*first.key()) <= now) {
            self.delayed_messages -= first.remove();
        }
    }

    /// A message rests from now on.
    pub(super) fn add(&mut self, sequence: Sequence, entry: &Entry, now: Timestamp) {
        self.messages += 1;
        self.oldest_sent_at = self.oldest_sent_at.min(entry.sent_at);
        self.first = self.first.min(sequence);
        if let Some(second) = delay_second(entry).filter(|second| second_end(*second) > now) {
            *self.delayed.entry(second).or_default() += 1;
            self.delayed_messages += 1;
        }
    }

    /// A message rests no more.
    pub(super) fn remove(&mut self, entry: &Entry) {
        self.messages = self.messages.saturating_sub(1);
        if let Some(second) = delay_second(entry)
            && let Some(count) = self.delayed.get_mut(&second)
        {
            *count -= 1;
            self.delayed_messages -= 1;
            if *count == 0 {
                self.delayed.remove(&second);
            }
        }
    }

    /// The delay of all that were never delivered is another now.
    pub(super) fn shift_delays(&mut self, before_secs: u32, after_secs: u32) {
        let shifted =
            |second: u64| second.saturating_add(u64::from(after_secs)).saturating_sub(u64::from(before_secs));
        self.delayed = std::mem::take(&mut self.delayed)
            .into_iter()
            .map(|(second, messages)| (shifted(second), messages))
            .collect();
    }

    pub(super) fn move_edge(&mut self, edge: Edge) {
        self.edge = edge;
    }

    pub(super) fn know_oldest(&mut self, oldest_sent_at: Timestamp) {
        self.oldest_sent_at = oldest_sent_at;
    }

    pub(super) fn know_first(&mut self, first: Sequence) {
        self.first = first;
    }
}

/// The second in which the delay of a message ends that was sent with one and never delivered.
#[must_use]
pub fn delay_second(entry: &Entry) -> Option<u64> {
    (entry.never_delivered() && entry.rank > entry.sent_at).then(|| entry.rank.as_secs())
}

/// A number of messages that are there at once.
pub(super) fn count(messages: u64) -> usize {
    usize::try_from(messages).unwrap_or(usize::MAX)
}

/// When a second has passed.
const fn second_end(second: u64) -> Timestamp {
    Timestamp::EPOCH.plus_secs(second.saturating_add(1))
}
