//! Everything that callers have put in goes at once, for tests: queues, messages, and what names wait for.
//!
//! Documents, the receipt key and the time stay: they are not the callers'.

use super::Decision;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::state::State;

pub(super) fn reset(state: &State) -> Decision {
    let mut events: Vec<Event> =
        state.queues().map(|queue| Event::QueueDeleted { queue: queue.record.id }).collect();
    let outcome = Outcome::Reset {
        queues: events.len(),
        messages: state.queues().map(|queue| queue.messages.len()).sum(),
    };
    if !state.instance().waits.is_empty() {
        events.push(Event::WaitsForgotten);
    }
    (events, outcome)
}
