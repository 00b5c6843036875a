//! The settings of a queue.
//!
//! A [`QueueAttributes`] is always within the limits. What a caller wants changed is an
//! [`AttributePatch`](super::AttributePatch). Counts and times of a queue are no settings and are not here.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use super::policy::Policy;
use super::redrive::{RedriveAllowPolicy, RedrivePolicy};

/// The name of a setting, as SQS spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeName {
    /// `DelaySeconds`.
    DelaySeconds,
    /// `MaximumMessageSize`.
    MaximumMessageSize,
    /// `MessageRetentionPeriod`.
    MessageRetentionPeriod,
    /// `ReceiveMessageWaitTimeSeconds`.
    ReceiveMessageWaitTimeSeconds,
    /// `VisibilityTimeout`.
    VisibilityTimeout,
    /// `SqsManagedSseEnabled`.
    SqsManagedSseEnabled,
    /// `FifoQueue`.
    FifoQueue,
    /// `ContentBasedDeduplication`.
    ContentBasedDeduplication,
    /// `DeduplicationScope`.
    DeduplicationScope,
    /// `FifoThroughputLimit`.
    FifoThroughputLimit,
    /// `KmsMasterKeyId`.
    KmsMasterKeyId,
    /// `KmsDataKeyReusePeriodSeconds`.
    KmsDataKeyReusePeriodSeconds,
    /// `Policy`.
    Policy,
    /// `RedrivePolicy`.
    RedrivePolicy,
    /// `RedriveAllowPolicy`.
    RedriveAllowPolicy,
}

impl AttributeName {
    /// The wire spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DelaySeconds => "DelaySeconds",
            Self::MaximumMessageSize => "MaximumMessageSize",
            Self::MessageRetentionPeriod => "MessageRetentionPeriod",
            Self::ReceiveMessageWaitTimeSeconds => "ReceiveMessageWaitTimeSeconds",
            Self::VisibilityTimeout => "VisibilityTimeout",
            Self::SqsManagedSseEnabled => "SqsManagedSseEnabled",
            Self::FifoQueue => "FifoQueue",
            Self::ContentBasedDeduplication => "ContentBasedDeduplication",
            Self::DeduplicationScope => "DeduplicationScope",
            Self::FifoThroughputLimit => "FifoThroughputLimit",
            Self::KmsMasterKeyId => "KmsMasterKeyId",
            Self::KmsDataKeyReusePeriodSeconds => "KmsDataKeyReusePeriodSeconds",
            Self::Policy => "Policy",
            Self::RedrivePolicy => "RedrivePolicy",
            Self::RedriveAllowPolicy => "RedriveAllowPolicy",
        }
    }
}

/// How far a deduplication id counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeduplicationScope {
    /// In the whole queue.
    #[default]
    Queue,
    /// In its message group.
    MessageGroup,
}

/// What a quota of calls is for; stored and reported, there is no such quota here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FifoThroughputLimit {
    /// The whole queue.
    #[default]
    PerQueue,
    /// Each message group.
    PerMessageGroupId,
}

/// The settings that only a FIFO queue has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FifoAttributes {
    /// A message without a deduplication id takes the digest of its body for one.
    pub content_based_deduplication: bool,
    /// How far a deduplication id counts.
    pub deduplication_scope: DeduplicationScope,
    /// Per message group only together with [`DeduplicationScope::MessageGroup`].
    pub throughput_limit: FifoThroughputLimit,
}

/// All settings of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueueAttributes {
    /// A message without a delay of its own is hidden this long after it is sent.
    pub delay_secs: u32,
    /// The largest message the queue takes, body and attributes together.
    pub maximum_message_bytes: u32,
    /// A message is dropped this long after it was sent, delivered or not.
    pub retention_secs: u32,
    /// A receive that names no wait time waits this long for a message.
    pub receive_wait_secs: u32,
    /// A receive that names no visibility timeout holds its messages this long.
    pub visibility_timeout_secs: u32,
    /// Stored and reported, without effect. Never together with a key.
    pub managed_sse_enabled: bool,
    /// Stored and reported, without effect.
    pub kms_master_key_id: Option<String>,
    /// Stored and reported, without effect.
    pub kms_data_key_reuse_secs: u32,
    /// Who may do what with the queue; stored and reported, without effect.
    pub policy: Option<Policy>,
    /// Where messages go that are received too often.
    pub redrive: Option<RedrivePolicy>,
    /// Which queues may send their dead letters here; all that could when there is none.
    pub redrive_allow: Option<RedriveAllowPolicy>,
    /// What makes it a FIFO queue, for as long as it lives; a standard queue has none.
    pub fifo: Option<FifoAttributes>,
}

impl Default for QueueAttributes {
    fn default() -> Self {
        Self {
            delay_secs: 0,
            maximum_message_bytes: 1_048_576,
            retention_secs: 345_600,
            receive_wait_secs: 0,
            visibility_timeout_secs: 30,
            managed_sse_enabled: true,
            kms_master_key_id: None,
            kms_data_key_reuse_secs: 300,
            policy: None,
            redrive: None,
            redrive_allow: None,
            fifo: None,
        }
    }
}
