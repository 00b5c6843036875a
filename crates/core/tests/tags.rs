//! Tagging queues.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{AttributePatch, Tags};

use crate::support::{Machine, key};

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn tag(machine: &mut Machine, pairs: &[(&str, &str)]) -> Outcome {
    machine.run(Command::TagQueue { key: key("orders"), tags: tags(pairs) })
}

fn untag(machine: &mut Machine, keys: &[&str]) -> Outcome {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    machine.run(Command::UntagQueue { key: key("orders"), keys })
}

fn listed(machine: &mut Machine) -> Tags {
    match machine.run_without_effect(Command::ListQueueTags { key: key("orders") }) {
        Outcome::Tags(tags) => tags,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_queue_is_created_with_tags_and_keeps_them_over_a_restart() {
    let given = tags(&[("team", "mill"), ("empty", "")]);
    let mut machine = Machine::new();
    let attributes = AttributePatch::default();
    machine.run(Command::CreateQueue {
        key: key("orders"),
        attributes: attributes.into(),
        tags: given.clone(),
    });
    assert_eq!(listed(&mut machine), given);
    machine.restart();
    assert_eq!(listed(&mut machine), given);
}

#[test]
fn tags_of_an_existing_queue_are_neither_compared_nor_changed() {
    let mut machine = Machine::with_queue("orders");
    tag(&mut machine, &[("team", "mill")]);
    let attributes = AttributePatch::default();
    let given = tags(&[("team", "other"), ("more", "1")]);
    let again = Command::CreateQueue { key: key("orders"), attributes: attributes.into(), tags: given };
    assert!(matches!(machine.run_without_effect(again), Outcome::Queue { .. }));
    assert_eq!(listed(&mut machine), tags(&[("team", "mill")]));
}

#[test]
fn tagging_replaces_the_same_key_and_keeps_the_others() {
    let mut machine = Machine::with_queue("orders");
    assert_eq!(listed(&mut machine), Tags::new());
    tag(&mut machine, &[("team", "mill"), ("stage", "test")]);
    tag(&mut machine, &[("team", "pond"), ("Team", "case counts")]);
    assert_eq!(listed(&mut machine), tags(&[("Team", "case counts"), ("stage", "test"), ("team", "pond")]));
}

#[test]
fn untagging_takes_away_what_is_there() {
    let mut machine = Machine::with_queue("orders");
    tag(&mut machine, &[("team", "mill"), ("stage", "test")]);
    assert!(matches!(untag(&mut machine, &["team", "none"]), Outcome::Queue { .. }));
    assert_eq!(listed(&mut machine), tags(&[("stage", "test")]));
}

#[test]
fn tags_that_are_so_already_are_no_event() {
    let mut machine = Machine::with_queue("orders");
    tag(&mut machine, &[("team", "mill")]);
    let again = Command::TagQueue { key: key("orders"), tags: tags(&[("team", "mill")]) };
    machine.run_without_effect(again);
    let keys = vec!["none".to_owned()];
    machine.run_without_effect(Command::UntagQueue { key: key("orders"), keys });
}

#[test]
fn a_change_of_tags_is_no_change_of_settings() {
    let mut machine = Machine::with_queue("orders");
    let before = machine.describe("orders");
    machine.advance_secs(10);
    tag(&mut machine, &[("team", "mill")]);
    let mut after = machine.describe("orders");
    assert_eq!(std::mem::take(&mut after.tags), tags(&[("team", "mill")]));
    assert_eq!(after, before);
}

#[test]
fn a_queue_has_50_tags_at_most() {
    let mut machine = Machine::with_queue("orders");
    let most: Tags = (0..50).map(|number| (format!("key{number}"), String::new())).collect();
    let command = Command::TagQueue { key: key("orders"), tags: most.clone() };
    assert!(matches!(machine.run(command), Outcome::Queue { .. }));
    let one_more = Command::TagQueue { key: key("orders"), tags: tags(&[("key50", "")]) };
    let refusal = Refusal::TooManyTags { limit: limits::QUEUE_TAGS };
    assert_eq!(machine.run_without_effect(one_more), Outcome::Refused(refusal));
    assert!(matches!(tag(&mut machine, &[("key7", "replaced")]), Outcome::Queue { .. }));
    assert_eq!(listed(&mut machine).len(), 50);
}
