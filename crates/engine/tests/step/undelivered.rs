//! Deliveries that never reached their receiver are given back.

use millpond_core::outcome::Outcome;
use millpond_engine::step::Input;

use crate::support::{Stage, delete, handed, ids, receive, receive_for, send};

#[test]
fn a_lost_delivery_is_visible_again_and_not_counted() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let lost = stage.hand_out(receive_for("q", 1, 600))[0].clone();
    assert_eq!(lost.delivery.receive_count, 1);
    stage.step(Input::Undelivered { receipts: vec![lost.receipt] });
    let again = stage.hand_out(receive("q", 1))[0].clone();
    assert_eq!(again.id, 1);
    assert_eq!(again.delivery.receive_count, 1, "only deliveries that arrived are counted");
    assert_ne!(again.receipt, lost.receipt, "a receipt names one delivery");
}

#[test]
fn the_handle_of_a_lost_delivery_does_not_delete_the_later_one() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let lost = stage.hand_out(receive("q", 1))[0].receipt;
    stage.step(Input::Undelivered { receipts: vec![lost] });
    let later = stage.hand_out(receive("q", 1))[0].receipt;
    assert_eq!(stage.carry(delete("q", &[lost])), Outcome::Deleted(vec![Ok(())]));
    assert_eq!(stage.engine.state().queue(later.queue).unwrap().messages.len(), 1, "still there");
    stage.carry(delete("q", &[later]));
    assert_eq!(stage.engine.state().queue(later.queue).unwrap().messages.len(), 0);
}

#[test]
fn giving_back_an_earlier_delivery_changes_nothing() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let early = stage.hand_out(receive_for("q", 1, 1))[0].receipt;
    stage.pass_secs(1);
    let late = stage.hand_out(receive("q", 1))[0].clone();
    assert_eq!(late.delivery.receive_count, 2);
    let before = stage.engine.state().digest();
    stage.step(Input::Undelivered { receipts: vec![early] });
    assert_eq!(stage.engine.state().digest(), before, "the later receiver keeps its lease");
}

#[test]
fn the_reply_of_a_receive_after_a_return_waits_for_it() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let lost = stage.hand_out(receive("q", 1))[0].receipt;
    stage.step(Input::Undelivered { receipts: vec![lost] });
    let asked = stage.ask(receive("q", 1));
    assert!(!stage.has_left(asked));
    stage.settle();
    assert_eq!(handed(&stage.take(asked)).len(), 1);
}

#[test]
fn a_returned_message_serves_a_waiter_in_the_same_step() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let lost = stage.hand_out(receive("q", 1))[0].receipt;
    let waiting = stage.ask_waiting(receive("q", 1), 20);
    stage.step(Input::Undelivered { receipts: vec![lost] });
    assert_eq!(stage.engine.stats().waiters, 0);
    stage.settle();
    assert_eq!(ids(&stage.take(waiting)), [1]);
}

#[test]
fn a_message_deleted_meanwhile_stays_deleted() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let receipt = stage.hand_out(receive("q", 1))[0].receipt;
    stage.carry(delete("q", &[receipt]));
    stage.step(Input::Undelivered { receipts: vec![receipt] });
    stage.settle();
    assert_eq!(stage.hand_out(receive("q", 1)), []);
}
