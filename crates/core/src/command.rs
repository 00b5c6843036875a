//! What callers can ask of the state.
//!
//! A command is complete: names are parsed, numbers are within the limits that do not depend on the state, bodies are
//! encoded, ids are drawn. Waiting, authorisation and encoding of replies happen elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::document::{DocumentKey, DocumentWrite, ExpectedRevision};
use crate::message::{AttemptKey, DeduplicationKey, GroupKey, MessageId, QueueId, Receipt, Sequence};
use crate::name::{AccountId, QueueKey, QueueName, Region};
use crate::outage::BootReading;
use crate::queue::{AttributePatch, MoveTaskId, Policy, Tags};

/// A message as its sender gave it.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The id that its sender is told.
    pub id: MessageId,
    /// The encoded payload, see [`crate::payload`].
    pub payload: Bytes,
    /// Its size as SQS counts it: body and message attributes.
    pub size_bytes: u32,
    /// A delay of its own, instead of the queue's.
    pub delay_secs: Option<u32>,
    /// Its message group.
    pub group: Option<GroupKey>,
    /// What tells it from another send, to a FIFO queue.
    pub deduplication: Option<SendName>,
}

/// What tells one send to a FIFO queue from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendName {
    /// Its sender said so.
    Given(DeduplicationKey),
    /// It follows from the body; only for a queue that has content-based deduplication.
    Content(DeduplicationKey),
}

/// One request to the state.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin to run, or to run again.
    Begin {
        /// Makes receipt handles unforgeable; used only in a new directory.
        receipt_key: [u8; 16],
        /// The machine's boot clock now.
        reading: BootReading,
    },
    /// Note the machine's boot clock, when that is due.
    NoteClock {
        /// The reading now.
        reading: BootReading,
        /// The service is about to stop.
        stopping: bool,
    },
    /// Note a jump of the service's clock that was asked for: the time now is later than the boot clock explains.
    NoteJump {
        /// The machine's boot clock now.
        reading: BootReading,
    },
    /// Keep to the waiting rules of Amazon SQS, see [`crate::pacing`].
    Paced(Box<Command>),
    /// Take away all queues with their messages, for tests.
    Reset,
    /// Confirm that the time is right although it went forward without an explanation.
    ConfirmClock,
    /// Create a queue, or find it when it exists with the given settings.
    CreateQueue {
        /// Its full name.
        key: QueueKey,
        /// The settings given.
        attributes: Box<AttributePatch>,
        /// The tags of a new queue; those of an existing one stay.
        tags: Tags,
    },
    /// Delete a queue with its messages.
    DeleteQueue {
        /// The queue.
        key: QueueKey,
    },
    /// Check that a queue exists.
    FindQueue {
        /// The queue.
        key: QueueKey,
    },
    /// Name the queues of an account in a region.
    ListQueues {
        /// The owner.
        account: AccountId,
        /// The region.
        region: Region,
        /// Only names that begin so.
        prefix: String,
        /// Only names after this one.
        after: Option<QueueName>,
        /// At most so many.
        limit: usize,
    },
    /// Tell settings and counts of a queue.
    DescribeQueue {
        /// The queue.
        key: QueueKey,
    },
    /// Tell settings and counts of all queues, whoever owns them.
    DescribeQueues {
        /// Only queues after this one.
        after: Option<QueueId>,
        /// At most so many.
        limit: usize,
    },
    /// Change settings of a queue.
    SetQueueAttributes {
        /// The queue.
        key: QueueKey,
        /// The settings given.
        attributes: Box<AttributePatch>,
    },
    /// Add the statements of a policy to that of a queue.
    AddPermission {
        /// The queue.
        key: QueueKey,
        /// The statements, in a policy that a queue without one takes as it is.
        permission: Box<Policy>,
    },
    /// Remove a statement from the policy of a queue.
    RemovePermission {
        /// The queue.
        key: QueueKey,
        /// The statement's label.
        label: String,
    },
    /// Set tags of a queue; the others stay.
    TagQueue {
        /// The queue.
        key: QueueKey,
        /// The tags.
        tags: Tags,
    },
    /// Remove tags of a queue.
    UntagQueue {
        /// The queue.
        key: QueueKey,
        /// Their keys; those that the queue does not have change nothing.
        keys: Vec<String>,
    },
    /// Tell the tags of a queue.
    ListQueueTags {
        /// The queue.
        key: QueueKey,
    },
    /// Name the queues whose dead letters go to a queue.
    ListDeadLetterSources {
        /// The dead-letter queue.
        key: QueueKey,
        /// Only names after this one.
        after: Option<QueueName>,
        /// At most so many.
        limit: usize,
    },
    /// Name the queues that the dead letters of a queue came from, also those that are gone.
    ListOrigins {
        /// The dead-letter queue.
        key: QueueKey,
    },
    /// Start to move the messages of a dead-letter queue.
    StartMoveTask {
        /// The dead-letter queue.
        key: QueueKey,
        /// The id of the task.
        id: MoveTaskId,
        /// Where they go; each back to where it came from when there is none.
        destination: Option<Box<QueueKey>>,
        /// Without a destination: the only queues that they may go back to. All that they came from when there is none.
        back_to: Option<Arc<BTreeSet<QueueKey>>>,
        /// At most so many a second.
        messages_per_sec: Option<u32>,
    },
    /// Cancel a move task; what it has moved stays moved.
    CancelMoveTask {
        /// The dead-letter queue.
        key: QueueKey,
        /// The task.
        id: MoveTaskId,
    },
    /// Tell the latest move tasks of a queue.
    ListMoveTasks {
        /// The dead-letter queue.
        key: QueueKey,
        /// At most so many.
        limit: usize,
    },
    /// Let the running move task of a queue make its next step, when that is due.
    StepMoveTask {
        /// The queue.
        queue: QueueId,
    },
    /// Drop all messages of a queue.
    PurgeQueue {
        /// The queue.
        key: QueueKey,
    },
    /// Accept messages. Each is accepted or refused by itself.
    Send {
        /// The queue.
        key: QueueKey,
        /// The messages, in order.
        messages: Vec<NewMessage>,
    },
    /// Hand out messages.
    Receive {
        /// The queue.
        key: QueueKey,
        /// At most so many.
        limit: usize,
        /// How long to hold them, instead of the queue's setting.
        visibility_timeout_secs: Option<u32>,
        /// What names this receive, so that it can be tried again; only FIFO queues look at it.
        attempt: Option<AttemptKey>,
    },
    /// Delete received messages. Each is deleted or refused by itself.
    Delete {
        /// The queue.
        key: QueueKey,
        /// The deliveries.
        receipts: Vec<Receipt>,
    },
    /// Change the leases of received messages. Each is changed or refused by itself.
    ChangeVisibility {
        /// The queue.
        key: QueueKey,
        /// Each delivery with its new timeout in seconds from now.
        changes: Vec<(Receipt, u32)>,
    },
    /// Give back deliveries that never reached their receiver.
    ReturnLeases {
        /// The deliveries.
        receipts: Vec<Receipt>,
    },
    /// Take a message whose bytes are damaged out of its queue.
    Quarantine {
        /// The queue.
        queue: QueueId,
        /// The message.
        sequence: Sequence,
    },
    /// Drop messages of a queue whose retention has passed.
    Expire {
        /// The queue.
        queue: QueueId,
    },
    /// Write a document.
    PutDocument {
        /// Its name.
        key: DocumentKey,
        /// What must be there before.
        expected: ExpectedRevision,
        /// The new content.
        value: Bytes,
    },
    /// Remove a document.
    RemoveDocument {
        /// Its name.
        key: DocumentKey,
        /// What must be there before.
        expected: ExpectedRevision,
    },
    /// Write and remove several documents, all of them or none. Their contents together are no longer than one document.
    WriteDocuments {
        /// The writes, in order.
        writes: Vec<DocumentWrite>,
    },
    /// Read one document.
    GetDocument {
        /// Its name.
        key: DocumentKey,
    },
    /// Read all documents of a collection.
    ListDocuments {
        /// The collection.
        collection: String,
    },
}
