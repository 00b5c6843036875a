//! A payload is read from the log while it is there, and from the store after that; every byte is verified.

use millpond_core::command::Command;
use millpond_core::message::{MessageRef, Sequence};
use millpond_core::queue::{AttributePatch, MoveTaskId, RedrivePolicy};
use millpond_engine::checkpoint;
use millpond_engine::driver::read_body;
use millpond_engine::recovery::recover;
use millpond_engine::step::{Body, BodyPlace, Engine, EngineConfig, Input, Output, RequestId, Wait};
use millpond_log::{Log, MemoryConfig, MemoryLog, MemoryStorage, Position};
use millpond_store::{MemoryStore, Store};

use crate::support::{Stage, create, key, payload, receive, receive_for, send_sized};

fn body() -> Body {
    Body::Intact(payload(1, &[b'b'; 300]))
}

/// A log with one message, an empty store, and where the engine believes the payload to be.
fn written() -> (MemoryLog, MemoryStore, MessageRef, BodyPlace) {
    let mut stage = Stage::with(EngineConfig { cache_bytes: 0, ..EngineConfig::default() });
    stage.carry(send_sized("q", 1, 300));
    stage.ask(receive("q", 1));
    let (message, place) = stage.reads[0].1[0].clone();
    let mut log = MemoryLog::open(MemoryStorage::default(), MemoryConfig::default());
    for (position, payload) in &stage.appended {
        log.submit(*position, payload.clone()).unwrap();
    }
    log.poll();
    (log, MemoryStore::new(), message, place)
}

fn read(log: &MemoryLog, store: &MemoryStore, message: MessageRef, place: BodyPlace) -> Body {
    read_body(&*log.reader(), &*store.reader(), message, place)
}

#[test]
fn a_payload_is_read_from_the_log_and_then_from_the_store() {
    let (mut log, mut store, message, place) = written();
    assert_eq!(read(&log, &store, message, place.clone()), body());
    let last = log.bounds().tail.previous();
    checkpoint::advance(&mut store, &*log.reader(), last).unwrap();
    assert_eq!(read(&log, &store, message, BodyPlace::Store), body());
    log.trim(last.next()).unwrap();
    assert_eq!(read(&log, &store, message, place), body(), "trimmed after its place was looked up");
}

#[test]
fn a_payload_that_is_nowhere_is_gone() {
    let (log, store, message, _) = written();
    let other = MessageRef { sequence: Sequence(9), ..message };
    assert_eq!(read(&log, &store, other, BodyPlace::Store), Body::Gone);
}

#[test]
fn bytes_that_are_not_the_payload_are_damage_and_a_failed_read_is_not() {
    let (log, store, message, place) = written();
    let BodyPlace::Log { position, offset_bytes, length_bytes } = place else { panic!("{place:?}") };
    let beside = BodyPlace::Log { position, offset_bytes: offset_bytes - 1, length_bytes };
    assert_eq!(read(&log, &store, message, beside), Body::Damaged);
    let outside = BodyPlace::Log { position, offset_bytes: offset_bytes + 1, length_bytes };
    assert_eq!(read(&log, &store, message, outside), Body::Gone);
    let not_durable = BodyPlace::Log { position: log.bounds().tail, offset_bytes, length_bytes };
    assert_eq!(read(&log, &store, message, not_durable), Body::Gone);
    assert_eq!(read(&log, &store, message, place), body());
}

/// A message that became a dead letter, its first queue gone since, is read wherever log and store are: before the store has followed to its send, to
/// its move, and behind both.
#[test]
fn the_payload_of_a_dead_letter_is_found_however_far_the_store_is() {
    let mut stage = Stage::with(EngineConfig { cache_bytes: 0, ..EngineConfig::default() });
    stage.carry(create("dead", AttributePatch::default()));
    let policy = RedrivePolicy { target: key("dead"), max_receive_count: 1 };
    stage.carry(create("jobs", AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() }));
    stage.carry(send_sized("jobs", 1, 300));
    let sent = stage.last_appended().unwrap();
    stage.ask(receive_for("jobs", 1, 0));
    stage.settle();
    stage.ask(receive_for("jobs", 1, 0));
    stage.settle();
    stage.carry(Command::DeleteQueue { key: key("jobs") });
    stage.reads.clear();
    stage.ask(receive("dead", 1));
    let (message, place) = stage.reads[0].1[0].clone();
    assert!(matches!(place, BodyPlace::Moved { .. }), "{place:?}");
    stage.settle();
    let mut log = MemoryLog::open(MemoryStorage::default(), MemoryConfig::default());
    for (position, payload) in &stage.appended {
        log.submit(*position, payload.clone()).unwrap();
    }
    log.poll();
    let last = log.bounds().tail.previous();
    let mut store = MemoryStore::new();
    assert_eq!(read(&log, &store, message, place.clone()), body(), "from the log");
    checkpoint::advance(&mut store, &*log.reader(), sent).unwrap();
    log.trim(sent.next()).unwrap();
    assert_eq!(read(&log, &store, message, place.clone()), body(), "from the store, under its old name");
    checkpoint::advance(&mut store, &*log.reader(), last).unwrap();
    assert_eq!(read(&log, &store, message, place), body(), "from the store, under its new name");
    let recovered = recover(&mut log, &store).unwrap();
    assert_eq!(recovered.state.digest(), stage.engine.state().digest());
}

/// A queue whose one message goes to its dead-letter queue and back, twice each, and is received then: what was
/// appended, the position of its send, and where the engine believes the payload to be.
fn to_and_fro() -> (Stage, Position, MessageRef, BodyPlace) {
    let mut stage = Stage::with(EngineConfig { cache_bytes: 0, ..EngineConfig::default() });
    stage.carry(create("dead", AttributePatch::default()));
    let policy = RedrivePolicy { target: key("dead"), max_receive_count: 1 };
    stage.carry(create("jobs", AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() }));
    stage.carry(send_sized("jobs", 1, 300));
    let sent = stage.last_appended().unwrap();
    for id in 1..=2 {
        for _ in 0..2 {
            stage.ask(receive_for("jobs", 1, 0));
            stage.settle();
        }
        let id = MoveTaskId::new(id);
        stage.carry(Command::StartMoveTask {
            key: key("dead"),
            id,
            destination: None,
            back_to: None,
            messages_per_sec: None,
        });
        stage.pass_millis(10);
    }
    stage.reads.clear();
    stage.ask(receive("jobs", 1));
    let (message, place) = stage.reads[0].1[0].clone();
    stage.settle();
    (stage, sent, message, place)
}

/// The log of a stage.
fn log_of(stage: &Stage) -> MemoryLog {
    let mut log = MemoryLog::open(MemoryStorage::default(), MemoryConfig::default());
    for (position, payload) in &stage.appended {
        log.submit(*position, payload.clone()).unwrap();
    }
    log.poll();
    log
}

/// A message that a move task has brought back, again and again, is read wherever the store is, by the engine that
/// moved it and by one that begins with that store.
#[test]
fn the_payload_of_a_moved_message_is_found_however_far_the_store_is() {
    let (stage, _, message, place) = to_and_fro();
    let BodyPlace::Moved { earlier, .. } = &place else { panic!("{place:?}") };
    assert_eq!(earlier.len(), 4);
    let last = log_of(&stage).bounds().tail.previous();
    for reflected in 0..=last.0 {
        let (mut log, mut store) = (log_of(&stage), MemoryStore::new());
        checkpoint::advance(&mut store, &*log.reader(), Position(reflected)).unwrap();
        log.trim(Position(reflected).next()).unwrap();
        assert_eq!(read(&log, &store, message, place.clone()), body(), "the store reflects {reflected}");
        let recovered = recover(&mut log, &store).unwrap();
        assert_eq!(recovered.state.digest(), stage.engine.state().digest());
        let mut engine = Engine::new(EngineConfig::default(), recovered);
        let mut out = Vec::new();
        // By now it has been received once more than it may.
        for (request, queue) in [(1, "jobs"), (2, "dead")] {
            let (request, command) = (RequestId(request), receive(queue, 1));
            let now = stage.now.plus_secs(60);
            engine.step(now, Input::Request { request, command, wait: Wait::Secs(0) }, &mut out);
        }
        let Some(Output::Read { bodies, .. }) = out.pop() else { panic!("nothing to read") };
        let (message, place) = bodies[0].clone();
        assert_eq!(read(&log, &store, message, place), body(), "after a restart at {reflected}");
    }
}

/// A checkpoint of many moves is taken in parts, so that the payloads it writes again are never all in memory.
#[test]
fn a_checkpoint_holds_a_bounded_number_of_moved_payloads() {
    let (stage, sent, message, _) = to_and_fro();
    let log = log_of(&stage);
    let last = log.bounds().tail.previous();
    let mut store = MemoryStore::new();
    checkpoint::advance(&mut store, &*log.reader(), sent).unwrap();
    let mut parts = 0;
    while store.reflected() < last {
        let before = store.reflected();
        let reflected = checkpoint::advance_some(&mut store, &*log.reader(), last, 0).unwrap();
        assert!(reflected > before && reflected == store.reflected());
        parts += 1;
    }
    assert_eq!(parts, 5, "each of the four moves ends a part");
    assert_eq!(read(&log, &store, message, BodyPlace::Store), body());
}
