//! Where dead letters go, and from where they may come.
//!
//! Queues are named, not numbered: a dead-letter queue that is deleted and created again is the same one. Whether a
//! named queue is there and fits is decided when a policy is set, see `decide/queues.rs`; later it may be gone.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html>.

use crate::name::QueueKey;

/// When a message of a queue is a dead letter, and where it then goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RedrivePolicy {
    /// The dead-letter queue.
    pub target: QueueKey,
    /// A message that was received so often is not received again; 1 to 1,000.
    pub max_receive_count: u32,
}

/// Which queues may name this one as their dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RedriveAllowPolicy {
    /// All.
    AllowAll,
    /// None.
    DenyAll,
    /// These, 1 to 10. They need not exist.
    ByQueue(Vec<QueueKey>),
}

impl RedriveAllowPolicy {
    /// Whether `source` may.
    #[must_use]
    pub fn permits(&self, source: &QueueKey) -> bool {
        match self {
            Self::AllowAll => true,
            Self::DenyAll => false,
            Self::ByQueue(sources) => sources.contains(source),
        }
    }
}

/// Why a queue can't be another one's dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedriveRefusal {
    /// It belongs to another account.
    #[error("the dead-letter queue belongs to another account")]
    OtherAccount,
    /// It is in another region.
    #[error("the dead-letter queue is in another region")]
    OtherRegion,
    /// It is the same queue.
    #[error("a queue can't be its own dead-letter queue")]
    Itself,
    /// It is not there.
    #[error("the dead-letter queue does not exist")]
    DoesNotExist,
    /// One of them is a FIFO queue, the other is not.
    #[error("the dead-letter queue is of another type")]
    OtherType,
    /// Its own policy forbids it.
    #[error("the dead-letter queue does not permit this source queue")]
    NotPermitted,
}
