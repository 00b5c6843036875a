//! What a caller wants changed of a queue's settings, and what comes of it.
//!
//! The values of a patch are within the limits that do not depend on the queue: the protocol checks those, since it
//! knows how they were spelled. What does depend on the queue is checked here, but nothing that needs another queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use super::attributes::{
    AttributeName, DeduplicationScope, FifoAttributes, FifoThroughputLimit, QueueAttributes,
};
use super::policy::Policy;
use super::redrive::{RedriveAllowPolicy, RedrivePolicy};

/// The settings a caller gives, the others left out. Where a setting can be absent, `Some(None)` takes it away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributePatch {
    /// See [`QueueAttributes::delay_secs`].
    pub delay_secs: Option<u32>,
    /// See [`QueueAttributes::maximum_message_bytes`].
    pub maximum_message_bytes: Option<u32>,
    /// See [`QueueAttributes::retention_secs`].
    pub retention_secs: Option<u32>,
    /// See [`QueueAttributes::receive_wait_secs`].
    pub receive_wait_secs: Option<u32>,
    /// See [`QueueAttributes::visibility_timeout_secs`].
    pub visibility_timeout_secs: Option<u32>,
    /// See [`QueueAttributes::managed_sse_enabled`].
    pub managed_sse_enabled: Option<bool>,
    /// See [`QueueAttributes::kms_master_key_id`].
    pub kms_master_key_id: Option<Option<String>>,
    /// See [`QueueAttributes::kms_data_key_reuse_secs`].
    pub kms_data_key_reuse_secs: Option<u32>,
    /// See [`QueueAttributes::policy`].
    pub policy: Option<Option<Policy>>,
    /// See [`QueueAttributes::redrive`].
    pub redrive: Option<Option<RedrivePolicy>>,
    /// See [`QueueAttributes::redrive_allow`].
    pub redrive_allow: Option<Option<RedriveAllowPolicy>>,
    /// Whether [`QueueAttributes::fifo`] is there.
    pub fifo_queue: Option<bool>,
    /// See [`FifoAttributes::content_based_deduplication`].
    pub content_based_deduplication: Option<bool>,
    /// See [`FifoAttributes::deduplication_scope`].
    pub deduplication_scope: Option<DeduplicationScope>,
    /// See [`FifoAttributes::throughput_limit`].
    pub fifo_throughput_limit: Option<FifoThroughputLimit>,
}

/// Why a queue can't have the settings that a caller gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributeRefusal {
    /// A standard queue does not have this setting.
    #[error("only a FIFO queue has the setting {}", .0.as_str())]
    OnlyForFifo(AttributeName),
    /// A queue stays the kind it was created as.
    #[error("a queue stays standard or FIFO as it was created")]
    QueueTypeIsFixed,
    /// A limit per message group needs deduplication per message group.
    #[error("a throughput limit per message group needs deduplication per message group")]
    LimitNeedsGroupScope,
    /// There is one kind of encryption at a time.
    #[error("a queue has either a key or managed encryption")]
    EncryptedTwice,
}

impl AttributePatch {
    /// `current` with the given settings replaced.
    ///
    /// # Errors
    /// [`AttributeRefusal`] when a queue of that kind can't have the result.
    pub fn applied_to(&self, current: &QueueAttributes) -> Result<QueueAttributes, AttributeRefusal> {
        let fifo = match current.fifo {
            Some(current) => Some(self.applied_to_fifo(current)?),
            None => self.only_for_fifo().map_or(Ok(None), |name| Err(AttributeRefusal::OnlyForFifo(name)))?,
        };
        let kms_master_key_id = replaced(&self.kms_master_key_id, &current.kms_master_key_id);
        Ok(QueueAttributes {
            delay_secs: self.delay_secs.unwrap_or(current.delay_secs),
            maximum_message_bytes: self.maximum_message_bytes.unwrap_or(current.maximum_message_bytes),
            retention_secs: self.retention_secs.unwrap_or(current.retention_secs),
            receive_wait_secs: self.receive_wait_secs.unwrap_or(current.receive_wait_secs),
            visibility_timeout_secs: self.visibility_timeout_secs.unwrap_or(current.visibility_timeout_secs),
            managed_sse_enabled: self.managed_sse(current, kms_master_key_id.is_some())?,
            kms_master_key_id,
            kms_data_key_reuse_secs: self.kms_data_key_reuse_secs.unwrap_or(current.kms_data_key_reuse_secs),
            policy: replaced(&self.policy, &current.policy),
            redrive: replaced(&self.redrive, &current.redrive),
            redrive_allow: replaced(&self.redrive_allow, &current.redrive_allow),
            fifo,
        })
    }

    /// A new key ends managed encryption; without one it begins again only when that is asked for.
    fn managed_sse(&self, current: &QueueAttributes, keyed: bool) -> Result<bool, AttributeRefusal> {
        match (keyed, self.managed_sse_enabled) {
            (true, Some(true)) => Err(AttributeRefusal::EncryptedTwice),
            (true, _) => Ok(false),
            (false, given) => Ok(given.unwrap_or(current.managed_sse_enabled)),
        }
    }

    fn applied_to_fifo(&self, current: FifoAttributes) -> Result<FifoAttributes, AttributeRefusal> {
        if self.fifo_queue == Some(false) {
            return Err(AttributeRefusal::QueueTypeIsFixed);
        }
        let deduplication_scope = self.deduplication_scope.unwrap_or(current.deduplication_scope);
        let throughput_limit = self.fifo_throughput_limit.unwrap_or(current.throughput_limit);
        if throughput_limit == FifoThroughputLimit::PerMessageGroupId
            && deduplication_scope != DeduplicationScope::MessageGroup
        {
            return Err(AttributeRefusal::LimitNeedsGroupScope);
        }
        Ok(FifoAttributes {
            content_based_deduplication: self
                .content_based_deduplication
                .unwrap_or(current.content_based_deduplication),
            deduplication_scope,
            throughput_limit,
        })
    }

    /// The first given setting that only a FIFO queue has.
    #[must_use]
    pub fn only_for_fifo(&self) -> Option<AttributeName> {
        let given = [
            (AttributeName::FifoQueue, self.fifo_queue.is_some()),
            (AttributeName::ContentBasedDeduplication, self.content_based_deduplication.is_some()),
            (AttributeName::DeduplicationScope, self.deduplication_scope.is_some()),
            (AttributeName::FifoThroughputLimit, self.fifo_throughput_limit.is_some()),
        ];
        given.into_iter().find_map(|(name, given)| given.then_some(name))
    }

    /// The first given setting whose value differs from `current`. Settings not given never differ.
    #[must_use]
    pub fn first_difference(&self, current: &QueueAttributes) -> Option<AttributeName> {
        use AttributeName as Name;
        let fifo = current.fifo.unwrap_or_default();
        [
            (Name::DelaySeconds, differs(&self.delay_secs, &current.delay_secs)),
            (Name::MaximumMessageSize, differs(&self.maximum_message_bytes, &current.maximum_message_bytes)),
            (Name::MessageRetentionPeriod, differs(&self.retention_secs, &current.retention_secs)),
            (
                Name::ReceiveMessageWaitTimeSeconds,
                differs(&self.receive_wait_secs, &current.receive_wait_secs),
            ),
            (
                Name::VisibilityTimeout,
                differs(&self.visibility_timeout_secs, &current.visibility_timeout_secs),
            ),
            (Name::SqsManagedSseEnabled, differs(&self.managed_sse_enabled, &current.managed_sse_enabled)),
            (Name::KmsMasterKeyId, differs(&self.kms_master_key_id, &current.kms_master_key_id)),
            (
                Name::KmsDataKeyReusePeriodSeconds,
                differs(&self.kms_data_key_reuse_secs, &current.kms_data_key_reuse_secs),
            ),
            (Name::Policy, differs(&self.policy, &current.policy)),
            (Name::RedrivePolicy, differs(&self.redrive, &current.redrive)),
            (Name::RedriveAllowPolicy, differs(&self.redrive_allow, &current.redrive_allow)),
            (Name::FifoQueue, differs(&self.fifo_queue, &current.fifo.is_some())),
            (
                Name::ContentBasedDeduplication,
                differs(&self.content_based_deduplication, &fifo.content_based_deduplication),
            ),
            (Name::DeduplicationScope, differs(&self.deduplication_scope, &fifo.deduplication_scope)),
            (Name::FifoThroughputLimit, differs(&self.fifo_throughput_limit, &fifo.throughput_limit)),
        ]
        .into_iter()
        .find_map(|(name, differs)| differs.then_some(name))
    }
}

fn replaced<T: Clone>(given: &Option<Option<T>>, current: &Option<T>) -> Option<T> {
    given.as_ref().unwrap_or(current).clone()
}

fn differs<T: PartialEq>(given: &Option<T>, current: &T) -> bool {
    given.as_ref().is_some_and(|given| given != current)
}
