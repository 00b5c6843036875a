//! Physical names: those that a template writes, and those that are made up as CloudFormation does,
//! `<stack>-<LogicalId>-<twelve letters and digits>`.
//!
//! A made-up name stays from one change to the next, unless what has it must be replaced.

use super::Resource;
use crate::resolve::{Properties, Resolver};
use crate::template::diagnostic::Report;
use serde_json::Value;

/// A made-up name of at most `length_max` characters that ends in `end`: the one that the resource has already, if
/// `keeps` says that it need not be replaced; else a new one.
pub(super) fn made_up(
    logical_id: &str,
    end: &str,
    length_max: usize,
    resolver: &Resolver<'_>,
    keeps: impl Fn(&Resource) -> bool,
) -> String {
    let kept = resolver.current.resources.values().find_map(|record| {
        let same = record.name_generated && record.logical_id == logical_id && keeps(&record.resource);
        same.then(|| record.resource.physical_id().name().to_owned())
    });
    kept.unwrap_or_else(|| {
        let suffix = resolver.suffix(logical_id);
        let stem = format!("{}-{logical_id}", resolver.context.stack_name.as_str());
        // All ASCII: stack names and logical ids are checked.
        let stem = &stem[..stem.len().min(length_max - suffix.len() - end.len() - 1)];
        format!("{stem}-{suffix}{end}")
    })
}

/// A name for a resource that IAM and SQS have no name for, kept for as long as the stack has the resource.
pub(super) fn of_record(
    logical_id: &str,
    resolver: &Resolver<'_>,
    keeps: impl Fn(&Resource) -> bool,
) -> String {
    made_up(logical_id, "", 255, resolver, keeps)
}

/// The name of an identity or managed policy: as `property` says, or made up. The truth value says whether it was.
pub(super) fn of_identity(
    properties: &Properties<'_>,
    property: &str,
    length_max: usize,
    resolver: &mut Resolver<'_>,
    keeps: impl Fn(&Resource) -> bool,
) -> Option<(String, bool)> {
    let Some(name) = properties.shaped.get(property).and_then(Value::as_str) else {
        return Some((made_up(properties.logical_id, "", length_max, resolver, keeps), true));
    };
    if is_identity_name(name, length_max) {
        return Some((name.to_owned(), false));
    }
    let message = format!(
        "{property} must be 1 to {length_max} letters, digits and characters of _+=,.@-, not \"{name}\""
    );
    resolver.report.error(properties.position_of(property), message);
    None
}

pub(super) fn is_identity_name(name: &str, length_max: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (1..=length_max).contains(&name.len()) && name.bytes().all(allowed)
}

/// The path of an identity or managed policy; `/` when it is not written.
pub(super) fn path(properties: &Properties<'_>, report: &mut Report) -> Option<String> {
    let Some(path) = properties.shaped.get("Path").and_then(Value::as_str) else {
        return Some("/".to_owned());
    };
    let visible = path.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && path.starts_with('/') && path.ends_with('/') && path.len() <= 512 {
        return Some(path.to_owned());
    }
    let message = format!("Path must begin and end with a slash, such as /shop/, not \"{path}\"");
    report.error(properties.position_of("Path"), message);
    None
}

/// Names of what `kind` are, such as a policy's roles: each once.
pub(super) fn list(properties: &Properties<'_>, property: &str, report: &mut Report) -> Option<Vec<String>> {
    let written = properties.shaped.get(property).and_then(Value::as_array);
    let names: Vec<String> =
        written.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            let position = properties.item_position(property, index);
            report.error(position, format!("{property} has {name} twice"));
            return None;
        }
    }
    Some(names)
}
