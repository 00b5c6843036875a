//! Folds the log into the store, so that the log can be trimmed.
//!
//! The checkpoint is a follower: it reads durable batches from the log and applies them with the core's `evolve` to
//! the rows they concern, old ones read from the store, and hands the net effect over in one atomic step. It never
//! stops the engine and never looks at its state. A message that was sent, received and deleted inside the range
//! leaves no trace in the store.
//!
//! What always holds: only durable positions are reflected, and the log is trimmed only after the store is synced.

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::{Inconsistent, Instance, Rows, evolve};
use millpond_core::format::Malformed;
use millpond_core::format::batch::Batch;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::{Deduplication, QueueRecord};
use millpond_log::{LogReader, Position, ReadError, Usage};
use millpond_store::{Changes, MessageChange, Store, StoreError, StoreReader};

/// Why a checkpoint was not taken. The store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The store could not be read or written.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The log could not be read.
    #[error("the log failed: {0}")]
    Log(#[from] ReadError),
    /// A batch can't be understood.
    #[error("batch {position} of the log can't be understood: {source}")]
    Malformed {
        /// The batch.
        position: Position,
        /// What is wrong with it.
        source: Malformed,
    },
    /// A batch does not fit the rows of the store.
    #[error("batch {position} of the log does not fit the store: {source}")]
    Inconsistent {
        /// The batch.
        position: Position,
        /// What does not fit.
        source: Inconsistent,
    },
}

impl CheckpointError {
    /// Whether it is only space that is missing: the checkpoint may be tried again.
    #[must_use]
    pub fn is_out_of_space(&self) -> bool {
        matches!(self, Self::Store(StoreError::Full { .. }))
    }
}

/// Up to where the next checkpoint should reach, if one is due: the oldest full segment, once the log is half full or
/// the disk has no room for another segment.
#[must_use]
pub fn due(usage: &Usage, durable: Position) -> Option<Position> {
    due_reaching(usage, durable, 1)
}

/// As [`due`], over so many of the oldest segments, or over everything durable when there are not so many.
///
/// A checkpoint that found no space is tried again with a longer reach: what was sent in the oldest segment and deleted
/// behind it takes no space when both are folded together. So receivers make room on a full disk.
#[must_use]
pub fn due_reaching(usage: &Usage, durable: Position, segments: usize) -> Option<Position> {
    let crowded = usage.used_bytes > usage.budget_bytes / 2 || usage.disk_full;
    usage.sealed.first().filter(|segment| crowded && segment.last <= durable)?;
    let reached = usage.sealed.get(segments.saturating_sub(1));
    Some(reached.map_or(durable, |segment| segment.last.min(durable)))
}

/// Payloads that one transaction of the store reads and writes again because their messages were moved.
const MOVED_BYTES: u64 = 32 << 20;

/// Folds everything up to `through`, which must be durable, into the store. Answers the position that the store now
/// reflects.
///
/// # Errors
/// [`CheckpointError`]; the store then reflects what it did, or a position on the way.
pub fn advance(
    store: &mut dyn Store,
    log: &dyn LogReader,
    through: Position,
) -> Result<Position, CheckpointError> {
    loop {
        let reflected = advance_some(store, log, through, MOVED_BYTES)?;
        if reflected >= through {
            return Ok(reflected);
        }
    }
}

/// As [`advance`], in one transaction; it ends before `through` when more than so many bytes of payloads had to be read
/// because their messages were moved, so that memory does not grow with what is moved.
///
/// # Errors
/// [`CheckpointError`]; the store is then as it was.
pub fn advance_some(
    store: &mut dyn Store,
    log: &dyn LogReader,
    through: Position,
    moved_bytes: u64,
) -> Result<Position, CheckpointError> {
    let mut reached = store.reflected();
    if reached >= through {
        return Ok(reached);
    }
    let rows = store.reader();
    let mut overlay = Overlay::over(rows.as_ref())?;
    while reached < through && overlay.moved_bytes <= moved_bytes {
        reached = reached.next();
        let payload = log.read(reached)?;
        if !payload.is_empty() {
            overlay.fold(reached, payload)?;
        }
    }
    let changes = overlay.into_changes();
    store.apply(changes, reached)?;
    Ok(reached)
}

/// The rows of a store with the changes of a range on top.
pub struct Overlay<'a> {
    store: &'a dyn StoreReader,
    changes: Changes,
    instance: Instance,
    /// Bytes of the payloads that were read from the store.
    moved_bytes: u64,
    /// `Rows` has no way to fail, so the first failed read is kept here.
    failed: Option<StoreError>,
}

impl<'a> Overlay<'a> {
    /// The rows of a store, without changes so far.
    ///
    /// # Errors
    /// [`StoreError`] when they can't be read.
    pub fn over(store: &'a dyn StoreReader) -> Result<Self, StoreError> {
        Ok(Self {
            store,
            changes: Changes::default(),
            instance: store.instance()?,
            moved_bytes: 0,
            failed: None,
        })
    }

    /// Applies a batch on top.
    ///
    /// # Errors
    /// [`CheckpointError`]; the rows are then not to be used any more.
    pub fn fold(&mut self, position: Position, payload: Bytes) -> Result<(), CheckpointError> {
        let batch =
            Batch::decode(payload).map_err(|source| CheckpointError::Malformed { position, source })?;
        self.fold_batch(position, &batch)
    }

    /// As [`Overlay::fold`], of a batch that was decoded.
    ///
    /// # Errors
    /// As [`Overlay::fold`].
    pub fn fold_batch(&mut self, position: Position, batch: &Batch) -> Result<(), CheckpointError> {
        for event in &batch.events {
            let result = evolve(self, batch.at, event);
            if let Some(error) = self.failed.take() {
                return Err(error.into());
            }
            result.map_err(|source| CheckpointError::Inconsistent { position, source })?;
        }
        Ok(())
    }

    /// The first read of the store that failed, which [`Rows`] has no way to tell. To be asked after each event that is
    /// applied by other means than [`Overlay::fold`].
    pub fn take_failure(&mut self) -> Option<StoreError> {
        self.failed.take()
    }

    /// The net changes.
    #[must_use]
    pub fn into_changes(mut self) -> Changes {
        self.changes.instance = Some(self.instance);
        self.changes
    }

    /// The queue's record with all changes, put among the changes.
    fn queue(&mut self, queue: QueueId) -> Option<&mut QueueRecord> {
        if !self.changes.queues.contains_key(&queue) {
            let record = keep_error(self.store.queue(queue), &mut self.failed)??;
            self.changes.queues.insert(queue, Some(record));
        }
        self.changes.queues.get_mut(&queue)?.as_mut()
    }

    /// The entry of a message as the store has it, unless the range has removed it in bulk.
    fn stored_entry(&mut self, message: MessageRef) -> Option<Entry> {
        let removed = self.changes.removed_below.get(&message.queue);
        let gone = removed.is_some_and(|below| message.sequence < *below);
        let deleted = matches!(self.changes.queues.get(&message.queue), Some(None));
        if gone || deleted {
            return None;
        }
        keep_error(self.store.entry(message), &mut self.failed)?
    }

    /// A message with its payload, from the changes or from the store.
    fn whole_message(&mut self, message: MessageRef) -> Option<(Entry, Bytes)> {
        let entry = match self.changes.messages.get(&message) {
            Some(MessageChange::Put { entry, payload }) => return Some((*entry, payload.clone())),
            Some(MessageChange::Update { entry }) => *entry,
            Some(MessageChange::Remove) => return None,
            None => self.stored_entry(message)?,
        };
        // An entry whose payload is missing is damage to one message: it is found, and told, by who reads it.
        let payload = keep_error(self.store.payload(message), &mut self.failed)?;
        let payload = payload.unwrap_or_default();
        self.moved_bytes = self.moved_bytes.saturating_add(payload.len() as u64);
        Some((entry, payload))
    }

    fn forget_below(&mut self, queue: QueueId, below: Sequence) {
        let from = MessageRef { queue, sequence: Sequence(0) };
        let to = MessageRef { queue, sequence: below };
        let gone: Vec<MessageRef> =
            self.changes.messages.range(from..to).map(|(message, _)| *message).collect();
        for message in gone {
            self.changes.messages.remove(&message);
        }
    }
}

fn keep_error<T>(result: Result<T, StoreError>, failed: &mut Option<StoreError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            failed.get_or_insert(error);
            None
        }
    }
}

impl Rows for Overlay<'_> {
    fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    fn put_queue(&mut self, record: QueueRecord) {
        self.changes.queues.insert(record.id, Some(record));
    }

    fn update_queue(&mut self, queue: QueueId, change: impl FnOnce(&mut QueueRecord)) -> bool {
        self.queue(queue).map(change).is_some()
    }

    fn remove_queue(&mut self, queue: QueueId) -> bool {
        if self.queue(queue).is_none() {
            return false;
        }
        self.forget_below(queue, Sequence(u64::MAX));
        self.forget_deduplications(queue, Sequence(u64::MAX));
        self.changes.removed_below.remove(&queue);
        self.changes.forgotten_below.remove(&queue);
        self.changes.queues.insert(queue, None);
        true
    }

    fn next_sequence(&mut self, queue: QueueId) -> Option<Sequence> {
        self.queue(queue).map(|record| record.next_sequence)
    }

    fn put_message(&mut self, message: MessageRef, entry: Entry, payload: &Bytes) {
        self.changes.messages.insert(message, MessageChange::Put { entry, payload: payload.clone() });
    }

    fn update_message(&mut self, message: MessageRef, change: impl FnOnce(&mut Entry)) -> bool {
        match self.changes.messages.get_mut(&message) {
            Some(MessageChange::Put { entry, .. } | MessageChange::Update { entry }) => {
                change(entry);
                true
            }
            Some(MessageChange::Remove) => false,
            None => {
                let Some(mut entry) = self.stored_entry(message) else { return false };
                change(&mut entry);
                self.changes.messages.insert(message, MessageChange::Update { entry });
                true
            }
        }
    }

    fn move_message(
        &mut self,
        before: MessageRef,
        after: MessageRef,
        change: impl FnOnce(&mut Entry),
    ) -> bool {
        let Some((mut entry, payload)) = self.whole_message(before) else { return false };
        self.remove_message(before);
        change(&mut entry);
        self.changes.messages.insert(after, MessageChange::Put { entry, payload });
        true
    }

    fn remove_message(&mut self, message: MessageRef) -> bool {
        match self.changes.messages.get(&message) {
            // It was sent inside the range: the store has never heard of it.
            Some(MessageChange::Put { .. }) => self.changes.messages.remove(&message).is_some(),
            Some(MessageChange::Remove) => false,
            Some(MessageChange::Update { .. }) => {
                self.changes.messages.insert(message, MessageChange::Remove);
                true
            }
            None => {
                let held = self.stored_entry(message).is_some();
                if held {
                    self.changes.messages.insert(message, MessageChange::Remove);
                }
                held
            }
        }
    }

    fn remove_messages_below(&mut self, queue: QueueId, below: Sequence) {
        self.forget_below(queue, below);
        let kept = self.changes.removed_below.get(&queue).copied();
        self.changes.removed_below.insert(queue, kept.map_or(below, |kept| kept.max(below)));
    }

    fn put_deduplication(&mut self, message: MessageRef, row: Deduplication) {
        self.changes.deduplications.insert(message, row);
    }

    fn forget_deduplications(&mut self, queue: QueueId, below: Sequence) {
        let from = MessageRef { queue, sequence: Sequence(0) };
        let mut rest = self.changes.deduplications.split_off(&from);
        let mut kept = rest.split_off(&MessageRef { queue, sequence: below });
        self.changes.deduplications.append(&mut kept);
        let before = self.changes.forgotten_below.get(&queue).copied();
        self.changes.forgotten_below.insert(queue, before.map_or(below, |before| before.max(below)));
    }

    fn put_document(&mut self, key: &DocumentKey, document: Document) {
        self.changes.documents.insert(key.clone(), Some(document));
    }

    fn remove_document(&mut self, key: &DocumentKey) {
        self.changes.documents.insert(key.clone(), None);
    }
}
