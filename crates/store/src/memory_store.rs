//! A store in memory: for a service without a disk, and for tests.
//!
//! It keeps the whole contract except that nothing survives the process. A [`MemoryStore`] that is cloned shares its
//! rows, so a test can drop one and go on with the other as if it were opened again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::{Inconsistent, Instance};
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::resting::delay_second;
use millpond_core::queue::{Backlog, Deduplication, Edge, QueueRecord};
use millpond_core::time::Timestamp;
use millpond_log::Position;

use crate::contract::{
    Changes, Examiner, Found, MessageChange, Snapshot, Store, StoreReader, Usage, Visitor, Wanted,
};
use crate::error::StoreError;

/// The rows of one moment.
#[derive(Clone, Debug, Default)]
struct Rows {
    reflected: Position,
    instance: Instance,
    queues: BTreeMap<QueueId, QueueRecord>,
    documents: BTreeMap<DocumentKey, Document>,
    messages: BTreeMap<MessageRef, (Entry, Bytes)>,
    deduplications: BTreeMap<MessageRef, Deduplication>,
}

/// A store in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    rows: Arc<Mutex<Rows>>,
}

impl MemoryStore {
    /// A new, empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Checked before anything is changed, so that a refusal leaves all as it was.
    fn check(&self, changes: &Changes, reflected: Position) -> Result<(), StoreError> {
        if reflected < self.reflected {
            return Err(StoreError::Backwards { reflected: self.reflected, offered: reflected });
        }
        changes.check()?;
        for (message, change) in &changes.messages {
            let is_update = matches!(change, MessageChange::Update { .. });
            if is_update && (changes.take_out(*message) || !self.messages.contains_key(message)) {
                return Err(Inconsistent::NoSuchMessage(*message).into());
            }
        }
        Ok(())
    }

    fn remove_below(&mut self, queue: QueueId, below: Sequence) {
        take_below(&mut self.messages, queue, below);
    }

    fn apply(&mut self, changes: Changes, reflected: Position) {
        let Changes { instance, queues, removed_below, messages, forgotten_below, deduplications, documents } =
            changes;
        if let Some(instance) = instance {
            self.instance = instance;
        }
        for (queue, record) in queues {
            if let Some(record) = record {
                self.queues.insert(queue, record);
            } else {
                self.queues.remove(&queue);
                self.remove_below(queue, Sequence(u64::MAX));
                take_below(&mut self.deduplications, queue, Sequence(u64::MAX));
            }
        }
        for (queue, below) in removed_below {
            self.remove_below(queue, below);
        }
        for (message, change) in messages {
            match change {
                MessageChange::Put { entry, payload } => {
                    self.messages.insert(message, (entry, payload));
                }
                MessageChange::Update { entry } => {
                    self.messages.entry(message).and_modify(|row| row.0 = entry);
                }
                MessageChange::Remove => {
                    self.messages.remove(&message);
                }
            }
        }
        for (queue, below) in forgotten_below {
            take_below(&mut self.deduplications, queue, below);
        }
        self.deduplications.extend(deduplications);
        for (key, document) in documents {
            match document {
                Some(document) => self.documents.insert(key, document),
                None => self.documents.remove(&key),
            };
        }
        self.reflected = reflected;
    }
}

/// Takes all rows of a queue below a sequence out.
fn take_below<T>(rows: &mut BTreeMap<MessageRef, T>, queue: QueueId, below: Sequence) {
    let mut rest = rows.split_off(&MessageRef { queue, sequence: Sequence(0) });
    let mut kept = rest.split_off(&MessageRef { queue, sequence: below });
    rows.append(&mut kept);
}

impl Rows {
    fn show(self, limit: u64, visitor: &mut dyn Visitor) -> Result<(), Inconsistent> {
        let clock = self.instance.clock;
        visitor.instance(self.instance)?;
        let fifo = self.queues.values().filter(|record| record.attributes.fifo.is_some());
        let fifo: BTreeSet<QueueId> = fifo.map(|record| record.id).collect();
        self.queues.into_values().try_for_each(|record| visitor.queue(record))?;
        self.documents.into_iter().try_for_each(|(key, document)| visitor.document(key, document))?;
        self.deduplications.into_iter().try_for_each(|(message, row)| visitor.deduplication(message, row))?;
        let mut shown: Vec<_> =
            self.messages.into_iter().map(|(message, (entry, _))| (message, entry)).collect();
        if shown.len() as u64 > limit {
            let mut backlogs: BTreeMap<QueueId, Backlog> = BTreeMap::new();
            shown
                .iter()
                .for_each(|(message, entry)| count(backlogs.entry(message.queue).or_default(), entry));
            backlogs.into_iter().try_for_each(|(queue, backlog)| visitor.backlog(queue, backlog))?;
            shown.retain(|(message, entry)| {
                !entry.never_delivered() && (entry.visible_at > clock || fifo.contains(&message.queue))
            });
        }
        shown.into_iter().try_for_each(|(message, entry)| visitor.entry(message, entry))
    }

    /// The messages of a queue.
    fn of_queue(&self, queue: QueueId) -> impl Iterator<Item = (Sequence, Entry)> {
        let [first, last] = [0, u64::MAX].map(|number| MessageRef { queue, sequence: Sequence(number) });
        self.messages.range(first..=last).map(|(message, (entry, _))| (message.sequence, *entry))
    }

    fn find(&self, queue: QueueId, wanted: &Wanted, limit: usize) -> Found {
        let rank = |entry: &Entry| entry.rank;
        let sent_at = |entry: &Entry| entry.sent_at;
        let found = match wanted {
            Wanted::Behind(edge) => self.in_order(queue, rank, *edge, Timestamp::MAX, limit),
            Wanted::SentUntil(until, edge) => self.in_order(queue, sent_at, *edge, *until, limit),
            Wanted::Messages(sequences) => {
                let held: BTreeMap<_, _> = self.of_queue(queue).collect();
                let entry = |sequence: &Sequence| held.get(sequence).map(|entry| (*sequence, *entry));
                Found { messages: sequences.iter().filter_map(entry).collect(), ..Found::default() }
            }
            Wanted::Sends(sequences) => {
                let row = |sequence: &Sequence| {
                    let message = MessageRef { queue, sequence: *sequence };
                    self.deduplications.get(&message).map(|row| (*sequence, *row))
                };
                Found { sends: sequences.iter().filter_map(row).collect(), ..Found::default() }
            }
            Wanted::From(first) => by_number(self.of_queue(queue), *first, limit),
            Wanted::OfGroup(group, first) => {
                let of_group = self.of_queue(queue).filter(|(_, entry)| entry.group == Some(*group));
                by_number(of_group, *first, limit)
            }
        };
        Found { reflected: self.reflected, ..found }
    }

    fn in_order(
        &self,
        queue: QueueId,
        time: impl Fn(&Entry) -> Timestamp,
        edge: Edge,
        until: Timestamp,
        limit: usize,
    ) -> Found {
        let turn = |(sequence, entry): &(Sequence, Entry)| (time(entry), *sequence);
        let is_behind = |row: &(Sequence, Entry)| {
            if row.1.is_in_line() { row.0 > edge.line } else { turn(row) > edge.turn }
        };
        let mut behind: Vec<(Sequence, Entry)> = self.of_queue(queue).filter(is_behind).collect();
        behind.sort_unstable_by_key(turn);
        let wanted = behind.iter().take_while(|(_, entry)| time(entry) <= until).count();
        let rest = behind.split_off(limit.min(wanted));
        let line = behind.iter().rev().find(|(_, entry)| entry.is_in_line()).map(|(sequence, _)| *sequence);
        let last = behind.last().map(turn);
        let end = Edge {
            turn: last.map_or(edge.turn, |last| last.max(edge.turn)),
            line: line.unwrap_or(edge.line),
        };
        let oldest_sent_at = rest.iter().map(|(_, entry)| entry.sent_at).min().unwrap_or(Timestamp::MAX);
        Found { messages: behind, end: (wanted > limit).then_some(end), oldest_sent_at, ..Found::default() }
    }
}

fn by_number(rows: impl Iterator<Item = (Sequence, Entry)>, first: Sequence, limit: usize) -> Found {
    let mut behind = rows.filter(|(sequence, _)| *sequence >= first);
    let messages: Vec<_> = behind.by_ref().take(limit).collect();
    let last = messages.last().map_or(first, |(last, _)| *last);
    let end = behind.next().map(|_| Edge { turn: (Timestamp::EPOCH, last), line: last });
    Found { messages, end, ..Found::default() }
}

fn count(backlog: &mut Backlog, entry: &Entry) {
    if backlog.messages == 0 {
        backlog.oldest_sent_at = entry.sent_at;
    }
    backlog.messages += 1;
    backlog.bytes += u64::from(entry.payload_bytes);
    backlog.oldest_sent_at = backlog.oldest_sent_at.min(entry.sent_at);
    if let Some(second) = delay_second(entry) {
        *backlog.delayed.entry(second).or_default() += 1;
    }
}

impl Store for MemoryStore {
    fn reflected(&self) -> Position {
        self.rows().reflected
    }

    fn load(&self, limit: u64, visitor: &mut dyn Visitor) -> Result<(), StoreError> {
        // A copy, so that the visitor may come back to this store.
        let rows = self.rows().clone();
        rows.show(limit, visitor).map_err(|refusal| StoreError::Damaged {
            file: "in memory".to_owned(),
            what: refusal.to_string(),
        })
    }

    fn apply(&mut self, changes: Changes, reflected: Position) -> Result<(), StoreError> {
        let mut rows = self.rows();
        rows.check(&changes, reflected)?;
        rows.apply(changes, reflected);
        Ok(())
    }

    fn reclaim(&mut self, _limit_rows: usize) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn reader(&self) -> Arc<dyn StoreReader> {
        Arc::new(self.clone())
    }

    fn usage(&self) -> Usage {
        let rows = self.rows();
        let payload_bytes = rows.messages.values().map(|(_, payload)| payload.len() as u64).sum();
        Usage { messages: rows.messages.len() as u64, payload_bytes, disk_bytes: 0 }
    }
}

impl StoreReader for MemoryStore {
    fn payload(&self, message: MessageRef) -> Result<Option<Bytes>, StoreError> {
        Ok(self.rows().messages.get(&message).map(|(_, payload)| payload.clone()))
    }

    fn payloads(&self, messages: &[MessageRef]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let rows = self.rows();
        let payload = |message| rows.messages.get(message).map(|(_, payload)| payload.clone());
        Ok(messages.iter().map(payload).collect())
    }

    fn entry(&self, message: MessageRef) -> Result<Option<Entry>, StoreError> {
        Ok(self.rows().messages.get(&message).map(|(entry, _)| *entry))
    }

    fn find(&self, queue: QueueId, wanted: &Wanted, limit: usize) -> Result<Found, StoreError> {
        Ok(self.rows().find(queue, wanted, limit))
    }

    fn queue(&self, queue: QueueId) -> Result<Option<QueueRecord>, StoreError> {
        Ok(self.rows().queues.get(&queue).cloned())
    }

    fn instance(&self) -> Result<Instance, StoreError> {
        Ok(self.rows().instance.clone())
    }

    fn document(&self, key: &DocumentKey) -> Result<Option<Document>, StoreError> {
        Ok(self.rows().documents.get(key).cloned())
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(self.rows().clone()))
    }
}

impl Snapshot for Rows {
    fn reflected(&self) -> Option<Position> {
        Some(self.reflected)
    }

    fn examine(&self, examiner: &mut dyn Examiner) -> Result<(), StoreError> {
        let Self { reflected: _, instance, queues, documents, messages, deduplications } = self.clone();
        let show = || {
            examiner.instance(instance)?;
            queues.into_values().try_for_each(|record| examiner.queue(record))?;
            documents.into_iter().try_for_each(|(key, document)| examiner.document(key, document))?;
            deduplications.into_iter().try_for_each(|(message, row)| examiner.deduplication(message, row))?;
            messages
                .into_iter()
                .try_for_each(|(message, (entry, payload))| examiner.message(message, entry, Some(payload)))
        };
        // An examiner that breaks has seen what it wanted.
        let _ = show();
        Ok(())
    }

    fn payload_place(&self, _: MessageRef) -> Option<(String, u64)> {
        None
    }
}
