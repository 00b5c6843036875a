//! A reply leaves only when everything it reveals is durable, whether or not it led to events of its own.

use millpond_core::command::Command;
use millpond_core::document::{DocumentKey, ExpectedRevision};
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::AttributePatch;
use millpond_engine::step::{Input, Reply};
use millpond_log::Position;

use crate::support::{Stage, create, delete, find, handed, key, outcome, receive, send};

/// Asks `command` behind a send that is not durable, and checks that both replies wait for it.
fn waits_for_the_send(command: Command) -> Reply {
    let mut stage = Stage::new();
    let sent = stage.ask(send("q", 1));
    stage.end_turn();
    let asked = stage.ask(command);
    assert!(!stage.has_left(asked), "the reply reveals a state that is not durable");
    stage.end_turn();
    assert!(!stage.has_left(asked) && !stage.has_left(sent));
    stage.settle();
    assert!(stage.has_left(sent));
    stage.take(asked)
}

#[test]
fn a_send_waits_for_its_sync() {
    let mut stage = Stage::new();
    let sent = stage.ask(send("q", 1));
    assert!(!stage.has_left(sent), "not even handed to the log");
    stage.end_turn();
    assert!(!stage.has_left(sent), "handed to the log, not synced");
    stage.step(Input::Durable(stage.last_appended().unwrap().previous()));
    assert!(!stage.has_left(sent), "an earlier batch was synced");
    stage.sync();
    assert!(matches!(outcome(&stage.take(sent)), Outcome::Sent(results) if results[0].is_ok()));
}

#[test]
fn a_read_waits() {
    let reply = waits_for_the_send(find("q"));
    assert!(matches!(outcome(&reply), Outcome::Queue { .. }));
    let reply = waits_for_the_send(Command::DescribeQueue { key: key("q") });
    let Outcome::Description(description) = outcome(&reply) else { panic!("{reply:?}") };
    assert_eq!(description.counts.visible, 1, "it shows the message, so it must wait for it");
    waits_for_the_send(Command::DescribeQueues { after: None, limit: 10 });
    waits_for_the_send(Command::GetDocument {
        key: DocumentKey { collection: "stack".to_owned(), name: "s".to_owned() },
    });
}

#[test]
fn a_refusal_waits() {
    let reply = waits_for_the_send(find("nowhere"));
    assert_eq!(outcome(&reply), &Outcome::Refused(Refusal::QueueDoesNotExist));
    let receive_nowhere = waits_for_the_send(receive("nowhere", 1));
    assert_eq!(outcome(&receive_nowhere), &Outcome::Refused(Refusal::QueueDoesNotExist));
}

#[test]
fn finding_what_another_caller_has_just_created_waits() {
    let mut stage = Stage::new();
    let first = stage.ask(create("twice", AttributePatch::default()));
    stage.end_turn();
    let second = stage.ask(create("twice", AttributePatch::default()));
    stage.end_turn();
    assert!(!stage.has_left(second), "the duplicate has no event of its own and still reveals the queue");
    stage.settle();
    assert_eq!(outcome(&stage.take(first)), outcome(&stage.take(second)));
}

#[test]
fn a_refusal_that_reveals_a_deletion_waits() {
    let mut stage = Stage::new();
    stage.ask(Command::DeleteQueue { key: key("q") });
    stage.end_turn();
    let refused = stage.ask(send("q", 1));
    stage.end_turn();
    assert!(!stage.has_left(refused), "after a power cut the queue would be there");
    stage.settle();
    assert_eq!(outcome(&stage.take(refused)), &Outcome::Refused(Refusal::QueueDoesNotExist));
}

#[test]
fn an_empty_receive_waits_for_the_lease_it_reveals() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let first = stage.ask(receive("q", 10));
    stage.end_turn();
    let second = stage.ask(receive("q", 10));
    stage.end_turn();
    assert!(!stage.has_left(second), "empty only because of a lease that is not durable");
    stage.settle();
    assert_eq!(handed(&stage.take(first)).len(), 1);
    assert_eq!(handed(&stage.take(second)).len(), 0);
}

#[test]
fn a_second_delete_of_the_same_delivery_waits_for_the_first() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let receipt = stage.hand_out(receive("q", 1))[0].receipt;
    stage.ask(delete("q", &[receipt]));
    stage.end_turn();
    let again = stage.ask(delete("q", &[receipt]));
    assert!(!stage.has_left(again), "it promises that the message is gone");
    stage.settle();
    assert_eq!(outcome(&stage.take(again)), &Outcome::Deleted(vec![Ok(())]));
}

#[test]
fn a_revision_mismatch_waits_for_the_write_it_reveals() {
    let mut stage = Stage::new();
    let document = DocumentKey { collection: "stack".to_owned(), name: "s".to_owned() };
    let put = || Command::PutDocument {
        key: document.clone(),
        expected: ExpectedRevision::Absent,
        value: bytes::Bytes::from_static(b"x"),
    };
    stage.ask(put());
    stage.end_turn();
    let refused = stage.ask(put());
    stage.end_turn();
    assert!(!stage.has_left(refused));
    stage.settle();
    assert!(matches!(
        outcome(&stage.take(refused)),
        Outcome::Refused(Refusal::RevisionMismatch { current: Some(_) })
    ));
}

#[test]
fn a_reply_that_reveals_only_what_is_durable_leaves_at_once() {
    let mut stage = Stage::new();
    let asked = stage.ask(find("q"));
    assert!(stage.has_left(asked));
}

#[test]
fn replies_leave_in_the_order_they_were_decided() {
    let mut stage = Stage::new();
    let first = stage.ask(send("q", 1));
    let second = stage.ask(find("q"));
    let third = stage.ask(send("q", 2));
    stage.replied.clear();
    stage.settle();
    assert_eq!(stage.replied, [first, second, third]);
}

#[test]
fn the_first_replies_of_a_new_directory_wait_for_its_receipt_key() {
    let mut stage = Stage::on(Default::default(), Default::default(), crate::support::START);
    let asked = stage.ask(find("q"));
    assert!(!stage.has_left(asked));
    stage.end_turn();
    assert_eq!(stage.last_appended(), Some(Position::FIRST));
    stage.sync();
    assert!(stage.has_left(asked));
}
