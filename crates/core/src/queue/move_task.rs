//! Message move tasks: messages of a dead-letter queue go back to where they came from, or to another queue.
//!
//! A task is about the messages that its queue holds when it starts; what comes later is left alone, so every task
//! ends, also when its messages become dead letters again. A queue remembers its latest tasks and runs one at a time.
//!
//! It refuses to decide: which messages a step moves stands in `decide/move_tasks.rs`.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>.

use crate::limits;
use crate::message::{QueueId, Sequence};
use crate::name::QueueKey;
use crate::time::Timestamp;

/// The id of a task: 128 random bits. Kept as bytes, whose alignment makes no command larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MoveTaskId([u8; 16]);

impl MoveTaskId {
    /// The id of these bits.
    #[must_use]
    pub const fn new(bits: u128) -> Self {
        Self(bits.to_le_bytes())
    }

    /// Its bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        u128::from_le_bytes(self.0)
    }
}

/// What a task is to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MoveOrder {
    /// Its id.
    pub id: MoveTaskId,
    /// Where all messages go; each goes back to the queue it came from when there is none.
    pub destination: Option<QueueKey>,
    /// At most so many messages a second; as many as there is room for when there is none.
    pub messages_per_sec: Option<u32>,
    /// How many messages there were to move when it started.
    pub to_move: u64,
    /// Only messages before this one are moved.
    pub below: Sequence,
}

/// Why a task failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MoveFailure {
    /// A message is to go back to where it came from, and came from nowhere: it was sent to the dead-letter queue.
    SourceUnknown,
    /// The queue that a message is to go to is not there.
    DestinationGone,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MoveEnd {
    /// It went through all its messages.
    Completed,
    /// It was cancelled.
    Cancelled,
    /// It could not go on.
    Failed(MoveFailure),
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MoveStatus {
    /// It goes on.
    Running {
        /// The first message it has not looked at.
        next: Sequence,
        /// Not before then.
        due_at: Timestamp,
    },
    /// It does not go on.
    Ended(MoveEnd),
}

/// One task of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MoveTask {
    /// What it is to do.
    pub order: MoveOrder,
    /// When it started.
    pub started_at: Timestamp,
    /// How many messages it has moved.
    pub moved: u64,
    /// How far it is.
    pub status: MoveStatus,
}

impl MoveTask {
    /// A task that starts.
    #[must_use]
    pub const fn started(order: MoveOrder, at: Timestamp) -> Self {
        Self {
            order,
            started_at: at,
            moved: 0,
            status: MoveStatus::Running { next: Sequence::FIRST, due_at: at },
        }
    }

    /// When it is to go on; `None` when it has ended.
    #[must_use]
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self.status {
            MoveStatus::Running { due_at, .. } => Some(due_at),
            MoveStatus::Ended(_) => None,
        }
    }
}

/// The latest tasks of a queue, oldest first; at most the last of them is running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MoveTasks(Vec<MoveTask>);

impl MoveTasks {
    /// The tasks that a store remembers, oldest first.
    #[must_use]
    pub const fn restored(tasks: Vec<MoveTask>) -> Self {
        Self(tasks)
    }

    /// All that are remembered, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &MoveTask> + ExactSizeIterator {
        self.0.iter()
    }

    /// The task of that id.
    #[must_use]
    pub fn get(&self, id: MoveTaskId) -> Option<&MoveTask> {
        self.0.iter().find(|task| task.order.id == id)
    }

    /// The one that is running.
    #[must_use]
    pub fn running(&self) -> Option<&MoveTask> {
        self.0.last().filter(|task| task.due_at().is_some())
    }

    /// When the one that is running is to go on.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        self.0.last().and_then(MoveTask::due_at)
    }

    /// Adds a task, and forgets the oldest when there are too many.
    pub fn start(&mut self, order: MoveOrder, at: Timestamp) {
        self.0.push(MoveTask::started(order, at));
        if self.0.len() > limits::MOVE_TASKS_REMEMBERED {
            self.0.remove(0);
        }
    }

    /// The running one has moved messages; `false` when there is none.
    pub fn count(&mut self, moved: u64) -> bool {
        self.change(|task| task.moved = task.moved.saturating_add(moved))
    }

    /// The running one goes on from `next`, not before `due_at`; `false` when there is none.
    pub fn advance(&mut self, next: Sequence, due_at: Timestamp) -> bool {
        self.change(|task| task.status = MoveStatus::Running { next, due_at })
    }

    /// The running one ends; `false` when there is none.
    pub fn end(&mut self, end: MoveEnd) -> bool {
        self.change(|task| task.status = MoveStatus::Ended(end))
    }

    fn change(&mut self, change: impl FnOnce(&mut MoveTask)) -> bool {
        self.0.last_mut().filter(|task| task.due_at().is_some()).map(change).is_some()
    }
}

/// A queue whose task is running, with the time at which it is to go on.
pub type Due = (Timestamp, QueueId);

/// Why a task does not start, or is not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveRefusal {
    /// No queue has this one as its dead-letter queue.
    #[error("the queue is no queue's dead-letter queue")]
    NotDeadLetters,
    /// The destination is not there.
    #[error("the destination does not exist")]
    NoDestination,
    /// The destination is the queue itself.
    #[error("the destination is the queue itself")]
    SameQueue,
    /// One of them is a FIFO queue, the other is not.
    #[error("the destination is of another type")]
    OtherType,
    /// Messages came from other queues than those that they may go back to.
    #[error("messages came from a queue that they may not go back to")]
    OtherOrigins,
    /// The queue has a task that is running.
    #[error("a task of the queue is running")]
    AlreadyRunning,
    /// The account has too many tasks that are running.
    #[error("the account has {limit} tasks that are running")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The queue has no such task, or it is forgotten.
    #[error("there is no such task")]
    NoSuchTask,
    /// The task has ended.
    #[error("the task has ended")]
    HasEnded,
}
