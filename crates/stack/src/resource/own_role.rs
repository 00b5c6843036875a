//! The role of a workload: the one that it names, or one of its own with the least rights that it needs.
//!
//! A role of its own is called `<stack>-<workload>`, has the path `/millpond/`, comes and goes with the workload, and is a
//! resource like any other, so whoever brings the stack up must be allowed to make it.

use super::{Resource, RoleSpec, document, queue, role};
use crate::resolve::{Properties, Resolver};
use crate::workload::{WorkloadKind, WorkloadName};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Who assumes the roles of workloads: the service that runs containers at Amazon.
const SERVICE: &str = "ecs-tasks.amazonaws.com";
const PATH: &str = "/millpond/";
const FORM_ACTIONS: [&str; 3] = ["sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"];
const SINK_ACTIONS: [&str; 5] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
];

/// The ARN of the role that the property names, by ARN or by name.
pub(super) fn named(role: &str, properties: &Properties<'_>, resolver: &mut Resolver<'_>) -> Option<String> {
    if role.starts_with("arn:aws:iam::") && role.contains(":role/") {
        return Some(role.to_owned());
    }
    if !super::name::is_identity_name(role, role::NAME_LENGTH_MAX) {
        let message = format!(
            "Role must be the ARN or the name of a role, such as !GetAtt of an AWS::IAM::Role, not \"{role}\""
        );
        resolver.report.error(properties.position_of("Role"), message);
        return None;
    }
    let place = &resolver.scope.place;
    let here = resolver.scope.resources.values().find_map(|resource| match resource {
        Resource::Role(spec) if spec.name == role => Some(spec.arn(place)),
        _ => None,
    });
    Some(here.unwrap_or_else(|| place.identity_arn("role", "/", role)))
}

/// Adds a role of its own for the workload to what the stack wants; its ARN.
pub(super) fn make(
    properties: &Properties<'_>,
    name: &WorkloadName,
    kind: &WorkloadKind,
    resolver: &mut Resolver<'_>,
) -> String {
    let policy = least_rights(kind, resolver);
    let role_name = role_name(resolver.context.stack_name.as_str(), name);
    let role = RoleSpec::for_service(role_name, PATH, SERVICE, ("queue", &policy));
    let arn = role.arn(&resolver.scope.place);
    resolver.imply(properties, Resource::Role(role));
    arn
}

/// A sink needs none on a dead-letter queue: the service moves messages there by itself.
fn least_rights(kind: &WorkloadKind, resolver: &Resolver<'_>) -> Value {
    let queue_name = kind.queue_url().rsplit('/').next().unwrap_or_default();
    let queue_arn = queue::arn(&resolver.scope.place, queue_name);
    let actions: &[&str] = match kind {
        WorkloadKind::Form(_) => &FORM_ACTIONS,
        WorkloadKind::Sink(_) => &SINK_ACTIONS,
    };
    document::of_statements(vec![document::allow(actions, &queue_arn)])
}

/// `<stack>-<workload>`; where that is too long, its beginning and what tells it apart.
fn role_name(stack: &str, workload: &WorkloadName) -> String {
    const TELLING: usize = 12;
    let whole = format!("{stack}-{workload}");
    if whole.len() <= role::NAME_LENGTH_MAX {
        return whole;
    }
    let digest = Sha256::digest(&whole);
    let telling: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    // All ASCII: names of stacks and workloads are checked.
    format!("{}-{}", &whole[..role::NAME_LENGTH_MAX - TELLING - 1], &telling[..TELLING])
}

/// The logical id of a workload's own role: none that a template can write.
pub(crate) fn logical_id(workload: &str) -> String {
    format!("{workload}.Role")
}
