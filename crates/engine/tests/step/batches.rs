//! One sync covers many requests: while it is under way the next batch fills, unless it grows large.

use millpond_core::command::Command;
use millpond_core::event::Event;
use millpond_core::format::batch::Batch;
use millpond_engine::step::{EngineConfig, Input};

use crate::support::{Stage, find, key, message, send, send_sized};

fn events(stage: &Stage, batch: usize) -> Vec<Event> {
    Batch::decode(stage.appended[batch].1.clone()).unwrap().events
}

#[test]
fn a_batch_goes_to_the_log_at_the_end_of_the_turn() {
    let mut stage = Stage::new();
    stage.appended.clear();
    stage.ask(send("q", 1));
    stage.ask(send("q", 2));
    assert!(stage.appended.is_empty(), "more may come in the same turn");
    stage.end_turn();
    assert_eq!(events(&stage, 0).len(), 2, "both requests share one batch");
    stage.end_turn();
    assert_eq!(stage.appended.len(), 1, "an empty turn appends nothing");
}

#[test]
fn a_batch_fills_while_another_is_being_synced() {
    let mut stage = Stage::new();
    stage.appended.clear();
    stage.ask(send("q", 1));
    stage.end_turn();
    for id in 2..=5 {
        stage.ask(send("q", id));
        stage.end_turn();
    }
    assert_eq!(stage.appended.len(), 1, "one sync is under way, so the second batch waits and fills");
    stage.sync();
    stage.end_turn();
    assert_eq!(stage.appended.len(), 2);
    assert_eq!(events(&stage, 1).len(), 4);
}

#[test]
fn positions_are_dense() {
    let mut stage = Stage::new();
    for id in 1..=5 {
        stage.carry(send("q", id));
    }
    for (before, after) in stage.appended.iter().zip(&stage.appended[1..]) {
        assert_eq!(after.0, before.0.next());
    }
}

#[test]
fn a_large_batch_is_handed_over_while_another_is_being_synced() {
    let config = EngineConfig { batch_bytes: 4096, ..EngineConfig::default() };
    let mut stage = Stage::with(config);
    stage.appended.clear();
    stage.ask(send("q", 1));
    stage.end_turn();
    stage.ask(send_sized("q", 2, 2000));
    stage.end_turn();
    assert_eq!(stage.appended.len(), 1, "still small");
    stage.ask(send_sized("q", 3, 3000));
    assert_eq!(stage.appended.len(), 2, "large: handed over without waiting for the end of the turn");
    stage.ask(send("q", 4));
    stage.end_turn();
    assert_eq!(stage.appended.len(), 2, "a small one waits again");
    stage.settle();
    assert!(stage.engine.is_settled());
}

#[test]
fn all_events_of_one_command_are_in_one_batch() {
    let config = EngineConfig { batch_bytes: 64, ..EngineConfig::default() };
    let mut stage = Stage::with(config);
    stage.appended.clear();
    let messages = (0..10).map(|id| message(id, &[b'x'; 200], None)).collect();
    stage.carry(Command::Send { key: key("q"), messages });
    assert_eq!(stage.appended.len(), 1);
    assert_eq!(events(&stage, 0).len(), 10);
}

#[test]
fn all_events_of_a_batch_share_its_time_and_time_never_goes_back() {
    let mut stage = Stage::new();
    stage.appended.clear();
    let opened_at = stage.now;
    stage.ask(send("q", 1));
    stage.pass_secs(3);
    stage.ask(send("q", 2));
    stage.settle();
    assert_eq!(Batch::decode(stage.appended[0].1.clone()).unwrap().at, opened_at);
    stage.carry(send("q", 3));
    let later = stage.engine.state().clock();
    assert_eq!(later, opened_at.plus_secs(3));
    stage.now = opened_at;
    stage.carry(send("q", 4));
    assert_eq!(stage.engine.state().clock(), later, "an earlier clock changes nothing");
}

#[test]
fn an_engine_is_settled_when_all_is_durable_and_answered() {
    let mut stage = Stage::new();
    assert!(stage.engine.is_settled());
    stage.ask(send("q", 1));
    assert!(!stage.engine.is_settled(), "a batch is open");
    stage.end_turn();
    assert!(!stage.engine.is_settled(), "a batch is being synced");
    stage.sync();
    assert!(stage.engine.is_settled());
    stage.ask(find("q"));
    assert!(stage.engine.is_settled());
}

#[test]
fn several_batches_become_durable_at_once() {
    let config = EngineConfig { batch_bytes: 1, ..EngineConfig::default() };
    let mut stage = Stage::with(config);
    let requests: Vec<_> = (1..=3).map(|id| stage.ask(send("q", id))).collect();
    let last = stage.last_appended().unwrap();
    stage.step(Input::Durable(last.previous()));
    let left: Vec<bool> = requests.iter().map(|request| stage.has_left(*request)).collect();
    assert_eq!(left, [true, true, false]);
    stage.step(Input::Durable(last.previous().previous()));
    assert_eq!(stage.engine.durable(), last.previous(), "durable never goes back");
    stage.sync();
    assert!(stage.has_left(requests[2]));
}
