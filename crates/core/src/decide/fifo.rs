//! What differs in a FIFO queue: groups, deduplication, receipts that end with their lease.
//!
//! A send that the queue remembers is answered as the first one was, and adds nothing. A message without a group, or
//! without anything that tells it from another, refuses its whole request.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html>.

use std::collections::BTreeMap;

use super::{Decision, refused};
use crate::command::{NewMessage, SendName};
use crate::event::{Event, SendRemembered};
use crate::message::{DeduplicationKey, Entry, GroupKey, Receipt, Sequence};
use crate::outcome::{Accepted, Outcome, Refusal};
use crate::queue::FifoMessages;
use crate::queue::attributes::{DeduplicationScope, FifoAttributes};
use crate::quota::Room;
use crate::state::Queue;
use crate::time::Timestamp;

pub(super) fn send(
    mut room: Room,
    queue: &Queue,
    fifo: &FifoAttributes,
    now: Timestamp,
    messages: Vec<NewMessage>,
) -> Decision {
    let names: Result<Vec<_>, Refusal> = messages.iter().map(|message| name(fifo, message)).collect();
    let names = match names {
        Ok(names) => names,
        Err(refusal) => return refused(refusal),
    };
    let attributes = &queue.record.attributes;
    let limit_bytes = attributes.maximum_message_bytes;
    let mut sequence = queue.record.next_sequence;
    let mut in_request: BTreeMap<(Option<GroupKey>, DeduplicationKey), Accepted> = BTreeMap::new();
    let mut events = Vec::with_capacity(messages.len());
    let mut results = Vec::with_capacity(messages.len());
    for (message, (group, scope, key)) in messages.into_iter().zip(names) {
        if message.size_bytes > limit_bytes {
            results.push(Err(Refusal::MessageTooLong { limit_bytes }));
            continue;
        }
        let remembered = queue.deduplications.find(scope, key, now);
        let earlier = remembered.map(|(sequence, id)| Accepted { id, sequence });
        if let Some(earlier) = earlier.or_else(|| in_request.get(&(scope, key)).copied()) {
            results.push(Ok(earlier));
            continue;
        }
        if let Err(refusal) = room.take(message.payload.len()) {
            results.push(Err(refusal));
            continue;
        }
        events.push(Event::MessageSent {
            queue: queue.record.id,
            sequence,
            visible_at: now.plus_secs(u64::from(attributes.delay_secs)),
            group: Some(group),
            deduplication: Some(SendRemembered { group: scope, key, message_id: message.id }),
            payload: message.payload,
        });
        let accepted = Accepted { id: message.id, sequence };
        in_request.insert((scope, key), accepted);
        results.push(Ok(accepted));
        sequence = sequence.next();
    }
    (events, Outcome::Sent(results))
}

/// The group of a message, the group that its key is for, and the key.
pub(super) fn name(
    fifo: &FifoAttributes,
    message: &NewMessage,
) -> Result<(GroupKey, Option<GroupKey>, DeduplicationKey), Refusal> {
    let group = message.group.ok_or(Refusal::GroupMissing)?;
    let key = match message.deduplication {
        Some(SendName::Given(key)) => key,
        Some(SendName::Content(key)) if fifo.content_based_deduplication => key,
        _ => return Err(Refusal::DeduplicationMissing),
    };
    let scope = match fifo.deduplication_scope {
        DeduplicationScope::Queue => None,
        DeduplicationScope::MessageGroup => Some(group),
    };
    Ok((group, scope, key))
}

/// Of each group that gives any of `sequences`, the message behind the last one that is not `dead`. They stand group after
/// group.
pub(super) fn followers(messages: &FifoMessages, sequences: &[Sequence], dead: &[Sequence]) -> Vec<Sequence> {
    let behind = |sequence: &Sequence| {
        let all = std::iter::successors(messages.following(*sequence), |next| messages.following(*next));
        all.into_iter().find(|next| !dead.contains(next))
    };
    sequences.iter().filter_map(behind).filter(|sequence| !sequences.contains(sequence)).collect()
}

/// Whether the lease that a receipt names has ended: its time is over, or the message was handed out again.
pub(super) fn has_ended(entry: &Entry, receipt: &Receipt, now: Timestamp) -> bool {
    entry.delivery != receipt.delivery || entry.visible_at <= now
}
