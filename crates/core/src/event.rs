//! Facts: what has happened, as it is written to the log.
//!
//! An event names messages by queue and sequence and carries all that is needed to apply it to them, so replay asks
//! no business rule. Deadlines are not events: a lease that ends is not written anywhere. Expiry by
//! retention is, because it removes rows that rest in the store.

use bytes::Bytes;

use crate::document::DocumentKey;
use crate::message::{AttemptKey, DeduplicationKey, GroupKey, MessageId, QueueId, Sequence};
use crate::name::QueueKey;
use crate::outage::{BootReading, ExpiryHold};
use crate::pacing::WaitingRule;
use crate::queue::{MoveEnd, MoveOrder, QueueAttributes, Tags};
use crate::time::Timestamp;

/// What a FIFO queue remembers of a send, besides its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendRemembered {
    /// The group, where the same key in another group is another send.
    pub group: Option<GroupKey>,
    /// What names the send.
    pub key: DeduplicationKey,
    /// The id that its sender is told.
    pub message_id: MessageId,
}

/// What has happened to a move task. All but the first are about the task of the queue that is running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveTaskEvent {
    /// It begins.
    Started(MoveOrder),
    /// It sent messages again, to another queue; both in one.
    SentAgain {
        /// The queue that holds them now.
        to: QueueId,
        /// Hidden until then; the time of the batch when there is no delay. In a FIFO queue the delay of the queue counts.
        visible_at: Timestamp,
        /// Each message's number before and after; those after are the next of their queue.
        moves: Vec<(Sequence, Sequence)>,
    },
    /// It has made a step.
    Advanced {
        /// The first message it has not looked at.
        next: Sequence,
        /// It goes on then at the earliest.
        due_at: Timestamp,
    },
    /// It has ended.
    Ended(MoveEnd),
}

/// What makes it possible to try a receive again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRemembered {
    /// What names the receive.
    pub key: AttemptKey,
    /// Messages that remember an earlier receive of that name, which can't be tried again from now on.
    pub superseded: Vec<Sequence>,
}

/// One fact. Its time is the time of the batch it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The data directory came into being.
    Initialised {
        /// The key that makes receipt handles unforgeable.
        receipt_key: [u8; 16],
    },
    /// The machine's boot clock read so at the time of the batch.
    ClockNoted {
        /// The reading.
        reading: BootReading,
    },
    /// Nothing expires for a while.
    ExpiryHeld(ExpiryHold),
    /// A queue exists.
    QueueCreated {
        /// Its number.
        queue: QueueId,
        /// Its full name.
        key: QueueKey,
        /// Its settings.
        attributes: QueueAttributes,
    },
    /// A queue has new settings.
    QueueAttributesSet {
        /// The queue.
        queue: QueueId,
        /// All its settings.
        attributes: QueueAttributes,
    },
    /// A queue has new tags.
    QueueTagsSet {
        /// The queue.
        queue: QueueId,
        /// All its tags.
        tags: Tags,
    },
    /// All messages below a sequence are gone.
    QueuePurged {
        /// The queue.
        queue: QueueId,
        /// The first sequence that stays.
        below: Sequence,
    },
    /// A queue and its messages are gone.
    QueueDeleted {
        /// The queue.
        queue: QueueId,
    },
    /// A message was accepted.
    MessageSent {
        /// The queue that holds it.
        queue: QueueId,
        /// Its number: the queue's next.
        sequence: Sequence,
        /// Hidden until then; the time of the batch when there is no delay. In a FIFO queue the delay of the queue counts.
        visible_at: Timestamp,
        /// The message group, if its sender gave one.
        group: Option<GroupKey>,
        /// What a FIFO queue remembers of it.
        deduplication: Option<SendRemembered>,
        /// The encoded payload, see [`crate::payload`].
        payload: Bytes,
    },
    /// Messages were handed to one receiver.
    MessagesReceived {
        /// The queue that holds them.
        queue: QueueId,
        /// The end of their lease.
        visible_at: Timestamp,
        /// The messages, in the order they were handed out.
        sequences: Vec<Sequence>,
    },
    /// Messages of a FIFO queue were handed to one receiver.
    MessagesReceivedInOrder {
        /// The queue that holds them.
        queue: QueueId,
        /// The end of their lease.
        visible_at: Timestamp,
        /// The messages, in the order they were handed out.
        sequences: Vec<Sequence>,
        /// Of each group that gave any, the message behind them: it waits for its group's next turn.
        followers: Vec<Sequence>,
        /// The name of the receive, if its caller gave one.
        attempt: Option<AttemptRemembered>,
    },
    /// A receive from a FIFO queue was tried again: the same deliveries, with a new end of their lease.
    ReceiveRepeated {
        /// The queue that holds them.
        queue: QueueId,
        /// The end of their lease.
        visible_at: Timestamp,
        /// The messages.
        sequences: Vec<Sequence>,
    },
    /// Dead letters went from their queue to another, both in one.
    MessagesMoved {
        /// The queue that held them.
        from: QueueId,
        /// Its full name: they tell it when it is gone.
        from_key: QueueKey,
        /// The queue that holds them now.
        to: QueueId,
        /// Whether both are FIFO queues.
        in_order: bool,
        /// Each message's number before and after; those after are the next of their queue.
        moves: Vec<(Sequence, Sequence)>,
    },
    /// A task moves messages of a queue.
    MoveTask {
        /// The queue.
        queue: QueueId,
        /// What has happened.
        event: MoveTaskEvent,
    },
    /// A FIFO queue no longer remembers the sends below a sequence.
    DeduplicationsForgotten {
        /// The queue.
        queue: QueueId,
        /// The first that it still remembers.
        below: Sequence,
    },
    /// A delivery never reached its receiver.
    LeasesReturned {
        /// The queue that holds them.
        queue: QueueId,
        /// The messages.
        sequences: Vec<Sequence>,
    },
    /// A lease has a new end.
    VisibilityChanged {
        /// The queue that holds it.
        queue: QueueId,
        /// The message.
        sequence: Sequence,
        /// The new end of its lease.
        visible_at: Timestamp,
    },
    /// Messages were deleted by their receiver.
    MessagesDeleted {
        /// The queue that held them.
        queue: QueueId,
        /// The messages.
        sequences: Vec<Sequence>,
    },
    /// Messages were dropped because their retention has passed.
    MessagesExpired {
        /// The queue that held them.
        queue: QueueId,
        /// The messages.
        sequences: Vec<Sequence>,
    },
    /// A message whose bytes are damaged was taken out of its queue.
    MessageQuarantined {
        /// The queue that held it.
        queue: QueueId,
        /// The message.
        sequence: Sequence,
    },
    /// Under the waiting rules of Amazon SQS a name waits from now on.
    WaitBegun {
        /// What it waits for.
        rule: WaitingRule,
        /// The full name of the queue.
        key: QueueKey,
    },
    /// No name waits any more.
    WaitsForgotten,
    /// A document has a new value.
    DocumentPut {
        /// Its name.
        key: DocumentKey,
        /// Its revision.
        revision: u64,
        /// Its content.
        value: Bytes,
    },
    /// A document is gone.
    DocumentRemoved {
        /// Its name.
        key: DocumentKey,
    },
}
