//! The clock of the state: it follows the batches and never goes back.

use millpond_core::command::Command;
use millpond_core::decide::decide;
use millpond_core::event::Event;
use millpond_core::message::{QueueId, Sequence};
use millpond_core::outage::{ExpiryHold, HoldReason};
use millpond_core::queue::{AttributePatch, Tags};
use millpond_core::state::State;
use millpond_core::time::Timestamp;

use crate::support::{Machine, START, key, message, through_rows};

#[test]
fn the_clock_is_the_time_of_the_latest_batch() {
    let mut machine = Machine::with_queue("orders");
    assert_eq!(machine.state.clock(), START);
    machine.advance_secs(5);
    assert_eq!(machine.state.clock(), START, "time passes by batches alone");
    machine.send("orders", 1);
    assert_eq!(machine.state.clock(), START.plus_secs(5));
}

#[test]
fn a_batch_from_the_past_counts_as_of_now() {
    let mut state = State::new();
    let create = Command::CreateQueue {
        key: key("orders"),
        attributes: AttributePatch::default().into(),
        tags: Tags::new(),
    };
    let late = START.plus_secs(100);
    let (events, _) = decide(&state, late, create);
    state.apply(late, &events).unwrap();
    let send = Command::Send { key: key("orders"), messages: vec![message(1, 1, None)] };
    let (events, _) = decide(&state, START, send);
    state.apply(START, &events).unwrap();
    assert_eq!(state.clock(), late);
    let queue = state.queue_named(&key("orders")).unwrap();
    assert_eq!(queue.messages.get(Sequence(1)).unwrap().sent_at, late, "sent order and sequence order agree");
    assert_eq!(queue.messages.counts().visible, 1);
}

#[test]
fn the_clock_survives_a_restart() {
    let mut machine = Machine::with_queue("orders");
    machine.advance_secs(5);
    machine.send("orders", 1);
    assert_eq!(through_rows(&machine.state).clock(), START.plus_secs(5));
}

#[test]
fn the_far_end_of_time_does_not_overflow() {
    assert_eq!(Timestamp::MAX.plus_secs(u64::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::MAX.plus_millis(1), Timestamp::MAX);
    assert_eq!(Timestamp::EPOCH.millis_since(Timestamp::MAX), 0);
    let mut state = State::new();
    let forever = ExpiryHold {
        from: START,
        up_at: Timestamp::MAX,
        until: Timestamp::MAX,
        reason: HoldReason::ClockJump,
    };
    state.apply(Timestamp::MAX, &[Event::ExpiryHeld(forever)]).unwrap();
    assert!(!state.settle(QueueId(0), Timestamp::MAX, 1));
}
