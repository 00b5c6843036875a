//! Handing out messages: order, leases, limits, and what is never handed out.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::AttributePatch;

use crate::support::{Machine, START, key, numbers};

#[test]
fn messages_come_in_the_order_they_were_sent_up_to_the_limit() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 5);
    assert_eq!(numbers(&machine.receive("orders", 2)), [1, 2]);
    assert_eq!(numbers(&machine.receive("orders", 10)), [3, 4, 5]);
}

#[test]
fn an_empty_queue_gives_nothing_and_no_event() {
    let mut machine = Machine::with_queue("orders");
    let queue = machine.queue("orders").record.id;
    let receive =
        Command::Receive { key: key("orders"), limit: 10, visibility_timeout_secs: None, attempt: None };
    let expected = Outcome::Received { queue, deliveries: Vec::new() };
    assert_eq!(machine.run_without_effect(receive), expected);
}

#[test]
fn a_received_message_is_hidden_until_its_lease_ends() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    machine.receive_one("orders");
    machine.advance_millis(29_999);
    assert_eq!(machine.receive("orders", 10), []);
    machine.advance_millis(1);
    assert_eq!(numbers(&machine.receive("orders", 10)), [1]);
}

#[test]
fn a_lease_goes_on_after_a_restart() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    machine.receive_one("orders");
    machine.advance_millis(29_999);
    machine.restart();
    assert_eq!(machine.receive("orders", 10), []);
    machine.advance_millis(1);
    assert_eq!(machine.receive("orders", 10).len(), 1);
}

#[test]
fn a_receive_may_name_its_own_visibility_timeout() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    machine.receive_for("orders", 1, Some(43_200));
    machine.advance_secs(43_199);
    assert_eq!(machine.counts("orders"), [0, 1, 0]);
    machine.advance_secs(1);
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
}

#[test]
fn a_visibility_timeout_of_zero_leaves_the_message_visible_and_counts_the_receive() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    for expected in 1..=2 {
        let deliveries = machine.receive_for("orders", 10, Some(0));
        assert_eq!(deliveries[0].receive_count, expected);
        assert_eq!(machine.counts("orders"), [1, 0, 0]);
    }
}

#[test]
fn a_delivery_tells_count_first_receive_and_a_number_of_its_own() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    machine.advance_secs(5);
    let first = machine.receive("orders", 1).remove(0);
    machine.advance_secs(30);
    let second = machine.receive("orders", 1).remove(0);
    assert_eq!((first.receive_count, second.receive_count), (1, 2));
    assert_eq!((first.delivery, second.delivery), (1, 2));
    assert_eq!(first.first_received_at, START.plus_secs(5));
    assert_eq!(second.first_received_at, START.plus_secs(5));
    assert_eq!(second.sent_at, START);
}

#[test]
fn a_message_whose_lease_ended_keeps_its_place() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 3);
    machine.receive("orders", 1);
    machine.advance_secs(30);
    machine.send("orders", 1);
    assert_eq!(numbers(&machine.receive("orders", 10)), [1, 2, 3, 4]);
}

#[test]
fn from_the_third_receive_on_a_message_goes_behind_all_that_are_there() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 3);
    for _ in 0..2 {
        assert_eq!(numbers(&machine.receive("orders", 1)), [1]);
        machine.advance_secs(30);
    }
    assert_eq!(
        numbers(&machine.receive_for("orders", 1, Some(0))),
        [1],
        "twice received, it still has its place"
    );
    machine.advance_secs(1);
    machine.send("orders", 1);
    assert_eq!(
        numbers(&machine.receive_for("orders", 10, Some(0))),
        [2, 3, 1, 4],
        "it goes behind those sent before its receive, not behind those sent after"
    );
    assert_eq!(
        numbers(&machine.receive_for("orders", 10, Some(0))),
        [2, 3, 4, 1],
        "and again at each receive"
    );
}

#[test]
fn several_that_go_to_the_back_together_keep_their_order() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 4);
    for _ in 0..3 {
        assert_eq!(numbers(&machine.receive_for("orders", 2, Some(0))), [1, 2]);
    }
    assert_eq!(numbers(&machine.receive("orders", 10)), [3, 4, 1, 2]);
}

#[test]
fn the_place_at_the_back_survives_a_restart() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 2);
    for _ in 0..3 {
        machine.receive_for("orders", 1, Some(0));
    }
    machine.restart();
    assert_eq!(numbers(&machine.receive("orders", 10)), [2, 1]);
}

#[test]
fn an_expired_message_is_not_handed_out_even_before_it_is_dropped() {
    let given = AttributePatch { retention_secs: Some(60), ..Default::default() };
    let mut machine = Machine::with_settings("orders", given);
    machine.send("orders", 1);
    machine.advance_millis(59_999);
    machine.send("orders", 1);
    assert_eq!(numbers(&machine.receive_for("orders", 10, Some(0))), [1, 2]);
    machine.advance_millis(1);
    assert_eq!(numbers(&machine.receive("orders", 10)), [2]);
    assert_eq!(machine.queue("orders").messages.len(), 2, "nobody has dropped it yet");
}

#[test]
fn a_receive_looks_at_a_bounded_number_of_expired_messages() {
    let given = AttributePatch { retention_secs: Some(60), ..Default::default() };
    let mut machine = Machine::with_settings("orders", given);
    machine.send("orders", limits::SETTLE_MESSAGES);
    machine.advance_secs(60);
    machine.send("orders", 1);
    assert_eq!(machine.receive("orders", 10), [], "what is behind the bound comes later");
    assert_eq!(machine.expire("orders"), limits::SETTLE_MESSAGES);
    assert_eq!(machine.receive("orders", 10).len(), 1, "and is not lost");
}

#[test]
fn no_more_than_the_limit_are_in_flight() {
    let mut machine = Machine::with_queue("orders");
    for _ in 0..limits::IN_FLIGHT_MESSAGES / 1_000 {
        machine.send("orders", 1_000);
        machine.receive("orders", 1_000);
    }
    machine.send("orders", 10);
    assert_eq!(machine.counts("orders"), [10, limits::IN_FLIGHT_MESSAGES, 0]);
    let receive =
        || Command::Receive { key: key("orders"), limit: 10, visibility_timeout_secs: None, attempt: None };
    let refused = Outcome::Refused(Refusal::TooManyInFlight);
    assert_eq!(machine.run_without_effect(receive()), refused);

    let queue = machine.queue("orders").record.id;
    let freed: Vec<_> =
        machine.queue("orders").messages.iter().take(3).map(|(sequence, _)| sequence).collect();
    let receipts: Vec<_> = freed
        .into_iter()
        .map(|sequence| millpond_core::message::Receipt { queue, sequence, delivery: 1 })
        .collect();
    machine.delete("orders", &receipts);
    assert_eq!(machine.receive("orders", 10).len(), 3, "a receive fills the limit and does not pass it");
    assert_eq!(machine.run_without_effect(receive()), refused);

    machine.advance_secs(30);
    assert_eq!(machine.receive("orders", 10).len(), 10, "leases that ended make room");
}

#[test]
fn delayed_messages_are_not_in_flight() {
    let mut machine = Machine::with_queue("orders");
    machine.send_with_delay("orders", limits::IN_FLIGHT_MESSAGES, Some(900));
    machine.send("orders", 1);
    assert_eq!(machine.receive("orders", 10).len(), 1);
}
