//! Handing out messages.
//!
//! A receive takes the first available messages; which those are is the affair of the queue's index. A message whose retention has passed is never handed out, even before
//! it is dropped. Waiting for messages is not decided here.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.

use super::{Decision, fifo, refused, with_queue};
use crate::event::Event;
use crate::limits;
use crate::name::QueueKey;
use crate::outcome::{Delivery, Outcome, Refusal};
use crate::queue::QueueMessages;
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
            return match queue.messages {
                QueueMessages::Standard(_) => refused(Refusal::TooManyInFlight),
                QueueMessages::Fifo(_) => {
                    (Vec::new(), Outcome::Received { queue: queue.record.id, deliveries: Vec::new() })
                }
            };
        }
        let timeout_secs = visibility_timeout_secs.unwrap_or(queue.record.attributes.visibility_timeout_secs);
        let visible_at = now.plus_secs(u64::from(timeout_secs));
        let deliveries: Vec<Delivery> = queue
            .messages
            .available()
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
        let event = match &queue.messages {
            _ if sequences.is_empty() => None,
            QueueMessages::Standard(_) => Some(Event::MessagesReceived { queue: id, visible_at, sequences }),
            QueueMessages::Fifo(messages) => {
                let followers = fifo::followers(messages, &sequences);
                Some(Event::MessagesReceivedInOrder { queue: id, visible_at, sequences, followers })
            }
        };
        (event.into_iter().collect(), Outcome::Received { queue: id, deliveries })
    })
}
