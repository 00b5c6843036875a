//! Dropping messages whose retention has passed, and sends that are remembered for no use, in bounded steps.

use super::Decision;
use crate::event::Event;
use crate::limits;
use crate::message::{QueueId, Sequence};
use crate::outcome::Outcome;
use crate::state::{Queue, State};
use crate::time::Timestamp;

/// Whether the queue holds a message in memory whose retention has passed, or remembers sends for longer than it must.
#[must_use]
pub fn has_expired(state: &State, queue: &Queue, now: Timestamp) -> bool {
    let oldest = queue.messages.oldest();
    let expired = oldest.is_some_and(|(_, entry)| state.expires_at(queue, entry) <= now);
    expired || queue.deduplications.has_stale(now)
}

pub(super) fn expire(state: &State, now: Timestamp, queue: QueueId) -> Decision {
    let Some(held) = state.queue(queue) else { return (Vec::new(), Outcome::Done) };
    let sequences: Vec<Sequence> = held
        .messages
        .by_age()
        .take_while(|(_, entry)| state.expires_at(held, entry) <= now)
        .take(limits::SETTLE_MESSAGES)
        .map(|(sequence, _)| sequence)
        .collect();
    let expired = (!sequences.is_empty()).then_some(Event::MessagesExpired { queue, sequences });
    let stale = held.deduplications.stale_below(now, limits::SETTLE_MESSAGES);
    let forgotten = stale.map(|below| Event::DeduplicationsForgotten { queue, below });
    (expired.into_iter().chain(forgotten).collect(), Outcome::Done)
}
