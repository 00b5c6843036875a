//! Deleting by receipt: the delivery it names counts, and nobody loses a message to an old receipt.

use millpond_core::command::Command;
use millpond_core::event::Event;
use millpond_core::message::Sequence;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::AttributePatch;

use crate::support::{Machine, key};

#[test]
fn a_deleted_message_never_comes_again() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    assert_eq!(machine.delete("orders", &[receipt]), [Ok(())]);
    machine.restart();
    machine.advance_secs(1_000);
    assert_eq!(machine.receive("orders", 10), []);
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
}

#[test]
fn deleting_twice_succeeds_twice() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    assert_eq!(machine.delete("orders", &[receipt]), [Ok(())]);
    let again = Command::Delete { key: key("orders"), receipts: vec![receipt] };
    assert_eq!(machine.run_without_effect(again), Outcome::Deleted(vec![Ok(())]));
}

#[test]
fn a_receipt_named_twice_in_one_request_deletes_once() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    assert_eq!(machine.delete("orders", &[receipt, receipt]), [Ok(()), Ok(())]);
}

#[test]
fn a_receipt_still_deletes_after_its_lease_ended() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    machine.advance_secs(31);
    assert_eq!(machine.delete("orders", &[receipt]), [Ok(())]);
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
}

#[test]
fn a_stale_receipt_succeeds_and_takes_nothing_from_the_later_receiver() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let stale = machine.receive_one("orders");
    machine.advance_secs(30);
    let current = machine.receive_one("orders");
    let delete = Command::Delete { key: key("orders"), receipts: vec![stale] };
    assert_eq!(machine.run_without_effect(delete), Outcome::Deleted(vec![Ok(())]));
    assert_eq!(machine.counts("orders"), [0, 1, 0]);
    assert_eq!(machine.delete("orders", &[current]), [Ok(())]);
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
}

#[test]
fn a_receipt_of_another_queue_is_refused_and_its_neighbours_are_deleted() {
    let mut machine = Machine::with_queue("orders");
    machine.create("other", AttributePatch::default());
    machine.send("orders", 2);
    machine.send("other", 1);
    let deliveries = machine.receive("orders", 2);
    let [first, second] = [0, 1].map(|index| machine.receipt("orders", &deliveries[index]));
    let foreign = machine.receive_one("other");
    assert_eq!(
        machine.delete("orders", &[first, foreign, second]),
        [Ok(()), Err(Refusal::ReceiptOfAnotherQueue), Ok(())]
    );
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
    assert_eq!(machine.counts("other"), [0, 1, 0]);
}

#[test]
fn a_receipt_of_a_deleted_queue_does_not_fit_a_new_one_of_its_name() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    machine.run(Command::DeleteQueue { key: key("orders") });
    machine.create("orders", AttributePatch::default());
    machine.send("orders", 1);
    machine.receive_one("orders");
    assert_eq!(machine.delete("orders", &[receipt]), [Err(Refusal::ReceiptOfAnotherQueue)]);
    assert_eq!(machine.counts("orders"), [0, 1, 0]);
}

#[test]
fn a_batch_is_one_event() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 3);
    let deliveries = machine.receive("orders", 3);
    let receipts = deliveries.iter().map(|delivery| machine.receipt("orders", delivery)).collect();
    let (events, _) = machine.run_unsettled(Command::Delete { key: key("orders"), receipts });
    let queue = machine.queue("orders").record.id;
    assert_eq!(events, [Event::MessagesDeleted { queue, sequences: (1..=3).map(Sequence).collect() }]);
}
