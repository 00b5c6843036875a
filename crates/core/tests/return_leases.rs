//! Giving back deliveries that never reached their receiver: as if that receive had not been.

use millpond_core::command::Command;
use millpond_core::message::Receipt;
use millpond_core::outcome::Outcome;
use millpond_core::queue::AttributePatch;

use crate::support::{Machine, START, key, numbers};

/// A queue with one message that was delivered so often, and the receipt of the last delivery.
fn delivered(times: u32) -> (Machine, Receipt) {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    for _ in 1..times {
        machine.receive_one("orders");
        machine.advance_secs(30);
    }
    let receipt = machine.receive_one("orders");
    (machine, receipt)
}

#[test]
fn the_message_is_visible_at_once_and_the_receive_does_not_count() {
    let (mut machine, receipt) = delivered(2);
    machine.give_back(&[receipt]);
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
    machine.advance_secs(1);
    let delivery = machine.receive("orders", 1).remove(0);
    assert_eq!((delivery.receive_count, delivery.first_received_at), (2, START));
}

#[test]
fn a_first_receive_given_back_is_not_the_first() {
    let (mut machine, receipt) = delivered(1);
    machine.give_back(&[receipt]);
    machine.advance_secs(7);
    let delivery = machine.receive("orders", 1).remove(0);
    assert_eq!((delivery.receive_count, delivery.first_received_at), (1, START.plus_secs(7)));
}

#[test]
fn the_number_of_the_delivery_is_not_used_again() {
    let (mut machine, given_back) = delivered(1);
    machine.give_back(&[given_back]);
    machine.restart();
    let current = machine.receive_one("orders");
    assert!(current.delivery > given_back.delivery);
    machine.delete("orders", &[given_back]);
    assert_eq!(machine.counts("orders"), [0, 1, 0], "the old receipt has no power over the new delivery");
}

#[test]
fn giving_back_twice_takes_away_one_receive() {
    let (mut machine, receipt) = delivered(2);
    machine.give_back(&[receipt, receipt]);
    let again = Command::ReturnLeases { receipts: vec![receipt] };
    assert_eq!(machine.run_without_effect(again), Outcome::Done);
    assert_eq!(machine.receive("orders", 1)[0].receive_count, 2);
}

#[test]
fn a_stale_receipt_gives_nothing_back() {
    let (mut machine, stale) = delivered(1);
    machine.advance_secs(30);
    machine.receive_one("orders");
    let give_back = Command::ReturnLeases { receipts: vec![stale] };
    assert_eq!(machine.run_without_effect(give_back), Outcome::Done);
    assert_eq!(machine.counts("orders"), [0, 1, 0]);
}

#[test]
fn what_is_gone_is_not_given_back() {
    let (mut machine, receipt) = delivered(1);
    machine.delete("orders", &[receipt]);
    let give_back = || Command::ReturnLeases { receipts: vec![receipt] };
    assert_eq!(machine.run_without_effect(give_back()), Outcome::Done);
    machine.run(Command::DeleteQueue { key: key("orders") });
    assert_eq!(machine.run_without_effect(give_back()), Outcome::Done);
}

#[test]
fn a_message_given_back_has_its_place_again() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 2);
    for _ in 0..2 {
        machine.receive_for("orders", 1, Some(0));
    }
    let third = machine.receive("orders", 1).remove(0);
    assert_eq!((third.sequence.0, third.receive_count), (1, 3));
    let receipt = machine.receipt("orders", &third);
    machine.give_back(&[receipt]);
    assert_eq!(
        numbers(&machine.receive("orders", 10)),
        [1, 2],
        "a third receive that was none moves nothing"
    );
}

#[test]
fn leases_of_several_queues_are_given_back_together() {
    let mut machine = Machine::with_queue("orders");
    machine.create("other", AttributePatch::default());
    machine.send("orders", 2);
    machine.send("other", 1);
    let deliveries = machine.receive("orders", 2);
    let mut receipts: Vec<_> =
        deliveries.iter().map(|delivery| machine.receipt("orders", delivery)).collect();
    receipts.insert(1, machine.receive_one("other"));
    machine.give_back(&receipts);
    assert_eq!(machine.counts("orders"), [2, 0, 0]);
    assert_eq!(machine.counts("other"), [1, 0, 0]);
}
