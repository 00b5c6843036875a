//! The attributes of a queue: names, ranges and values, in and out.
//!
//! Values are text on the wire. An attribute that this version does not carry out is refused by name, never stored
//! without effect; giving it the empty value, which removes it, changes nothing and is taken.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use std::fmt;
use std::ops::RangeInclusive;

use millpond_core::limits;
use millpond_core::outcome::QueueDescription;
use millpond_core::queue::AttributePatch;
use millpond_wire::shape::{Map, Text};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::SqsError;
use crate::wire_text::Shown;

/// The attributes that every queue has, in the order replies give them.
const ALWAYS: [&str; 12] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "DelaySeconds",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

/// The attributes that a queue may have on AWS and no queue of this version has. Asking for one is no error.
const NEVER_HERE: [&str; 9] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
];

/// The refusal of whatever makes a queue a FIFO queue.
pub(crate) const FIFO_NOT_SUPPORTED: SqsError =
    SqsError::NotSupported { what: "FIFO queues", advice: "Use a standard queue." };

/// Reads the attributes of a request for a standard queue.
pub(crate) fn parse(attributes: &Map<'_, Text<'_>>) -> Result<AttributePatch, SqsError> {
    let mut patch = AttributePatch::default();
    for (name, value) in &attributes.entries {
        set(&mut patch, name, value.as_str())?;
    }
    Ok(patch)
}

fn set(patch: &mut AttributePatch, name: &str, value: &str) -> Result<(), SqsError> {
    match name {
        "DelaySeconds" => patch.delay_secs = Some(number("DelaySeconds", value, limits::DELAY_SECS)?),
        "MaximumMessageSize" => {
            patch.maximum_message_bytes =
                Some(number("MaximumMessageSize", value, limits::MAXIMUM_MESSAGE_BYTES)?);
        }
        "MessageRetentionPeriod" => {
            patch.retention_secs = Some(number("MessageRetentionPeriod", value, limits::RETENTION_SECS)?);
        }
        "ReceiveMessageWaitTimeSeconds" => {
            patch.receive_wait_secs =
                Some(number("ReceiveMessageWaitTimeSeconds", value, limits::RECEIVE_WAIT_SECS)?);
        }
        "VisibilityTimeout" => {
            patch.visibility_timeout_secs =
                Some(number("VisibilityTimeout", value, limits::VISIBILITY_TIMEOUT_SECS)?);
        }
        "SqsManagedSseEnabled" => patch.managed_sse_enabled = Some(boolean("SqsManagedSseEnabled", value)?),
        _ => refuse(name, value)?,
    }
    Ok(())
}

/// Refuses an attribute that no standard queue of this version takes.
fn refuse(name: &str, value: &str) -> Result<(), SqsError> {
    const LEAVE_OUT: &str = "Leave the attribute out.";
    match name {
        "Policy" | "RedrivePolicy" | "RedriveAllowPolicy" | "KmsMasterKeyId" if value.is_empty() => Ok(()),
        "Policy" => Err(SqsError::NotSupported { what: "Queue policies (Policy)", advice: LEAVE_OUT }),
        "RedrivePolicy" => {
            Err(SqsError::NotSupported { what: "Dead-letter queues (RedrivePolicy)", advice: LEAVE_OUT })
        }
        "RedriveAllowPolicy" => {
            Err(SqsError::NotSupported { what: "Dead-letter queues (RedriveAllowPolicy)", advice: LEAVE_OUT })
        }
        "KmsMasterKeyId" => {
            Err(SqsError::NotSupported { what: "KMS keys (KmsMasterKeyId)", advice: LEAVE_OUT })
        }
        "KmsDataKeyReusePeriodSeconds" => {
            Err(SqsError::NotSupported { what: "KMS keys (KmsDataKeyReusePeriodSeconds)", advice: LEAVE_OUT })
        }
        "FifoQueue" if value.eq_ignore_ascii_case("true") => Err(FIFO_NOT_SUPPORTED),
        "DeduplicationScope" => Err(SqsError::OnlyForFifo("DeduplicationScope")),
        "FifoThroughputLimit" => Err(SqsError::OnlyForFifo("FifoThroughputLimit")),
        _ => Err(SqsError::UnknownAttribute(name.to_owned())),
    }
}

fn number(name: &'static str, value: &str, range: RangeInclusive<u32>) -> Result<u32, SqsError> {
    // Digits only: the standard library would also take a sign.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = value.parse().ok().filter(|number| digits && range.contains(number));
    parsed.ok_or(SqsError::InvalidAttributeValue(name))
}

fn boolean(name: &'static str, value: &str) -> Result<bool, SqsError> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Ok(true),
        _ if value.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(SqsError::InvalidAttributeValue(name)),
    }
}

/// The attributes that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantedAttributes {
    wanted: [bool; ALWAYS.len()],
}

impl WantedAttributes {
    /// Reads the names of a request.
    pub(crate) fn parse(names: &[Text<'_>]) -> Result<Self, SqsError> {
        let mut wanted = [false; ALWAYS.len()];
        for name in names.iter().map(Text::as_str) {
            if name == "All" {
                wanted = [true; ALWAYS.len()];
            } else if let Ok(index) = ALWAYS.binary_search(&name) {
                wanted[index] = true;
            } else if NEVER_HERE.binary_search(&name).is_err() {
                return Err(SqsError::UnknownAttribute(name.to_owned()));
            }
        }
        Ok(Self { wanted })
    }

    /// Whether none is asked for that a queue has.
    pub(crate) fn is_empty(self) -> bool {
        !self.wanted.contains(&true)
    }
}

/// The wanted attributes of a queue, as a map of text.
pub(crate) struct AttributesReply<'a> {
    pub(crate) wanted: WantedAttributes,
    pub(crate) queue: &'a QueueDescription,
}

impl Serialize for AttributesReply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let QueueDescription { key, attributes, created_at, modified_at, counts, .. } =
            self.queue;
        let arn = format!("arn:aws:sqs:{}:{}:{}", key.region, key.account, key.name);
        let (created_secs, modified_secs) = (created_at.as_secs(), modified_at.as_secs());
        // In the order of `ALWAYS`.
        let values: [&dyn fmt::Display; ALWAYS.len()] = [
            &counts.visible,
            &counts.delayed,
            &counts.in_flight,
            &created_secs,
            &attributes.delay_secs,
            &modified_secs,
            &attributes.maximum_message_bytes,
            &attributes.retention_secs,
            &arn,
            &attributes.receive_wait_secs,
            &attributes.managed_sse_enabled,
            &attributes.visibility_timeout_secs,
        ];
        let mut map = serializer.serialize_map(None)?;
        for ((name, value), wanted) in ALWAYS.iter().zip(values).zip(self.wanted.wanted) {
            if wanted {
                map.serialize_entry(name, &Shown(value))?;
            }
        }
        map.end()
    }
}
