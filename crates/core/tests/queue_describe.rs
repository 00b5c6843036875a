//! What is told of queues: exact counts, and when the message that expires soonest does.

use millpond_core::command::Command;
use millpond_core::message::QueueId;
use millpond_core::outcome::Outcome;
use millpond_core::queue::{AttributePatch, Tags};

use crate::support::{Machine, START, key, key_in};

fn page(machine: &mut Machine, after: Option<QueueId>, limit: usize) -> (Vec<String>, Option<QueueId>) {
    match machine.run_without_effect(Command::DescribeQueues { after, limit }) {
        Outcome::Descriptions { queues, more_after } => {
            (queues.iter().map(|queue| queue.key.to_string()).collect(), more_after)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_counted_where_it_is() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 3);
    machine.send_with_delay("orders", 2, Some(60));
    machine.receive("orders", 1);
    assert_eq!(machine.counts("orders"), [2, 1, 2]);
    machine.advance_secs(30);
    assert_eq!(machine.counts("orders"), [3, 0, 2]);
    machine.advance_secs(30);
    assert_eq!(machine.counts("orders"), [5, 0, 0]);
}

#[test]
fn a_delayed_message_that_was_received_is_in_flight_and_no_longer_delayed() {
    let mut machine = Machine::with_queue("orders");
    machine.send_with_delay("orders", 1, Some(60));
    machine.advance_secs(60);
    machine.receive("orders", 1);
    assert_eq!(machine.counts("orders"), [0, 1, 0]);
}

#[test]
fn the_soonest_expiry_is_that_of_the_oldest_message() {
    let mut machine = Machine::with_queue("orders");
    assert_eq!(machine.describe("orders").oldest_expires_at, None);
    machine.send("orders", 1);
    machine.advance_secs(10);
    machine.send("orders", 1);
    assert_eq!(machine.describe("orders").oldest_expires_at, Some(START.plus_secs(345_600)));
    let receipt = machine.receive("orders", 1);
    let receipt = machine.receipt("orders", &receipt[0]);
    machine.delete("orders", &[receipt]);
    assert_eq!(machine.describe("orders").oldest_expires_at, Some(START.plus_secs(345_610)));
    machine.set("orders", AttributePatch { retention_secs: Some(60), ..Default::default() });
    assert_eq!(machine.describe("orders").oldest_expires_at, Some(START.plus_secs(70)));
}

#[test]
fn all_queues_are_told_in_pages_across_accounts_and_regions() {
    let mut machine = Machine::new();
    let keys = [key("b"), key_in(7, "eu-west-1", "a"), key("a"), key_in(7, "us-east-1", "z")];
    for key in &keys {
        machine.run(Command::CreateQueue {
            key: key.clone(),
            attributes: AttributePatch::default().into(),
            tags: Tags::new(),
        });
    }
    machine.run(Command::DeleteQueue { key: key("a") });
    let (first, after) = page(&mut machine, None, 2);
    assert_eq!(first, [keys[0].to_string(), keys[1].to_string()]);
    let (second, after) = page(&mut machine, after, 2);
    assert_eq!((second, after), (vec![keys[3].to_string()], None));
    assert_eq!(page(&mut machine, None, 3).1, None, "nothing follows a page that ends with the last queue");
}
