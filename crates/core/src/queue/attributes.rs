//! The settings of a queue.
//!
//! A [`QueueAttributes`] is always within the limits; an [`AttributePatch`] is what a caller wants changed, and its
//! constructor-side checks live with the protocol, which knows the wire names' texts. Counts and times of a queue are
//! no settings and are not here.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

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
        }
    }
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
    /// Stored and reported, without effect.
    pub managed_sse_enabled: bool,
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
        }
    }
}

/// The settings a caller gives, the others left out.
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
}

impl AttributePatch {
    /// `current` with the given settings replaced.
    #[must_use]
    pub fn applied_to(&self, current: &QueueAttributes) -> QueueAttributes {
        QueueAttributes {
            delay_secs: self.delay_secs.unwrap_or(current.delay_secs),
            maximum_message_bytes: self.maximum_message_bytes.unwrap_or(current.maximum_message_bytes),
            retention_secs: self.retention_secs.unwrap_or(current.retention_secs),
            receive_wait_secs: self.receive_wait_secs.unwrap_or(current.receive_wait_secs),
            visibility_timeout_secs: self.visibility_timeout_secs.unwrap_or(current.visibility_timeout_secs),
            managed_sse_enabled: self.managed_sse_enabled.unwrap_or(current.managed_sse_enabled),
        }
    }

    /// The first given setting whose value differs from `current`. Settings not given never differ.
    #[must_use]
    pub fn first_difference(&self, current: &QueueAttributes) -> Option<AttributeName> {
        fn differs<T: PartialEq + Copy>(given: Option<T>, current: T) -> bool {
            given.is_some_and(|value| value != current)
        }
        [
            (AttributeName::DelaySeconds, differs(self.delay_secs, current.delay_secs)),
            (
                AttributeName::MaximumMessageSize,
                differs(self.maximum_message_bytes, current.maximum_message_bytes),
            ),
            (AttributeName::MessageRetentionPeriod, differs(self.retention_secs, current.retention_secs)),
            (
                AttributeName::ReceiveMessageWaitTimeSeconds,
                differs(self.receive_wait_secs, current.receive_wait_secs),
            ),
            (
                AttributeName::VisibilityTimeout,
                differs(self.visibility_timeout_secs, current.visibility_timeout_secs),
            ),
            (
                AttributeName::SqsManagedSseEnabled,
                differs(self.managed_sse_enabled, current.managed_sse_enabled),
            ),
        ]
        .into_iter()
        .find_map(|(name, differs)| differs.then_some(name))
    }
}
