//! The state as store and log imply it.
//!
//! Rows come from the store, and every batch behind the store's position is applied on top by the same `evolve` that
//! applied it live. No business rule is asked. Store and log must fit each other without a gap; if they do not, the
//! directory is refused, for half of a history is worse than none.

use std::ops::ControlFlow;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::event::{Event, MoveTaskEvent};
use millpond_core::evolve::{Inconsistent, Instance};
use millpond_core::format::Malformed;
use millpond_core::format::batch::Batch;
use millpond_core::message::{Entry, MessageRef};
use millpond_core::queue::{Deduplication, QueueRecord};
use millpond_core::state::State;
use millpond_log::{Log, Position, ReadError};
use millpond_store::{Store, StoreError, Visitor};

/// What recovery brought back.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The state.
    pub state: State,
    /// The last position applied.
    pub through: Position,
    /// Payloads that are in the log and not in the store: message, batch, offset in the batch's payload.
    pub in_log: Vec<(MessageRef, Position, u32)>,
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

/// Brings back the state from a store and the log behind it.
///
/// # Errors
/// [`RecoveryError`] when one of them can't be read or they do not fit each other. Nothing has been written.
pub fn recover(log: &mut dyn Log, store: &dyn Store) -> Result<Recovered, RecoveryError> {
    let reflected = store.reflected();
    let bounds = log.bounds();
    let last = bounds.tail.previous();
    if bounds.first > reflected.next() || last < reflected {
        return Err(RecoveryError::Gap { reflected, first: bounds.first, last });
    }
    let mut recovered = Recovered { through: last, ..Recovered::default() };
    store.load(&mut Restore(&mut recovered.state))?;
    let mut failure = None;
    log.replay(reflected.next(), &mut |position, payload| match recovered.replay(position, payload) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failure.map_or(Ok(recovered), Err)
}

impl Recovered {
    fn replay(&mut self, position: Position, payload: Bytes) -> Result<(), RecoveryError> {
        if payload.is_empty() {
            return Ok(());
        }
        let batch = Batch::decode(payload).map_err(|source| RecoveryError::Malformed { position, source })?;
        self.state
            .apply(batch.at, &batch.events)
            .map_err(|source| RecoveryError::Inconsistent { position, source })?;
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

/// Puts the rows of a store into a state.
struct Restore<'a>(&'a mut State);

impl Visitor for Restore<'_> {
    fn instance(&mut self, instance: Instance) -> Result<(), Inconsistent> {
        self.0.restore_instance(instance);
        Ok(())
    }

    fn queue(&mut self, record: QueueRecord) -> Result<(), Inconsistent> {
        self.0.restore_queue(record);
        Ok(())
    }

    fn document(&mut self, key: DocumentKey, document: Document) -> Result<(), Inconsistent> {
        self.0.restore_document(key, document);
        Ok(())
    }

    fn deduplication(&mut self, message: MessageRef, row: Deduplication) -> Result<(), Inconsistent> {
        self.0.restore_deduplication(message, row)
    }

    fn entry(&mut self, message: MessageRef, entry: Entry) -> Result<(), Inconsistent> {
        self.0.restore_message(message, entry)
    }
}
