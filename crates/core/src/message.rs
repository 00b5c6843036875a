//! What the state knows of one message: its place and its deliveries, never its body.
//!
//! A message is named by its queue and its sequence, both assigned once and never reused. An [`Entry`] is a small
//! plain value; every change of it is one of the methods here, so that live state, replayed state and checkpoint
//! rows cannot differ.

use std::fmt;
use std::num::{NonZeroU8, NonZeroU64};

use crate::limits;
use crate::time::Timestamp;

/// The number of a queue: assigned at creation, never reused, not even for a queue of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub u64);

/// The number of a message inside its queue: dense, increasing, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The sequence of a queue's first message.
    pub const FIRST: Self = Self(1);

    /// The one that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A message, wherever its bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageRef {
    /// The queue that holds it.
    pub queue: QueueId,
    /// Its number in that queue.
    pub sequence: Sequence,
}

/// The id that SQS shows for a message: 128 random bits, written as a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u128);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            bits >> 96,
            (bits >> 80) & 0xffff,
            (bits >> 64) & 0xffff,
            (bits >> 48) & 0xffff,
            bits & 0xffff_ffff_ffff
        )
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which move of a move task gave a message the id it has now: all moves of a data directory are counted, so no two
/// messages ever share one. The id that is shown follows from it; that of the first send stays in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MoveNumber(pub NonZeroU64);

/// What names a message group inside its queue: the first 128 bits of the SHA-256 of its `MessageGroupId`.
///
/// Bytes, not a number: a number would be aligned to 16 bytes, and there is one in each entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey([u8; 16]);

impl GroupKey {
    /// The key of these bits.
    #[must_use]
    pub const fn new(bits: u128) -> Self {
        Self(bits.to_be_bytes())
    }

    /// Its bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

/// What names a send to a FIFO queue: the first 128 bits of the SHA-256 of its `MessageDeduplicationId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeduplicationKey(pub u128);

/// What names a receive from a FIFO queue, so that it can be tried again: the first 64 bits of the SHA-256 of its
/// `ReceiveRequestAttemptId`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptKey(pub [u8; 8]);

/// What a message remembers of the receive that handed it out. The messages of one receive stand for it together: it can
/// be tried again as long as all of them are there and still remember it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The receive.
    pub key: AttemptKey,
    /// The message's place in the reply, from 0.
    pub place: u8,
    /// How many messages the reply had.
    pub count: NonZeroU8,
}

/// One delivery of one message: what a receipt handle names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt {
    /// The queue the message was received from.
    pub queue: QueueId,
    /// The message.
    pub sequence: Sequence,
    /// Which of its deliveries; the first is 1.
    pub delivery: u32,
}

/// The state of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// When it was accepted. Retention counts from here.
    pub sent_at: Timestamp,
    /// Hidden until then: the end of its delay or of its lease.
    pub visible_at: Timestamp,
    /// When its latest delivery began; absent when there was none, or when that delivery was given back.
    pub received_at: Option<Timestamp>,
    /// When its first delivery began, if it was ever delivered.
    pub first_received_at: Option<Timestamp>,
    /// `ApproximateReceiveCount`: deliveries that reached their receiver, as far as known.
    pub receive_count: u32,
    /// The number of the latest delivery. Unlike the receive count it never goes back, so a receipt stays unique.
    pub delivery: u32,
    /// Its place among the visible: since when it waits for its turn. Who waits longer goes first, equal ones by sequence.
    /// A message that was never delivered waits from the moment it is visible, so its rank tells when that is.
    pub rank: Timestamp,
    /// Encoded bytes of its payload.
    pub payload_bytes: u32,
    /// Its message group, if its sender gave one.
    pub group: Option<GroupKey>,
    /// The queue it comes from, if it is a dead letter.
    pub source: Option<QueueId>,
    /// The latest move of a move task that it was in; absent when it still has the id of its first send.
    pub moved: Option<MoveNumber>,
    /// The receive of its latest delivery, if it was named and the message is as that receive left it.
    pub attempt: Option<Attempt>,
    /// The receive of its latest delivery was tried again, so that two replies name that delivery: for as long as it is
    /// the latest, whatever becomes of the attempt.
    pub repeated: bool,
}

/// There is one for each message of a backlog.
const _: () = assert!(size_of::<Entry>() <= 128);

impl Entry {
    /// A message just accepted.
    #[must_use]
    pub fn sent(
        sent_at: Timestamp,
        visible_at: Timestamp,
        payload_bytes: u32,
        group: Option<GroupKey>,
    ) -> Self {
        Self {
            sent_at,
            visible_at,
            received_at: None,
            first_received_at: None,
            receive_count: 0,
            delivery: 0,
            rank: visible_at,
            payload_bytes,
            group,
            source: None,
            moved: None,
            attempt: None,
            repeated: false,
        }
    }

    /// A delivery begins at `at` and holds the message until `visible_at`. A message received often enough gets its
    /// place behind all that were sent until then.
    pub fn receive(&mut self, at: Timestamp, visible_at: Timestamp) {
        self.visible_at = visible_at;
        self.received_at = Some(at);
        self.first_received_at.get_or_insert(at);
        self.receive_count = self.receive_count.saturating_add(1);
        self.delivery = self.delivery.saturating_add(1);
        self.attempt = None;
        self.repeated = false;
        if self.receive_count >= limits::RECEIVES_BEFORE_BACK_OF_QUEUE {
            self.rank = behind(at);
        }
    }

    /// As [`Entry::receive`], of a FIFO queue: nothing changes the order inside a group, and the group goes behind all
    /// groups whose first message was sent until then.
    pub fn receive_in_order(&mut self, at: Timestamp, visible_at: Timestamp) {
        self.receive(at, visible_at);
        self.rank = behind(at);
    }

    /// The receive that has just handed it out can be tried again.
    pub fn remember_attempt(&mut self, attempt: Attempt) {
        self.attempt = Some(attempt);
    }

    /// The receive that handed it out can't be tried again.
    pub fn forget_attempt(&mut self) {
        self.attempt = None;
    }

    /// The receive that handed it out was tried again: its lease now ends at `visible_at`, and that is all.
    pub fn repeat_delivery(&mut self, visible_at: Timestamp) {
        self.visible_at = visible_at;
        self.repeated = true;
    }

    /// The message before it in its group was handed out at `at`: its group goes behind all groups whose first message was
    /// sent until then.
    pub fn wait_turn(&mut self, at: Timestamp) {
        self.rank = behind(at);
    }

    /// It becomes a dead letter of `source`, behind all others there. How often it was received is kept; when it was sent
    /// only where that does not break the order of the queue.
    pub fn become_dead_letter(&mut self, source: QueueId, at: Timestamp, in_order: bool) {
        self.source = Some(source);
        self.visible_at = at;
        self.received_at = None;
        self.delivery = 0;
        self.rank = at;
        self.attempt = None;
        self.repeated = false;
        if in_order {
            self.sent_at = at;
        }
    }

    /// A move task puts it into another queue: it counts as sent at `at`, hidden until `visible_at`, and was never
    /// received. Content and group stay.
    pub fn be_sent_again(&mut self, number: MoveNumber, at: Timestamp, visible_at: Timestamp) {
        *self = Self { moved: Some(number), ..Self::sent(at, visible_at, self.payload_bytes, self.group) };
    }

    /// The lease now ends at `visible_at`, as someone who has the message asked.
    pub fn change_visibility(&mut self, visible_at: Timestamp) {
        self.visible_at = visible_at;
        self.attempt = None;
    }

    /// The latest delivery never reached its receiver: the message is visible at once, and neither its receive count
    /// nor its place knows of that delivery.
    pub fn return_lease(&mut self, at: Timestamp) {
        self.visible_at = at;
        self.received_at = None;
        self.attempt = None;
        self.receive_count = self.receive_count.saturating_sub(1);
        if self.receive_count == 0 {
            self.first_received_at = None;
        }
        if self.receive_count < limits::RECEIVES_BEFORE_BACK_OF_QUEUE {
            self.rank = self.sent_at;
        }
    }

    /// Whether its place follows from its number alone: it waits since it was sent, like its neighbours, and nothing has
    /// happened to it.
    #[must_use]
    pub fn is_in_line(&self) -> bool {
        self.never_delivered() && self.rank == self.sent_at && self.source.is_none()
    }

    /// Whether it was sent with a delay and has never been delivered: if hidden, it is delayed and not in flight.
    #[must_use]
    pub const fn never_delivered(&self) -> bool {
        self.delivery == 0
    }
}

/// The rank behind all messages that were sent until `at`.
const fn behind(at: Timestamp) -> Timestamp {
    at.plus_millis(1)
}
