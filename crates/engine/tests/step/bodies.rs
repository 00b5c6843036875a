//! Where the payloads of a receive come from, and what becomes of it when one can't be had.

use bytes::Bytes;
use millpond_core::message::{MessageRef, Sequence};
use millpond_core::outcome::Outcome;
use millpond_engine::step::{Body, BodyPlace, EngineConfig, Input, ReadId, RequestId};
use millpond_log::Position;

use crate::support::{Stage, delete, handed, ids, outcome, payload, receive, send_sized};

/// Without room for any body that is durable.
fn uncached() -> Stage {
    Stage::with(EngineConfig { cache_bytes: 0, ..EngineConfig::default() })
}

fn body(id: u128) -> Bytes {
    payload(id, &[b'a' + u8::try_from(id).unwrap(); 100])
}

/// What the cache holds for one such message that was sent alone.
fn batch_of_one() -> usize {
    let mut stage = Stage::new();
    stage.carry(send_sized("q", 1, 100));
    stage.engine.stats().cached_bytes
}

/// Sends messages 1 to `count`, each durable, and receives them: the read is under way, its lease synced or not.
fn reading(count: u128, synced: bool) -> (Stage, RequestId, ReadId) {
    let mut stage = uncached();
    for id in 1..=count {
        stage.carry(send_sized("q", id, 100));
    }
    let asked = stage.ask(receive("q", 10));
    if synced {
        stage.settle();
    }
    assert!(!stage.has_left(asked), "without its bodies");
    let read = stage.reads.last().unwrap().0;
    (stage, asked, read)
}

fn read_from(stage: &Stage, place: &BodyPlace) -> Bytes {
    let BodyPlace::Log { position, offset_bytes, length_bytes } = *place else { panic!("{place:?}") };
    let (_, batch) = stage.appended.iter().find(|(appended, _)| *appended == position).unwrap();
    batch.slice(offset_bytes as usize..(offset_bytes + length_bytes) as usize)
}

#[test]
fn a_cached_body_needs_no_read() {
    let mut stage = Stage::new();
    stage.carry(send_sized("q", 1, 100));
    assert_eq!(stage.hand_out(receive("q", 1))[0].id, 1);
    assert!(stage.reads.is_empty());
}

#[test]
fn an_evicted_body_is_read_from_the_batch_that_holds_it() {
    let (stage, _, _) = reading(3, true);
    let (_, bodies) = stage.reads.last().unwrap();
    let found: Vec<Bytes> = bodies.iter().map(|(_, place)| read_from(&stage, place)).collect();
    assert_eq!(found, [body(1), body(2), body(3)]);
}

#[test]
fn messages_of_one_batch_are_told_apart() {
    let mut stage = uncached();
    for id in 1..=3 {
        stage.ask(send_sized("q", id, 100));
    }
    stage.settle();
    stage.ask(receive("q", 10));
    let (_, bodies) = stage.reads.last().unwrap();
    let found: Vec<Bytes> = bodies.iter().map(|(_, place)| read_from(&stage, place)).collect();
    assert_eq!(found, [body(1), body(2), body(3)]);
}

#[test]
fn after_a_checkpoint_a_body_is_read_from_the_store() {
    let mut stage = uncached();
    stage.carry(send_sized("q", 1, 100));
    let reflected = stage.last_appended().unwrap();
    stage.carry(send_sized("q", 2, 100));
    stage.step(Input::Checkpointed { reflected });
    stage.ask(receive("q", 10));
    let (_, bodies) = stage.reads.last().unwrap();
    assert_eq!(bodies[0].1, BodyPlace::Store);
    assert_eq!(read_from(&stage, &bodies[1].1), body(2), "the checkpoint did not reach this one");
}

#[test]
fn a_body_that_is_not_durable_is_never_evicted() {
    let mut stage = uncached();
    let sent = stage.ask(send_sized("q", 1, 100));
    stage.end_turn();
    assert!(stage.engine.stats().cached_bytes > 0);
    stage.step(Input::Durable(Position(1)));
    let asked = stage.ask(receive("q", 1));
    assert!(stage.reads.is_empty(), "the log can't be read where it is not durable");
    stage.settle();
    assert!(stage.has_left(sent));
    assert_eq!(ids(&stage.take(asked)), [1]);
    assert_eq!(stage.engine.stats().cached_bytes, 0, "durable now: the budget counts");
}

#[test]
fn the_cache_keeps_to_its_budget() {
    let one = batch_of_one();
    let mut stage = Stage::with(EngineConfig { cache_bytes: 3 * one, ..EngineConfig::default() });
    for id in 1..=20 {
        stage.carry(send_sized("q", id, 100));
        assert!(stage.engine.stats().cached_bytes <= 3 * one);
    }
    assert_eq!(stage.engine.stats().cached_bytes, 3 * one);
    stage.carry(millpond_core::command::Command::PurgeQueue { key: crate::support::key("q") });
    assert_eq!(stage.engine.stats().cached_bytes, 0, "what is gone is not kept");
}

#[test]
fn deleted_messages_leave_the_cache() {
    let mut stage = Stage::new();
    for id in 1..=3 {
        stage.carry(send_sized("q", id, 100));
    }
    let receipts: Vec<_> = stage.hand_out(receive("q", 3)).iter().map(|handed| handed.receipt).collect();
    stage.carry(delete("q", &receipts[..2]));
    assert_eq!(stage.engine.stats().cached_bytes, batch_of_one());
    stage.carry(millpond_core::command::Command::DeleteQueue { key: crate::support::key("q") });
    assert_eq!(stage.engine.stats().cached_bytes, 0);
}

#[test]
fn a_batch_stays_in_the_cache_until_all_its_messages_are_gone() {
    let mut stage = Stage::new();
    for id in 1..=3 {
        stage.ask(send_sized("q", id, 100));
    }
    stage.settle();
    let whole = stage.engine.stats().cached_bytes;
    assert!(whole > 3 * body(1).len());
    let receipts: Vec<_> = stage.hand_out(receive("q", 3)).iter().map(|handed| handed.receipt).collect();
    stage.carry(delete("q", &receipts[..2]));
    assert_eq!(stage.engine.stats().cached_bytes, whole);
    stage.pass_secs(60);
    assert_eq!(stage.hand_out(receive("q", 3))[0].id, 3);
    stage.carry(delete("q", &receipts[2..]));
    stage.carry(millpond_core::command::Command::PurgeQueue { key: crate::support::key("q") });
    assert_eq!(stage.engine.stats().cached_bytes, 0);
    assert!(stage.reads.is_empty());
}

#[test]
fn a_body_is_had_from_the_batch_that_is_being_collected() {
    let mut stage = uncached();
    let sent = stage.ask(send_sized("q", 1, 100));
    let asked = stage.ask(receive("q", 1));
    let later = stage.ask(send_sized("q", 2, 100));
    assert!(stage.reads.is_empty());
    stage.settle();
    assert!(stage.has_left(sent) && stage.has_left(later));
    assert_eq!(ids(&stage.take(asked)), [1]);
}

#[test]
fn a_checkpoint_takes_nothing_out_of_the_cache() {
    let mut stage = Stage::new();
    stage.carry(send_sized("q", 1, 100));
    let reflected = stage.last_appended().unwrap();
    stage.step(Input::Checkpointed { reflected });
    assert_eq!(stage.hand_out(receive("q", 1))[0].id, 1);
    assert!(stage.reads.is_empty());
    assert!(stage.engine.stats().cached_bytes > 0);
}

#[test]
fn a_receive_leaves_when_its_bodies_come_after_its_lease_is_durable() {
    let (mut stage, asked, read) = reading(1, true);
    assert!(!stage.engine.is_settled(), "a reply waits for its bodies");
    stage.step(Input::Bodies { read, bodies: vec![Body::Intact(body(1))] });
    assert_eq!(ids(&stage.take(asked)), [1]);
    assert!(stage.engine.is_settled());
}

#[test]
fn a_receive_leaves_when_its_lease_is_durable_after_its_bodies_came() {
    let (mut stage, asked, read) = reading(1, false);
    stage.step(Input::Bodies { read, bodies: vec![Body::Intact(body(1))] });
    assert!(!stage.has_left(asked), "its lease is not durable");
    stage.end_turn();
    assert!(!stage.has_left(asked));
    stage.sync();
    assert_eq!(ids(&stage.take(asked)), [1]);
}

#[test]
fn bodies_that_come_late_do_not_make_a_lease_durable() {
    let (mut stage, asked, read) = reading(1, false);
    let behind = stage.ask(send_sized("q", 2, 10));
    stage.end_turn();
    stage.step(Input::Bodies { read, bodies: vec![Body::Intact(body(1))] });
    assert!(!stage.has_left(asked) && !stage.has_left(behind));
    stage.sync();
    assert!(stage.has_left(asked) && stage.has_left(behind));
}

#[test]
fn a_receive_waits_for_its_own_lease_and_not_for_the_one_before() {
    let mut stage = uncached();
    stage.carry(send_sized("q", 1, 100));
    let before = stage.ask(send_sized("q", 2, 10));
    stage.end_turn();
    let asked = stage.ask(receive("q", 1));
    stage.end_turn();
    let read = stage.reads.last().unwrap().0;
    stage.step(Input::Bodies { read, bodies: vec![Body::Intact(body(1))] });
    stage.sync();
    assert!(stage.has_left(before));
    assert!(!stage.has_left(asked), "its lease is in the batch that has yet to be synced");
    stage.settle();
    assert_eq!(ids(&stage.take(asked)), [1]);
}

#[test]
fn only_what_is_not_cached_is_read_and_the_order_stays() {
    let one = batch_of_one();
    let mut stage = Stage::with(EngineConfig { cache_bytes: 2 * one, ..EngineConfig::default() });
    for id in 1..=4 {
        stage.carry(send_sized("q", id, 100));
    }
    let asked = stage.ask(receive("q", 10));
    stage.settle();
    let (read, bodies) = stage.reads.last().unwrap().clone();
    assert_eq!(bodies.len(), 2, "the two oldest were evicted");
    let bodies = bodies.iter().map(|(_, place)| Body::Intact(read_from(&stage, place))).collect();
    stage.step(Input::Bodies { read, bodies });
    assert_eq!(ids(&stage.take(asked)), [1, 2, 3, 4]);
}

#[test]
fn a_damaged_body_is_taken_out_and_its_neighbours_arrive() {
    let (mut stage, asked, read) = reading(3, true);
    let bodies = vec![Body::Intact(body(1)), Body::Damaged, Body::Intact(body(3))];
    stage.step(Input::Bodies { read, bodies });
    assert_eq!(ids(&stage.take(asked)), [1, 3]);
    let message = MessageRef { queue: stage.queue_id("q"), sequence: Sequence(2) };
    assert_eq!(stage.quarantined, [message]);
    assert_eq!(stage.engine.stats().quarantined, 1);
    stage.settle();
    assert!(stage.engine.state().queue(message.queue).unwrap().messages.get(message.sequence).is_none());
    stage.pass_secs(60);
    stage.ask(receive("q", 10));
    assert_eq!(stage.reads.last().unwrap().1.len(), 2, "it never comes again");
}

#[test]
fn a_body_that_is_gone_is_left_out_and_its_message_stays() {
    let (mut stage, asked, read) = reading(2, true);
    stage.step(Input::Bodies { read, bodies: vec![Body::Gone, Body::Intact(body(2))] });
    assert_eq!(ids(&stage.take(asked)), [2]);
    let queue = stage.engine.state().queue(stage.queue_id("q")).unwrap();
    assert_eq!(queue.messages.len(), 2, "a failed read says nothing about the bytes");
}

#[test]
fn a_receive_whose_bodies_are_all_damaged_is_answered() {
    let (mut stage, asked, read) = reading(1, true);
    stage.step(Input::Bodies { read, bodies: vec![Body::Damaged] });
    assert_eq!(handed(&stage.take(asked)), []);
}

#[test]
fn a_message_purged_while_it_was_read_is_not_missed() {
    let (mut stage, asked, read) = reading(1, true);
    stage.carry(millpond_core::command::Command::DeleteQueue { key: crate::support::key("q") });
    stage.step(Input::Bodies { read, bodies: vec![Body::Damaged] });
    assert!(matches!(outcome(&stage.take(asked)), Outcome::Received { .. }));
    assert_eq!(stage.engine.stats().quarantined, 0, "there was nothing left to take out");
    assert_eq!(stage.quarantined, [], "and nothing to report");
}

#[test]
fn a_read_that_is_answered_twice_is_answered_once() {
    let (mut stage, asked, read) = reading(1, true);
    stage.step(Input::Bodies { read, bodies: vec![Body::Intact(body(1))] });
    stage.take(asked);
    stage.step(Input::Bodies { read, bodies: vec![Body::Intact(body(1))] });
    assert!(!stage.has_left(asked));
}
