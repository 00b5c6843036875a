//! A message of a FIFO queue whose body can't be had is not overtaken by its group.

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::message::{AttemptKey, DeduplicationKey, GroupKey, MessageRef};
use millpond_core::queue::AttributePatch;
use millpond_engine::step::{Body, EngineConfig, Input, ReadId, RequestId};

use crate::support::{Handed, Stage, create, delete, handed, ids, key, message, receive_for};

const QUEUE: &str = "q.fifo";
/// Of a queue whose owner says nothing of it: four days.
const RETENTION_SECS: u64 = 4 * 86_400;

/// Of two groups: the even and the odd ones.
fn send(id: u128) -> Command {
    let message = NewMessage {
        group: Some(GroupKey::new(id % 2)),
        deduplication: Some(SendName::Given(DeduplicationKey(id))),
        ..message(id, b"in order", None)
    };
    Command::Send { key: key(QUEUE), messages: vec![message] }
}

fn stage(count: u128) -> Stage {
    let mut stage = Stage::with(EngineConfig { cache_bytes: 0, ..EngineConfig::default() });
    stage.carry(create(QUEUE, AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() }));
    (1..=count).for_each(|id| drop(stage.carry(send(id))));
    stage
}

fn body(message: &MessageRef) -> Body {
    let id = u128::from(message.sequence.0);
    Body::Intact(crate::support::payload(id, b"in order"))
}

/// Answers a read: what `unreadable` names fails.
fn answer(stage: &mut Stage, read: ReadId, unreadable: &[u64]) {
    let (_, asked) = stage.reads.iter().find(|(name, _)| *name == read).unwrap().clone();
    let body = |message: &MessageRef| match unreadable.contains(&message.sequence.0) {
        true => Body::Gone,
        false => body(message),
    };
    let bodies = asked.iter().map(|(message, _)| body(message)).collect();
    stage.step(Input::Bodies { read, bodies });
}

fn ask(stage: &mut Stage, command: Command) -> (RequestId, ReadId) {
    let asked = stage.ask(command);
    stage.settle();
    (asked, stage.reads.last().unwrap().0)
}

fn hand_out(stage: &mut Stage, unreadable: &[u64]) -> Vec<Handed> {
    let (asked, read) = ask(stage, receive_for(QUEUE, 10, 30));
    answer(stage, read, unreadable);
    stage.settle();
    handed(&stage.take(asked))
}

fn ids_of(handed: &[Handed]) -> Vec<u128> {
    handed.iter().map(|handed| handed.id).collect()
}

fn counts_of(handed: &[Handed]) -> Vec<u32> {
    handed.iter().map(|handed| handed.delivery.receive_count).collect()
}

#[test]
fn nothing_of_its_group_overtakes_a_message_that_can_not_be_read() {
    let mut stage = stage(6);
    let first = hand_out(&mut stage, &[3]);
    assert_eq!(ids_of(&first), [1, 2, 4, 6], "3 is held, and 5 stands behind it");
    let second = stage.carry_reply(receive_for(QUEUE, 10, 30));
    assert_eq!(handed(&second), [], "the group waits for 3");
}

#[test]
fn what_was_left_out_comes_in_order_and_was_not_received_before() {
    let mut stage = stage(6);
    let first = hand_out(&mut stage, &[3]);
    let receipts: Vec<_> = first.iter().map(|handed| handed.receipt).collect();
    stage.carry(delete(QUEUE, &receipts));
    stage.pass_secs(30);
    let second = hand_out(&mut stage, &[]);
    assert_eq!(ids_of(&second), [3, 5]);
    assert_eq!(counts_of(&second), [2, 1], "the one that failed counts, so that it may become a dead letter");
}

#[test]
fn what_was_left_out_is_in_flight_no_more() {
    let mut stage = stage(5);
    hand_out(&mut stage, &[1]);
    let queue = stage.engine.state().queue_named(&key(QUEUE)).unwrap();
    assert_eq!(queue.messages.counts().in_flight, 3, "1, which can't be read, and the other group");
}

#[test]
fn a_damaged_message_holds_up_nobody() {
    let mut stage = stage(5);
    let (asked, read) = ask(&mut stage, receive_for(QUEUE, 10, 30));
    let (_, wanted) = stage.reads.last().unwrap().clone();
    let bodies = wanted.iter().map(|(message, _)| match message.sequence.0 {
        1 => Body::Damaged,
        _ => body(message),
    });
    stage.step(Input::Bodies { read, bodies: bodies.collect() });
    stage.settle();
    assert_eq!(ids(&stage.take(asked)), [3, 5, 2, 4]);
}

#[test]
fn a_message_that_expired_while_it_was_read_holds_up_nobody() {
    let mut stage = stage(1);
    stage.pass_secs(RETENTION_SECS - 10);
    stage.carry(send(3));
    let (asked, read) = ask(&mut stage, receive_for(QUEUE, 10, 30));
    stage.pass_secs(20);
    stage.tick();
    answer(&mut stage, read, &[1]);
    stage.settle();
    let left = handed(&stage.take(asked));
    assert_eq!(left.iter().map(|handed| handed.delivery.sequence.0).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_receive_that_is_tried_again_hands_out_nothing_of_a_group_that_waits() {
    let mut stage = stage(3);
    let command = Command::Receive {
        key: key(QUEUE),
        limit: 10,
        visibility_timeout_secs: Some(30),
        attempt: Some(AttemptKey([1; 8])),
    };
    let (asked, read) = ask(&mut stage, command.clone());
    answer(&mut stage, read, &[1]);
    stage.settle();
    assert_eq!(ids(&stage.take(asked)), [2]);
    let again = stage.carry_reply(command);
    assert_eq!(handed(&again), []);
}
