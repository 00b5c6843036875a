//! What a FIFO queue remembers of its sends, so that the same one is accepted once.
//!
//! What always holds: a key is remembered for five minutes from the send that was accepted, whatever became of its
//! message, unless the queue is purged. Rows are forgotten in the order they came, by events, never by reading.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html>.

use std::collections::BTreeMap;

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
        self.sent_at.plus_secs(limits::DEDUPLICATION_SECS) > now
    }
}

/// The sends that a queue remembers.
#[derive(Clone, Debug, Default)]
pub struct Deduplications {
    rows: BTreeMap<Sequence, Deduplication>,
    /// The latest row of each key.
    by_key: BTreeMap<(Option<GroupKey>, DeduplicationKey), Sequence>,
}

impl Deduplications {
    /// The accepted send of that key, with its message's sequence.
    #[must_use]
    pub fn find(
        &self,
        group: Option<GroupKey>,
        key: DeduplicationKey,
        now: Timestamp,
    ) -> Option<(Sequence, MessageId)> {
        let sequence = *self.by_key.get(&(group, key))?;
        let row = self.rows.get(&sequence).filter(|row| row.holds_at(now))?;
        Some((sequence, row.message_id))
    }

    /// Whether no send is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All rows in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (Sequence, &Deduplication)> {
        self.rows.iter().map(|(sequence, row)| (*sequence, row))
    }

    /// Whether rows have been of no use for long enough that it is time to forget them, many at once.
    #[must_use]
    pub fn has_stale(&self, now: Timestamp) -> bool {
        let first = self.rows.first_key_value().map(|(_, row)| row);
        first.is_some_and(|row| row.sent_at.plus_secs(limits::DEDUPLICATION_SECS + FORGET_AFTER_SECS) <= now)
    }

    /// The first sequence whose row is still needed, when there are rows before it that are not: at most `limit`.
    #[must_use]
    pub fn stale_below(&self, now: Timestamp, limit: usize) -> Option<Sequence> {
        let stale = self.rows.iter().take(limit).take_while(|(_, row)| !row.holds_at(now));
        stale.last().map(|(sequence, _)| sequence.next())
    }

    /// Remembers a send.
    pub fn put(&mut self, sequence: Sequence, row: Deduplication) {
        self.by_key.insert((row.group, row.key), sequence);
        self.rows.insert(sequence, row);
    }

    /// Forgets all sends below a sequence.
    pub fn forget_below(&mut self, below: Sequence) {
        let kept = self.rows.split_off(&below);
        for (sequence, row) in std::mem::replace(&mut self.rows, kept) {
            let key = (row.group, row.key);
            if self.by_key.get(&key) == Some(&sequence) {
                self.by_key.remove(&key);
            }
        }
    }
}
