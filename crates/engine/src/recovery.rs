//! The state as store and log imply it.
//!
//! Rows come from the store, and every batch behind the store's position is applied on top by the same `evolve` that
//! applied it live. No business rule is asked. Messages of a large backlog stay in the store, and one that a batch names is
//! brought back before the batch is applied. Store and log must fit each other without a gap; if they do not, the
//! directory is refused, for half of a history is worse than none.

use std::ops::ControlFlow;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::event::{Event, MoveTaskEvent};
use millpond_core::evolve::{Inconsistent, Instance, Rows, evolve};
use millpond_core::format::Malformed;
use millpond_core::format::batch::Batch;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::{Backlog, Deduplication, QueueRecord};
use millpond_core::state::State;
use millpond_log::{Log, Position, ReadError};
use millpond_store::{Store, StoreError, StoreReader, Visitor};

/// What recovery brought back.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The state.
    pub state: State,
    /// The last position applied.
    pub through: Position,
    /// Payloads that are in the log and not in the store: message, batch, offset in the batch's payload.
    pub in_log: Vec<(MessageRef, Position, u32)>,
    /// What the store reflects.
    pub reflected: Position,
    /// Messages that the store holds and a batch behind it took out.
    pub gone: Vec<(MessageRef, Position)>,
    /// Queues that a batch behind the store emptied, up to a number.
    pub emptied: Vec<(QueueId, Sequence, Position)>,
    /// Messages that were moved by a batch that the store does not reflect: name before, name after, batch.
    pub moved: Vec<(MessageRef, MessageRef, Position)>,
    /// Batches applied on top of the store.
    pub replayed_batches: u64,
}

/// Why a directory can't be brought back.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The store can't be read.
    #[error("the store can't be read: {0}")]
    Store(#[from] StoreError),
    /// The log can't be read.
    #[error("the log can't be read: {0}")]
    Log(#[from] ReadError),
    /// A batch holds bytes that no version up to this one writes.
    #[error("batch {position} of the log can't be understood: {source}")]
    Malformed {
        /// The batch.
        position: Position,
        /// What is wrong with it.
        source: Malformed,
    },
    /// A batch does not follow from what is before it.
    #[error("batch {position} of the log does not fit what is before it: {source}")]
    Inconsistent {
        /// The batch.
        position: Position,
        /// What does not fit.
        source: Inconsistent,
    },
    /// Batches between store and log are missing.
    #[error(
        "the store reflects the log up to {reflected}, but the log holds {first} to {last}: files are missing"
    )]
    Gap {
        /// The store's position.
        reflected: Position,
        /// The log's first position.
        first: Position,
        /// The log's last position.
        last: Position,
    },
}

/// Brings back the state from a store and the log behind it, all of it in memory.
///
/// # Errors
/// [`RecoveryError`] when one of them can't be read or they do not fit each other. Nothing has been written.
pub fn recover(log: &mut dyn Log, store: &dyn Store) -> Result<Recovered, RecoveryError> {
    recover_within(log, store, u64::MAX)
}

/// As [`recover`]; if the store holds more than `limit` messages, those that can rest there do, and so do the sends that it
/// remembers beyond as many.
///
/// # Errors
/// As [`recover`].
pub fn recover_within(log: &mut dyn Log, store: &dyn Store, limit: u64) -> Result<Recovered, RecoveryError> {
    let reflected = store.reflected();
    let bounds = log.bounds();
    let last = bounds.tail.previous();
    if bounds.first > reflected.next() || last < reflected {
        return Err(RecoveryError::Gap { reflected, first: bounds.first, last });
    }
    let mut recovered = Recovered { through: last, reflected, ..Recovered::default() };
    store.load(limit, &mut Restore { state: &mut recovered.state, sends_in_memory: limit })?;
    let reader = store.reader();
    let mut failure = None;
    log.replay(reflected.next(), &mut |position, payload| match recovered.replay(
        reader.as_ref(),
        position,
        payload,
    ) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failure.map_or(Ok(recovered), Err)
}

impl Recovered {
    fn replay(
        &mut self,
        store: &dyn StoreReader,
        position: Position,
        payload: Bytes,
    ) -> Result<(), RecoveryError> {
        if payload.is_empty() {
            return Ok(());
        }
        let batch = Batch::decode(payload).map_err(|source| RecoveryError::Malformed { position, source })?;
        self.state.begin_batch(position.0);
        let mut rows = Replay { recovered: self, store, position, failed: None };
        for event in &batch.events {
            let applied = evolve(&mut rows, batch.at, event);
            if let Some(error) = rows.failed.take() {
                return Err(error.into());
            }
            applied.map_err(|source| RecoveryError::Inconsistent { position, source })?;
        }
        let sent = batch.events.iter().filter_map(|event| match event {
            Event::MessageSent { queue, sequence, .. } => {
                Some(MessageRef { queue: *queue, sequence: *sequence })
            }
            _ => None,
        });
        let located = sent.zip(&batch.payload_offsets).map(|(message, offset)| (message, position, *offset));
        self.in_log.extend(located);
        for event in &batch.events {
            if let Event::MessagesMoved { from, to, moves, .. }
            | Event::MoveTask { queue: from, event: MoveTaskEvent::SentAgain { to, moves, .. } } = event
            {
                let names = moves.iter().map(|(before, after)| {
                    (
                        MessageRef { queue: *from, sequence: *before },
                        MessageRef { queue: *to, sequence: *after },
                        position,
                    )
                });
                self.moved.extend(names);
            }
        }
        self.replayed_batches += 1;
        Ok(())
    }
}

/// Applies events to a state of which some messages rest in the store: one that an event names is brought back first.
struct Replay<'a> {
    recovered: &'a mut Recovered,
    store: &'a dyn StoreReader,
    position: Position,
    /// `Rows` has no way to fail, so the first failed read is kept here.
    failed: Option<StoreError>,
}

impl Replay<'_> {
    fn bring_back(&mut self, message: MessageRef) {
        let state = &mut self.recovered.state;
        let Some(messages) = state.messages(message.queue) else { return };
        if messages.resting().is_none() || messages.get(message.sequence).is_some() {
            return;
        }
        match self.store.entry(message) {
            Ok(entry) => drop(entry.map(|entry| state.admit(message, entry))),
            Err(error) => drop(self.failed.get_or_insert(error)),
        }
    }
}

impl Rows for Replay<'_> {
    fn instance(&mut self) -> &mut Instance {
        Rows::instance(&mut self.recovered.state)
    }

    fn put_queue(&mut self, record: QueueRecord) {
        self.recovered.state.put_queue(record);
    }

    fn update_queue(&mut self, queue: QueueId, change: impl FnOnce(&mut QueueRecord)) -> bool {
        self.recovered.state.update_queue(queue, change)
    }

    fn remove_queue(&mut self, queue: QueueId) -> bool {
        self.recovered.state.remove_queue(queue)
    }

    fn next_sequence(&mut self, queue: QueueId) -> Option<Sequence> {
        self.recovered.state.next_sequence(queue)
    }

    fn put_message(&mut self, message: MessageRef, entry: Entry, payload: &Bytes) {
        self.recovered.state.put_message(message, entry, payload);
    }

    fn update_message(&mut self, message: MessageRef, change: impl FnOnce(&mut Entry)) -> bool {
        self.bring_back(message);
        self.recovered.state.update_message(message, change)
    }

    fn move_message(
        &mut self,
        before: MessageRef,
        after: MessageRef,
        change: impl FnOnce(&mut Entry),
    ) -> bool {
        self.bring_back(before);
        self.recovered.gone.push((before, self.position));
        self.recovered.state.move_message(before, after, change)
    }

    fn remove_message(&mut self, message: MessageRef) -> bool {
        self.bring_back(message);
        self.recovered.gone.push((message, self.position));
        self.recovered.state.remove_message(message)
    }

    fn remove_messages_below(&mut self, queue: QueueId, below: Sequence) {
        self.recovered.emptied.push((queue, below, self.position));
        self.recovered.state.remove_messages_below(queue, below);
    }

    fn put_deduplication(&mut self, message: MessageRef, row: Deduplication) {
        self.recovered.state.put_deduplication(message, row);
    }

    fn forget_deduplications(&mut self, queue: QueueId, below: Sequence) {
        self.recovered.state.forget_deduplications(queue, below);
    }

    fn put_document(&mut self, key: &DocumentKey, document: Document) {
        self.recovered.state.put_document(key, document);
    }

    fn remove_document(&mut self, key: &DocumentKey) {
        self.recovered.state.remove_document(key);
    }
}

/// Puts the rows of a store into a state.
struct Restore<'a> {
    state: &'a mut State,
    /// Beyond so many, what a queue remembers stays at rest.
    sends_in_memory: u64,
}

impl Visitor for Restore<'_> {
    fn instance(&mut self, instance: Instance) -> Result<(), Inconsistent> {
        self.state.restore_instance(instance);
        Ok(())
    }

    fn queue(&mut self, record: QueueRecord) -> Result<(), Inconsistent> {
        self.state.restore_queue(record);
        Ok(())
    }

    fn document(&mut self, key: DocumentKey, document: Document) -> Result<(), Inconsistent> {
        self.state.restore_document(key, document);
        Ok(())
    }

    fn deduplication(&mut self, message: MessageRef, row: Deduplication) -> Result<(), Inconsistent> {
        if (self.state.remembered_sends().in_memory as u64) < self.sends_in_memory {
            return self.state.restore_deduplication(message, row);
        }
        let in_memory = self.state.queue(message.queue).map_or(0, |queue| queue.deduplications.in_memory());
        if in_memory > 0 {
            // All of it is in the store.
            self.state.rest_sends(message.queue, usize::MAX, 0);
        }
        self.state.restore_resting_deduplication(message, &row)
    }

    fn backlog(&mut self, queue: QueueId, backlog: Backlog) -> Result<(), Inconsistent> {
        if self.state.rest(queue, &backlog) { Ok(()) } else { Err(Inconsistent::NoSuchQueue(queue)) }
    }

    fn entry(&mut self, message: MessageRef, entry: Entry) -> Result<(), Inconsistent> {
        if self.state.admit(message, entry) {
            return Ok(());
        }
        self.state.restore_message(message, entry)
    }
}
