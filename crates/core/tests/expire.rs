//! Retention: what has passed it is dropped in bounded steps, and an outage of the service itself is no reason.

use millpond_core::command::Command;
use millpond_core::decide::has_expired;
use millpond_core::limits;
use millpond_core::message::QueueId;
use millpond_core::outcome::Outcome;
use millpond_core::queue::AttributePatch;

use crate::support::{Machine, START, key, numbers, reading};

fn retention(secs: u32) -> AttributePatch {
    AttributePatch { retention_secs: Some(secs), ..Default::default() }
}

fn due(machine: &Machine) -> bool {
    has_expired(&machine.state, machine.queue("orders"), machine.now)
}

/// Down from `from_secs` to `until_secs` after the start; the machine itself stays up.
fn outage(machine: &mut Machine, from_secs: u64, until_secs: u64) {
    machine.now = START.plus_secs(from_secs);
    machine.run(Command::NoteClock { reading: reading(machine.now), stopping: true });
    machine.now = START.plus_secs(until_secs);
    machine.begin(reading(machine.now));
}

#[test]
fn a_message_is_dropped_when_its_retention_has_passed_and_not_before() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 1);
    machine.advance_millis(59_999);
    assert!(!due(&machine));
    assert_eq!(machine.expire("orders"), 0);
    machine.advance_millis(1);
    assert!(due(&machine));
    assert_eq!(machine.expire("orders"), 1);
    assert!(!due(&machine));
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
}

#[test]
fn what_has_expired_is_counted_for_as_long_as_the_queue_is_there() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 3);
    let receipt = machine.receive("orders", 1);
    let receipt = machine.receipt("orders", &receipt[0]);
    machine.delete("orders", &[receipt]);
    machine.advance_secs(60);
    machine.expire("orders");
    assert_eq!(machine.describe("orders").expired, 2, "what was deleted has not expired");
    machine.restart();
    machine.send("orders", 1);
    machine.run(Command::PurgeQueue { key: key("orders") });
    machine.send("orders", 1);
    machine.advance_secs(60);
    machine.expire("orders");
    assert_eq!(machine.describe("orders").expired, 3);
}

#[test]
fn nothing_to_drop_is_no_event() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let queue = machine.queue("orders").record.id;
    assert_eq!(machine.run_without_effect(Command::Expire { queue }), Outcome::Done);
    assert_eq!(machine.run_without_effect(Command::Expire { queue: QueueId(99) }), Outcome::Done);
}

#[test]
fn one_step_drops_a_bounded_number() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", limits::SETTLE_MESSAGES + 5);
    machine.advance_secs(60);
    assert_eq!(machine.expire("orders"), limits::SETTLE_MESSAGES);
    assert!(due(&machine));
    assert_eq!(machine.expire("orders"), 5);
    assert!(!due(&machine));
}

#[test]
fn messages_in_flight_and_delayed_ones_expire_too() {
    let given = AttributePatch { visibility_timeout_secs: Some(600), ..retention(60) };
    let mut machine = Machine::with_settings("orders", given);
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    machine.send_with_delay("orders", 1, Some(900));
    assert_eq!(machine.counts("orders"), [0, 1, 1]);
    machine.advance_secs(60);
    assert_eq!(machine.expire("orders"), 2);
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
    assert_eq!(machine.delete("orders", &[receipt]), [Ok(())], "its receiver is not troubled");
}

#[test]
fn retention_counts_from_the_send_whatever_happened_since() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 1);
    machine.advance_secs(50);
    machine.receive_for("orders", 1, Some(0));
    machine.advance_secs(10);
    assert_eq!(machine.expire("orders"), 1);
}

#[test]
fn a_message_at_the_back_of_the_queue_expires_by_its_age() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 1);
    machine.advance_secs(30);
    machine.send("orders", 1);
    for _ in 0..3 {
        assert_eq!(numbers(&machine.receive_for("orders", 1, Some(0))), [1]);
    }
    machine.advance_secs(30);
    assert_eq!(machine.expire("orders"), 1);
    assert_eq!(numbers(&machine.receive("orders", 10)), [2]);
}

#[test]
fn a_shorter_retention_applies_to_what_is_stored() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    machine.advance_secs(100);
    machine.send("orders", 1);
    machine.set("orders", retention(60));
    assert_eq!(numbers(&machine.receive_for("orders", 10, Some(0))), [2]);
    assert_eq!(machine.expire("orders"), 1);
}

#[test]
fn a_longer_retention_applies_to_what_is_stored() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 1);
    machine.set("orders", retention(120));
    machine.advance_secs(119);
    assert_eq!(machine.expire("orders"), 0);
    assert_eq!(machine.receive("orders", 10).len(), 1);
    machine.advance_secs(1);
    assert_eq!(machine.expire("orders"), 1);
}

#[test]
fn what_would_expire_in_an_outage_is_kept_an_hour_longer() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 1);
    outage(&mut machine, 30, 1_000);
    assert!(!due(&machine));
    assert_eq!(machine.expire("orders"), 0);
    let end = START.plus_secs(1_000 + limits::EXPIRY_GRACE_SECS);
    assert_eq!(machine.describe("orders").oldest_expires_at, Some(end));
    assert_eq!(numbers(&machine.receive_for("orders", 10, Some(0))), [1]);
    machine.now = end;
    assert_eq!(machine.receive("orders", 10), []);
    assert_eq!(machine.expire("orders"), 1);
}

#[test]
fn the_grace_survives_a_restart() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 1);
    outage(&mut machine, 30, 1_000);
    machine.restart();
    assert_eq!(machine.receive("orders", 10).len(), 1);
}

#[test]
fn what_had_expired_before_the_outage_does_not_come_back() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 1);
    machine.advance_secs(1);
    machine.send("orders", 1);
    outage(&mut machine, 61, 1_000);
    assert_eq!(numbers(&machine.receive("orders", 10)), [2], "the end of the first was one second before");
    assert_eq!(machine.expire("orders"), 1);
}

#[test]
fn what_expires_after_the_grace_is_not_touched_by_it() {
    let mut machine = Machine::with_settings("orders", retention(10_000));
    machine.send("orders", 1);
    outage(&mut machine, 30, 1_000);
    assert_eq!(machine.describe("orders").oldest_expires_at, Some(START.plus_secs(10_000)));
}

#[test]
fn a_second_outage_within_the_grace_lets_nothing_go() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 1);
    outage(&mut machine, 30, 1_000);
    outage(&mut machine, 2_000, 9_000);
    assert_eq!(
        numbers(&machine.receive_for("orders", 10, Some(0))),
        [1],
        "kept until 4600, it would end inside the second"
    );
    machine.now = START.plus_secs(9_000 + limits::EXPIRY_GRACE_SECS);
    assert_eq!(machine.expire("orders"), 1);
}

#[test]
fn an_outage_after_the_grace_begins_a_grace_of_its_own() {
    let mut machine = Machine::with_settings("orders", retention(60));
    machine.send("orders", 1);
    outage(&mut machine, 30, 1_000);
    outage(&mut machine, 5_000, 9_000);
    assert_eq!(machine.receive("orders", 10), [], "its grace was over when the second outage began");
    assert_eq!(machine.expire("orders"), 1);
}
