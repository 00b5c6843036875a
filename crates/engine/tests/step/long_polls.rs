//! Receives that wait for a first message.

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::message::{AttemptKey, DeduplicationKey, GroupKey};
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::AttributePatch;
use millpond_engine::step::{Input, RequestId, Wait};

use crate::support::{
    Stage, create, delete, handed, ids, key, message, outcome, reading, receive, receive_for, send,
    send_delayed,
};

/// A stage with one long poll of 20 seconds parked on `q`.
fn parked() -> (Stage, RequestId) {
    let mut stage = Stage::new();
    let waiting = stage.ask_waiting(receive("q", 10), 20);
    stage.settle();
    assert!(!stage.has_left(waiting));
    assert_eq!(stage.engine.stats().waiters, 1);
    (stage, waiting)
}

#[test]
fn a_send_serves_a_waiter_in_the_same_step() {
    let (mut stage, waiting) = parked();
    let sent = stage.ask(send("q", 1));
    assert_eq!(stage.engine.stats().waiters, 0, "served before the turn ended");
    stage.end_turn();
    assert!(!stage.has_left(waiting), "its lease is not durable");
    stage.sync();
    assert!(stage.has_left(sent));
    assert_eq!(ids(&stage.take(waiting)), [1]);
    assert_eq!(stage.appended.last().map(|(_, payload)| payload.is_empty()), Some(false));
}

#[test]
fn a_message_that_is_there_is_not_waited_for() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let asked = stage.ask_waiting(receive("q", 10), 20);
    stage.settle();
    assert_eq!(ids(&stage.take(asked)), [1]);
    assert_eq!(stage.engine.stats().waiters, 0);
}

#[test]
fn waiters_are_served_in_the_order_they_came() {
    let (mut stage, first) = parked();
    let second = stage.ask_waiting(receive("q", 10), 5);
    let third = stage.ask_waiting(receive("q", 10), 10);
    for id in 1..=3 {
        stage.carry(send("q", id));
    }
    let served: Vec<_> = [first, second, third].map(|request| ids(&stage.take(request))).concat();
    assert_eq!(served, [1, 2, 3]);
}

#[test]
fn what_a_waiter_got_is_given_again_to_who_asks_by_the_same_name() {
    let mut stage = Stage::new();
    stage.carry(create("q.fifo", AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() }));
    let named = || Command::Receive {
        key: key("q.fifo"),
        limit: 1,
        visibility_timeout_secs: None,
        attempt: Some(AttemptKey([7; 8])),
    };
    let waiting = stage.ask_waiting(named(), 20);
    let in_group = NewMessage {
        group: Some(GroupKey::new(1)),
        deduplication: Some(SendName::Given(DeduplicationKey(1))),
        ..message(1, b"x", None)
    };
    stage.carry(Command::Send { key: key("q.fifo"), messages: vec![in_group] });
    let first = handed(&stage.take(waiting)).remove(0).receipt;
    let again = stage.ask_waiting(named(), 20);
    stage.settle();
    assert_eq!(handed(&stage.take(again)).remove(0).receipt, first);
}

#[test]
fn one_send_of_many_serves_many() {
    let mut stage = Stage::new();
    let waiting: Vec<_> = (0..3).map(|_| stage.ask_waiting(receive("q", 2), 20)).collect();
    let messages = (1..=5).map(|id| crate::support::message(id, b"x", None)).collect();
    stage.carry(Command::Send { key: key("q"), messages });
    let served: Vec<_> = waiting.iter().map(|request| ids(&stage.take(*request))).collect();
    assert_eq!(served, [vec![1, 2], vec![3, 4], vec![5]]);
}

#[test]
fn a_waiter_of_another_queue_is_left_alone() {
    let (mut stage, waiting) = parked();
    stage.carry(create("other", AttributePatch::default()));
    stage.carry(send("other", 1));
    assert!(!stage.has_left(waiting));
}

#[test]
fn a_waiter_gets_nothing_at_its_deadline() {
    let (mut stage, waiting) = parked();
    assert_eq!(stage.engine.next_due(), Some(stage.now.plus_secs(20)));
    stage.pass_millis(19_999);
    stage.tick();
    assert!(!stage.has_left(waiting));
    stage.pass_millis(1);
    stage.tick();
    stage.settle();
    assert_eq!(ids(&stage.take(waiting)), [0; 0]);
    assert_eq!(stage.engine.stats().waiters, 0);
    assert_eq!(stage.engine.next_due(), None);
}

#[test]
fn an_empty_reply_at_the_deadline_waits_for_what_it_reveals() {
    let (mut stage, waiting) = parked();
    stage.pass_secs(20);
    stage.ask(send_delayed("q", 1, 5));
    stage.end_turn();
    stage.tick();
    assert!(!stage.has_left(waiting), "a batch is being synced");
    stage.settle();
    assert!(stage.has_left(waiting));
}

#[test]
fn a_closed_waiter_takes_no_message() {
    let (mut stage, waiting) = parked();
    stage.step(Input::Closed { request: waiting });
    assert_eq!(stage.engine.stats().waiters, 0);
    assert_eq!(stage.engine.next_due(), None, "nothing is left to wake up for");
    stage.carry(send("q", 1));
    assert!(!stage.has_left(waiting));
    assert_eq!(stage.hand_out(receive("q", 1)).len(), 1, "the message is still there");
}

#[test]
fn without_waiters_nothing_is_woken_up_for() {
    let (mut stage, first) = parked();
    let second = stage.ask_waiting(receive("q", 10), 10);
    stage.carry(send_delayed("q", 1, 3));
    stage.step(Input::Closed { request: first });
    assert_eq!(stage.engine.next_due(), Some(stage.now.plus_secs(3)), "another still waits");
    stage.step(Input::Closed { request: second });
    assert_eq!(stage.engine.next_due(), None);
}

#[test]
fn a_waiter_is_woken_when_a_lease_ends() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    stage.hand_out(receive_for("q", 1, 7));
    let waiting = stage.ask_waiting(receive("q", 1), 20);
    stage.settle();
    assert_eq!(stage.engine.next_due(), Some(stage.now.plus_secs(7)));
    stage.pass_secs(7);
    stage.tick();
    stage.settle();
    assert_eq!(handed(&stage.take(waiting))[0].delivery.receive_count, 2);
}

#[test]
fn a_waiter_is_woken_when_a_delay_ends() {
    let (mut stage, waiting) = parked();
    stage.carry(send_delayed("q", 1, 3));
    assert!(!stage.has_left(waiting));
    assert_eq!(stage.engine.next_due(), Some(stage.now.plus_secs(3)));
    stage.pass_secs(3);
    stage.tick();
    stage.settle();
    assert_eq!(ids(&stage.take(waiting)), [1]);
}

#[test]
fn a_waiter_is_served_when_a_lease_is_given_up() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let receipt = stage.hand_out(receive("q", 1))[0].receipt;
    let waiting = stage.ask_waiting(receive("q", 1), 20);
    stage.carry(Command::ChangeVisibility { key: key("q"), changes: vec![(receipt, 0)] });
    assert_eq!(ids(&stage.take(waiting)), [1]);
}

#[test]
fn the_next_waiter_is_woken_after_the_first_was_served() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    stage.hand_out(receive_for("q", 1, 5));
    let first = stage.ask_waiting(receive_for("q", 1, 4), 20);
    let second = stage.ask_waiting(receive_for("q", 1, 4), 20);
    stage.pass_secs(5);
    stage.tick();
    stage.settle();
    assert_eq!(ids(&stage.take(first)), [1]);
    stage.pass_secs(4);
    assert_eq!(stage.engine.next_due(), Some(stage.now));
    stage.tick();
    stage.settle();
    assert_eq!(ids(&stage.take(second)), [1]);
}

#[test]
fn a_waiter_is_refused_when_its_queue_is_deleted() {
    let (mut stage, waiting) = parked();
    stage.carry(Command::DeleteQueue { key: key("q") });
    assert_eq!(outcome(&stage.take(waiting)), &Outcome::Refused(Refusal::QueueDoesNotExist));
    assert_eq!(stage.engine.stats().waiters, 0);
}

#[test]
fn a_purge_leaves_waiters_waiting() {
    let (mut stage, waiting) = parked();
    stage.carry(send_delayed("q", 1, 3));
    stage.carry(Command::PurgeQueue { key: key("q") });
    stage.pass_secs(3);
    stage.tick();
    assert!(!stage.has_left(waiting));
    stage.carry(send("q", 2));
    assert_eq!(ids(&stage.take(waiting)), [2]);
}

#[test]
fn stopping_tells_waiters_that_there_is_nothing() {
    let (mut stage, first) = parked();
    let second = stage.ask_waiting(receive("q", 1), 1);
    stage.step(Input::Stopping(reading(stage.now)));
    stage.settle();
    assert_eq!(ids(&stage.take(first)), [0; 0]);
    assert_eq!(ids(&stage.take(second)), [0; 0]);
    assert!(stage.engine.is_settled());
}

#[test]
fn a_queue_says_how_long_its_receives_wait() {
    let mut stage = Stage::new();
    let attributes = AttributePatch { receive_wait_secs: Some(4), ..AttributePatch::default() };
    stage.carry(create("patient", attributes));
    let by_queue = RequestId(1_000);
    stage.step(Input::Request {
        request: by_queue,
        command: receive("patient", 1),
        wait: Wait::QueueDefault,
    });
    assert_eq!(stage.engine.next_due(), Some(stage.now.plus_secs(4)));
    let at_once = stage.ask(receive("patient", 1));
    assert!(stage.has_left(at_once), "its own wait time of 0 counts more than the queue's");
}

#[test]
fn a_delete_does_not_wake_a_waiter_for_nothing() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let receipt = stage.hand_out(receive("q", 1))[0].receipt;
    let waiting = stage.ask_waiting(receive("q", 1), 20);
    stage.carry(delete("q", &[receipt]));
    stage.pass_secs(15);
    stage.tick();
    assert!(!stage.has_left(waiting));
}

#[test]
fn a_waiter_behind_many_expired_messages_is_served_when_they_are_gone() {
    let mut stage = Stage::new();
    let attributes = AttributePatch { retention_secs: Some(60), ..AttributePatch::default() };
    stage.carry(create("short", attributes));
    let send_many = |stage: &mut Stage, from: u128, count: u128| {
        for id in 0..count {
            stage.ask(send("short", from + id));
        }
        stage.settle();
    };
    send_many(&mut stage, 0, 4_500);
    stage.pass_secs(59);
    send_many(&mut stage, 10_000, 1);
    stage.pass_secs(1);
    let waiting = stage.ask_waiting(receive("short", 1), 20);
    stage.settle();
    for _ in 0..5 {
        stage.pass_secs(1);
        stage.tick();
        stage.settle();
    }
    assert_eq!(ids(&stage.take(waiting)), [10_000], "it must not wait until its deadline");
}
