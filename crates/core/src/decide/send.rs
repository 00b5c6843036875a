//! Accepting messages of a standard queue; those of a FIFO queue are accepted in [`super::fifo`].
//!
//! Each message of a batch is accepted or refused by itself; the accepted ones keep their order.

use super::{Decision, fifo, with_queue};
use crate::command::NewMessage;
use crate::event::Event;
use crate::name::QueueKey;
use crate::outcome::{Accepted, Outcome, Refusal};
use crate::quota::Quotas;
use crate::state::State;
use crate::time::Timestamp;

pub(super) fn send(
    quotas: &Quotas,
    state: &State,
    now: Timestamp,
    key: &QueueKey,
    messages: Vec<NewMessage>,
) -> Decision {
    with_queue(state, key, |queue| {
        let mut room = quotas.room(state, queue);
        if let Some(fifo) = &queue.record.attributes.fifo {
            return fifo::send(room, queue, fifo, now, messages);
        }
        let attributes = &queue.record.attributes;
        let limit_bytes = attributes.maximum_message_bytes;
        let mut sequence = queue.record.next_sequence;
        let mut events = Vec::with_capacity(messages.len());
        let mut results = Vec::with_capacity(messages.len());
        for message in messages {
            if message.size_bytes > limit_bytes {
                results.push(Err(Refusal::MessageTooLong { limit_bytes }));
                continue;
            }
            if let Err(refusal) = room.take(message.payload.len()) {
                results.push(Err(refusal));
                continue;
            }
            let delay_secs = message.delay_secs.unwrap_or(attributes.delay_secs);
            events.push(Event::MessageSent {
                queue: queue.record.id,
                sequence,
                visible_at: now.plus_secs(u64::from(delay_secs)),
                group: message.group,
                deduplication: None,
                payload: message.payload,
            });
            results.push(Ok(Accepted { id: message.id, sequence }));
            sequence = sequence.next();
        }
        (events, Outcome::Sent(results))
    })
}
