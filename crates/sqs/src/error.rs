//! The errors of SQS: what each one says, and how it travels.
//!
//! The texts are those of Amazon SQS, letter by letter where they are known, because programs compare them. An error
//! that AWS has no text for says what happened and what to do.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>.

use std::borrow::Cow;
use std::fmt;

use millpond_core::limits;
use millpond_core::quota::{QuotaScope, QuotaUnit};
use millpond_wire::error::{
    ApiError, ErrorKind, INTERNAL_FAILURE, INVALID_PARAMETER_VALUE, MISSING_PARAMETER,
};

const SQS: &str = "com.amazonaws.sqs";

/// One row per modelled error; those of every service are in [`millpond_wire::error`].
macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $shape:literal, $code:literal $(, $status:literal)?;)*) => {
        $($(#[$doc])* pub static $name: ErrorKind = ErrorKind::new(SQS, $shape, $code)$(.with_status($status))?;)*
        /// All modelled errors.
        pub static ERRORS: &[&ErrorKind] = &[$(&$name),*];
    };
}

errors! {
    /// Two entries of a batch have the same id.
    BATCH_ENTRY_IDS_NOT_DISTINCT =
        "BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct";
    /// The messages of a batch are too long together.
    BATCH_REQUEST_TOO_LONG = "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong";
    /// A batch has no entry.
    EMPTY_BATCH_REQUEST = "EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest";
    /// A queue URL is none.
    INVALID_ADDRESS = "InvalidAddress", "InvalidAddress", 404;
    /// There is no such attribute.
    INVALID_ATTRIBUTE_NAME = "InvalidAttributeName", "InvalidAttributeName";
    /// An attribute can't have that value.
    INVALID_ATTRIBUTE_VALUE = "InvalidAttributeValue", "InvalidAttributeValue";
    /// The id of a batch entry holds letters that it must not.
    INVALID_BATCH_ENTRY_ID = "InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId";
    /// A body holds characters that it must not.
    INVALID_MESSAGE_CONTENTS = "InvalidMessageContents", "InvalidMessageContents";
    /// A quota is used up.
    OVER_LIMIT = "OverLimit", "OverLimit", 403;
    /// A queue was purged too short a time ago.
    PURGE_QUEUE_IN_PROGRESS =
        "PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403;
    /// A queue of this name was deleted too short a time ago.
    QUEUE_DELETED_RECENTLY = "QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently";
    /// There is no such queue.
    QUEUE_DOES_NOT_EXIST = "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue";
    /// A queue of this name has other attributes.
    QUEUE_NAME_EXISTS = "QueueNameExists", "QueueAlreadyExists";
    /// A receipt handle is none of this service.
    RECEIPT_HANDLE_IS_INVALID = "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid";
    /// Something that a request names is not there.
    RESOURCE_NOT_FOUND = "ResourceNotFoundException", "ResourceNotFoundException", 404;
    /// A batch has too many entries.
    TOO_MANY_ENTRIES_IN_BATCH_REQUEST =
        "TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
    /// The request can't be carried out here.
    UNSUPPORTED_OPERATION = "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation";
}

/// One failure of a request, or of one entry of a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqsError {
    /// There is no such queue.
    #[error("The specified queue does not exist.")]
    QueueDoesNotExist,
    /// A queue of this name has another value for a given attribute.
    #[error("A queue already exists with the same name and a different value for attribute {0}")]
    QueueNameExists(&'static str),
    /// A queue of this name was deleted too short a time ago.
    #[error(
        "You must wait {} seconds after deleting a queue before you can create another with the same name.",
        limits::PACING_SECS
    )]
    QueueDeletedRecently,
    /// A queue was purged too short a time ago.
    #[error("Only one PurgeQueue operation on {name} is allowed every {} seconds.", limits::PACING_SECS, name = .0)]
    PurgeQueueInProgress(String),
    /// The queue URL is none.
    #[error("The address {0} is not valid for this endpoint.")]
    InvalidAddress(String),
    /// The name of a queue holds letters that it must not, or too many.
    #[error("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")]
    InvalidQueueName,
    /// The name of a FIFO queue holds letters that it must not, or too many, or does not say that it is one.
    #[error(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with \
         .fifo suffix and be 1 to 80 in length."
    )]
    InvalidFifoQueueName,
    /// The name of a queue is empty.
    #[error("Value for parameter QueueName is invalid. Reason: Must specify a queue name.")]
    EmptyQueueName,
    /// A required parameter is missing.
    #[error("The request must contain the parameter {0}.")]
    MissingParameter(Cow<'static, str>),
    /// A message for a FIFO queue has no group.
    #[error("The request must contain the parameter MessageGroupId.")]
    GroupIdMissing,
    /// A message of a batch for a FIFO queue has no group.
    #[error("The request must contain the parameter MessageGroupId.")]
    GroupIdMissingInBatch,
    /// Nothing tells a message for a FIFO queue from another.
    #[error(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )]
    DeduplicationIdMissing,
    /// A parameter's value is not one it takes.
    #[error("Value {value} for parameter {parameter} is invalid. Reason: {reason}")]
    InvalidParameter {
        /// The value, as given.
        value: String,
        /// The parameter.
        parameter: &'static str,
        /// Why not.
        reason: Cow<'static, str>,
    },
    /// An attribute of a queue is none that can be asked for or set.
    #[error("Unknown Attribute {0}.")]
    UnknownAttribute(String),
    /// An attribute that only FIFO queues have.
    #[error("You can specify the {0} only when FifoQueue is set to true.")]
    OnlyForFifo(&'static str),
    /// An attribute's value is not one it takes.
    #[error("Invalid value for the parameter {0}.")]
    InvalidAttributeValue(&'static str),
    /// There is one kind of encryption at a time.
    #[error(
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
    )]
    EncryptedTwice,
    /// A policy has more of something than it may.
    #[error("{found} {what} were found in the submitted policy, max allowed is {limit}")]
    PolicyTooLarge {
        /// How many.
        found: usize,
        /// Of what.
        what: &'static str,
        /// How many it may have.
        limit: usize,
    },
    /// A permission has more actions than it may.
    #[error("{sent} Actions were found, maximum allowed is {}.", limits::POLICY_STATEMENT_ACTIONS)]
    TooManyActions {
        /// How many.
        sent: usize,
    },
    /// The policy of a queue is full.
    #[error("The policy of the queue would have more than {limit} {what}. Remove a permission first.")]
    PolicyFull {
        /// Of what.
        what: &'static str,
        /// How many it may have.
        limit: usize,
    },
    /// A queue of this name would have too many tags.
    #[error("Too many tags added for queue {0}.")]
    TooManyTags(String),
    /// A tag is not as it must be.
    #[error("{0}")]
    InvalidTag(&'static str),
    /// An attribute's value is not one that this queue takes.
    #[error("Invalid value for the parameter {attribute}. Reason: {reason}")]
    UnfitAttributeValue {
        /// The attribute.
        attribute: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A queue that a parameter names is not there.
    #[error("The resource that you specified for the {0} parameter doesn't exist.")]
    ResourceNotFound(&'static str),
    /// A parameter is no ARN.
    #[error(
        "You must use this format to specify the {0}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
    )]
    InvalidArn(&'static str),
    /// A number is not within its range.
    #[error(
        "Value for parameter {parameter} is invalid. Reason: You must enter a number that's between {least} and {most}."
    )]
    NumberOutOfRange {
        /// The parameter.
        parameter: &'static str,
        /// The least it takes.
        least: u32,
        /// The most it takes.
        most: u32,
    },
    /// The handle of a move task is none.
    #[error("Value for parameter TaskHandle is invalid.")]
    InvalidTaskHandle,
    /// There is no such move task.
    #[error("Task does not exist.")]
    TaskDoesNotExist,
    /// The move task has ended.
    #[error(
        "The task has ended, and only a running one can be cancelled. ListMessageMoveTasks tells how it ended."
    )]
    TaskHasEnded,
    /// The queues of a move task do not fit, or one is running.
    #[error("{0}")]
    MoveTaskRefused(&'static str),
    /// Too many move tasks are running.
    #[error(
        "{limit} message move tasks of the account are running, and no more may. Cancel one or wait until one has ended."
    )]
    TooManyMoveTasks {
        /// How many may.
        limit: usize,
    },
    /// A body holds characters that it must not.
    #[error("{INVALID_CHARACTERS}")]
    InvalidMessageContents,
    /// A message attribute's value holds characters that it must not.
    #[error("{INVALID_CHARACTERS}")]
    InvalidAttributeContents,
    /// A message attribute is not as it must be.
    #[error(transparent)]
    InvalidMessageAttribute(#[from] MessageAttributeError),
    /// A message is longer than its queue takes.
    #[error("One or more parameters {} Reason: Message must be shorter than {limit_bytes} bytes.", if *.in_batch { "cannot be validated." } else { "are invalid." })]
    MessageTooLong {
        /// The queue's limit.
        limit_bytes: u32,
        /// Whether it is an entry of a batch.
        in_batch: bool,
    },
    /// A batch has no entry.
    #[error("There should be at least one {0} in the request.")]
    EmptyBatch(&'static str),
    /// A batch has too many entries.
    #[error("Maximum number of entries per request are {}. You have sent {sent}.", limits::BATCH_ENTRIES.end())]
    TooManyEntries {
        /// How many.
        sent: usize,
    },
    /// The id of a batch entry holds letters that it must not, or too many.
    #[error(
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
         It can be at most 80 letters long."
    )]
    InvalidEntryId,
    /// Two entries of a batch have the same id.
    #[error("Id {0} repeated.")]
    EntryIdRepeated(String),
    /// The messages of a batch are too long together.
    #[error(
        "Batch requests cannot be longer than {} bytes. You have sent {sent_bytes} bytes.",
        limits::BATCH_BYTES
    )]
    BatchTooLong {
        /// How long they are.
        sent_bytes: u64,
    },
    /// A receipt handle is none of this service, or of another queue.
    #[error("The input receipt handle \"{0}\" is not a valid receipt handle.")]
    ReceiptHandleIsInvalid(String),
    /// The queue or its account may not hold so much.
    #[error(
        "The {0} would hold more than {limit} {1}, which is its quota. Delete messages, or raise \
         --max-{0}-{1}, a setting of the service.",
        scope.as_str(),
        unit.as_str()
    )]
    QuotaExceeded {
        /// Who shares the quota.
        scope: QuotaScope,
        /// What it counts.
        unit: QuotaUnit,
        /// How much of it there may be.
        limit: u64,
    },
    /// Too many messages are in flight.
    #[error(
        "The maximum number of in flight messages ({}) is reached. Delete received messages or wait for their \
         visibility timeout to end.",
        limits::IN_FLIGHT_MESSAGES
    )]
    TooManyInFlight,
    /// The service can't make sense of its own state.
    #[error("The service failed: {0}. The request may be tried again.")]
    Internal(Cow<'static, str>),
}

const INVALID_CHARACTERS: &str = "Invalid characters found. Valid unicode characters are \
    #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";

/// What is wrong with a message attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageAttributeError {
    /// More than a message may have.
    #[error(
        "Number of message attributes [{sent}] exceeds the allowed maximum [{}].",
        limits::MESSAGE_ATTRIBUTES
    )]
    TooMany {
        /// How many.
        sent: usize,
    },
    /// The name is empty.
    #[error("The request must contain non-empty message (user) attribute names.")]
    EmptyName,
    /// The name is too long.
    #[error("Message (user) attribute name must be shorter than 256 bytes.")]
    NameTooLong,
    /// The name holds letters that it must not.
    #[error(
        "Message (user) attributes name can only contain upper and lower score characters, digits, periods, \
         hyphens and underscores. "
    )]
    NameLetters,
    /// The name begins with a reserved prefix, or begins or ends with a period.
    #[error(
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for \
         internal use. Additionally, they cannot start or end with '.'."
    )]
    ReservedName,
    /// Neither type nor value are given.
    #[error("The message (user) attribute '{0}' must contain a non-empty message attribute value.")]
    Empty(String),
    /// The type is missing.
    #[error("The message (user) attribute '{0}' must contain a non-empty attribute type.")]
    NoType(String),
    /// The type is too long.
    #[error("Message (user) attribute type must be shorter than 256 bytes.")]
    TypeTooLong,
    /// The type is none.
    #[error(
        "The type of message (user) attribute '{0}' is invalid. You must use only the following supported type \
         prefixes: Binary, Number, String."
    )]
    UnknownType(String),
    /// The value that the type asks for is missing or empty.
    #[error("Message (user) attribute '{name}' must contain a non-empty value of type '{of_type}'.")]
    EmptyValue {
        /// The attribute.
        name: String,
        /// `String`, `Number` or `Binary`.
        of_type: &'static str,
    },
    /// A number is none.
    #[error("Can't cast the value of message (user) attribute '{0}' to a number.")]
    NotANumber(String),
    /// Both a text and a binary value are given.
    #[error(
        "Message (user) attribute '{0}' has both a StringValue and a BinaryValue. Give the one of its type."
    )]
    TwoValues(String),
    /// A list of values is given.
    #[error("Message attribute list values in SendMessage operation are not supported.")]
    ListValues,
    /// There is no such system attribute.
    #[error("Message system attribute name '{0}' is invalid.")]
    UnknownSystemAttribute(String),
}

impl SqsError {
    /// The row it travels as.
    #[must_use]
    pub fn kind(&self) -> &'static ErrorKind {
        match self {
            Self::QueueDoesNotExist => &QUEUE_DOES_NOT_EXIST,
            Self::QueueNameExists(_) => &QUEUE_NAME_EXISTS,
            Self::QueueDeletedRecently => &QUEUE_DELETED_RECENTLY,
            Self::PurgeQueueInProgress(_) => &PURGE_QUEUE_IN_PROGRESS,
            Self::InvalidAddress(_) => &INVALID_ADDRESS,
            Self::MissingParameter(_) | Self::GroupIdMissing => &MISSING_PARAMETER,
            Self::InvalidQueueName
            | Self::InvalidFifoQueueName
            | Self::EmptyQueueName
            | Self::GroupIdMissingInBatch
            | Self::DeduplicationIdMissing
            | Self::InvalidParameter { .. }
            | Self::InvalidAttributeContents
            | Self::TooManyTags(_)
            | Self::InvalidTag(_)
            | Self::InvalidArn(_)
            | Self::NumberOutOfRange { .. }
            | Self::InvalidTaskHandle
            | Self::MoveTaskRefused(_)
            | Self::InvalidMessageAttribute(_)
            | Self::MessageTooLong { .. } => &INVALID_PARAMETER_VALUE,
            Self::UnknownAttribute(_) | Self::OnlyForFifo(_) | Self::EncryptedTwice => {
                &INVALID_ATTRIBUTE_NAME
            }
            Self::InvalidAttributeValue(_) | Self::UnfitAttributeValue { .. } => &INVALID_ATTRIBUTE_VALUE,
            Self::ResourceNotFound(_) | Self::TaskDoesNotExist => &RESOURCE_NOT_FOUND,
            Self::TaskHasEnded => &UNSUPPORTED_OPERATION,
            Self::InvalidMessageContents => &INVALID_MESSAGE_CONTENTS,
            Self::EmptyBatch(_) => &EMPTY_BATCH_REQUEST,
            Self::TooManyEntries { .. } => &TOO_MANY_ENTRIES_IN_BATCH_REQUEST,
            Self::InvalidEntryId => &INVALID_BATCH_ENTRY_ID,
            Self::EntryIdRepeated(_) => &BATCH_ENTRY_IDS_NOT_DISTINCT,
            Self::BatchTooLong { .. } => &BATCH_REQUEST_TOO_LONG,
            Self::ReceiptHandleIsInvalid(_) => &RECEIPT_HANDLE_IS_INVALID,
            Self::TooManyInFlight
            | Self::QuotaExceeded { .. }
            | Self::PolicyTooLarge { .. }
            | Self::TooManyMoveTasks { .. }
            | Self::PolicyFull { .. }
            | Self::TooManyActions { .. } => &OVER_LIMIT,
            Self::Internal(_) => &INTERNAL_FAILURE,
        }
    }

    /// A parameter's value is not one it takes.
    pub(crate) fn invalid(
        value: impl fmt::Display,
        parameter: &'static str,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::InvalidParameter { value: value.to_string(), parameter, reason: reason.into() }
    }
}

impl From<SqsError> for ApiError {
    fn from(error: SqsError) -> Self {
        error.kind().because(error.to_string())
    }
}
