//! Deleting received messages, and taking damaged ones out.
//!
//! A delete succeeds for a message that is gone already. A receipt of an earlier delivery, when the message has been
//! handed out again since, succeeds without effect: the later receiver keeps its message. A FIFO queue takes a receipt
//! only while its lease runs.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html>.

use super::{Decision, fifo, with_queue};
use crate::event::Event;
use crate::message::{QueueId, Receipt, Sequence};
use crate::name::QueueKey;
use crate::outcome::{Outcome, Refusal};
use crate::state::State;
use crate::time::Timestamp;

pub(super) fn delete(state: &State, now: Timestamp, key: &QueueKey, receipts: &[Receipt]) -> Decision {
    with_queue(state, key, |queue| {
        let id = queue.record.id;
        let mut sequences: Vec<Sequence> = Vec::with_capacity(receipts.len());
        let mut results = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            if receipt.queue != id {
                results.push(Err(Refusal::ReceiptOfAnotherQueue));
                continue;
            }
            let entry = queue.messages.get(receipt.sequence);
            if queue.record.attributes.fifo.is_some()
                && entry.is_some_and(|entry| fifo::has_ended(entry, receipt, now))
            {
                results.push(Err(Refusal::ReceiptExpired));
                continue;
            }
            let current = entry.map(|entry| entry.delivery);
            if current == Some(receipt.delivery) && !sequences.contains(&receipt.sequence) {
                sequences.push(receipt.sequence);
            }
            results.push(Ok(()));
        }
        let events = if sequences.is_empty() {
            Vec::new()
        } else {
            vec![Event::MessagesDeleted { queue: id, sequences }]
        };
        (events, Outcome::Deleted(results))
    })
}

pub(super) fn quarantine(state: &State, queue: QueueId, sequence: Sequence) -> Decision {
    let held = state.queue(queue).and_then(|queue| queue.messages.get(sequence));
    let events = held.map(|_| Event::MessageQuarantined { queue, sequence });
    (events.into_iter().collect(), Outcome::Done)
}
