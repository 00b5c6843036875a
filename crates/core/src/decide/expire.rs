//! Dropping messages whose retention has passed, in bounded steps.

use super::Decision;
use crate::event::Event;
use crate::limits;
use crate::message::{QueueId, Sequence};
use crate::outcome::Outcome;
use crate::state::{Queue, State};
use crate::time::Timestamp;

/// Whether the queue holds a message whose retention has passed.
#[must_use]
pub fn has_expired(state: &State, queue: &Queue, now: Timestamp) -> bool {
    state.oldest_expires_at(queue).is_some_and(|expires_at| expires_at <= now)
}

pub(super) fn expire(state: &State, now: Timestamp, queue: QueueId) -> Decision {
    let Some(held) = state.queue(queue) else { return (Vec::new(), Outcome::Done) };
    let sequences: Vec<Sequence> = held
        .messages
        .iter()
        .take_while(|(_, entry)| state.expires_at(held, entry) <= now)
        .take(limits::SETTLE_MESSAGES)
        .map(|(sequence, _)| sequence)
        .collect();
    let event = (!sequences.is_empty()).then_some(Event::MessagesExpired { queue, sequences });
    (event.into_iter().collect(), Outcome::Done)
}
