//! Changing the settings of a queue.

use millpond_core::outcome::Outcome;
use millpond_core::queue::AttributePatch;

use crate::support::{Machine, START, key};

#[test]
fn only_settings_given_change() {
    let given = AttributePatch { delay_secs: Some(5), ..Default::default() };
    let mut machine = Machine::with_settings("orders", given);
    machine.advance_secs(10);
    let queue = machine.queue("orders").record.id;
    let outcome = machine.set("orders", AttributePatch { receive_wait_secs: Some(20), ..Default::default() });
    assert_eq!(outcome, Outcome::Queue { queue, key: key("orders") });
    let description = machine.describe("orders");
    assert_eq!((description.attributes.delay_secs, description.attributes.receive_wait_secs), (5, 20));
    assert_eq!(description.created_at, START);
    assert_eq!(description.modified_at, START.plus_secs(10));
}

#[test]
fn settings_that_are_so_already_are_no_event() {
    let mut machine = Machine::with_queue("orders");
    machine.advance_secs(10);
    machine.set("orders", AttributePatch { visibility_timeout_secs: Some(30), ..Default::default() });
    assert_eq!(machine.describe("orders").modified_at, START);
}

#[test]
fn a_new_visibility_timeout_counts_from_the_next_receive() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 2);
    machine.receive("orders", 1);
    machine.set("orders", AttributePatch { visibility_timeout_secs: Some(5), ..Default::default() });
    machine.receive("orders", 1);
    machine.advance_secs(5);
    assert_eq!(machine.counts("orders"), [1, 1, 0]);
    machine.advance_secs(25);
    assert_eq!(machine.counts("orders"), [2, 0, 0]);
}

#[test]
fn a_new_delay_leaves_messages_of_a_standard_queue_that_were_sent_before() {
    let mut machine =
        Machine::with_settings("orders", AttributePatch { delay_secs: Some(60), ..Default::default() });
    machine.send("orders", 1);
    machine.set("orders", AttributePatch { delay_secs: Some(0), ..Default::default() });
    assert_eq!(machine.counts("orders"), [0, 0, 1]);
    machine.set("orders", AttributePatch { delay_secs: Some(900), ..Default::default() });
    machine.advance_secs(60);
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
}
