//! An engine that falls idle tells the log once that its last batch is durable.

use millpond_engine::recovery::Recovered;
use millpond_engine::step::EngineConfig;

use crate::support::{START, Stage, find, reading, send};

fn notes(stage: &Stage) -> usize {
    stage.appended.iter().filter(|(_, payload)| payload.is_empty()).count()
}

#[test]
fn an_idle_engine_appends_one_empty_batch() {
    let mut stage = Stage::new();
    for _ in 0..5 {
        stage.tick();
        stage.settle();
        stage.pass_secs(1);
    }
    assert_eq!(notes(&stage), 1);
    assert!(stage.engine.is_settled());
}

#[test]
fn the_next_work_brings_the_next_note() {
    let mut stage = Stage::new();
    stage.tick();
    stage.settle();
    stage.carry(send("q", 1));
    stage.tick();
    stage.settle();
    stage.tick();
    stage.settle();
    assert_eq!(notes(&stage), 2);
    let read = stage.ask(find("q"));
    assert!(stage.has_left(read));
    stage.tick();
    assert_eq!(notes(&stage), 2, "a read is no work for the log");
}

#[test]
fn an_engine_at_work_is_not_idle() {
    let mut stage = Stage::new();
    stage.ask(send("q", 1));
    stage.tick();
    assert_eq!(notes(&stage), 0, "a batch is open");
    stage.end_turn();
    stage.tick();
    assert_eq!(notes(&stage), 0, "a batch is being synced");
    stage.sync();
    stage.tick();
    assert_eq!(notes(&stage), 1);
}

#[test]
fn a_reply_decided_behind_a_note_waits_for_it() {
    let mut stage = Stage::new();
    stage.tick();
    let read = stage.ask(find("q"));
    assert!(!stage.has_left(read), "the note is the last position evolved");
    stage.sync();
    assert!(stage.has_left(read));
}

#[test]
fn a_directory_never_written_needs_no_note() {
    let mut stage = Stage::on(EngineConfig::default(), Recovered::default(), START);
    stage.settle();
    let before = stage.appended.len();
    stage.tick();
    assert_eq!(stage.appended.len(), before + 1);
    let mut engine = millpond_engine::step::Engine::new(EngineConfig::default(), Recovered::default());
    let mut out = Vec::new();
    engine.step(START, millpond_engine::step::Input::Tick(reading(START)), &mut out);
    assert!(out.is_empty());
}
