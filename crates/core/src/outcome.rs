//! What the state answers.
//!
//! Outcomes are typed and carry no wire text; the protocol turns a refusal into its code and message. An outcome may
//! leave the process only when the events it reveals are durable, which is the engine's promise.

use std::collections::BTreeSet;

use crate::document::{Document, DocumentKey};
use crate::limits;
use crate::message::{MessageId, MoveNumber, QueueId, Sequence};
use crate::name::{QueueKey, QueueName};
use crate::outage::ExpiryHold;
use crate::queue::{
    AttributeName, AttributeRefusal, FairCounts, MessageCounts, MoveRefusal, MoveTask, MoveTaskId,
    PolicyRefusal, QueueAttributes, RedriveRefusal, Tags,
};
use crate::quota::{QuotaScope, QuotaUnit};
use crate::time::Timestamp;
use crate::usage::Usage;

/// Why a command, or one entry of it, was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such queue.
    #[error("the queue does not exist")]
    QueueDoesNotExist,
    /// A queue of this name has another value for a given setting.
    #[error("a queue of this name has another value for {}", .0.as_str())]
    QueueNameExists(AttributeName),
    /// A FIFO queue was asked for under a name that says standard.
    #[error("the name of a FIFO queue ends in .fifo")]
    NameIsNotFifo,
    /// A standard queue was asked for under a name that says FIFO.
    #[error("the name of a standard queue does not end in .fifo")]
    NameIsFifo,
    /// The queue can't have the settings given.
    #[error(transparent)]
    Attributes(#[from] AttributeRefusal),
    /// The dead-letter queue given does not fit.
    #[error(transparent)]
    Redrive(#[from] RedriveRefusal),
    /// The move task does not start, or is not cancelled.
    #[error(transparent)]
    MoveTask(#[from] MoveRefusal),
    /// The queue's policy can't be changed so.
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),
    /// The queue would have too many tags.
    #[error("the queue would have more than {limit} tags")]
    TooManyTags {
        /// The limit.
        limit: usize,
    },
    /// A FIFO queue takes no message without a group.
    #[error("the message has no group")]
    GroupMissing,
    /// A FIFO queue takes no message that nothing tells from another.
    #[error("the message has no deduplication id, and the queue takes none from its content")]
    DeduplicationMissing,
    /// A FIFO queue takes no receipt of a delivery whose lease has ended.
    #[error("the lease of the receipt has ended")]
    ReceiptExpired,
    /// The message is larger than its queue takes.
    #[error("the message is larger than {limit_bytes} bytes")]
    MessageTooLong {
        /// The queue's limit.
        limit_bytes: u32,
    },
    /// The queue or its account may not hold so much.
    #[error("the {} may hold no more than {limit} {}", .scope.as_str(), .unit.as_str())]
    QuotaExceeded {
        /// Who shares the quota.
        scope: QuotaScope,
        /// What it counts.
        unit: QuotaUnit,
        /// How much of it there may be.
        limit: u64,
    },
    /// Too many messages are in flight.
    #[error("too many messages are in flight")]
    TooManyInFlight,
    /// The receipt belongs to another queue.
    #[error("the receipt belongs to another queue")]
    ReceiptOfAnotherQueue,
    /// The message is gone, or has been delivered again since.
    #[error("the message is gone or was delivered again")]
    NotAvailableForVisibilityChange,
    /// The lease would reach further from its receive than SQS allows.
    #[error("the lease would be longer than the limit")]
    VisibilityBeyondLimit,
    /// A queue of this name was deleted too short a time ago.
    #[error("a queue of this name was deleted less than {} seconds ago", limits::PACING_SECS)]
    QueueDeletedRecently,
    /// The queue was purged too short a time ago.
    #[error("the queue was purged less than {} seconds ago", limits::PACING_SECS)]
    PurgeInProgress,
    /// The document is not at the expected revision.
    #[error("the document is at another revision")]
    RevisionMismatch {
        /// The revision that is there, if any.
        current: Option<u64>,
    },
    /// The document is too large.
    #[error("the document is larger than {limit_bytes} bytes")]
    DocumentTooLong {
        /// The limit.
        limit_bytes: usize,
    },
}

/// A message that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id, as given.
    pub id: MessageId,
    /// Its number in the queue.
    pub sequence: Sequence,
}

/// One delivery, without the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message's number in the queue.
    pub sequence: Sequence,
    /// Which of its deliveries.
    pub delivery: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was first received.
    pub first_received_at: Timestamp,
    /// How often it has been received, this time included.
    pub receive_count: u32,
    /// The queue it comes from, if it is a dead letter.
    pub source: Option<QueueKey>,
    /// The move that gave it another id than its payload has.
    pub moved: Option<MoveNumber>,
}

/// A queue as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDescription {
    /// Its number.
    pub id: QueueId,
    /// Its full name.
    pub key: QueueKey,
    /// Its settings.
    pub attributes: QueueAttributes,
    /// Its tags.
    pub tags: Tags,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub modified_at: Timestamp,
    /// Its messages.
    pub counts: MessageCounts,
    /// What they take together.
    pub usage: Usage,
    /// Of a FIFO queue: how many message groups have messages in flight.
    pub groups_in_flight: Option<usize>,
    /// Of a standard queue with message groups: what the groups that are not noisy have.
    pub fair: Option<FairCounts>,
    /// Messages that have expired since the queue was created.
    pub expired: u64,
    /// When the oldest message was sent.
    pub oldest_sent_at: Option<Timestamp>,
    /// When the message that expires soonest does.
    pub oldest_expires_at: Option<Timestamp>,
    /// How many messages are there only because expiry is held; counted up to [`limits::OUTLIVED_MESSAGES_COUNTED`].
    pub outlived: usize,
}

/// What a command led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The queue exists: it was created, found, changed, purged.
    Queue {
        /// The queue.
        queue: QueueId,
        /// Its full name.
        key: QueueKey,
    },
    /// The queue is gone.
    QueueDeleted,
    /// Names in order, and whether more follow.
    Queues {
        /// The names.
        names: Vec<QueueName>,
        /// Whether more follow after the last.
        more: bool,
    },
    /// The queues that the dead letters of a queue came from; as many as were ever its sources.
    Origins(BTreeSet<QueueKey>),
    /// A queue's settings and counts.
    Description(Box<QueueDescription>),
    /// Settings and counts of several queues, by number, and the number to go on after when more follow.
    Descriptions {
        /// The queues.
        queues: Vec<QueueDescription>,
        /// The last of them, when more follow.
        more_after: Option<QueueId>,
    },
    /// One result per message, in order.
    Sent(Vec<Result<Accepted, Refusal>>),
    /// The tags of a queue.
    Tags(Tags),
    /// The move task has started.
    MoveTaskStarted(MoveTaskId),
    /// The move task is cancelled, after it has moved so many messages.
    MoveTaskCancelled {
        /// How many.
        moved: u64,
    },
    /// The latest move tasks of a queue, newest first.
    MoveTasks(Vec<MoveTask>),
    /// The deliveries; none when the queue has nothing to give.
    Received {
        /// The queue they come from.
        queue: QueueId,
        /// The deliveries, in order.
        deliveries: Vec<Delivery>,
    },
    /// One result per receipt, in order.
    Deleted(Vec<Result<(), Refusal>>),
    /// One result per change, in order.
    VisibilityChanged(Vec<Result<(), Refusal>>),
    /// Whether the clock was in doubt and is confirmed now, and the hold that is in force after it.
    ExpiryHold {
        /// The hold.
        hold: Option<ExpiryHold>,
        /// Whether this command changed it.
        confirmed: bool,
    },
    /// All queues are gone.
    Reset {
        /// How many there were.
        queues: usize,
        /// How many messages they held.
        messages: usize,
    },
    /// Done, with nothing to tell.
    Done,
    /// The document as it is now; `None` when there is none.
    Document(Option<Document>),
    /// The documents of a collection, by name.
    Documents(Vec<(DocumentKey, Document)>),
    /// Nothing was done.
    Refused(Refusal),
}
