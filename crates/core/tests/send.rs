//! Accepting messages: sizes, delays, order, and each entry of a batch by itself.

use millpond_core::message::{MessageId, Sequence};
use millpond_core::outcome::{Accepted, Refusal};
use millpond_core::queue::AttributePatch;

use crate::support::{Machine, START, message, numbers};

#[test]
fn a_message_is_visible_at_once_and_knows_when_it_was_sent() {
    let mut machine = Machine::with_queue("orders");
    machine.advance_millis(1_234);
    machine.send("orders", 1);
    let deliveries = machine.receive("orders", 1);
    assert_eq!(deliveries[0].sent_at, START.plus_millis(1_234));
}

#[test]
fn messages_are_numbered_in_the_order_they_were_sent() {
    let mut machine = Machine::with_queue("orders");
    assert_eq!(machine.send("orders", 3), [Sequence(1), Sequence(2), Sequence(3)]);
    machine.advance_secs(1);
    assert_eq!(machine.send("orders", 2), [Sequence(4), Sequence(5)]);
}

#[test]
fn a_number_is_not_used_again_when_its_message_is_gone() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    machine.delete("orders", &[receipt]);
    machine.restart();
    assert_eq!(machine.send("orders", 1), [Sequence(2)]);
}

#[test]
fn the_queue_delays_and_a_message_may_say_otherwise() {
    let mut machine =
        Machine::with_settings("orders", AttributePatch { delay_secs: Some(5), ..Default::default() });
    machine.send("orders", 1);
    machine.send_with_delay("orders", 1, Some(0));
    machine.send_with_delay("orders", 1, Some(900));
    assert_eq!(numbers(&machine.receive("orders", 10)), [2]);
    machine.advance_millis(4_999);
    assert_eq!(numbers(&machine.receive("orders", 10)), Vec::<u64>::new());
    machine.advance_millis(1);
    assert_eq!(numbers(&machine.receive("orders", 10)), [1]);
    machine.advance_millis(894_999);
    assert!(!numbers(&machine.receive("orders", 10)).contains(&3));
    machine.advance_millis(1);
    assert!(numbers(&machine.receive("orders", 10)).contains(&3));
}

#[test]
fn a_delay_goes_on_after_a_restart() {
    let mut machine = Machine::with_queue("orders");
    machine.send_with_delay("orders", 1, Some(10));
    machine.restart();
    machine.advance_millis(9_999);
    assert_eq!(machine.counts("orders"), [0, 0, 1]);
    machine.advance_millis(1);
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
}

#[test]
fn a_message_may_be_as_large_as_the_queue_says_and_no_larger() {
    let given = AttributePatch { maximum_message_bytes: Some(1_024), ..Default::default() };
    let mut machine = Machine::with_settings("orders", given);
    let results = machine
        .send_messages("orders", vec![message(1, 1_024, None), message(2, 1_025, None), message(3, 1, None)]);
    assert_eq!(
        results,
        [
            Ok(Accepted { id: MessageId(1), sequence: Sequence(1) }),
            Err(Refusal::MessageTooLong { limit_bytes: 1_024 }),
            Ok(Accepted { id: MessageId(3), sequence: Sequence(2) }),
        ]
    );
    assert_eq!(numbers(&machine.receive("orders", 10)), [1, 2]);
}

#[test]
fn a_smaller_limit_keeps_what_is_stored() {
    let mut machine = Machine::with_queue("orders");
    machine.send_messages("orders", vec![message(1, 5_000, None)]);
    machine.set("orders", AttributePatch { maximum_message_bytes: Some(1_024), ..Default::default() });
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
}

#[test]
fn the_entry_knows_how_many_bytes_its_payload_has() {
    let mut machine = Machine::with_queue("orders");
    let sent = message(42, 2, None);
    let payload_bytes = u32::try_from(sent.payload.len()).unwrap();
    machine.send_messages("orders", vec![sent]);
    let entry = machine.queue("orders").messages.get(Sequence(1)).copied().unwrap();
    assert_eq!(entry.payload_bytes, payload_bytes);
}
