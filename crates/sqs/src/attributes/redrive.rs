//! `RedrivePolicy` and `RedriveAllowPolicy`: JSON in text.
//!
//! A `maxReceiveCount` is taken as a number and as text, and told as a number.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use millpond_core::limits;
use millpond_core::name::QueueKey;
use millpond_core::queue::{RedriveAllowPolicy, RedrivePolicy};
use serde_json::{Map, Value, json};

use crate::arn::{self, NoQueue};
use crate::error::SqsError;

const POLICY: &str = "RedrivePolicy";
const ALLOW: &str = "RedriveAllowPolicy";

/// Reads a `RedrivePolicy`. Whether its target is there and fits is for the state to say.
pub(super) fn parse(text: &str) -> Result<RedrivePolicy, SqsError> {
    let invalid = |reason: &str| SqsError::invalid(text, POLICY, reason.to_owned());
    let members = object(text).ok_or(SqsError::UnfitAttributeValue {
        attribute: POLICY,
        reason: "Redrive policy is not a valid JSON map.",
    })?;
    let member = |name: &str| {
        members
            .get(name)
            .ok_or_else(|| invalid(&format!("Redrive policy does not contain mandatory attribute: {name}.")))
    };
    let count = member("maxReceiveCount")?;
    let target = member("deadLetterTargetArn")?;
    let known = |name: &String| name == "maxReceiveCount" || name == "deadLetterTargetArn";
    if !members.keys().all(known) {
        return Err(invalid(
            "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].",
        ));
    }
    let max_receive_count = receive_count(count).map_err(|shown| {
        let (least, most) = (limits::MAX_RECEIVE_COUNT.start(), limits::MAX_RECEIVE_COUNT.end());
        invalid(&format!(
            "Invalid value for maxReceiveCount: {shown}, valid values are from {least} to {most} both inclusive."
        ))
    })?;
    let target = arn::parse(target.as_str().unwrap_or_default()).map_err(|reason| match reason {
        NoQueue::NoArn => invalid("Invalid value for deadLetterTargetArn."),
        NoQueue::OtherService => invalid("Only SQS queues are valid resources for deadLetterTargetArn."),
    })?;
    Ok(RedrivePolicy { target, max_receive_count })
}

fn receive_count(given: &Value) -> Result<u32, String> {
    let shown = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    let digits = !shown.is_empty() && shown.bytes().all(|byte| byte.is_ascii_digit());
    let count = shown.parse().ok().filter(|count| digits && limits::MAX_RECEIVE_COUNT.contains(count));
    count.ok_or(shown)
}

/// Reads a `RedriveAllowPolicy`.
pub(super) fn parse_allow(text: &str) -> Result<RedriveAllowPolicy, SqsError> {
    let unsupported = || SqsError::UnfitAttributeValue {
        attribute: ALLOW,
        reason: "Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.",
    };
    let invalid = |reason: &'static str| {
        Err(SqsError::invalid(
            text,
            ALLOW,
            format!("Amazon SQS can't create the redrive allow policy. {reason}"),
        ))
    };
    let members = object(text).ok_or_else(unsupported)?;
    if !members.keys().all(|name| name == "redrivePermission" || name == "sourceQueueArns") {
        return Err(unsupported());
    }
    let sources = members.get("sourceQueueArns").map(|sources| queues(sources).ok_or_else(unsupported));
    match (members.get("redrivePermission").and_then(Value::as_str), sources.transpose()?) {
        (Some("allowAll"), None) => Ok(RedriveAllowPolicy::AllowAll),
        (Some("denyAll"), None) => Ok(RedriveAllowPolicy::DenyAll),
        (Some("allowAll" | "denyAll"), Some(_)) => {
            invalid("You can specify source queue ARNs only when the permission type is byQueue.")
        }
        (Some("byQueue"), Some(sources)) if limits::REDRIVE_SOURCE_QUEUES.contains(&sources.len()) => {
            Ok(RedriveAllowPolicy::ByQueue(sources))
        }
        (Some("byQueue"), _) => invalid(
            "When you specify the byQueue permission type, you must also specify between 1 and 10 source queue ARNs.",
        ),
        _ => Err(unsupported()),
    }
}

fn queues(arns: &Value) -> Option<Vec<QueueKey>> {
    arns.as_array()?.iter().map(|arn| arn::parse(arn.as_str()?).ok()).collect()
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

/// A `RedrivePolicy` as replies tell it.
pub(super) fn write(RedrivePolicy { target, max_receive_count }: &RedrivePolicy) -> String {
    json!({ "deadLetterTargetArn": arn::of_queue(target), "maxReceiveCount": max_receive_count }).to_string()
}

/// A `RedriveAllowPolicy` as replies tell it.
pub(super) fn write_allow(policy: &RedriveAllowPolicy) -> String {
    match policy {
        RedriveAllowPolicy::AllowAll => json!({ "redrivePermission": "allowAll" }),
        RedriveAllowPolicy::DenyAll => json!({ "redrivePermission": "denyAll" }),
        RedriveAllowPolicy::ByQueue(sources) => {
            let arns: Vec<String> = sources.iter().map(arn::of_queue).collect();
            json!({ "redrivePermission": "byQueue", "sourceQueueArns": arns })
        }
    }
    .to_string()
}

#[cfg(test)]
mod tests;
