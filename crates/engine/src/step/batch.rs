//! The open batch: events go in, and it goes to the log.
//!
//! An event is applied to the state in the moment in which it becomes part of the batch; there is no way to take it out
//! again. What follows from it for payloads and for messages at rest is noted at the same place.

use millpond_core::event::{Event, MoveTaskEvent};
use millpond_core::format::batch::BatchBuilder;
use millpond_core::message::MessageRef;
use millpond_core::time::Timestamp;
use millpond_log::Position;

use super::{Engine, Output};
use crate::counters::batch_bucket;

/// A batch has at least so much room.
const SMALL_BATCH_BYTES: usize = 4096;

impl Engine {
    pub(super) fn record(&mut self, now: Timestamp, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let position = self.submitted.next();
        let mut batch = self.batch.take().unwrap_or_else(|| self.new_batch(now));
        self.state.begin_batch(position.0);
        self.state
            .apply(batch.at(), events)
            .expect("the core decides only events that fit the state it decided on");
        for event in events {
            let payload_offset = batch.push(event);
            self.note_bodies(position, event, payload_offset);
        }
        self.stats.events += events.len() as u64;
        self.batch = Some(batch);
    }

    /// Batches under load are about as large as those before them.
    fn new_batch(&self, now: Timestamp) -> BatchBuilder {
        let most = self.config.batch_bytes.max(SMALL_BATCH_BYTES);
        BatchBuilder::with_capacity(now, self.usual_batch_bytes.clamp(SMALL_BATCH_BYTES, most))
    }

    fn note_bodies(&mut self, position: Position, event: &Event, payload_offset: Option<u32>) {
        match event {
            Event::MessageSent { queue, sequence, payload, .. } => {
                let message = MessageRef { queue: *queue, sequence: *sequence };
                if let (Some(offset_bytes), Ok(length_bytes)) = (payload_offset, u32::try_from(payload.len()))
                {
                    self.bodies.collect(message, position, offset_bytes, length_bytes);
                }
            }
            Event::MessagesMoved { from, to, moves, .. }
            | Event::MoveTask { queue: from, event: MoveTaskEvent::SentAgain { to, moves, .. } } => {
                for &(before, after) in moves {
                    let before = MessageRef { queue: *from, sequence: before };
                    let after = MessageRef { queue: *to, sequence: after };
                    self.backlog.note_gone(before, position);
                    self.bodies.rename(before, after, position);
                }
                self.moved_to.insert(*to);
            }
            Event::MessagesDeleted { queue, sequences } | Event::MessagesExpired { queue, sequences } => {
                for &sequence in sequences {
                    let message = MessageRef { queue: *queue, sequence };
                    self.backlog.note_gone(message, position);
                    self.bodies.forget(message);
                }
            }
            Event::MessageQuarantined { queue, sequence } => {
                self.stats.quarantined += 1;
                let message = MessageRef { queue: *queue, sequence: *sequence };
                self.backlog.note_gone(message, position);
                self.bodies.forget(message);
            }
            Event::QueuePurged { queue, below } => {
                self.backlog.note_emptied(*queue, *below, position);
                self.bodies.forget_below(*queue, *below);
            }
            Event::QueueDeleted { queue } => self.bodies.forget_queue(*queue),
            _ => {}
        }
    }

    /// Hands the open batch to the log, unless another is being synced and this one is still small: then it goes on
    /// filling, which is what makes one sync cover many requests.
    pub(super) fn hand_over(&mut self, out: &mut Vec<Output>) {
        let syncing = self.durable < self.submitted;
        if !syncing || self.batch_is_large() {
            self.append(out);
        }
    }

    pub(super) fn batch_is_large(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.len() >= self.config.batch_bytes)
    }

    pub(super) fn append(&mut self, out: &mut Vec<Output>) {
        let Some(batch) = self.batch.take() else { return };
        self.stats.batch_events[batch_bucket(batch.events())] += 1;
        let payload = batch.finish();
        // A quarter more than the last one, and slowly less after a large one.
        self.usual_batch_bytes = (payload.len() / 4 * 5).max(self.usual_batch_bytes / 4 * 3);
        self.submitted = self.submitted.next();
        self.bodies.keep(self.submitted, &payload);
        self.in_flight.push_back((self.submitted, payload.len()));
        self.idle_noted = false;
        out.push(Output::Append { position: self.submitted, payload });
    }
}
