//! Listing queues: in order of their names, by prefix, in pages, and only those of one account in one region.

use millpond_core::command::Command;
use millpond_core::name::{AccountId, QueueName, Region};
use millpond_core::outcome::Outcome;
use millpond_core::queue::{AttributePatch, Tags};

use crate::support::{Machine, key_in};

const NAMES: [&str; 7] = ["-dash", "Orders", "orders", "orders-dead", "orders.fifo", "other", "zebra"];

fn machine_with(names: &[&str]) -> Machine {
    let mut machine = Machine::new();
    // Created backwards, so that the order of creation is not the order of names.
    for name in names.iter().rev() {
        let key = key_in(0, "us-east-1", name);
        let fifo_queue = key.name.is_fifo().then_some(true);
        let attributes = AttributePatch { fifo_queue, ..AttributePatch::default() };
        machine.run(Command::CreateQueue { key, attributes: attributes.into(), tags: Tags::new() });
    }
    machine
}

fn list(machine: &mut Machine, prefix: &str, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
    list_in(machine, 0, "us-east-1", prefix, after, limit)
}

fn list_in(
    machine: &mut Machine,
    account: u64,
    region: &str,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> (Vec<String>, bool) {
    let command = Command::ListQueues {
        account: AccountId::from_number(account).unwrap(),
        region: Region::parse(region).unwrap(),
        prefix: prefix.to_owned(),
        after: after.map(|name| QueueName::parse(name).unwrap()),
        limit,
    };
    match machine.run_without_effect(command) {
        Outcome::Queues { names, more } => (names.iter().map(ToString::to_string).collect(), more),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_names_come_in_order() {
    let mut machine = machine_with(&NAMES);
    assert_eq!(list(&mut machine, "", None, 1_000), (NAMES.map(str::to_owned).to_vec(), false));
}

#[test]
fn no_queue_is_an_empty_answer() {
    assert_eq!(list(&mut Machine::new(), "", None, 1_000), (Vec::new(), false));
}

#[test]
fn a_prefix_selects_and_knows_case() {
    let mut machine = machine_with(&NAMES);
    assert_eq!(list(&mut machine, "orders", None, 10).0, ["orders", "orders-dead", "orders.fifo"]);
    assert_eq!(list(&mut machine, "O", None, 10).0, ["Orders"]);
    assert_eq!(list(&mut machine, "none", None, 10).0, Vec::<String>::new());
    assert_eq!(list(&mut machine, "zebra", None, 10).0, ["zebra"]);
}

#[test]
fn a_prefix_that_is_no_queue_name_by_itself_still_selects() {
    let mut machine = machine_with(&NAMES);
    assert_eq!(list(&mut machine, "orders.", None, 10).0, ["orders.fifo"]);
    assert_eq!(list(&mut machine, "orders.fi", None, 10).0, ["orders.fifo"]);
    assert_eq!(list(&mut machine, "ünknown", None, 10).0, Vec::<String>::new());
    assert_eq!(list(&mut machine, &"a".repeat(200), None, 10).0, Vec::<String>::new());
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    for (prefix, expected) in [("", &NAMES[..]), ("orders", &NAMES[2..5])] {
        for limit in 1..=NAMES.len() {
            let mut machine = machine_with(&NAMES);
            let (mut seen, mut after) = (Vec::new(), None::<String>);
            loop {
                let (names, more) = list(&mut machine, prefix, after.as_deref(), limit);
                assert!(names.len() <= limit);
                seen.extend(names);
                assert_eq!(more, seen.len() < expected.len(), "more is told exactly when more follow");
                if !more {
                    break;
                }
                after = seen.last().cloned();
            }
            assert_eq!(seen, expected);
        }
    }
}

#[test]
fn a_page_goes_on_after_a_queue_that_is_gone() {
    let mut machine = machine_with(&NAMES);
    machine.run(Command::DeleteQueue { key: key_in(0, "us-east-1", "orders") });
    assert_eq!(list(&mut machine, "orders", Some("orders"), 10).0, ["orders-dead", "orders.fifo"]);
    assert_eq!(list(&mut machine, "orders", Some("a"), 10).0, ["orders-dead", "orders.fifo"]);
}

#[test]
fn accounts_and_regions_are_apart() {
    let mut machine = Machine::new();
    let places = [(0, "us-east-1"), (0, "eu-west-1"), (1, "us-east-1"), (999_999_999_999, "us-east-1")];
    for (account, region) in places {
        for name in ["shared", &format!("of-{account}-{region}")] {
            let key = key_in(account, region, name);
            machine.run(Command::CreateQueue {
                key,
                attributes: AttributePatch::default().into(),
                tags: Tags::new(),
            });
        }
    }
    for (account, region) in places {
        let (names, more) = list_in(&mut machine, account, region, "", None, 2);
        assert_eq!(names, [format!("of-{account}-{region}"), "shared".to_owned()]);
        assert!(!more, "queues of others are not more");
    }
}
