//! What tests ask for: the clock put forward, and an empty service.

use millpond_core::command::Command;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::AttributePatch;
use millpond_core::time::Timestamp;
use millpond_engine::step::{Input, RequestId};

use crate::support::{
    Stage, create, find, handed, ids, key, outcome, reading, receive, receive_for, send, send_delayed,
};

const ADVANCE: RequestId = RequestId(u64::MAX);

/// Puts the clock forward, the boot clock staying where it is.
fn advance(stage: &mut Stage, secs: u64) {
    let boot = reading(stage.now);
    stage.pass_secs(secs);
    stage.step(Input::Advanced { request: ADVANCE, reading: boot });
}

fn counts(stage: &Stage, queue: &str) -> [usize; 3] {
    let counts = stage.engine.state().queue_named(&key(queue)).unwrap().messages.counts();
    [counts.visible, counts.in_flight, counts.delayed]
}

#[test]
fn what_is_due_by_then_has_happened() {
    let mut stage = Stage::new();
    let short = AttributePatch { retention_secs: Some(60), ..AttributePatch::default() };
    stage.carry(create("short", short));
    for id in 1..=1_500 {
        stage.carry(send_delayed("q", id, 900));
        stage.carry(send("short", id));
    }
    stage.hand_out(receive_for("short", 1, 43_200));
    assert_eq!((counts(&stage, "q"), counts(&stage, "short")), ([0, 0, 1_500], [1_499, 1, 0]));
    advance(&mut stage, 900);
    // More than any one step takes.
    assert_eq!((counts(&stage, "q"), counts(&stage, "short")), ([1_500, 0, 0], [0, 0, 0]));
    stage.settle();
    assert_eq!(outcome(&stage.take(ADVANCE)), &Outcome::Done);
}

#[test]
fn leases_end() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    stage.hand_out(receive_for("q", 1, 600));
    advance(&mut stage, 599);
    stage.settle();
    assert_eq!(stage.hand_out(receive("q", 1)), []);
    stage.take(ADVANCE);
    advance(&mut stage, 1);
    stage.settle();
    assert_eq!(stage.hand_out(receive("q", 1))[0].delivery.receive_count, 2);
}

#[test]
fn long_polls_get_what_appears_and_the_others_end() {
    let mut stage = Stage::new();
    stage.carry(create("empty", AttributePatch::default()));
    stage.carry(send_delayed("q", 1, 900));
    let served = stage.ask_waiting(receive("q", 10), 20);
    let ended = stage.ask_waiting(receive("empty", 10), 20);
    stage.settle();
    advance(&mut stage, 900);
    stage.settle();
    assert_eq!(ids(&stage.take(served)), [1]);
    assert_eq!(handed(&stage.take(ended)), []);
}

#[test]
fn a_batch_that_is_open_keeps_its_time_and_the_answer_waits_for_the_jump() {
    let mut stage = Stage::new();
    let started = stage.now;
    // The log is writing one batch while the next is open.
    stage.ask(send("q", 1));
    stage.end_turn();
    stage.ask(send_delayed("q", 2, 900));
    stage.end_turn();
    advance(&mut stage, 900);
    assert_eq!(counts(&stage, "q"), [2, 0, 0], "the jump is not held up by the open batch");
    stage.end_turn();
    let sent_at = |stage: &Stage, sequence: usize| {
        stage
            .engine
            .state()
            .queue_named(&key("q"))
            .unwrap()
            .messages
            .by_age()
            .nth(sequence)
            .unwrap()
            .1
            .sent_at
    };
    assert_eq!(sent_at(&stage, 1), started);
    let before_jump = stage.last_appended().unwrap();
    stage.step(Input::Durable(before_jump));
    assert!(!stage.has_left(ADVANCE), "the time it tells of is not durable");
    stage.settle();
    assert!(stage.has_left(ADVANCE));
    stage.carry(send("q", 3));
    assert_eq!(sent_at(&stage, 2), started.plus_secs(900));
}

#[test]
fn the_time_of_a_jump_is_durable_though_nothing_else_happened() {
    let mut stage = Stage::new();
    advance(&mut stage, 86_400);
    stage.settle();
    assert_eq!(durable_clock(&stage), stage.now);
}

fn durable_clock(stage: &Stage) -> Timestamp {
    use millpond_core::format::batch::Batch;
    let written = stage.appended.iter().rev().find(|(_, payload)| !payload.is_empty()).unwrap();
    Batch::decode(written.1.clone()).unwrap().at
}

#[test]
fn a_reset_leaves_nothing_and_tells_those_who_wait() {
    let mut stage = Stage::new();
    stage.carry(create("other", AttributePatch::default()));
    stage.carry(send("other", 1));
    let waiting = stage.ask_waiting(receive("q", 10), 20);
    stage.settle();
    let reset = stage.ask(Command::Reset);
    stage.end_turn();
    assert!(!stage.has_left(reset), "it is not durable");
    stage.settle();
    assert_eq!(outcome(&stage.take(reset)), &Outcome::Reset { queues: 2, messages: 1 });
    let gone = Outcome::Refused(Refusal::QueueDoesNotExist);
    assert_eq!(outcome(&stage.take(waiting)), &gone);
    assert_eq!(stage.carry(find("other")), gone);
    assert_eq!(stage.engine.stats().cached_bytes, 0);
}
