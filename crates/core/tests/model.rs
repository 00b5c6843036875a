//! A standard queue in its plainest form, written from the rules of SQS: every message keeps its whole history, and
//! all that is asked is worked out from the histories anew.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html> and the
//! pages of the actions.

mod moves;

use bytes::Bytes;
use millpond_core::command::{Command, NewMessage};
use millpond_core::document::{Document, DocumentKey, ExpectedRevision};
use millpond_core::message::{QueueId, Receipt, Sequence};
use millpond_core::name::QueueKey;
use millpond_core::outcome::{Accepted, Delivery, Outcome, QueueDescription, Refusal};
use millpond_core::queue::{AttributePatch, MessageCounts, MoveTask, QueueAttributes, Tags};
use millpond_core::time::Timestamp;
use millpond_core::usage::Usage;

mod message;
mod settings;

use message::{Happening, Message, Past};
use settings::changed;

const TWELVE_HOURS_SECS: u64 = 12 * 60 * 60;

struct Queue {
    id: u64,
    key: QueueKey,
    attributes: QueueAttributes,
    created_at: Timestamp,
    modified_at: Timestamp,
    sent: u64,
    expired: u64,
    messages: Vec<Message>,
    tasks: Vec<MoveTask>,
}

impl Queue {
    fn message(&mut self, receipt: Receipt) -> Option<&mut Message> {
        self.delivered(receipt).filter(|message| message.standing().deliveries == receipt.delivery)
    }

    /// The message of any delivery that was made, the latest or an earlier one.
    fn delivered(&mut self, receipt: Receipt) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| {
            message.number == receipt.sequence.0 && message.standing().deliveries >= receipt.delivery
        })
    }

    fn counts(&self, now: Timestamp) -> MessageCounts {
        let mut counts = MessageCounts::default();
        for standing in self.messages.iter().map(Message::standing) {
            match (standing.hidden_until <= now, standing.deliveries) {
                (true, _) => counts.visible += 1,
                (false, 0) => counts.delayed += 1,
                (false, _) => counts.in_flight += 1,
            }
        }
        counts
    }
}

/// Everything that can be asked, by the rules alone.
#[derive(Default)]
pub(crate) struct Model {
    queues: Vec<Queue>,
    queues_created: u64,
    outages: Vec<(Timestamp, Timestamp)>,
    documents: Vec<(DocumentKey, Document)>,
    writes: u64,
    moves: u64,
}

impl Model {
    /// The service was down from one time on; what would expire before the other is kept until then.
    pub(crate) fn outage(&mut self, from: Timestamp, grace_until: Timestamp) {
        self.outages.push((from, grace_until));
    }

    /// The numbers of the messages that a receive may hand out, in order.
    pub(crate) fn available(&self, key: &QueueKey, now: Timestamp) -> Vec<u64> {
        let Some(queue) = self.queues.iter().find(|queue| queue.key == *key) else { return Vec::new() };
        let mut available: Vec<(Timestamp, u64)> = queue
            .messages
            .iter()
            .filter(|message| message.standing().hidden_until <= now && self.expires_at(queue, message) > now)
            .map(|message| (message.standing().waits_since, message.number))
            .collect();
        available.sort_unstable();
        available.into_iter().map(|(_, number)| number).collect()
    }

    pub(crate) fn run(&mut self, now: Timestamp, command: &Command) -> Outcome {
        match command {
            Command::Begin { .. }
            | Command::NoteClock { .. }
            | Command::NoteJump { .. }
            | Command::ConfirmClock
            | Command::Paced(_)
            | Command::Reset
            | Command::TagQueue { .. }
            | Command::UntagQueue { .. }
            | Command::ListQueueTags { .. }
            | Command::AddPermission { .. }
            | Command::RemovePermission { .. }
            | Command::WriteDocuments { .. }
            | Command::ListDeadLetterSources { .. }
            | Command::ListOrigins { .. } => unreachable!("these have tests of their own"),
            Command::CreateQueue { key, attributes, .. } => self.create(now, key, attributes),
            Command::ListQueues { .. } => self.list(command),
            Command::DescribeQueues { after, limit } => self.describe_all(now, *after, *limit),
            Command::ReturnLeases { receipts } => self.give_back(now, receipts),
            Command::Quarantine { queue, sequence } => {
                if let Some(queue) = self.queues.iter_mut().find(|held| held.id == queue.0) {
                    queue.messages.retain(|message| message.number != sequence.0);
                }
                Outcome::Done
            }
            Command::Expire { queue } => self.expire(now, queue.0),
            Command::PutDocument { .. } | Command::RemoveDocument { .. } => self.write(command),
            Command::GetDocument { key } => Outcome::Document(self.document(key)),
            Command::ListDocuments { collection } => {
                let mut documents = self.documents.clone();
                documents.retain(|(key, _)| key.collection == *collection);
                documents.sort_by(|one, other| one.0.name.cmp(&other.0.name));
                Outcome::Documents(documents)
            }
            Command::StepMoveTask { queue } => self.step_task(now, queue.0),
            Command::DeleteQueue { key }
            | Command::FindQueue { key }
            | Command::DescribeQueue { key }
            | Command::SetQueueAttributes { key, .. }
            | Command::PurgeQueue { key }
            | Command::StartMoveTask { key, .. }
            | Command::CancelMoveTask { key, .. }
            | Command::ListMoveTasks { key, .. }
            | Command::Send { key, .. }
            | Command::Receive { key, .. }
            | Command::Delete { key, .. }
            | Command::ChangeVisibility { key, .. } => {
                match self.queues.iter().position(|queue| queue.key == *key) {
                    Some(index) => self.run_on(now, index, command),
                    None => Outcome::Refused(Refusal::QueueDoesNotExist),
                }
            }
        }
    }

    fn run_on(&mut self, now: Timestamp, index: usize, command: &Command) -> Outcome {
        let allowed = match command {
            Command::SetQueueAttributes { key, attributes } => self.check_redrive(key, attributes),
            _ => Ok(()),
        };
        if let Err(refusal) = allowed {
            return Outcome::Refused(refusal);
        }
        let queue = &mut self.queues[index];
        let found = Outcome::Queue { queue: QueueId(queue.id), key: queue.key.clone() };
        match command {
            Command::DeleteQueue { .. } => {
                self.queues.remove(index);
                Outcome::QueueDeleted
            }
            Command::DescribeQueue { .. } => {
                Outcome::Description(Box::new(self.describe(now, &self.queues[index])))
            }
            Command::SetQueueAttributes { attributes, .. } => {
                let changed = changed(&queue.attributes, attributes);
                if changed != queue.attributes {
                    queue.attributes = changed;
                    queue.modified_at = now;
                }
                found
            }
            Command::PurgeQueue { .. } => {
                queue.messages.clear();
                found
            }
            Command::Send { messages, .. } => send(queue, now, messages),
            Command::Receive { limit, visibility_timeout_secs, .. } => {
                self.receive(now, index, *limit, *visibility_timeout_secs)
            }
            Command::Delete { receipts, .. } => {
                Outcome::Deleted(receipts.iter().map(|receipt| delete(queue, *receipt)).collect())
            }
            Command::ChangeVisibility { changes, .. } => {
                let change =
                    |(receipt, secs): &(Receipt, u32)| self.change_visibility(now, index, *receipt, *secs);
                Outcome::VisibilityChanged(changes.iter().map(change).collect())
            }
            Command::StartMoveTask { .. }
            | Command::CancelMoveTask { .. }
            | Command::ListMoveTasks { .. } => self.run_move_task(now, index, command),
            _ => found,
        }
    }

    fn create(&mut self, now: Timestamp, key: &QueueKey, attributes: &AttributePatch) -> Outcome {
        if let Some(queue) = self.queues.iter().find(|queue| queue.key == *key) {
            return match attributes.first_difference(&queue.attributes) {
                Some(name) => Outcome::Refused(Refusal::QueueNameExists(name)),
                None => Outcome::Queue { queue: QueueId(queue.id), key: key.clone() },
            };
        }
        if let Err(refusal) = self.check_redrive(key, attributes) {
            return Outcome::Refused(refusal);
        }
        let id = self.queues_created;
        self.queues_created += 1;
        self.queues.push(Queue {
            id,
            key: key.clone(),
            attributes: changed(&QueueAttributes::default(), attributes),
            created_at: now,
            modified_at: now,
            sent: 0,
            expired: 0,
            messages: Vec::new(),
            tasks: Vec::new(),
        });
        Outcome::Queue { queue: QueueId(id), key: key.clone() }
    }

    fn list(&self, command: &Command) -> Outcome {
        let Command::ListQueues { account, region, prefix, after, limit } = command else { unreachable!() };
        let mut names: Vec<_> = self.queues.iter().map(|queue| queue.key.clone()).collect();
        names.retain(|key| key.account == *account && key.region == *region);
        let mut names: Vec<_> = names.into_iter().map(|key| key.name).collect();
        names.retain(|name| name.as_str().starts_with(prefix));
        names.retain(|name| after.as_ref().is_none_or(|after| name.as_str() > after.as_str()));
        names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        let more = names.len() > *limit;
        names.truncate(*limit);
        Outcome::Queues { names, more }
    }

    fn describe(&self, now: Timestamp, queue: &Queue) -> QueueDescription {
        let bytes = queue.messages.iter().map(|message| message.bytes).sum();
        QueueDescription {
            id: QueueId(queue.id),
            key: queue.key.clone(),
            attributes: queue.attributes.clone(),
            tags: Tags::new(),
            created_at: queue.created_at,
            modified_at: queue.modified_at,
            counts: queue.counts(now),
            usage: Usage { messages: queue.messages.len() as u64, bytes },
            groups_in_flight: None,
            fair: None,
            expired: queue.expired,
            oldest_sent_at: queue.messages.iter().map(|message| message.sent_at).min(),
            oldest_expires_at: queue.messages.iter().map(|message| self.expires_at(queue, message)).min(),
            outlived: queue.messages.iter().filter(|message| self.outlives(now, queue, message)).count(),
        }
    }

    fn describe_all(&self, now: Timestamp, after: Option<QueueId>, limit: usize) -> Outcome {
        // Queues are pushed in the order of their numbers.
        let following: Vec<_> =
            self.queues.iter().filter(|queue| after.is_none_or(|after| queue.id > after.0)).collect();
        let queues: Vec<_> = following.iter().take(limit).map(|queue| self.describe(now, queue)).collect();
        let more_after = (following.len() > limit).then(|| QueueId(following[limit - 1].id));
        Outcome::Descriptions { queues, more_after }
    }

    /// A message whose time ends in an outage, or in the grace after it, is kept until that grace is over.
    fn expires_at(&self, queue: &Queue, message: &Message) -> Timestamp {
        let mut end = message.sent_at.plus_secs(u64::from(queue.attributes.retention_secs));
        for (from, grace_until) in &self.outages {
            if (*from..*grace_until).contains(&end) {
                end = *grace_until;
            }
        }
        end
    }

    fn outlives(&self, now: Timestamp, queue: &Queue, message: &Message) -> bool {
        let retention_ends = message.sent_at.plus_secs(u64::from(queue.attributes.retention_secs));
        retention_ends <= now && self.expires_at(queue, message) > now
    }

    fn expire(&mut self, now: Timestamp, id: u64) -> Outcome {
        let Some(index) = self.queues.iter().position(|queue| queue.id == id) else { return Outcome::Done };
        let queue = &self.queues[index];
        let kept: Vec<bool> =
            queue.messages.iter().map(|message| self.expires_at(queue, message) > now).collect();
        self.queues[index].expired += kept.iter().filter(|kept| !**kept).count() as u64;
        let mut kept = kept.into_iter();
        self.queues[index].messages.retain(|_| kept.next().unwrap());
        Outcome::Done
    }

    fn receive(&mut self, now: Timestamp, index: usize, limit: usize, timeout_secs: Option<u32>) -> Outcome {
        let numbers = self.available(&self.queues[index].key, now);
        let numbers = self.sort_out(now, index, numbers, limit);
        let queue = &mut self.queues[index];
        let timeout_secs = timeout_secs.unwrap_or(queue.attributes.visibility_timeout_secs);
        let until = now.plus_secs(u64::from(timeout_secs));
        let mut deliveries = Vec::new();
        for number in numbers {
            let message = queue.messages.iter_mut().find(|message| message.number == number).unwrap();
            message.history.push(Happening::Received { at: now, until });
            let standing = message.standing();
            deliveries.push(Delivery {
                sequence: Sequence(number),
                delivery: standing.deliveries,
                sent_at: message.sent_at,
                first_received_at: standing.first_received_at.unwrap(),
                receive_count: standing.receive_count,
                source: message.past.source.clone(),
                moved: message.past.moved,
            });
        }
        Outcome::Received { queue: QueueId(queue.id), deliveries }
    }

    fn change_visibility(
        &mut self,
        now: Timestamp,
        index: usize,
        receipt: Receipt,
        timeout_secs: u32,
    ) -> Result<(), Refusal> {
        let queue = &self.queues[index];
        if receipt.queue.0 != queue.id {
            return Err(Refusal::ReceiptOfAnotherQueue);
        }
        let expired: Vec<u64> = queue
            .messages
            .iter()
            .filter(|message| self.expires_at(queue, message) <= now)
            .map(|message| message.number)
            .collect();
        let message = self.queues[index].delivered(receipt);
        let Some(message) = message.filter(|message| !expired.contains(&message.number)) else {
            return Err(Refusal::NotAvailableForVisibilityChange);
        };
        let until = now.plus_secs(u64::from(timeout_secs));
        let held_since = message.standing().held_since.unwrap_or(now);
        if until > held_since.plus_secs(TWELVE_HOURS_SECS) {
            return Err(Refusal::VisibilityBeyondLimit);
        }
        message.history.push(Happening::VisibilityChanged { until });
        Ok(())
    }

    fn give_back(&mut self, now: Timestamp, receipts: &[Receipt]) -> Outcome {
        for receipt in receipts {
            let queue = self.queues.iter_mut().find(|queue| queue.id == receipt.queue.0);
            let message = queue.and_then(|queue| queue.message(*receipt));
            if let Some(message) = message.filter(|message| message.standing().held_since.is_some()) {
                message.history.push(Happening::GivenBack { at: now });
            }
        }
        Outcome::Done
    }

    fn document(&self, key: &DocumentKey) -> Option<Document> {
        self.documents.iter().find(|(held, _)| held == key).map(|(_, document)| document.clone())
    }

    fn write(&mut self, command: &Command) -> Outcome {
        let (Command::PutDocument { key, expected, .. } | Command::RemoveDocument { key, expected }) =
            command
        else {
            unreachable!()
        };
        let current = self.document(key).map(|document| document.revision);
        let agrees = match expected {
            ExpectedRevision::Any => true,
            ExpectedRevision::Absent => current.is_none(),
            ExpectedRevision::Exactly(revision) => current == Some(*revision),
        };
        if !agrees {
            return Outcome::Refused(Refusal::RevisionMismatch { current });
        }
        self.documents.retain(|(held, _)| held != key);
        let Command::PutDocument { value, .. } = command else { return Outcome::Done };
        let document = Document { revision: self.writes, value: Bytes::clone(value) };
        self.writes += 1;
        self.documents.push((key.clone(), document.clone()));
        Outcome::Document(Some(document))
    }
}

fn send(queue: &mut Queue, now: Timestamp, messages: &[NewMessage]) -> Outcome {
    let mut results = Vec::new();
    for message in messages {
        let limit_bytes = queue.attributes.maximum_message_bytes;
        if message.size_bytes > limit_bytes {
            results.push(Err(Refusal::MessageTooLong { limit_bytes }));
            continue;
        }
        queue.sent += 1;
        let delay_secs = message.delay_secs.unwrap_or(queue.attributes.delay_secs);
        queue.messages.push(Message {
            number: queue.sent,
            sent_at: now,
            bytes: message.payload.len() as u64,
            delayed_until: now.plus_secs(u64::from(delay_secs)),
            history: Vec::new(),
            past: Past::default(),
        });
        results.push(Ok(Accepted { id: message.id, sequence: Sequence(queue.sent) }));
    }
    Outcome::Sent(results)
}

fn delete(queue: &mut Queue, receipt: Receipt) -> Result<(), Refusal> {
    if receipt.queue.0 != queue.id {
        return Err(Refusal::ReceiptOfAnotherQueue);
    }
    let number = queue.message(receipt).map(|message| message.number);
    queue.messages.retain(|message| Some(message.number) != number);
    Ok(())
}
