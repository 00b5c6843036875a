//! Templates as tests need them: parsed and resolved for a fixed account, region and endpoint.
#![allow(dead_code, reason = "each test file uses its own part")]

use millpond_stack::{
    Context, Known, PhysicalId, QueueSpec, ResolvedTemplate, Resource, StackName, StackState, Template,
    WorkloadKind, WorkloadName, WorkloadSpec, resolve,
};
use std::collections::BTreeMap;

pub(crate) fn context(stack: &str) -> Context {
    Context {
        account_id: "012345678901".to_owned(),
        region: "eu-west-1".to_owned(),
        endpoint: "http://127.0.0.1:4566".to_owned(),
        stack_name: StackName::new(stack).unwrap(),
        entropy: [7; 16],
        check_workload: |_| Ok(()),
        check_policy: |_, _| Ok(()),
    }
}

/// Nothing runs, and nothing was made.
pub(crate) struct Nothing;

impl Known for Nothing {
    fn form_url(&self, _form: &WorkloadName) -> Option<String> {
        None
    }

    fn made_id(&self, _resource: &PhysicalId) -> Option<String> {
        None
    }

    fn secret(&self, _resource: &PhysicalId) -> Option<String> {
        None
    }
}

/// Another one for each state, as each deployment has its own.
fn entropy(current: &StackState) -> [u8; 16] {
    if *current == StackState::default() {
        return [7; 16];
    }
    let state = serde_json::to_vec(current).unwrap();
    let mut entropy = [7_u8; 16];
    state.iter().enumerate().for_each(|(index, byte)| {
        entropy[index % 16] = byte.wrapping_add(entropy[index % 16].rotate_left(1))
    });
    entropy
}

/// Resolves `text` for the stack `shop` in the state `current`; errors as text, one a line.
pub(crate) fn resolve_in(
    current: &StackState,
    text: &str,
    given: &[(&str, &str)],
) -> Result<ResolvedTemplate, String> {
    let template = Template::parse("t.yaml", text).map_err(|errors| errors.to_string())?;
    let given: BTreeMap<String, String> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let context = Context { entropy: entropy(current), ..context("shop") };
    resolve(&template, &given, current, &context).map_err(|errors| errors.to_string())
}

pub(crate) fn resolve_with(text: &str, given: &[(&str, &str)]) -> Result<ResolvedTemplate, String> {
    resolve_in(&StackState::default(), text, given)
}

pub(crate) fn resolved(text: &str) -> ResolvedTemplate {
    resolve_with(text, &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The errors of `text`, one a line.
pub(crate) fn errors(text: &str) -> String {
    match resolve_with(text, &[]) {
        Ok(_) => panic!("no error in:\n{text}"),
        Err(errors) => errors,
    }
}

pub(crate) fn queue(resolved: &ResolvedTemplate, logical_id: &str) -> QueueSpec {
    match find(resolved, logical_id) {
        Resource::Queue(queue) => queue,
        other => panic!("{logical_id} is {other:?}"),
    }
}

pub(crate) fn workload(resolved: &ResolvedTemplate, logical_id: &str) -> WorkloadSpec {
    match find(resolved, logical_id) {
        Resource::Workload(workload) => workload,
        other => panic!("{logical_id} is {other:?}"),
    }
}

pub(crate) fn form(resolved: &ResolvedTemplate, logical_id: &str) -> millpond_stack::FormSpec {
    match workload(resolved, logical_id).kind {
        WorkloadKind::Form(form) => form,
        WorkloadKind::Sink(_) => panic!("{logical_id} is a sink"),
    }
}

pub(crate) fn sink(resolved: &ResolvedTemplate, logical_id: &str) -> millpond_stack::SinkSpec {
    match workload(resolved, logical_id).kind {
        WorkloadKind::Sink(sink) => sink,
        WorkloadKind::Form(_) => panic!("{logical_id} is a form"),
    }
}

pub(crate) fn find(resolved: &ResolvedTemplate, logical_id: &str) -> Resource {
    let found = resolved.resources().find(|(id, _)| *id == logical_id);
    found.unwrap_or_else(|| panic!("no {logical_id}")).1.clone()
}

/// The value of the output `Out`.
pub(crate) fn output(text: &str, given: &[(&str, &str)]) -> Result<String, String> {
    let resolved = resolve_with(text, given)?;
    let plan = millpond_stack::plan(&StackState::default(), &resolved).unwrap();
    Ok(plan.outputs()["Out"].render(&Nothing))
}
