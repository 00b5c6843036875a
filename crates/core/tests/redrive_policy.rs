//! Which queue may be another one's dead-letter queue, and whose it is.

use millpond_core::command::Command;
use millpond_core::name::{QueueKey, QueueName};
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{AttributePatch, RedriveAllowPolicy, RedrivePolicy, RedriveRefusal, Tags};

use crate::support::{Machine, key, key_in};

fn to(target: QueueKey) -> AttributePatch {
    let policy = RedrivePolicy { target, max_receive_count: 3 };
    AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() }
}

fn allow(policy: RedriveAllowPolicy) -> AttributePatch {
    AttributePatch { redrive_allow: Some(Some(policy)), ..AttributePatch::default() }
}

fn fifo(patch: AttributePatch) -> AttributePatch {
    AttributePatch { fifo_queue: Some(true), ..patch }
}

/// Refuses the policy both for a queue that is there and for one that is not.
fn refused(machine: &mut Machine, target: QueueKey) -> RedriveRefusal {
    let set = Command::SetQueueAttributes { key: key("orders"), attributes: to(target.clone()).into() };
    let create = Command::CreateQueue { key: key("new"), attributes: to(target).into(), tags: Tags::new() };
    let outcomes = [set, create].map(|command| machine.run_without_effect(command));
    match outcomes {
        [Outcome::Refused(Refusal::Redrive(one)), Outcome::Refused(Refusal::Redrive(other))] => {
            assert_eq!(one, other);
            one
        }
        other => panic!("{other:?}"),
    }
}

fn sources(machine: &mut Machine, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
    let after = after.map(|name| QueueName::parse(name).unwrap());
    match machine.run_without_effect(Command::ListDeadLetterSources { key: key("dead"), after, limit }) {
        Outcome::Queues { names, more } => (names.iter().map(ToString::to_string).collect(), more),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_policy_is_set_kept_and_taken_away() {
    let mut machine = Machine::with_queue("dead");
    machine.create("orders", to(key("dead")));
    machine.restart();
    let expected = RedrivePolicy { target: key("dead"), max_receive_count: 3 };
    assert_eq!(machine.describe("orders").attributes.redrive, Some(expected.clone()));
    machine.set("orders", AttributePatch { delay_secs: Some(1), ..AttributePatch::default() });
    assert_eq!(machine.describe("orders").attributes.redrive, Some(expected));
    machine.set("orders", AttributePatch { redrive: Some(None), ..AttributePatch::default() });
    assert_eq!(machine.describe("orders").attributes.redrive, None);
}

#[test]
fn the_target_must_be_there_and_fit() {
    let mut machine = Machine::with_queue("orders");
    for target in [key_in(1, "us-east-1", "dead"), key_in(0, "eu-west-1", "dead")] {
        let (attributes, tags) = (AttributePatch::default(), Tags::new());
        machine.run(Command::CreateQueue { key: target, attributes: attributes.into(), tags });
    }
    machine.create("dead.fifo", fifo(AttributePatch::default()));
    assert_eq!(refused(&mut machine, key("dead")), RedriveRefusal::DoesNotExist);
    assert_eq!(refused(&mut machine, key_in(1, "us-east-1", "dead")), RedriveRefusal::OtherAccount);
    assert_eq!(refused(&mut machine, key_in(0, "eu-west-1", "dead")), RedriveRefusal::OtherRegion);
    assert_eq!(refused(&mut machine, key("dead.fifo")), RedriveRefusal::OtherType);
    machine.create("dead", AttributePatch::default());
    let command = Command::CreateQueue {
        key: key("orders.fifo"),
        attributes: fifo(to(key("dead"))).into(),
        tags: Tags::new(),
    };
    let refusal = Refusal::Redrive(RedriveRefusal::OtherType);
    assert_eq!(machine.run_without_effect(command), Outcome::Refused(refusal));
    machine.create("orders.fifo", fifo(to(key("dead.fifo"))));
}

#[test]
fn a_queue_is_not_its_own_dead_letter_queue() {
    let mut machine = Machine::with_queue("orders");
    let outcome = machine.set("orders", to(key("orders")));
    assert_eq!(outcome, Outcome::Refused(Refusal::Redrive(RedriveRefusal::Itself)));
}

#[test]
fn the_target_says_which_queues_it_permits() {
    let mut machine = Machine::with_queue("orders");
    machine.create("dead", allow(RedriveAllowPolicy::DenyAll));
    assert_eq!(refused(&mut machine, key("dead")), RedriveRefusal::NotPermitted);
    machine.set("dead", allow(RedriveAllowPolicy::ByQueue(vec![key("other")])));
    assert_eq!(refused(&mut machine, key("dead")), RedriveRefusal::NotPermitted);
    machine.set("dead", allow(RedriveAllowPolicy::ByQueue(vec![key("other"), key("orders")])));
    machine.restart();
    assert!(matches!(machine.set("orders", to(key("dead"))), Outcome::Queue { .. }));
    machine.set("dead", allow(RedriveAllowPolicy::DenyAll));
    let policy = machine.describe("orders").attributes.redrive;
    assert!(policy.is_some(), "what is permitted stays until it is set anew");
    machine.set("dead", allow(RedriveAllowPolicy::AllowAll));
    machine.create("new", to(key("dead")));
    machine.set("dead", AttributePatch { redrive_allow: Some(None), ..AttributePatch::default() });
    machine.create("newer", to(key("dead")));
}

#[test]
fn sources_are_listed_by_name_page_by_page() {
    let mut machine = Machine::with_queue("dead");
    machine.create("other", AttributePatch::default());
    for name in ["c", "a", "b"] {
        machine.create(name, to(key("dead")));
    }
    assert_eq!(sources(&mut machine, None, 10), (vec!["a".into(), "b".into(), "c".into()], false));
    assert!(!sources(&mut machine, None, 3).1);
    assert_eq!(sources(&mut machine, None, 2), (vec!["a".into(), "b".into()], true));
    assert_eq!(sources(&mut machine, Some("b"), 2), (vec!["c".into()], false));
}

#[test]
fn a_dead_letter_queue_that_comes_back_has_its_sources_again() {
    let mut machine = Machine::with_queue("dead");
    machine.create("orders", to(key("dead")));
    machine.run(Command::DeleteQueue { key: key("dead") });
    machine.create("dead", AttributePatch::default());
    assert_eq!(sources(&mut machine, None, 10), (vec!["orders".into()], false));
}
