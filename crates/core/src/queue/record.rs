//! What is true of a queue as a whole, however many messages it holds.

use std::collections::BTreeMap;

use crate::message::{QueueId, Sequence};
use crate::name::QueueKey;
use crate::queue::QueueAttributes;
use crate::time::Timestamp;

/// What a caller marks a queue with, by key; without effect.
pub type Tags = BTreeMap<String, String>;

/// One queue, without its messages: the part that rests in the store as one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueueRecord {
    /// The queue's number.
    pub id: QueueId,
    /// The queue's full name.
    pub key: QueueKey,
    /// The queue's settings.
    pub attributes: QueueAttributes,
    /// Its tags.
    pub tags: Tags,
    /// The queues that its dead letters came from, also those that are gone.
    pub sources: BTreeMap<QueueId, QueueKey>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub modified_at: Timestamp,
    /// The sequence its next message gets.
    pub next_sequence: Sequence,
    /// Messages that were dropped because their retention has passed, since the queue was created.
    pub expired: u64,
}

impl QueueRecord {
    /// A queue just created, without messages.
    #[must_use]
    pub fn new(id: QueueId, key: QueueKey, attributes: QueueAttributes, at: Timestamp) -> Self {
        Self {
            id,
            key,
            attributes,
            tags: Tags::new(),
            sources: BTreeMap::new(),
            created_at: at,
            modified_at: at,
            next_sequence: Sequence::FIRST,
            expired: 0,
        }
    }

    /// When a message sent at `sent_at` expires by this queue's retention alone.
    #[must_use]
    pub const fn expires_at(&self, sent_at: Timestamp) -> Timestamp {
        sent_at.plus_secs(self.attributes.retention_secs as u64)
    }
}
