//! `AWS::SQS::Queue`: properties to the attributes of the SQS API, and the physical name.
//!
//! Every property of the registry but `QueueName` and `Tags` is an SQS attribute of the same name: numbers and truth
//! values as text, objects as JSON text.

use super::grants::TAGS;
use super::{Described, PhysicalId, Place, Resource, known, name};
use crate::resolve::{Properties, Resolver, tags};
use crate::state::OutputPiece;
use crate::template::schema::{Kind, PropertySchema, TypeSchema, optional, required};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A queue as its properties describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSpec {
    /// Physical name.
    pub name: String,
    /// SQS attributes by name, values as the SQS API takes them. Only what the template sets.
    pub attributes: BTreeMap<String, String>,
    /// Tags of the queue.
    pub tags: BTreeMap<String, String>,
}

pub(super) static SCHEMA: TypeSchema = TypeSchema {
    name: "AWS::SQS::Queue",
    properties: &[
        optional("ContentBasedDeduplication", Kind::Boolean),
        optional("DeduplicationScope", Kind::OneOf(&["queue", "messageGroup"])),
        optional("DelaySeconds", Kind::Integer(0, 900)),
        optional("FifoQueue", Kind::Boolean),
        optional("FifoThroughputLimit", Kind::OneOf(&["perQueue", "perMessageGroupId"])),
        optional("KmsDataKeyReusePeriodSeconds", Kind::Integer(60, 86_400)),
        optional("KmsMasterKeyId", Kind::Text),
        optional("MaximumMessageSize", Kind::Integer(1024, 1_048_576)),
        optional("MessageRetentionPeriod", Kind::Integer(60, 1_209_600)),
        optional("QueueName", Kind::Text),
        optional("ReceiveMessageWaitTimeSeconds", Kind::Integer(0, 20)),
        optional("RedriveAllowPolicy", Kind::Object(REDRIVE_ALLOW_POLICY)),
        optional("RedrivePolicy", Kind::Object(REDRIVE_POLICY)),
        optional("SqsManagedSseEnabled", Kind::Boolean),
        TAGS,
        optional("VisibilityTimeout", Kind::Integer(0, 43_200)),
    ],
    attributes: &["Arn", "QueueName", "QueueUrl"],
    read,
};

static REDRIVE_ALLOW_POLICY: &[PropertySchema] = &[
    optional("redrivePermission", Kind::OneOf(&["allowAll", "denyAll", "byQueue"])),
    optional("sourceQueueArns", Kind::List(&Kind::Text, 10)),
];

static REDRIVE_POLICY: &[PropertySchema] =
    &[required("deadLetterTargetArn", Kind::Text), optional("maxReceiveCount", Kind::Integer(1, 1000))];

/// What each attribute goes back to when a template no longer sets it (SQS defaults; an empty text removes it).
pub(crate) static ATTRIBUTE_DEFAULTS: [(&str, &str); 13] = [
    ("ContentBasedDeduplication", "false"),
    ("DeduplicationScope", "queue"),
    ("DelaySeconds", "0"),
    ("FifoThroughputLimit", "perQueue"),
    ("KmsDataKeyReusePeriodSeconds", "300"),
    ("KmsMasterKeyId", ""),
    ("MaximumMessageSize", "1048576"),
    ("MessageRetentionPeriod", "345600"),
    ("ReceiveMessageWaitTimeSeconds", "0"),
    ("RedriveAllowPolicy", ""),
    ("RedrivePolicy", ""),
    ("SqsManagedSseEnabled", "true"),
    ("VisibilityTimeout", "30"),
];

impl Described for QueueSpec {
    fn physical_id(&self) -> PhysicalId {
        PhysicalId::Queue(self.name.clone())
    }

    fn name_property(&self) -> &'static str {
        "QueueName"
    }

    fn reference(&self, place: &Place<'_>) -> OutputPiece {
        known(format!("{}/{}/{}", place.endpoint.trim_end_matches('/'), place.account_id, self.name))
    }

    fn attribute(&self, attribute: &str, place: &Place<'_>) -> Option<OutputPiece> {
        match attribute {
            "Arn" => Some(known(arn(place, &self.name))),
            "QueueName" => Some(known(&self.name)),
            "QueueUrl" => Some(self.reference(place)),
            _ => None,
        }
    }

    fn fixed(&self) -> Vec<(&'static str, String)> {
        let fifo = self.attributes.get("FifoQueue").cloned().unwrap_or_default();
        vec![("FifoQueue", fifo)]
    }
}

/// The ARN of a queue of this account and region.
pub(super) fn arn(place: &Place<'_>, name: &str) -> String {
    format!("arn:aws:sqs:{}:{}:{name}", place.region, place.account_id)
}

/// The queue, and whether its name was made up; `None` when something was reported.
fn read(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let mut attributes = BTreeMap::new();
    let mut name = None;
    for (property, value) in &properties.shaped {
        match (property.as_str(), value) {
            ("QueueName", Value::String(value)) => name = Some(value.clone()),
            ("Tags", _) => {}
            (_, Value::String(text)) => drop(attributes.insert(property.clone(), text.clone())),
            (_, other) => drop(attributes.insert(property.clone(), other.to_string())),
        }
    }
    let fifo = attributes.get("FifoQueue").is_some_and(|value| value == "true");
    if attributes.get("FifoQueue").is_some_and(|value| value == "false") {
        // A standard queue: CloudFormation takes the false, the SQS API refuses the attribute on one.
        attributes.remove("FifoQueue");
    }
    check_dead_letter_queue(properties, fifo, resolver);
    let name_generated = name.is_none();
    let name = match name {
        Some(name) => {
            if let Err(reason) = check_name(&name, fifo) {
                resolver.report.error(properties.position_of("QueueName"), reason);
                return None;
            }
            name
        }
        None => {
            let keeps =
                |old: &Resource| old.as_queue().is_some_and(|old| old.name.ends_with(".fifo") == fifo);
            let end = if fifo { ".fifo" } else { "" };
            name::made_up(properties.logical_id, end, 80, resolver, keeps)
        }
    };
    let tags = tags(properties, resolver);
    Some((Resource::Queue(QueueSpec { name, attributes, tags }), name_generated))
}

fn check_name(name: &str, fifo: bool) -> Result<(), String> {
    let stem = name.strip_suffix(".fifo");
    if fifo && stem.is_none() {
        return Err(format!("the name of a FIFO queue must end in .fifo, but QueueName is \"{name}\""));
    }
    if !fifo && stem.is_some() {
        return Err(format!(
            "QueueName \"{name}\" ends in .fifo, which only a FIFO queue may: add FifoQueue: true, or choose a name \
             without .fifo"
        ));
    }
    let stem = stem.unwrap_or(name);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if stem.is_empty() || name.len() > 80 || !stem.bytes().all(allowed) {
        return Err(format!(
            "QueueName must be 1 to 80 letters, digits, hyphens and underscores, not \"{name}\""
        ));
    }
    Ok(())
}

/// A queue and its dead-letter queue are both standard or both FIFO.
fn check_dead_letter_queue(properties: &Properties<'_>, fifo: bool, resolver: &mut Resolver<'_>) {
    const POLICY: &str = "RedrivePolicy";
    const TARGET: &str = "deadLetterTargetArn";
    let target = properties.shaped.get(POLICY).and_then(|policy| policy[TARGET].as_str());
    let Some(target) = target.and_then(|arn| arn.rsplit(':').next()) else { return };
    let kind = |fifo: bool| if fifo { "a FIFO queue" } else { "a standard queue" };
    if target.ends_with(".fifo") != fifo {
        let message = format!(
            "the dead-letter queue of {} must be {0} too, but {target} is {}",
            kind(fifo),
            kind(!fifo)
        );
        resolver.report.error(properties.position_inside(POLICY, TARGET), message);
    }
}
