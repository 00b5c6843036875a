//! Rows to test with, and random histories that always follow from what was before.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::Instance;
use millpond_core::message::{DeduplicationKey, Entry, GroupKey, MessageId, MessageRef, QueueId, Sequence};
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::queue::{Deduplication, QueueAttributes, QueueRecord};
use millpond_core::time::Timestamp;

use crate::contract::{Changes, MessageChange};

/// When messages are sent.
const SENT_AT: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A message's name.
#[must_use]
pub fn message(queue: u64, sequence: u64) -> MessageRef {
    MessageRef { queue: QueueId(queue), sequence: Sequence(sequence) }
}

/// An entry that tells the length of its payload: in line, delayed, received, a dead letter, or of a group, as follows from
/// the length.
#[must_use]
pub fn entry(payload_bytes: usize) -> Entry {
    let len = u32::try_from(payload_bytes).unwrap_or(u32::MAX);
    let sent_at = SENT_AT;
    let part = u64::from(len % 97);
    let later = sent_at.plus_millis(part * 700);
    let plain = Entry::sent(sent_at, sent_at, len, None);
    let mut received = plain;
    received.receive(later, later.plus_secs(part));
    match len % 5 {
        0 => Entry::sent(sent_at, sent_at, len, Some(GroupKey::new(u128::from(len % 3)))),
        1 => Entry::sent(sent_at, later, len, None),
        2 => received,
        3 => Entry { source: Some(QueueId(9)), sent_at: sent_at.minus_secs(part), ..plain },
        _ => plain,
    }
}

/// Bytes that tell which message they belong to, and whose parts differ.
#[must_use]
pub fn payload(message: MessageRef, len: usize) -> Bytes {
    let mut state = message.queue.0 << 32 ^ message.sequence.0;
    (0..len)
        .map(|_| {
            state = next_random(state);
            (state >> 56) as u8
        })
        .collect()
}

/// A message to put.
#[must_use]
pub fn put(queue: u64, sequence: u64, payload_bytes: usize) -> (MessageRef, MessageChange) {
    let message = message(queue, sequence);
    let change = MessageChange::Put { entry: entry(payload_bytes), payload: payload(message, payload_bytes) };
    (message, change)
}

/// A remembered send.
#[must_use]
pub fn deduplication(key: u64) -> Deduplication {
    Deduplication {
        group: key.is_multiple_of(2).then_some(GroupKey::new(7)),
        key: DeduplicationKey(u128::from(key)),
        message_id: MessageId(u128::from(key) << 64),
        sent_at: Timestamp::from_millis(key),
    }
}

/// A queue's record.
///
/// # Panics
/// Never: its name is well-formed.
#[must_use]
pub fn queue(id: u64) -> QueueRecord {
    let key = QueueKey {
        account: AccountId::DEFAULT,
        region: Region::parse("us-east-1").expect("a region"),
        name: QueueName::parse(&format!("queue-{id}")).expect("a queue name"),
    };
    QueueRecord::new(QueueId(id), key, QueueAttributes::default(), Timestamp::from_millis(id))
}

fn next_random(state: u64) -> u64 {
    // A linear congruential generator (Knuth, MMIX): plain, and the same on every machine.
    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}

/// A random history. The same seed gives the same history.
#[derive(Debug)]
pub struct Script {
    random: u64,
    clock: Timestamp,
    next_queue: u64,
    /// The next sequence and the live messages of each queue.
    queues: BTreeMap<u64, (u64, BTreeSet<u64>)>,
    /// The longest payload.
    pub payload_max_bytes: usize,
}

impl Script {
    /// The history of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: next_random(seed),
            clock: SENT_AT,
            next_queue: 1,
            queues: BTreeMap::new(),
            payload_max_bytes: 6_000,
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random = next_random(self.random);
        (self.random >> 33) % bound
    }

    /// The net changes of the next range.
    pub fn next_changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        self.clock = self.clock.plus_millis(self.below(4_000));
        let clock = self.clock;
        changes.instance = Some(Instance { clock, next_queue: self.next_queue, ..Instance::default() });
        if self.queues.len() < 2 || self.below(6) == 0 {
            changes.queues.insert(QueueId(self.next_queue), Some(queue(self.next_queue)));
            self.queues.insert(self.next_queue, (1, BTreeSet::new()));
            self.next_queue += 1;
        }
        self.document(&mut changes);
        for queue in self.queues.keys().copied().collect::<Vec<_>>() {
            match self.below(12) {
                0 => self.remove_queue(queue, &mut changes),
                1 => self.purge(queue, &mut changes),
                _ => {}
            }
            self.change_messages(queue, &mut changes);
        }
        changes
    }

    fn document(&mut self, changes: &mut Changes) {
        let name = format!("name-{}", self.below(4));
        let key = DocumentKey { collection: format!("kind-{}", self.below(2)), name };
        let len = usize::try_from(self.below(3_000)).unwrap_or(0);
        let document = Document { revision: self.random, value: payload(message(9, 9), len) };
        changes.documents.insert(key, (self.below(3) > 0).then_some(document));
    }

    fn remove_queue(&mut self, queue: u64, changes: &mut Changes) {
        if changes.queues.contains_key(&QueueId(queue)) {
            return;
        }
        self.queues.remove(&queue);
        changes.queues.insert(QueueId(queue), None);
    }

    fn purge(&mut self, queue: u64, changes: &mut Changes) {
        let next = self.queues[&queue].0;
        let below = next - self.below(next.min(5));
        if let Some((_, live)) = self.queues.get_mut(&queue) {
            live.retain(|sequence| *sequence >= below);
        }
        changes.removed_below.insert(QueueId(queue), Sequence(below));
    }

    fn change_messages(&mut self, queue: u64, changes: &mut Changes) {
        let Some((mut next, mut live)) = self.queues.remove(&queue) else { return };
        if self.below(4) == 0 {
            changes.forgotten_below.insert(QueueId(queue), Sequence(next - self.below(next.min(9))));
        }
        let run_from = live.first().copied().unwrap_or(1) + self.below(10);
        let run = run_from..run_from + self.below(12);
        for sequence in live.clone() {
            let change = match self.below(8) {
                _ if run.contains(&sequence) => MessageChange::Remove,
                0 => MessageChange::Remove,
                1 => MessageChange::Update { entry: entry(usize::try_from(next).unwrap_or(0)) },
                _ => continue,
            };
            if change == MessageChange::Remove {
                live.remove(&sequence);
            }
            changes.messages.insert(message(queue, sequence), change);
        }
        for _ in 0..self.below(12) {
            let mut bytes = usize::try_from(self.below(1_500)).unwrap_or(0);
            if self.below(10) == 0 {
                bytes = usize::try_from(self.below(self.payload_max_bytes as u64)).unwrap_or(0);
            }
            changes.messages.extend([put(queue, next, bytes)]);
            if self.below(2) == 0 {
                changes.deduplications.insert(message(queue, next), deduplication(next));
            }
            live.insert(next);
            // Numbers of messages that did not live long enough to be seen here.
            next += 1 + self.below(3);
        }
        self.queues.insert(queue, (next, live));
    }
}
