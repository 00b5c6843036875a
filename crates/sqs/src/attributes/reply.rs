//! The attributes of a queue in replies: which are asked for, and which it has.
//!
//! An attribute that a queue does not have is left out, also when it is asked for by name.

use millpond_core::outcome::QueueDescription;
use millpond_core::queue::{FifoAttributes, QueueAttributes};
use millpond_wire::shape::Text;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{fifo, redrive};
use crate::arn;
use crate::error::SqsError;

/// The attributes that there are, in the order replies give them.
const NAMES: [&str; 21] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "ContentBasedDeduplication",
    "CreatedTimestamp",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

/// The attributes that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantedAttributes {
    wanted: [bool; NAMES.len()],
}

impl WantedAttributes {
    /// Reads the names of a request.
    pub(crate) fn parse(names: &[Text<'_>]) -> Result<Self, SqsError> {
        let mut wanted = [false; NAMES.len()];
        for name in names.iter().map(Text::as_str) {
            if name == "All" {
                wanted = [true; NAMES.len()];
            } else if let Ok(index) = NAMES.binary_search(&name) {
                wanted[index] = true;
            } else {
                return Err(SqsError::UnknownAttribute(name.to_owned()));
            }
        }
        Ok(Self { wanted })
    }
}

/// The wanted attributes of a queue, as a map of text.
pub(crate) struct AttributesReply {
    values: Vec<(&'static str, String)>,
}

impl AttributesReply {
    /// `None` when the queue has none of the wanted ones.
    pub(crate) fn new(wanted: WantedAttributes, queue: &QueueDescription) -> Option<Self> {
        let wanted = NAMES.iter().zip(wanted.wanted).filter(|(_, wanted)| *wanted);
        let values: Vec<_> = wanted.filter_map(|(name, _)| Some((*name, value(name, queue)?))).collect();
        (!values.is_empty()).then_some(Self { values })
    }
}

impl Serialize for AttributesReply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.values {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn value(name: &str, queue: &QueueDescription) -> Option<String> {
    let QueueDescription { key, attributes, created_at, modified_at, counts, .. } = queue;
    Some(match name {
        "ApproximateNumberOfMessages" => counts.visible.to_string(),
        "ApproximateNumberOfMessagesDelayed" => counts.delayed.to_string(),
        "ApproximateNumberOfMessagesNotVisible" => counts.in_flight.to_string(),
        "CreatedTimestamp" => created_at.as_secs().to_string(),
        "LastModifiedTimestamp" => modified_at.as_secs().to_string(),
        "QueueArn" => arn::of_queue(key),
        name => return setting(name, attributes),
    })
}

fn setting(name: &str, attributes: &QueueAttributes) -> Option<String> {
    let defaults = QueueAttributes::default();
    match name {
        "DelaySeconds" => Some(attributes.delay_secs.to_string()),
        "KmsDataKeyReusePeriodSeconds" => {
            let reuse_secs = attributes.kms_data_key_reuse_secs;
            (reuse_secs != defaults.kms_data_key_reuse_secs).then(|| reuse_secs.to_string())
        }
        "KmsMasterKeyId" => attributes.kms_master_key_id.clone(),
        "MaximumMessageSize" => Some(attributes.maximum_message_bytes.to_string()),
        "MessageRetentionPeriod" => Some(attributes.retention_secs.to_string()),
        "Policy" => attributes.policy.as_ref().map(millpond_core::queue::Policy::text),
        "ReceiveMessageWaitTimeSeconds" => Some(attributes.receive_wait_secs.to_string()),
        "RedriveAllowPolicy" => attributes.redrive_allow.as_ref().map(redrive::write_allow),
        "RedrivePolicy" => attributes.redrive.as_ref().map(redrive::write),
        "SqsManagedSseEnabled" => Some(attributes.managed_sse_enabled.to_string()),
        "VisibilityTimeout" => Some(attributes.visibility_timeout_secs.to_string()),
        name => fifo_setting(name, attributes.fifo?),
    }
}

fn fifo_setting(name: &str, attributes: FifoAttributes) -> Option<String> {
    match name {
        "ContentBasedDeduplication" => Some(attributes.content_based_deduplication.to_string()),
        "DeduplicationScope" => Some(fifo::scope(attributes.deduplication_scope).to_owned()),
        "FifoQueue" => Some(true.to_string()),
        "FifoThroughputLimit" => Some(fifo::limit(attributes.throughput_limit).to_owned()),
        _ => None,
    }
}
