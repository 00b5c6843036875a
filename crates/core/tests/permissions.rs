//! Adding statements to a queue's policy, and removing them.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{AttributePatch, Policy, PolicyRefusal, PolicyStatement};

use crate::support::{Machine, START, key};

/// A policy of one statement.
pub(crate) fn policy(sid: &str) -> Policy {
    let statement = PolicyStatement { sid: Some(sid.to_owned()), text: format!(r#"{{"Sid":"{sid}"}}"#) };
    Policy { head: r#"{"Statement":["#.to_owned(), statements: vec![statement], tail: "]}".to_owned() }
}

fn add(machine: &mut Machine, permission: Policy) -> Outcome {
    machine.run(Command::AddPermission { key: key("orders"), permission: permission.into() })
}

fn remove(machine: &mut Machine, label: &str) -> Outcome {
    machine.run(Command::RemovePermission { key: key("orders"), label: label.to_owned() })
}

fn set(machine: &mut Machine, policy: Option<Policy>) -> Outcome {
    machine.set("orders", AttributePatch { policy: Some(policy), ..AttributePatch::default() })
}

fn text(machine: &mut Machine) -> Option<String> {
    machine.describe("orders").attributes.policy.map(|policy| policy.text())
}

fn refused(refusal: PolicyRefusal) -> Outcome {
    Outcome::Refused(Refusal::Policy(refusal))
}

#[test]
fn the_first_permission_makes_the_policy_and_the_last_one_takes_it_away() {
    let mut machine = Machine::with_queue("orders");
    machine.advance_secs(5);
    add(&mut machine, policy("a"));
    assert_eq!(text(&mut machine).unwrap(), r#"{"Statement":[{"Sid":"a"}]}"#);
    assert_eq!(machine.describe("orders").modified_at, START.plus_secs(5));
    add(&mut machine, policy("b"));
    assert_eq!(text(&mut machine).unwrap(), r#"{"Statement":[{"Sid":"a"},{"Sid":"b"}]}"#);
    machine.restart();
    remove(&mut machine, "a");
    assert_eq!(text(&mut machine).unwrap(), r#"{"Statement":[{"Sid":"b"}]}"#);
    remove(&mut machine, "b");
    assert_eq!(text(&mut machine), None);
}

#[test]
fn a_statement_that_is_no_list_becomes_one() {
    let mut machine = Machine::with_queue("orders");
    let statement = PolicyStatement { sid: None, text: r#"{"Effect":"Deny"}"#.to_owned() };
    let alone =
        Policy { head: r#"{"Statement": "#.to_owned(), statements: vec![statement], tail: " }".to_owned() };
    set(&mut machine, Some(alone));
    assert_eq!(text(&mut machine).unwrap(), r#"{"Statement": {"Effect":"Deny"} }"#);
    add(&mut machine, policy("a"));
    assert_eq!(text(&mut machine).unwrap(), r#"{"Statement": [{"Effect":"Deny"},{"Sid":"a"}] }"#);
}

#[test]
fn labels_are_taken_once_and_found_or_not() {
    let mut machine = Machine::with_queue("orders");
    assert_eq!(remove(&mut machine, "a"), refused(PolicyRefusal::LabelMissing));
    add(&mut machine, policy("a"));
    assert_eq!(add(&mut machine, policy("a")), refused(PolicyRefusal::LabelExists));
    assert_eq!(remove(&mut machine, "b"), refused(PolicyRefusal::LabelMissing));
    assert_eq!(text(&mut machine).unwrap(), r#"{"Statement":[{"Sid":"a"}]}"#);
}

#[test]
fn statements_without_a_label_do_not_stand_in_the_way_and_are_not_removed() {
    let mut machine = Machine::with_queue("orders");
    let mut unlabelled = policy("a");
    unlabelled.statements[0].sid = None;
    set(&mut machine, Some(unlabelled.clone()));
    assert!(matches!(add(&mut machine, unlabelled), Outcome::Queue { .. }));
    assert_eq!(remove(&mut machine, ""), refused(PolicyRefusal::LabelMissing));
}

#[test]
fn a_policy_has_20_statements_at_most() {
    let mut machine = Machine::with_queue("orders");
    for number in 0..20 {
        assert!(matches!(add(&mut machine, policy(&format!("s{number}"))), Outcome::Queue { .. }));
    }
    let limit = limits::POLICY_STATEMENTS;
    assert_eq!(add(&mut machine, policy("more")), refused(PolicyRefusal::TooManyStatements { limit }));
}

#[test]
fn a_policy_has_8192_bytes_at_most() {
    let mut machine = Machine::with_queue("orders");
    add(&mut machine, policy("a"));
    let free = limits::POLICY_BYTES - policy("a").len_bytes() - 1;
    let mut longest = policy("b");
    let text = &mut longest.statements[0].text;
    text.push_str(&" ".repeat(free - text.len()));
    let mut too_long = longest.clone();
    too_long.statements[0].text.push(' ');
    let limit_bytes = limits::POLICY_BYTES;
    assert_eq!(add(&mut machine, too_long), refused(PolicyRefusal::TooLong { limit_bytes }));
    assert!(matches!(add(&mut machine, longest), Outcome::Queue { .. }));
    assert_eq!(text_of_whole(&mut machine).len(), limits::POLICY_BYTES);
}

fn text_of_whole(machine: &mut Machine) -> String {
    let policy = machine.describe("orders").attributes.policy.unwrap();
    assert_eq!(policy.text().len(), policy.len_bytes());
    policy.text()
}
