//! Applies batches where some before them are missing.
//!
//! The rule: an event is applied by the same `evolve` that applies it live, with three allowances, none of which makes
//! anything up.
//!
//! - A message that an event names and that is not there is passed over: its bytes were in a batch that is missing.
//! - A message may have a higher number than its queue's next one: the numbers between were given out in a batch that is
//!   missing, and are never used again.
//! - An event about a queue that is not there is passed over; a message sent to it keeps its bytes, outside of all queues.
//!
//! Where nothing is missing this is `evolve`, to the letter.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::event::{Event, MoveTaskEvent};
use millpond_core::evolve::{Instance, Rows, evolve};
use millpond_core::format::batch::Batch;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::{Deduplication, QueueRecord};
use millpond_engine::checkpoint::{CheckpointError, Overlay};

/// Messages that were spoken of and are not there.
#[derive(Debug, Default)]
pub(super) struct Unknown(BTreeMap<MessageRef, ()>);

impl Unknown {
    /// Those that were still there when the log ends.
    pub(super) fn lost(self) -> impl Iterator<Item = (MessageRef, &'static str)> {
        let why = "it was sent in a batch that is missing, and was not deleted since";
        self.0.into_keys().map(move |message| (message, why))
    }
}

/// What was applied.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) sent: u64,
    pub(super) created: Vec<QueueRecord>,
    pub(super) without_queue: Vec<(MessageRef, Bytes)>,
    /// Changes that could not be applied, in words.
    pub(super) skipped: Vec<String>,
}

/// Rows that take what is missing for gone.
pub(super) struct Lenient<'a, 's> {
    rows: &'a mut Overlay<'s>,
    unknown: &'a mut Unknown,
    done: Done,
}

impl<'a, 's> Lenient<'a, 's> {
    pub(super) fn over(rows: &'a mut Overlay<'s>, unknown: &'a mut Unknown) -> Self {
        Self { rows, unknown, done: Done::default() }
    }

    pub(super) fn into_done(self) -> Done {
        self.done
    }

    pub(super) fn fold(&mut self, batch: &Batch) -> Result<(), CheckpointError> {
        for event in &batch.events {
            if self.is_ready_for(event) {
                let applied = evolve(self, batch.at, event);
                if let Err(inconsistent) = applied {
                    self.done.skipped.push(inconsistent.to_string());
                }
            }
            if let Some(error) = self.rows.take_failure() {
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// Makes room for the numbers that an event gives out; whether it is to be applied at all.
    fn is_ready_for(&mut self, event: &Event) -> bool {
        match event {
            Event::MessageSent { queue, sequence, payload, .. } => {
                let message = MessageRef { queue: *queue, sequence: *sequence };
                match self.rows.next_sequence(*queue) {
                    None => {
                        self.done.without_queue.push((message, payload.clone()));
                        false
                    }
                    // It is in the rows already, or was deleted.
                    Some(next) if *sequence < next => false,
                    Some(_) => {
                        self.done.sent += 1;
                        self.raise(message)
                    }
                }
            }
            Event::MessagesMoved { to, moves, .. }
            | Event::MoveTask { event: MoveTaskEvent::SentAgain { to, moves, .. }, .. } => {
                moves.first().is_none_or(|(_, after)| self.raise(MessageRef { queue: *to, sequence: *after }))
            }
            Event::QueueCreated { queue, .. } => self.rows.next_sequence(*queue).is_none(),
            _ => true,
        }
    }

    /// The numbers before this one are given out. Whether this one was not.
    fn raise(&mut self, message: MessageRef) -> bool {
        let Some(next) = self.rows.next_sequence(message.queue) else { return true };
        if message.sequence > next {
            self.rows.update_queue(message.queue, |record| record.next_sequence = message.sequence);
        }
        message.sequence >= next
    }
}

impl Rows for Lenient<'_, '_> {
    fn instance(&mut self) -> &mut Instance {
        self.rows.instance()
    }

    fn put_queue(&mut self, record: QueueRecord) {
        self.done.created.push(record.clone());
        self.rows.put_queue(record);
    }

    fn update_queue(&mut self, queue: QueueId, change: impl FnOnce(&mut QueueRecord)) -> bool {
        self.rows.update_queue(queue, change)
    }

    fn remove_queue(&mut self, queue: QueueId) -> bool {
        // What was lost of it would be gone now.
        self.unknown.0.retain(|message, ()| message.queue != queue);
        self.rows.remove_queue(queue)
    }

    fn next_sequence(&mut self, queue: QueueId) -> Option<Sequence> {
        self.rows.next_sequence(queue)
    }

    fn put_message(&mut self, message: MessageRef, entry: Entry, payload: &Bytes) {
        self.rows.put_message(message, entry, payload);
    }

    fn update_message(&mut self, message: MessageRef, change: impl FnOnce(&mut Entry)) -> bool {
        if !self.rows.update_message(message, change) {
            self.unknown.0.insert(message, ());
        }
        true
    }

    fn move_message(
        &mut self,
        before: MessageRef,
        after: MessageRef,
        change: impl FnOnce(&mut Entry),
    ) -> bool {
        if !self.rows.move_message(before, after, change) {
            self.unknown.0.remove(&before);
            self.unknown.0.insert(after, ());
        }
        true
    }

    fn remove_message(&mut self, message: MessageRef) -> bool {
        self.unknown.0.remove(&message);
        self.rows.remove_message(message);
        true
    }

    fn remove_messages_below(&mut self, queue: QueueId, below: Sequence) {
        self.unknown.0.retain(|message, ()| message.queue != queue || message.sequence >= below);
        self.rows.remove_messages_below(queue, below);
    }

    fn put_deduplication(&mut self, message: MessageRef, row: Deduplication) {
        self.rows.put_deduplication(message, row);
    }

    fn forget_deduplications(&mut self, queue: QueueId, below: Sequence) {
        self.rows.forget_deduplications(queue, below);
    }

    fn put_document(&mut self, key: &DocumentKey, document: Document) {
        self.rows.put_document(key, document);
    }

    fn remove_document(&mut self, key: &DocumentKey) {
        self.rows.remove_document(key);
    }
}
