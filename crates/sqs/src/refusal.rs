//! The core's refusals in the words of SQS.

use millpond_core::limits;
use millpond_core::outcome::Refusal;
use millpond_core::queue::{AttributeName, AttributeRefusal, MoveRefusal, PolicyRefusal, RedriveRefusal};

use crate::error::SqsError;

/// What a refusal refers to: the texts repeat parts of the request that the core does not know.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refused<'a> {
    /// The receipt handle, as given.
    pub(crate) receipt_handle: &'a str,
    /// The visibility timeout, as given.
    pub(crate) visibility_timeout_secs: u32,
    /// Whether it is an entry of a batch.
    pub(crate) in_batch: bool,
    /// The `RedrivePolicy`, as given.
    pub(crate) redrive_policy: &'a str,
    /// The label of a permission, as given.
    pub(crate) label: &'a str,
    /// The name of the queue that is tagged or purged.
    pub(crate) queue_name: &'a str,
}

impl Refused<'_> {
    /// The core's refusal in the words of SQS.
    pub(crate) fn explain(self, refusal: &Refusal) -> SqsError {
        match *refusal {
            Refusal::QueueDoesNotExist => SqsError::QueueDoesNotExist,
            Refusal::QueueNameExists(name) => SqsError::QueueNameExists(name.as_str()),
            Refusal::NameIsNotFifo => SqsError::InvalidFifoQueueName,
            Refusal::NameIsFifo => SqsError::InvalidQueueName,
            Refusal::Attributes(refusal) => refusal.into(),
            Refusal::MessageTooLong { limit_bytes } => {
                SqsError::MessageTooLong { limit_bytes, in_batch: self.in_batch }
            }
            Refusal::QuotaExceeded { scope, unit, limit } => SqsError::QuotaExceeded { scope, unit, limit },
            Refusal::TooManyInFlight => SqsError::TooManyInFlight,
            Refusal::ReceiptOfAnotherQueue => {
                SqsError::ReceiptHandleIsInvalid(self.receipt_handle.to_owned())
            }
            Refusal::GroupMissing => SqsError::GroupIdMissing,
            Refusal::DeduplicationMissing => SqsError::DeduplicationIdMissing,
            Refusal::ReceiptExpired => {
                SqsError::invalid(self.receipt_handle, "ReceiptHandle", "The receipt handle has expired.")
            }
            Refusal::NotAvailableForVisibilityChange => SqsError::invalid(
                self.receipt_handle,
                "ReceiptHandle",
                "Message does not exist or is not available for visibility timeout change.",
            ),
            Refusal::VisibilityBeyondLimit => SqsError::invalid(
                self.visibility_timeout_secs,
                "VisibilityTimeout",
                format!(
                    "Total VisibilityTimeout for the message is beyond the limit [{} seconds].",
                    limits::TOTAL_VISIBILITY_SECS
                ),
            ),
            Refusal::Redrive(refusal) => {
                SqsError::invalid(self.redrive_policy, "RedrivePolicy", redrive_reason(refusal))
            }
            Refusal::Policy(refusal) => self.explain_policy(refusal),
            Refusal::MoveTask(refusal) => refusal.into(),
            Refusal::QueueDeletedRecently => SqsError::QueueDeletedRecently,
            Refusal::PurgeInProgress => SqsError::PurgeQueueInProgress(self.queue_name.to_owned()),
            Refusal::TooManyTags { .. } => SqsError::TooManyTags(self.queue_name.to_owned()),
            Refusal::RevisionMismatch { .. } | Refusal::DocumentTooLong { .. } => {
                SqsError::Internal(format!("unexpected refusal: {refusal}").into())
            }
        }
    }

    fn explain_policy(self, refusal: PolicyRefusal) -> SqsError {
        match refusal {
            PolicyRefusal::LabelExists => SqsError::invalid(self.label, "Label", "Already exists."),
            PolicyRefusal::LabelMissing => SqsError::invalid(self.label, "Label", "can't find label."),
            PolicyRefusal::TooManyStatements { limit } => SqsError::PolicyFull { what: "statements", limit },
            PolicyRefusal::TooLong { limit_bytes } => {
                SqsError::PolicyFull { what: "bytes", limit: limit_bytes }
            }
        }
    }
}

const fn redrive_reason(refusal: RedriveRefusal) -> &'static str {
    match refusal {
        RedriveRefusal::OtherAccount => "Dead-letter target owner should be same as the source.",
        RedriveRefusal::OtherRegion => "Dead-letter target must be in same region as the source.",
        RedriveRefusal::Itself => "A queue can't be its own dead-letter queue.",
        RedriveRefusal::DoesNotExist => "Dead letter target does not exist.",
        // The period that stands there twice is part of the text.
        RedriveRefusal::OtherType => "Dead-letter queue must be same type of queue as the source..",
        RedriveRefusal::NotPermitted => {
            "The RedriveAllowPolicy of the dead-letter queue does not permit this source queue."
        }
    }
}

impl From<MoveRefusal> for SqsError {
    fn from(refusal: MoveRefusal) -> Self {
        match refusal {
            MoveRefusal::NotDeadLetters => {
                Self::MoveTaskRefused("Source queue must be configured as a Dead Letter Queue.")
            }
            MoveRefusal::NoDestination => Self::ResourceNotFound("DestinationArn"),
            MoveRefusal::SameQueue => {
                Self::MoveTaskRefused("Source queue arn and destination queue arn cannot be the same.")
            }
            MoveRefusal::OtherType => Self::MoveTaskRefused(
                "The source queue and destination queue must be of the same queue type.",
            ),
            MoveRefusal::OtherOrigins => Self::MoveTaskRefused(
                "Dead letters of another queue have arrived since the request was authorised; send it again.",
            ),
            MoveRefusal::AlreadyRunning => Self::MoveTaskRefused(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given \
                 time.",
            ),
            MoveRefusal::TooMany { limit } => Self::TooManyMoveTasks { limit },
            MoveRefusal::NoSuchTask => Self::TaskDoesNotExist,
            MoveRefusal::HasEnded => Self::TaskHasEnded,
        }
    }
}

impl From<AttributeRefusal> for SqsError {
    fn from(refusal: AttributeRefusal) -> Self {
        use AttributeName::{ContentBasedDeduplication, FifoQueue};
        match refusal {
            AttributeRefusal::OnlyForFifo(name @ (FifoQueue | ContentBasedDeduplication)) => {
                Self::UnknownAttribute(name.as_str().to_owned())
            }
            AttributeRefusal::OnlyForFifo(name) => Self::OnlyForFifo(name.as_str()),
            AttributeRefusal::QueueTypeIsFixed => Self::UnfitAttributeValue {
                attribute: FifoQueue.as_str(),
                reason: "Modifying queue type is not supported.",
            },
            AttributeRefusal::EncryptedTwice => Self::EncryptedTwice,
            AttributeRefusal::LimitNeedsGroupScope => Self::UnfitAttributeValue {
                attribute: AttributeName::FifoThroughputLimit.as_str(),
                reason: "To set FifoThroughputLimit to perMessageGroupId, the DeduplicationScope must be messageGroup.",
            },
        }
    }
}
