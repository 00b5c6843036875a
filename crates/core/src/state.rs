//! The whole state of the service, as a plain value.
//!
//! What always holds: the state is exactly what the applied events imply; the name index and the queues agree; the
//! digest of a live state equals that of the same events replayed. Indexes are derived and not part of the digest.

mod remembered;

pub use remembered::RememberedSends;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;

use crate::document::{Document, DocumentKey};
use crate::event::Event;
use crate::evolve::{Inconsistent, Instance, Rows, evolve};
use crate::message::{Entry, MessageRef, QueueId, Sequence};
use crate::name::{AccountId, QueueKey};
use crate::queue::{Backlog, Deduplication, Deduplications, MoveStatus, QueueMessages, QueueRecord};
use crate::time::Timestamp;
use crate::usage::{Accounts, Usage};

/// One queue in memory.
#[derive(Clone, Debug)]
pub struct Queue {
    /// What is true of the queue as a whole.
    pub record: QueueRecord,
    /// Its messages.
    pub messages: QueueMessages,
    /// The sends that it remembers; none unless it is a FIFO queue.
    pub deduplications: Deduplications,
    /// What its messages take together.
    pub usage: Usage,
}

impl Queue {
    fn new(record: QueueRecord) -> Self {
        let messages = QueueMessages::of(&record.attributes);
        Self { record, messages, deduplications: Deduplications::default(), usage: Usage::default() }
    }
}

/// Everything the service knows, message bytes excepted.
#[derive(Clone, Debug, Default)]
pub struct State {
    instance: Instance,
    queues: BTreeMap<QueueId, Queue>,
    names: BTreeMap<QueueKey, QueueId>,
    accounts: Accounts,
    /// The queues whose move task is running, by the time at which it is to go on.
    moving: BTreeSet<(Timestamp, QueueId)>,
    documents: BTreeMap<DocumentKey, Document>,
    /// The batch that is being applied.
    batch: u64,
    /// Messages in memory.
    held: usize,
    remembered: RememberedSends,
}

impl State {
    /// The state of a directory that was never written.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is true of the whole directory.
    #[must_use]
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The time of the latest batch applied.
    #[must_use]
    pub fn clock(&self) -> Timestamp {
        self.instance.clock
    }

    /// A queue by number.
    #[must_use]
    pub fn queue(&self, queue: QueueId) -> Option<&Queue> {
        self.queues.get(&queue)
    }

    /// A queue by full name.
    #[must_use]
    pub fn queue_named(&self, key: &QueueKey) -> Option<&Queue> {
        self.queues.get(self.names.get(key)?)
    }

    /// All queues by number.
    pub fn queues(&self) -> impl Iterator<Item = &Queue> {
        self.queues.values()
    }

    /// The first queue whose number is above `after`; with `None`, the first of all.
    #[must_use]
    pub fn queue_after(&self, after: Option<QueueId>) -> Option<QueueId> {
        let first = after.map_or(0, |queue| queue.0.saturating_add(1));
        self.queues.range(QueueId(first)..).next().map(|(queue, _)| *queue)
    }

    /// Queue names with their numbers, in order, from `from` on.
    pub fn names_from<'a>(&'a self, from: &QueueKey) -> impl Iterator<Item = &'a QueueKey> + use<'a> {
        self.names.range(from..).map(|(key, _)| key)
    }

    /// The queue whose move task is to go on first, with the time.
    #[must_use]
    pub fn next_move(&self) -> Option<(Timestamp, QueueId)> {
        self.moving.first().copied()
    }

    /// The queues whose move task is running.
    pub fn moving(&self) -> impl Iterator<Item = &Queue> {
        self.moving.iter().filter_map(|(_, queue)| self.queues.get(queue))
    }

    /// One document.
    #[must_use]
    pub fn document(&self, key: &DocumentKey) -> Option<&Document> {
        self.documents.get(key)
    }

    /// All documents, by collection and name.
    pub fn documents(&self) -> impl Iterator<Item = (&DocumentKey, &Document)> {
        self.documents.iter()
    }

    /// Whether any queue holds a message.
    #[must_use]
    pub fn holds_messages(&self) -> bool {
        self.queues.values().any(|queue| !queue.messages.is_empty())
    }

    /// What all queues of an account hold together.
    #[must_use]
    pub fn account_usage(&self, account: AccountId) -> Usage {
        self.accounts.usage(account)
    }

    /// When the oldest message of a queue expires.
    #[must_use]
    pub fn oldest_expires_at(&self, queue: &Queue) -> Option<Timestamp> {
        queue.messages.oldest_sent_at().map(|sent_at| self.expires_when_sent(queue, sent_at))
    }

    /// When a message expires: its queue's retention after it was sent, or later while expiry is held.
    #[must_use]
    pub fn expires_at(&self, queue: &Queue, entry: &Entry) -> Timestamp {
        self.expires_when_sent(queue, entry.sent_at)
    }

    /// When a message of a queue expires that was sent then.
    #[must_use]
    pub fn expires_when_sent(&self, queue: &Queue, sent_at: Timestamp) -> Timestamp {
        self.instance.held_expiry(queue.record.expires_at(sent_at))
    }

    /// The number of messages in memory, over all queues.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }

    /// What is applied from now on belongs to batch `number`; it tells which messages may rest.
    pub fn begin_batch(&mut self, number: u64) {
        self.batch = number;
    }

    /// Makes visible what has become due in a queue, in bounded steps. Returns whether more is due.
    pub fn settle(&mut self, queue: QueueId, now: Timestamp, limit: usize) -> bool {
        self.queues.get_mut(&queue).is_some_and(|queue| queue.messages.settle(now, limit))
    }

    /// Applies the events of one batch.
    ///
    /// # Errors
    /// [`Inconsistent`] when an event does not belong to this state.
    pub fn apply<'a>(
        &mut self,
        at: Timestamp,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<(), Inconsistent> {
        events.into_iter().try_for_each(|event| evolve(self, at, event))
    }

    /// Puts back the instance row that was read from a store.
    pub fn restore_instance(&mut self, instance: Instance) {
        self.instance = instance;
    }

    /// Puts back a queue record that was read from a store.
    pub fn restore_queue(&mut self, record: QueueRecord) {
        self.put_queue(record);
    }

    /// Puts back a message that was read from a store.
    ///
    /// # Errors
    /// [`Inconsistent::NoSuchQueue`] when its queue was not restored before.
    pub fn restore_message(&mut self, message: MessageRef, entry: Entry) -> Result<(), Inconsistent> {
        if self.put(message, entry) { Ok(()) } else { Err(Inconsistent::NoSuchQueue(message.queue)) }
    }

    /// All messages of a queue, which has none in memory, rest in the store; `false` when there is no such queue.
    pub fn rest(&mut self, queue: QueueId, backlog: &Backlog) -> bool {
        let clock = self.instance.clock;
        let Some(held) = self.queues.get_mut(&queue) else { return false };
        held.messages.rest(backlog, clock);
        let usage = Usage { messages: backlog.messages, bytes: backlog.bytes };
        self.accounts.add(held.record.key.account, usage.minus(held.usage));
        held.usage = usage;
        true
    }

    /// Brings a message back that rests; `false` when it is in memory already, or none of its queue rests.
    pub fn admit(&mut self, message: MessageRef, entry: Entry) -> bool {
        self.bring_back(message, |messages, clock| messages.admit(message.sequence, entry, clock))
    }

    /// As [`State::admit`], of a message that a window is to reach: see [`QueueMessages::admit_ahead`].
    pub fn admit_ahead(&mut self, message: MessageRef, entry: Entry, most: usize) -> bool {
        self.bring_back(message, |messages, clock| messages.admit_ahead(message.sequence, entry, clock, most))
    }

    fn bring_back(
        &mut self,
        message: MessageRef,
        admit: impl FnOnce(&mut QueueMessages, Timestamp) -> bool,
    ) -> bool {
        let clock = self.instance.clock;
        let queue = self.queues.get_mut(&message.queue);
        let admitted = queue.is_some_and(|queue| admit(&mut queue.messages, clock));
        self.held += usize::from(admitted);
        admitted
    }

    /// Lets messages of a queue rest that stand behind the first `keep`, and whose last change was made by batch `through` or
    /// an earlier one. Looks at no more than about `limit` messages. Returns how many went.
    pub fn release(&mut self, queue: QueueId, keep: usize, limit: usize, through: u64) -> usize {
        let clock = self.instance.clock;
        let Some(held) = self.queues.get_mut(&queue) else { return 0 };
        let released = match &mut held.messages {
            QueueMessages::Standard(messages) => messages.release(clock, keep, limit, through),
            QueueMessages::Fifo(messages) => {
                // What a move task has left behind must not be overtaken by what it has yet to look at.
                let task = held.record.move_tasks.running();
                let from = task.map_or(Sequence(0), |task| match task.status {
                    MoveStatus::Running { next, .. } => next,
                    MoveStatus::Ended(_) => Sequence(0),
                });
                messages.release(clock, keep, limit, through, from)
            }
        };
        self.held -= released;
        released
    }

    /// The index of a queue's messages, to tell it what was read of those that rest.
    pub fn messages(&mut self, queue: QueueId) -> Option<&mut QueueMessages> {
        self.queues.get_mut(&queue).map(|queue| &mut queue.messages)
    }

    /// Puts back a document that was read from a store.
    pub fn restore_document(&mut self, key: DocumentKey, document: Document) {
        self.documents.insert(key, document);
    }

    /// A number that two states share when they hold the same rows. It is comparable inside one process only, and only between
    /// states that hold all messages and all remembered sends in memory.
    #[must_use]
    pub fn digest(&self) -> u64 {
        // Destructured without `..`, so that a new field can't be forgotten. Indexes are left out by name.
        let Self {
            instance,
            queues,
            names: _,
            accounts: _,
            moving: _,
            documents,
            batch: _,
            held: _,
            remembered: _,
        } = self;
        let mut hasher = DefaultHasher::new();
        instance.hash(&mut hasher);
        for Queue { record, messages, deduplications, usage: _ } in queues.values() {
            record.hash(&mut hasher);
            for (sequence, row) in deduplications.iter() {
                (sequence, row).hash(&mut hasher);
            }
            for (sequence, entry) in messages.iter() {
                (sequence, entry).hash(&mut hasher);
            }
        }
        documents.hash(&mut hasher);
        hasher.finish()
    }

    /// Puts a message in that was not there; `false` when its queue is not there.
    fn put(&mut self, message: MessageRef, entry: Entry) -> bool {
        let clock = self.instance.clock;
        let Some(queue) = self.queues.get_mut(&message.queue) else { return false };
        let before = queue.messages.held();
        queue.messages.put(message.sequence, entry, clock, self.batch);
        self.held = self.held + queue.messages.held() - before;
        queue.usage = queue.usage.plus(Usage::of(&entry));
        self.accounts.add(queue.record.key.account, Usage::of(&entry));
        true
    }

    /// Takes a message out.
    fn take(&mut self, message: MessageRef) -> Option<Entry> {
        let clock = self.instance.clock;
        let queue = self.queues.get_mut(&message.queue)?;
        let entry = queue.messages.remove(message.sequence, clock)?;
        self.held -= 1;
        queue.usage = queue.usage.minus(Usage::of(&entry));
        self.accounts.remove(queue.record.key.account, Usage::of(&entry));
        Some(entry)
    }
}

impl Rows for State {
    fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    fn put_queue(&mut self, record: QueueRecord) {
        self.names.insert(record.key.clone(), record.id);
        self.accounts.queue_added(record.key.account);
        self.moving.extend(record.move_tasks.due_at().map(|due_at| (due_at, record.id)));
        self.queues.insert(record.id, Queue::new(record));
    }

    fn update_queue(&mut self, queue: QueueId, change: impl FnOnce(&mut QueueRecord)) -> bool {
        let clock = self.instance.clock;
        let Some(Queue { record, messages, .. }) = self.queues.get_mut(&queue) else { return false };
        let (delay_secs, due_at) = (record.attributes.delay_secs, record.move_tasks.due_at());
        change(record);
        if record.attributes.delay_secs != delay_secs {
            messages.set_attributes(&record.attributes, clock);
        }
        if record.move_tasks.due_at() != due_at {
            due_at.map(|due_at| self.moving.remove(&(due_at, queue)));
            self.moving.extend(record.move_tasks.due_at().map(|due_at| (due_at, queue)));
        }
        true
    }

    fn remove_queue(&mut self, queue: QueueId) -> bool {
        let Some(Queue { record, usage, messages, deduplications }) = self.queues.remove(&queue) else {
            return false;
        };
        self.held -= messages.held();
        self.remembered.in_memory -= deduplications.in_memory();
        self.remembered.at_rest -= deduplications.at_rest();
        self.accounts.queue_removed(record.key.account, usage);
        self.names.remove(&record.key);
        record.move_tasks.due_at().map(|due_at| self.moving.remove(&(due_at, queue)));
        true
    }

    fn next_sequence(&mut self, queue: QueueId) -> Option<Sequence> {
        self.queues.get(&queue).map(|queue| queue.record.next_sequence)
    }

    fn put_message(&mut self, message: MessageRef, entry: Entry, _payload: &Bytes) {
        self.put(message, entry);
    }

    fn update_message(&mut self, message: MessageRef, change: impl FnOnce(&mut Entry)) -> bool {
        let clock = self.instance.clock;
        let batch = self.batch;
        self.queues
            .get_mut(&message.queue)
            .is_some_and(|queue| queue.messages.update(message.sequence, clock, batch, change))
    }

    fn move_message(
        &mut self,
        before: MessageRef,
        after: MessageRef,
        change: impl FnOnce(&mut Entry),
    ) -> bool {
        let Some(mut entry) = self.take(before) else { return false };
        change(&mut entry);
        self.put(after, entry)
    }

    fn remove_message(&mut self, message: MessageRef) -> bool {
        self.take(message).is_some()
    }

    fn remove_messages_below(&mut self, queue: QueueId, below: Sequence) {
        let Some(queue) = self.queues.get_mut(&queue) else { return };
        let before = queue.messages.held();
        queue.messages.remove_below(below);
        self.held -= before - queue.messages.held();
        // A purge leaves nothing, so there is nothing to go through.
        let kept = queue.messages.iter().map(|(_, entry)| Usage::of(entry));
        let kept = kept.fold(Usage::default(), Usage::plus);
        self.accounts.remove(queue.record.key.account, queue.usage.minus(kept));
        queue.usage = kept;
    }

    fn put_deduplication(&mut self, message: MessageRef, row: Deduplication) {
        let batch = self.batch;
        self.with_sends(message.queue, |sends| sends.put(message.sequence, row, batch));
    }

    fn forget_deduplications(&mut self, queue: QueueId, below: Sequence) {
        self.with_sends(queue, |sends| sends.forget_below(below));
    }

    fn put_document(&mut self, key: &DocumentKey, document: Document) {
        self.documents.insert(key.clone(), document);
    }

    fn remove_document(&mut self, key: &DocumentKey) {
        self.documents.remove(key);
    }
}
