//! The waiting rules of Amazon SQS, as data: a deleted queue's name is taken for 60 seconds, and a queue is purged at
//! most every 60 seconds.
//!
//! Only what was asked for as [`Command::Paced`](crate::command::Command::Paced) begins a wait or is held up by one.
//! What is remembered is bounded: waits that are over go, and beyond the limit the oldest.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html> and
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html>.

use std::collections::BTreeMap;

use crate::limits;
use crate::name::QueueKey;
use crate::time::Timestamp;

/// What has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitingRule {
    /// Creating a queue under the name of one that was deleted.
    CreateAfterDelete,
    /// Purging a queue that was purged.
    PurgeAfterPurge,
}

/// Since when which names wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Waits {
    since: BTreeMap<(WaitingRule, QueueKey), Timestamp>,
}

impl Waits {
    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.since.is_empty()
    }

    /// What is remembered, in order: rule, name, since when.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (WaitingRule, &QueueKey, Timestamp)> {
        self.since.iter().map(|((rule, key), since)| (*rule, key, *since))
    }

    /// Whether a name has to wait at `now`.
    #[must_use]
    pub fn holds(&self, rule: WaitingRule, key: &QueueKey, now: Timestamp) -> bool {
        self.since.get(&(rule, key.clone())).is_some_and(|since| !is_over(*since, now))
    }

    /// Remembers that a wait begins, and forgets what is over.
    pub fn begin(&mut self, rule: WaitingRule, key: QueueKey, at: Timestamp) {
        self.since.retain(|_, since| !is_over(*since, at));
        self.since.insert((rule, key), at);
        if self.since.len() > limits::PACED_NAMES {
            let oldest = self.since.iter().min_by_key(|(_, since)| **since).map(|(wait, _)| wait.clone());
            oldest.map(|wait| self.since.remove(&wait));
        }
    }

    /// Puts back a wait that was read from a store.
    pub fn restore(&mut self, rule: WaitingRule, key: QueueKey, since: Timestamp) {
        self.since.insert((rule, key), since);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.since.clear();
    }
}

fn is_over(since: Timestamp, now: Timestamp) -> bool {
    now >= since.plus_secs(limits::PACING_SECS)
}
