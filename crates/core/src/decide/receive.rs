//! Handing out messages of a standard queue.
//!
//! A receive takes the first visible messages; a message whose retention has passed is never handed out, even before
//! it is dropped. Waiting for messages is not decided here.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.

use super::{Decision, refused, with_queue};
use crate::event::Event;
use crate::limits;
use crate::name::QueueKey;
use crate::outcome::{Delivery, Outcome, Refusal};
use crate::state::State;
use crate::time::Timestamp;

pub(super) fn receive(
    state: &State,
    now: Timestamp,
    key: &QueueKey,
    limit: usize,
    visibility_timeout_secs: Option<u32>,
) -> Decision {
    with_queue(state, key, |queue| {
        let free = limits::IN_FLIGHT_MESSAGES.saturating_sub(queue.messages.counts().in_flight);
        if free == 0 {
            return refused(Refusal::TooManyInFlight);
        }
        let timeout_secs = visibility_timeout_secs.unwrap_or(queue.record.attributes.visibility_timeout_secs);
        let visible_at = now.plus_secs(u64::from(timeout_secs));
        let deliveries: Vec<Delivery> = queue
            .messages
            .visible()
            .take(limits::SETTLE_MESSAGES)
            .filter(|(_, entry)| state.expires_at(queue, entry) > now)
            .take(limit.min(free))
            .map(|(sequence, entry)| {
                let mut received = *entry;
                received.receive(now, visible_at, queue.record.next_sequence);
                Delivery {
                    sequence,
                    delivery: received.delivery,
                    sent_at: received.sent_at,
                    first_received_at: received.first_received_at.unwrap_or(now),
                    receive_count: received.receive_count,
                }
            })
            .collect();
        let id = queue.record.id;
        let sequences: Vec<_> = deliveries.iter().map(|delivery| delivery.sequence).collect();
        let events = if sequences.is_empty() {
            Vec::new()
        } else {
            vec![Event::MessagesReceived { queue: id, visible_at, sequences }]
        };
        (events, Outcome::Received { queue: id, deliveries })
    })
}
