//! What has happened in each queue since the engine was made: plain integers that its thread owns.
//!
//! Counting costs one look-up a command and allocates nothing a message. The counters begin at zero with the process and
//! go with their queue. They are no part of the state: nothing is ever decided by them.

use std::collections::BTreeMap;

use millpond_core::command::Command;
use millpond_core::event::Event;
use millpond_core::message::QueueId;
use millpond_core::outcome::Outcome;

/// Buckets of the histogram of batch sizes: bucket `i` counts batches of at most `4^i` events that fell in no lower
/// bucket; the last also counts everything larger.
pub const BATCH_BUCKETS: usize = 10;

/// The counters of one queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounters {
    /// Messages accepted from senders.
    pub sent: u64,
    /// Their size as SQS counts it: bodies and message attributes.
    pub sent_bytes: u64,
    /// Sends that were answered as an earlier one and added nothing.
    pub deduplicated: u64,
    /// Deliveries handed out.
    pub received: u64,
    /// Receives that were answered without a message.
    pub empty_receives: u64,
    /// Messages deleted by their receivers.
    pub deleted: u64,
}

/// The counters of all queues.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    queues: BTreeMap<QueueId, QueueCounters>,
    /// Sizes of the messages of the send being decided; kept for its capacity.
    sizes_bytes: Vec<u32>,
}

impl Counters {
    /// The counters of a queue.
    pub(crate) fn of(&self, queue: QueueId) -> QueueCounters {
        self.queues.get(&queue).copied().unwrap_or_default()
    }

    /// A command is about to be decided.
    pub(crate) fn begin(&mut self, command: &Command) {
        if let Command::Send { messages, .. } = command {
            self.sizes_bytes.clear();
            self.sizes_bytes.extend(messages.iter().map(|message| message.size_bytes));
        }
    }

    /// The command to a queue was decided so.
    pub(crate) fn decided(&mut self, queue: QueueId, events: &[Event], outcome: &Outcome) {
        match outcome {
            Outcome::Sent(results) => {
                let counters = self.queues.entry(queue).or_default();
                let mut new = events.iter().filter_map(|event| match event {
                    Event::MessageSent { sequence, .. } => Some(*sequence),
                    _ => None,
                });
                let mut next = new.next();
                for (result, size_bytes) in results.iter().zip(&self.sizes_bytes) {
                    let Ok(accepted) = result else { continue };
                    if next == Some(accepted.sequence) {
                        counters.sent += 1;
                        counters.sent_bytes += u64::from(*size_bytes);
                        next = new.next();
                    } else {
                        counters.deduplicated += 1;
                    }
                }
            }
            Outcome::Received { deliveries, .. } if !deliveries.is_empty() => {
                self.queues.entry(queue).or_default().received += deliveries.len() as u64;
            }
            Outcome::Deleted(_) => {
                let deleted = events.iter().map(|event| match event {
                    Event::MessagesDeleted { sequences, .. } => sequences.len() as u64,
                    _ => 0,
                });
                self.queues.entry(queue).or_default().deleted += deleted.sum::<u64>();
            }
            Outcome::QueueDeleted => drop(self.queues.remove(&queue)),
            _ => {}
        }
    }

    /// All queues are gone.
    pub(crate) fn forget_queues(&mut self) {
        self.queues.clear();
    }

    /// A receive was answered without a message.
    pub(crate) fn empty_receive(&mut self, queue: QueueId) {
        self.queues.entry(queue).or_default().empty_receives += 1;
    }
}

/// The bucket of a batch of so many events.
pub(crate) fn batch_bucket(events: u32) -> usize {
    let bits = u32::BITS - events.saturating_sub(1).leading_zeros();
    (bits.div_ceil(2) as usize).min(BATCH_BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use millpond_core::message::QueueId;
    use millpond_core::outcome::Outcome;

    use super::Counters;

    #[test]
    fn nothing_is_kept_of_a_queue_that_is_gone() {
        let mut counters = Counters::default();
        counters.empty_receive(QueueId(1));
        counters.empty_receive(QueueId(2));
        counters.decided(QueueId(1), &[], &Outcome::QueueDeleted);
        assert_eq!(counters.queues.keys().collect::<Vec<_>>(), [&QueueId(2)]);
    }
}
