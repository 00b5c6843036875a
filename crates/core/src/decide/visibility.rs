//! Changing leases.
//!
//! The new timeout counts from now. A lease that has ended can still be extended. On a standard queue the receipt of any
//! earlier delivery changes the lease of the latest one, as on AWS; a FIFO queue takes only the latest. No lease reaches
//! further than twelve hours from its receive.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>.

use std::collections::BTreeMap;

use super::{Decision, with_queue};
use crate::event::Event;
use crate::limits;
use crate::message::{Entry, QueueId, Receipt, Sequence};
use crate::name::QueueKey;
use crate::outcome::{Outcome, Refusal};
use crate::state::{Queue, State};
use crate::time::Timestamp;

pub(super) fn change(state: &State, now: Timestamp, key: &QueueKey, changes: &[(Receipt, u32)]) -> Decision {
    with_queue(state, key, |queue| {
        let mut events = Vec::with_capacity(changes.len());
        let results = changes
            .iter()
            .map(|(receipt, timeout_secs)| {
                let visible_at = allowed_end(state, queue, now, *receipt, *timeout_secs)?;
                let (queue, sequence) = (receipt.queue, receipt.sequence);
                events.push(Event::VisibilityChanged { queue, sequence, visible_at });
                Ok(())
            })
            .collect();
        (events, Outcome::VisibilityChanged(results))
    })
}

fn allowed_end(
    state: &State,
    queue: &Queue,
    now: Timestamp,
    receipt: Receipt,
    timeout_secs: u32,
) -> Result<Timestamp, Refusal> {
    if receipt.queue != queue.record.id {
        return Err(Refusal::ReceiptOfAnotherQueue);
    }
    let entry = queue
        .messages
        .get(receipt.sequence)
        .filter(|entry| fits(queue, entry, receipt) && state.expires_at(queue, entry) > now)
        .ok_or(Refusal::NotAvailableForVisibilityChange)?;
    let visible_at = now.plus_secs(u64::from(timeout_secs));
    let longest = entry.received_at.unwrap_or(now).plus_secs(limits::TOTAL_VISIBILITY_SECS);
    if visible_at > longest { Err(Refusal::VisibilityBeyondLimit) } else { Ok(visible_at) }
}

fn fits(queue: &Queue, entry: &Entry, receipt: Receipt) -> bool {
    entry.delivery == receipt.delivery
        || (queue.record.attributes.fifo.is_none() && receipt.delivery < entry.delivery)
}

pub(super) fn return_leases(state: &State, receipts: &[Receipt]) -> Decision {
    let mut returned: BTreeMap<QueueId, Vec<Sequence>> = BTreeMap::new();
    for receipt in receipts {
        let entry = state.queue(receipt.queue).and_then(|queue| queue.messages.get(receipt.sequence));
        // A delivery can be given back once: a second time must not take an earlier receive away. One that was repeated
        // may have reached its receiver by the other reply.
        let held = |entry: &Entry| {
            entry.delivery == receipt.delivery && entry.received_at.is_some() && !entry.repeated
        };
        if entry.is_some_and(held) {
            let sequences = returned.entry(receipt.queue).or_default();
            if !sequences.contains(&receipt.sequence) {
                sequences.push(receipt.sequence);
            }
        }
    }
    let events =
        returned.into_iter().map(|(queue, sequences)| Event::LeasesReturned { queue, sequences }).collect();
    (events, Outcome::Done)
}
