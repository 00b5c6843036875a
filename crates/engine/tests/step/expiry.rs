//! Messages go when their retention has passed: never sooner, in bounded steps, and with a grace after an outage.

use millpond_core::command::Command;
use millpond_core::event::Event;
use millpond_core::format::batch::Batch;
use millpond_core::outcome::Outcome;
use millpond_core::queue::AttributePatch;
use millpond_core::state::State;
use millpond_engine::recovery::Recovered;
use millpond_engine::step::EngineConfig;

use crate::support::{Stage, create, delete, key, reading, receive, receive_for, send};

const HOUR_SECS: u64 = 3_600;

/// A stage with the queue `short`, which keeps messages for a minute.
fn short() -> Stage {
    let mut stage = Stage::new();
    let attributes = AttributePatch { retention_secs: Some(60), ..AttributePatch::default() };
    stage.carry(create("short", attributes));
    stage
}

fn held(stage: &Stage) -> usize {
    stage.engine.state().queue_named(&key("short")).unwrap().messages.len()
}

/// What a power cut and a restart leave of a stage: the state as its durable batches imply it.
fn replayed(stage: &Stage) -> Recovered {
    let mut state = State::new();
    for (_, payload) in stage.appended.iter().filter(|(_, payload)| !payload.is_empty()) {
        let batch = Batch::decode(payload.clone()).unwrap();
        state.apply(batch.at, &batch.events).unwrap();
    }
    assert_eq!(state.digest(), stage.engine.state().digest());
    Recovered { state, through: stage.engine.durable(), ..Recovered::default() }
}

fn restarted(stage: &Stage, downtime_secs: u64) -> Stage {
    let now = stage.now.plus_secs(downtime_secs);
    let mut stage = Stage::on(EngineConfig::default(), replayed(stage), now);
    stage.settle();
    stage
}

#[test]
fn an_idle_queue_is_cleaned_up_by_ticks() {
    let mut stage = short();
    stage.carry(send("short", 1));
    stage.pass_millis(59_999);
    stage.tick();
    stage.settle();
    assert_eq!(held(&stage), 1, "not sooner");
    stage.pass_millis(1);
    stage.tick();
    stage.settle();
    assert_eq!(held(&stage), 0);
    let last = stage.appended.iter().rfind(|(_, payload)| !payload.is_empty()).unwrap();
    let events = Batch::decode(last.1.clone()).unwrap().events;
    assert!(matches!(events[..], [Event::MessagesExpired { .. }]), "it expires by event: {events:?}");
}

#[test]
fn an_expired_message_is_never_handed_out() {
    let mut stage = short();
    stage.carry(send("short", 1));
    stage.pass_secs(60);
    assert_eq!(stage.hand_out(receive("short", 1)), []);
}

#[test]
fn a_message_expires_while_it_is_in_flight() {
    let mut stage = short();
    stage.carry(send("short", 1));
    let receipt = stage.hand_out(receive_for("short", 1, 600))[0].receipt;
    stage.pass_secs(60);
    stage.tick();
    stage.settle();
    assert_eq!(held(&stage), 0);
    assert_eq!(stage.carry(delete("short", &[receipt])), Outcome::Deleted(vec![Ok(())]), "no error");
}

#[test]
fn many_expire_in_bounded_steps() {
    let mut stage = short();
    for id in 0..2_500 {
        stage.ask(send("short", id));
    }
    stage.settle();
    stage.pass_secs(60);
    let mut before = held(&stage);
    for _ in 0..10 {
        stage.appended.clear();
        stage.tick();
        stage.settle();
        for (_, payload) in stage.appended.iter().filter(|(_, payload)| !payload.is_empty()) {
            for event in Batch::decode(payload.clone()).unwrap().events {
                let Event::MessagesExpired { sequences, .. } = event else { panic!("{event:?}") };
                assert!(sequences.len() <= 1_000, "one event of {}", sequences.len());
            }
        }
        assert!(before - held(&stage) <= 2_000, "one tick is bounded");
        before = held(&stage);
    }
    assert_eq!(before, 0);
}

#[test]
fn messages_that_would_expire_during_an_outage_are_kept_for_an_hour() {
    let mut before = short();
    before.carry(send("short", 1));
    let mut stage = restarted(&before, 2 * HOUR_SECS);
    stage.tick();
    assert_eq!(held(&stage), 1);
    stage.ask(receive_for("short", 1, 0));
    assert_eq!(stage.reads.len(), 1, "it can be received: its bytes are being read");
    stage.pass_secs(HOUR_SECS - 1);
    stage.tick();
    stage.settle();
    assert_eq!(held(&stage), 1);
    stage.pass_secs(1);
    stage.tick();
    stage.settle();
    assert_eq!(held(&stage), 0, "the grace is over");
}

#[test]
fn a_second_outage_does_not_end_the_grace_of_the_first() {
    let mut first = short();
    first.carry(send("short", 1));
    let mut second = restarted(&first, 2 * HOUR_SECS);
    second.pass_secs(60);
    second.tick();
    second.settle();
    assert_eq!(held(&second), 1);
    let mut third =
        Stage::on(EngineConfig::default(), replayed_over(&first, &second), second.now.plus_secs(60));
    third.settle();
    third.pass_secs(HOUR_SECS - 1);
    third.tick();
    third.settle();
    assert_eq!(held(&third), 1);
}

/// The log of two lives, one behind the other.
fn replayed_over(first: &Stage, second: &Stage) -> Recovered {
    let mut state = replayed(first).state;
    for (_, payload) in second.appended.iter().filter(|(_, payload)| !payload.is_empty()) {
        let batch = Batch::decode(payload.clone()).unwrap();
        state.apply(batch.at, &batch.events).unwrap();
    }
    Recovered { state, through: second.engine.durable(), ..Recovered::default() }
}

#[test]
fn what_had_expired_before_the_outage_gets_no_grace() {
    let mut before = short();
    before.carry(send("short", 1));
    before.pass_secs(61);
    before.carry(create("elsewhere", AttributePatch::default()));
    assert_eq!(held(&before), 1, "no one has looked since");
    let mut stage = restarted(&before, 10);
    stage.tick();
    stage.settle();
    assert_eq!(held(&stage), 0);
}

#[test]
fn a_directory_without_messages_holds_nothing_after_an_outage() {
    let before = short();
    let stage = restarted(&before, 2 * HOUR_SECS);
    assert_eq!(stage.engine.state().instance().expiry_hold, None);
}

#[test]
fn a_quick_restart_is_no_outage() {
    let mut before = short();
    before.carry(send("short", 1));
    let mut stage = restarted(&before, 1);
    assert_eq!(stage.engine.state().instance().expiry_hold, None);
    stage.pass_secs(59);
    stage.tick();
    stage.settle();
    assert_eq!(held(&stage), 0);
}

#[test]
fn the_receipt_key_is_made_once() {
    let mut before = short();
    before.carry(send("short", 1));
    let mut engine = millpond_engine::step::Engine::new(EngineConfig::default(), replayed(&before));
    engine.begin(before.now, [9; 16], reading(before.now));
    assert_eq!(engine.state().instance().receipt_key, Some(crate::support::RECEIPT_KEY));
}

#[test]
fn a_shorter_retention_counts_for_messages_that_are_there() {
    let mut stage = Stage::new();
    stage.carry(create("short", AttributePatch::default()));
    stage.carry(send("short", 1));
    stage.pass_secs(100);
    let attributes = AttributePatch { retention_secs: Some(60), ..AttributePatch::default() };
    stage.carry(Command::SetQueueAttributes { key: key("short"), attributes: attributes.into() });
    stage.tick();
    stage.settle();
    assert_eq!(held(&stage), 0);
}
