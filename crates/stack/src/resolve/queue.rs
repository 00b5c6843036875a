//! `AWS::SQS::Queue`: properties to the attributes of the SQS API, and the physical name.
//!
//! Every property of the registry but `QueueName` and `Tags` is an SQS attribute of the same name: numbers and truth
//! values as text, objects as JSON text.

use super::{Properties, Resolver};
use crate::state::{QueueSpec, Resource, StackState};
use serde_json::Value;
use std::collections::BTreeMap;

/// The queue, and whether its name was made up; `None` when something was reported.
pub(super) fn read(properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<(Resource, bool)> {
    let mut attributes = BTreeMap::new();
    let mut tags = BTreeMap::new();
    let mut name = None;
    for (property, value) in &properties.shaped {
        match (property.as_str(), value) {
            ("QueueName", Value::String(value)) => name = Some(value.clone()),
            ("Tags", Value::Array(items)) => {
                for item in items {
                    let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
                    if tags.insert(text("Key"), text("Value")).is_some() {
                        let message = format!("Tags has the key {} twice", text("Key"));
                        resolver.report.error(properties.position_of("Tags"), message);
                    }
                }
            }
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
        None => generated_name(properties.logical_id, fifo, resolver),
    };
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

/// The made-up name the queue has already, unless it must be replaced; else a new one.
fn generated_name(logical_id: &str, fifo: bool, resolver: &Resolver<'_>) -> String {
    if let Some(name) = kept_name(resolver.current, logical_id, fifo) {
        return name.to_owned();
    }
    let suffix = resolver.suffix(logical_id);
    let end = if fifo { ".fifo" } else { "" };
    let stem = format!("{}-{logical_id}", resolver.context.stack_name.as_str());
    // All ASCII: stack names and logical ids are checked.
    let stem = &stem[..stem.len().min(80 - suffix.len() - end.len() - 1)];
    format!("{stem}-{suffix}{end}")
}

fn kept_name<'a>(current: &'a StackState, logical_id: &str, fifo: bool) -> Option<&'a str> {
    current.resources.values().find_map(|record| match &record.resource {
        Resource::Queue(queue) if record.name_generated && record.logical_id == logical_id => {
            (queue.name.ends_with(".fifo") == fifo).then_some(queue.name.as_str())
        }
        _ => None,
    })
}
