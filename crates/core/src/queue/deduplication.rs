//! What a FIFO queue remembers of its sends, so that the same one is accepted once.
//!
//! What always holds: a key is remembered for five minutes from the send that was accepted, whatever became of its
//! message, unless the queue is purged. Rows are forgotten in the order they came, by events, never by reading.
//!
//! The oldest rows may rest in the store (see [`super::sends_at_rest`]): every row that rests came before every row in
//! memory. Where a row lies changes nothing of what is a duplicate: a send whose answer may be in a row that rests is decided
//! when that row was read, see [`Deduplications::candidates`].
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html>.

use std::collections::{BTreeMap, VecDeque};

use super::sends_at_rest::SendsAtRest;
use crate::limits;
use crate::message::{DeduplicationKey, GroupKey, MessageId, Sequence};
use crate::time::Timestamp;

/// Rows wait so long, so that one event forgets many.
const FORGET_AFTER_SECS: u64 = 10;

/// An accepted send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deduplication {
    /// The group, where the same key in another group is another send.
    pub group: Option<GroupKey>,
    /// What names the send.
    pub key: DeduplicationKey,
    /// The id that its sender was told.
    pub message_id: MessageId,
    /// When it was accepted.
    pub sent_at: Timestamp,
}

impl Deduplication {
    /// Whether the same send would still be a duplicate.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        holds(self.sent_at, now)
    }
}

/// Whether a send of that time would still make another one a duplicate.
pub(super) fn holds(sent_at: Timestamp, now: Timestamp) -> bool {
    sent_at.plus_secs(limits::DEDUPLICATION_SECS) > now
}

/// The sends that a queue remembers.
#[derive(Clone, Debug, Default)]
pub struct Deduplications {
    rows: BTreeMap<Sequence, Deduplication>,
    /// The latest row in memory of each key.
    by_key: BTreeMap<(Option<GroupKey>, DeduplicationKey), Sequence>,
    /// The first row of each batch, as far as it is not known that the store has it.
    batches: VecDeque<(u64, Sequence)>,
    resting: Option<Box<SendsAtRest>>,
}

impl Deduplications {
    /// The accepted send of that key, with its message's sequence. The rows of all [`Deduplications::candidates`] must
    /// be known.
    #[must_use]
    pub fn find(
        &self,
        group: Option<GroupKey>,
        key: DeduplicationKey,
        now: Timestamp,
    ) -> Option<(Sequence, MessageId)> {
        let found = match self.by_key.get(&(group, key)) {
            Some(sequence) => self.rows.get(sequence).map(|row| (*sequence, *row)),
            None => self.resting.as_ref().and_then(|resting| resting.find(group, key, now)),
        };
        let (sequence, row) = found.filter(|(_, row)| row.holds_at(now))?;
        Some((sequence, row.message_id))
    }

    /// The messages whose rows at rest must be known before it can be told whether a send of that key is a duplicate.
    pub fn candidates(
        &self,
        group: Option<GroupKey>,
        key: DeduplicationKey,
        now: Timestamp,
    ) -> impl Iterator<Item = Sequence> {
        // A row in memory is later than all that rest.
        let resting = self.resting.as_ref().filter(|_| !self.by_key.contains_key(&(group, key)));
        resting.into_iter().flat_map(move |resting| resting.candidates(group, key, now))
    }

    /// Whether the row of a candidate was read.
    #[must_use]
    pub fn is_recalled(&self, candidate: Sequence) -> bool {
        self.resting.as_ref().is_some_and(|resting| resting.is_recalled(candidate))
    }

    /// Whether no send is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.resting.is_none()
    }

    /// How many rows are in memory.
    #[must_use]
    pub fn in_memory(&self) -> usize {
        self.rows.len()
    }

    /// How many rows rest in the store; some of them may be forgotten already, in part of a slice.
    #[must_use]
    pub fn at_rest(&self) -> u64 {
        self.resting.as_ref().map_or(0, |resting| resting.sends())
    }

    /// Bytes that memory keeps of the rows at rest.
    #[must_use]
    pub fn bytes_at_rest(&self) -> usize {
        self.resting.as_ref().map_or(0, |resting| resting.bytes())
    }

    /// All rows in memory in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (Sequence, &Deduplication)> {
        self.rows.iter().map(|(sequence, row)| (*sequence, row))
    }

    /// Whether rows have been of no use for long enough that it is time to forget them, many at once.
    #[must_use]
    pub fn has_stale(&self, now: Timestamp) -> bool {
        let at_rest = self.resting.as_ref().and_then(|resting| resting.first_slice_ends_at());
        let in_memory = || self.rows.first_key_value().map(|(_, row)| row.sent_at);
        let first = at_rest.or_else(in_memory);
        first.is_some_and(|sent_at| sent_at.plus_secs(limits::DEDUPLICATION_SECS + FORGET_AFTER_SECS) <= now)
    }

    /// The first sequence whose row is still needed, when there are rows before it that are not: of those in memory at most
    /// `limit`, and of those at rest whole slices.
    #[must_use]
    pub fn stale_below(&self, now: Timestamp, limit: usize) -> Option<Sequence> {
        let slices = self.resting.as_ref().map(|resting| resting.stale_below(|end| !holds(end, now)));
        if let Some((below, false)) = slices {
            return below;
        }
        let stale = self.rows.iter().take(limit).take_while(|(_, row)| !row.holds_at(now));
        stale.last().map(|(sequence, _)| sequence.next()).or(slices.and_then(|(below, _)| below))
    }

    /// Remembers a send of a batch; its sequence is larger than those before it.
    pub fn put(&mut self, sequence: Sequence, row: Deduplication, batch: u64) {
        if self.batches.back().is_none_or(|(last, _)| *last < batch) {
            self.batches.push_back((batch, sequence));
        }
        self.by_key.insert((row.group, row.key), sequence);
        self.rows.insert(sequence, row);
    }

    /// Lets the first rows rest that the store has: those of the batches up to `through`, at most `limit` of them. Returns
    /// how many went. The `secret` is for the hash by which they are found; the first one that is given is kept.
    pub fn rest(&mut self, limit: usize, through: u64, secret: [u8; 16]) -> usize {
        while self.batches.pop_front_if(|(batch, _)| *batch <= through).is_some() {}
        let below = self.batches.front().map_or(Sequence(u64::MAX), |(_, first)| *first);
        let mut rested = 0;
        while rested < limit
            && let Some(first) = self.rows.first_entry().filter(|first| *first.key() < below)
        {
            let (sequence, row) = first.remove_entry();
            self.lose_key(sequence, &row);
            self.add_resting(sequence, &row, secret);
            rested += 1;
        }
        rested
    }

    /// A row rests, as was read from a store; `false` when a row that came before it is in memory.
    pub fn restore_resting(&mut self, sequence: Sequence, row: &Deduplication, secret: [u8; 16]) -> bool {
        let may_rest = self.rows.is_empty();
        if may_rest {
            self.add_resting(sequence, row, secret);
        }
        may_rest
    }

    /// The rows of these sends were read; those that are not in `found` are not there.
    pub fn recall(&mut self, asked: &[Sequence], found: &[(Sequence, Deduplication)]) {
        let Some(resting) = &mut self.resting else { return };
        asked.iter().for_each(|sequence| resting.recall(*sequence, None));
        found.iter().for_each(|(sequence, row)| resting.recall(*sequence, Some(*row)));
    }

    /// What was read is of no use any more.
    pub fn drop_recalled(&mut self) {
        if let Some(resting) = &mut self.resting {
            resting.drop_recalled();
        }
    }

    /// Forgets all sends below a sequence.
    pub fn forget_below(&mut self, below: Sequence) {
        if let Some(resting) = &mut self.resting {
            resting.forget_below(below);
        }
        self.resting.take_if(|resting| resting.is_empty());
        let kept = self.rows.split_off(&below);
        for (sequence, row) in std::mem::replace(&mut self.rows, kept) {
            self.lose_key(sequence, &row);
        }
        while self.batches.get(1).is_some_and(|(_, first)| *first <= below) {
            self.batches.pop_front();
        }
    }

    fn add_resting(&mut self, sequence: Sequence, row: &Deduplication, secret: [u8; 16]) {
        self.resting.get_or_insert_with(|| Box::new(SendsAtRest::new(secret))).add(sequence, row);
    }

    /// A row leaves memory.
    fn lose_key(&mut self, sequence: Sequence, row: &Deduplication) {
        let key = (row.group, row.key);
        if self.by_key.get(&key) == Some(&sequence) {
            self.by_key.remove(&key);
        }
    }
}
