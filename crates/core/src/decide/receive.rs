//! Handing out messages.
//!
//! A receive takes the first available messages; which those are is the affair of the queue's index. A message whose
//! retention has passed is never handed out, even before it is dropped. One that was received as often as the queue's
//! redrive policy allows goes to the dead-letter queue instead, as long as there is one. Waiting for messages is not
//! decided here.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html> and
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html>.

use super::{Decision, attempt, fifo, refused, with_queue};
use crate::event::Event;
use crate::limits;
use crate::message::{AttemptKey, Entry, Sequence};
use crate::name::QueueKey;
use crate::outcome::{Delivery, Outcome, Refusal};
use crate::queue::QueueMessages;
use crate::state::{Queue, State};
use crate::time::Timestamp;

pub(super) fn receive(
    state: &State,
    now: Timestamp,
    key: &QueueKey,
    limit: usize,
    visibility_timeout_secs: Option<u32>,
    attempt: Option<AttemptKey>,
) -> Decision {
    with_queue(state, key, |queue| {
        let id = queue.record.id;
        let timeout_secs = visibility_timeout_secs.unwrap_or(queue.record.attributes.visibility_timeout_secs);
        let visible_at = now.plus_secs(u64::from(timeout_secs));
        if let Some(again) = attempt.and_then(|key| attempt::again(state, queue, now, visible_at, key)) {
            return again;
        }
        let free = limits::IN_FLIGHT_MESSAGES.saturating_sub(queue.messages.counts().in_flight);
        if free == 0 {
            return match queue.messages {
                QueueMessages::Standard(_) => refused(Refusal::TooManyInFlight),
                QueueMessages::Fifo(_) => {
                    (Vec::new(), Outcome::Received { queue: id, deliveries: Vec::new() })
                }
            };
        }
        let (dead, taken) = candidates(state, queue, now, limit.min(free));
        let deliveries: Vec<Delivery> = taken
            .iter()
            .map(|(sequence, entry)| {
                let mut received = **entry;
                received.receive(now, visible_at);
                delivery(queue, now, *sequence, &received)
            })
            .collect();
        let sequences = taken.into_iter().map(|(sequence, _)| sequence).collect();
        // First what names messages of this queue, since moving some takes them away from it.
        let mut events: Vec<Event> =
            received(queue, visible_at, sequences, &dead, attempt).into_iter().collect();
        events.extend(moves(state, queue, dead));
        (events, Outcome::Received { queue: id, deliveries })
    })
}

/// Whether a receive would hand out more if it could go on behind the last message in memory.
pub(crate) fn runs_short(state: &State, queue: &Queue, now: Timestamp, limit: usize) -> bool {
    let (dead, taken) = match queue.messages.standard() {
        Some(messages) => of_these(state, queue, now, limit, messages.available_first(now)),
        None => candidates(state, queue, now, limit),
    };
    taken.len() < limit && dead.len() < limits::SETTLE_MESSAGES
}

/// The messages that are dead letters, and those to hand out, up to `limit` of them.
fn candidates<'a>(
    state: &State,
    queue: &'a Queue,
    now: Timestamp,
    limit: usize,
) -> (Vec<Sequence>, Vec<(Sequence, &'a Entry)>) {
    of_these(state, queue, now, limit, queue.messages.available(now))
}

fn of_these<'a>(
    state: &State,
    queue: &Queue,
    now: Timestamp,
    limit: usize,
    available: impl Iterator<Item = (Sequence, &'a Entry)>,
) -> (Vec<Sequence>, Vec<(Sequence, &'a Entry)>) {
    let redrive = queue.record.attributes.redrive.as_ref();
    let most = redrive.filter(|redrive| state.queue_named(&redrive.target).is_some());
    let most = most.map_or(u32::MAX, |redrive| redrive.max_receive_count);
    let (mut dead, mut taken) = (Vec::new(), Vec::new());
    let mut dead_bytes = 0;
    let available = available.take(limits::SETTLE_MESSAGES);
    for (sequence, entry) in available.filter(|(_, entry)| state.expires_at(queue, entry) > now) {
        if taken.len() == limit || dead_bytes > limits::MOVE_STEP_BYTES {
            break;
        }
        // Counted here and not only before it came: what nobody had from this queue is not its dead letter.
        if !entry.never_delivered() && entry.receive_count >= most {
            dead.push(sequence);
            dead_bytes += u64::from(entry.payload_bytes);
        } else {
            taken.push((sequence, entry));
        }
    }
    (dead, taken)
}

/// The latest delivery of a message, as its entry tells it.
pub(super) fn delivery(queue: &Queue, now: Timestamp, sequence: Sequence, received: &Entry) -> Delivery {
    Delivery {
        sequence,
        delivery: received.delivery,
        sent_at: received.sent_at,
        first_received_at: received.first_received_at.unwrap_or(now),
        receive_count: received.receive_count,
        source: received.source.and_then(|source| queue.record.sources.get(&source).cloned()),
        moved: received.moved,
    }
}

fn moves(state: &State, queue: &Queue, dead: Vec<Sequence>) -> Option<Event> {
    let target = &queue.record.attributes.redrive.as_ref()?.target;
    let target = &state.queue_named(target)?.record;
    let after = std::iter::successors(Some(target.next_sequence), |sequence| Some(sequence.next()));
    let moves: Vec<_> = dead.into_iter().zip(after).collect();
    (!moves.is_empty()).then(|| Event::MessagesMoved {
        from: queue.record.id,
        from_key: queue.record.key.clone(),
        to: target.id,
        in_order: queue.record.attributes.fifo.is_some(),
        moves,
    })
}

fn received(
    queue: &Queue,
    visible_at: Timestamp,
    sequences: Vec<Sequence>,
    dead: &[Sequence],
    attempt: Option<AttemptKey>,
) -> Option<Event> {
    let id = queue.record.id;
    match &queue.messages {
        _ if sequences.is_empty() => None,
        QueueMessages::Standard(_) => Some(Event::MessagesReceived { queue: id, visible_at, sequences }),
        QueueMessages::Fifo(messages) => {
            let followers = fifo::followers(messages, &sequences, dead);
            let attempt = attempt.map(|key| attempt::remembered(messages, key, &sequences));
            Some(Event::MessagesReceivedInOrder { queue: id, visible_at, sequences, followers, attempt })
        }
    }
}
