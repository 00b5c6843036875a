//! Changing leases: longer, shorter, ended, and never further than twelve hours from the receive.

use millpond_core::command::Command;
use millpond_core::message::Receipt;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::AttributePatch;

use crate::support::{Machine, key};

fn received() -> (Machine, Receipt) {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    (machine, receipt)
}

#[test]
fn the_new_timeout_counts_from_now() {
    let (mut machine, receipt) = received();
    machine.advance_secs(20);
    assert_eq!(machine.change_visibility("orders", receipt, 30), Ok(()));
    machine.advance_millis(29_999);
    assert_eq!(machine.counts("orders"), [0, 1, 0]);
    machine.advance_millis(1);
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
}

#[test]
fn a_lease_can_be_made_shorter() {
    let (mut machine, receipt) = received();
    assert_eq!(machine.change_visibility("orders", receipt, 5), Ok(()));
    machine.advance_secs(5);
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
}

#[test]
fn zero_makes_the_message_visible_at_once() {
    let (mut machine, receipt) = received();
    assert_eq!(machine.change_visibility("orders", receipt, 0), Ok(()));
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
    let delivery = machine.receive("orders", 1).remove(0);
    assert_eq!(delivery.receive_count, 2, "the receive before counts");
}

#[test]
fn a_changed_lease_keeps_its_receipt_and_survives_a_restart() {
    let (mut machine, receipt) = received();
    machine.change_visibility("orders", receipt, 100).unwrap();
    machine.restart();
    machine.advance_secs(99);
    assert_eq!(machine.receive("orders", 10), []);
    assert_eq!(machine.delete("orders", &[receipt]), [Ok(())]);
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
}

#[test]
fn the_next_receive_does_not_remember_it() {
    let (mut machine, receipt) = received();
    machine.change_visibility("orders", receipt, 0).unwrap();
    machine.receive_one("orders");
    machine.advance_secs(30);
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
}

#[test]
fn an_ended_lease_can_be_taken_up_again_while_nobody_else_has_the_message() {
    let (mut machine, receipt) = received();
    machine.advance_secs(31);
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
    assert_eq!(machine.change_visibility("orders", receipt, 10), Ok(()));
    assert_eq!(machine.counts("orders"), [0, 1, 0]);
    machine.advance_secs(10);
    assert_eq!(machine.receive("orders", 10).len(), 1);
}

#[test]
fn an_earlier_receipt_changes_the_latest_lease() {
    let (mut machine, earlier) = received();
    machine.advance_secs(30);
    machine.receive_one("orders");
    assert_eq!(machine.change_visibility("orders", earlier, 60), Ok(()));
    machine.advance_secs(59);
    assert_eq!(machine.counts("orders"), [0, 1, 0]);
    assert_eq!(machine.change_visibility("orders", earlier, 0), Ok(()));
    assert_eq!(machine.counts("orders"), [1, 0, 0]);
}

#[test]
fn a_delivery_that_was_not_made_yet_changes_nothing() {
    let (mut machine, receipt) = received();
    let changes = vec![(Receipt { delivery: receipt.delivery + 1, ..receipt }, 0)];
    let change = Command::ChangeVisibility { key: key("orders"), changes };
    let refused = Err(Refusal::NotAvailableForVisibilityChange);
    assert_eq!(machine.run_without_effect(change), Outcome::VisibilityChanged(vec![refused]));
    assert_eq!(machine.counts("orders"), [0, 1, 0]);
}

#[test]
fn a_deleted_message_has_no_lease() {
    let (mut machine, receipt) = received();
    machine.delete("orders", &[receipt]);
    let refused = Err(Refusal::NotAvailableForVisibilityChange);
    assert_eq!(machine.change_visibility("orders", receipt, 10), refused);
}

#[test]
fn an_expired_message_has_no_lease() {
    let given =
        AttributePatch { retention_secs: Some(60), visibility_timeout_secs: Some(600), ..Default::default() };
    let mut machine = Machine::with_settings("orders", given);
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    machine.advance_millis(59_999);
    assert_eq!(machine.change_visibility("orders", receipt, 600), Ok(()));
    machine.advance_millis(1);
    let refused = Err(Refusal::NotAvailableForVisibilityChange);
    assert_eq!(machine.change_visibility("orders", receipt, 600), refused);
}

#[test]
fn no_lease_reaches_further_than_twelve_hours_from_its_receive() {
    let (mut machine, receipt) = received();
    assert_eq!(machine.change_visibility("orders", receipt, 43_200), Ok(()));
    machine.advance_millis(1);
    let refused = Err(Refusal::VisibilityBeyondLimit);
    assert_eq!(machine.change_visibility("orders", receipt, 43_200), refused);
    assert_eq!(machine.change_visibility("orders", receipt, 43_199), Ok(()));
    machine.advance_secs(43_000);
    assert_eq!(machine.change_visibility("orders", receipt, 200), refused);
    assert_eq!(machine.change_visibility("orders", receipt, 199), Ok(()));
}

#[test]
fn twelve_hours_count_from_the_latest_receive_not_from_the_first() {
    let (mut machine, _) = received();
    machine.advance_secs(40_000);
    let receipt = machine.receive_one("orders");
    assert_eq!(machine.change_visibility("orders", receipt, 43_200), Ok(()));
}

#[test]
fn each_entry_is_judged_by_itself() {
    let mut machine = Machine::with_queue("orders");
    machine.create("other", AttributePatch::default());
    machine.send("orders", 2);
    machine.send("other", 1);
    let deliveries = machine.receive("orders", 2);
    let [first, second] = [0, 1].map(|index| machine.receipt("orders", &deliveries[index]));
    let foreign = machine.receive_one("other");
    machine.advance_secs(1);
    let changes = vec![(first, 0), (foreign, 0), (second, 43_200)];
    assert_eq!(
        machine.run(Command::ChangeVisibility { key: key("orders"), changes }),
        Outcome::VisibilityChanged(vec![
            Ok(()),
            Err(Refusal::ReceiptOfAnotherQueue),
            Err(Refusal::VisibilityBeyondLimit),
        ])
    );
    assert_eq!(machine.counts("orders"), [1, 1, 0]);
    assert_eq!(machine.counts("other"), [0, 1, 0]);
}
