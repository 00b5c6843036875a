//! A payload is read from the log while it is there, and from the store after that; every byte is verified.

use millpond_core::message::{MessageRef, Sequence};
use millpond_engine::checkpoint;
use millpond_engine::driver::read_body;
use millpond_engine::step::{Body, BodyPlace, EngineConfig};
use millpond_log::{Log, MemoryConfig, MemoryLog, MemoryStorage};
use millpond_store::{MemoryStore, Store};

use crate::support::{Stage, payload, receive, send_sized};

fn body() -> Body {
    Body::Intact(payload(1, &[b'b'; 300]))
}

/// A log with one message, an empty store, and where the engine believes the payload to be.
fn written() -> (MemoryLog, MemoryStore, MessageRef, BodyPlace) {
    let mut stage = Stage::with(EngineConfig { cache_bytes: 0, ..EngineConfig::default() });
    stage.carry(send_sized("q", 1, 300));
    stage.ask(receive("q", 1));
    let (message, place) = stage.reads[0].1[0];
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
    assert_eq!(read(&log, &store, message, place), body());
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
