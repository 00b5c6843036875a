//! The attributes of a queue: names, ranges and values, in and out. One file per family.
//!
//! Values are text on the wire. An attribute that this version does not carry out is refused by name, never stored
//! without effect, unless its text in `docs/sqs.md` says that it has none.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

mod fifo;
mod policy;
mod policy_grammar;
mod redrive;
mod reply;

use std::ops::RangeInclusive;

use millpond_core::limits;
use millpond_core::queue::AttributePatch;
use millpond_wire::shape::{Map, Text};

use crate::error::SqsError;

pub(crate) use policy::permission;
pub(crate) use reply::{AttributesReply, WantedAttributes};

/// Reads the attributes of a request.
pub(crate) fn parse(attributes: &Map<'_, Text<'_>>) -> Result<AttributePatch, SqsError> {
    let mut patch = AttributePatch::default();
    for (name, value) in &attributes.entries {
        set(&mut patch, name, value.as_str())?;
    }
    Ok(patch)
}

/// The text of an attribute as given, or nothing.
pub(crate) fn given(attributes: &Map<'_, Text<'_>>, name: &str) -> String {
    attributes.entries.get(name).map(|value| value.as_str().to_owned()).unwrap_or_default()
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
        "KmsMasterKeyId" => patch.kms_master_key_id = Some(key_id(value)?),
        "KmsDataKeyReusePeriodSeconds" => {
            patch.kms_data_key_reuse_secs =
                Some(number("KmsDataKeyReusePeriodSeconds", value, limits::KMS_DATA_KEY_REUSE_SECS)?);
        }
        "Policy" => patch.policy = Some(unless_empty(value, policy::parse)?),
        "RedrivePolicy" => patch.redrive = Some(unless_empty(value, redrive::parse)?),
        "RedriveAllowPolicy" => patch.redrive_allow = Some(unless_empty(value, redrive::parse_allow)?),
        "FifoQueue" => patch.fifo_queue = Some(boolean("FifoQueue", value)?),
        "ContentBasedDeduplication" => {
            patch.content_based_deduplication = Some(boolean("ContentBasedDeduplication", value)?);
        }
        "DeduplicationScope" => patch.deduplication_scope = Some(fifo::parse_scope(value)?),
        "FifoThroughputLimit" => patch.fifo_throughput_limit = Some(fifo::parse_limit(value)?),
        _ => return Err(SqsError::UnknownAttribute(name.to_owned())),
    }
    Ok(())
}

/// The empty value takes an attribute away.
fn unless_empty<T>(
    value: &str,
    parse: impl FnOnce(&str) -> Result<T, SqsError>,
) -> Result<Option<T>, SqsError> {
    if value.is_empty() { Ok(None) } else { parse(value).map(Some) }
}

fn key_id(value: &str) -> Result<Option<String>, SqsError> {
    unless_empty(value, |value| {
        let fits = value.chars().count() <= limits::KMS_MASTER_KEY_ID_CHARS;
        fits.then(|| value.to_owned()).ok_or(SqsError::InvalidAttributeValue("KmsMasterKeyId"))
    })
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
