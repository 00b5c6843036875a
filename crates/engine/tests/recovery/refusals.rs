//! A directory whose store and log do not fit each other is refused: half of a history is worse than none.

use bytes::Bytes;
use millpond_core::event::Event;
use millpond_core::format::batch::BatchBuilder;
use millpond_core::message::{QueueId, Sequence};
use millpond_engine::recovery::{RecoveryError, recover};
use millpond_log::{Log, MemoryConfig, MemoryLog, MemoryStorage, Position};
use millpond_store::{Changes, MemoryStore, Store};

use crate::support::START;

/// A log of `batches` empty batches, trimmed before `first`.
fn log(batches: u64, first: u64) -> MemoryLog {
    let mut log = MemoryLog::open(MemoryStorage::default(), MemoryConfig::default());
    for position in 1..=batches {
        log.submit(Position(position), Bytes::new()).unwrap();
    }
    log.poll();
    log.trim(Position(first)).unwrap();
    log
}

fn store_at(reflected: u64) -> MemoryStore {
    let mut store = MemoryStore::new();
    store.apply(Changes::default(), Position(reflected)).unwrap();
    store
}

#[test]
fn batches_missing_between_store_and_log_are_refused() {
    assert!(recover(&mut log(9, 5), &store_at(4)).is_ok(), "the log goes on right behind the store");
    let refused = recover(&mut log(9, 6), &store_at(4));
    let Err(RecoveryError::Gap { reflected, first, last }) = refused else { panic!("{refused:?}") };
    assert_eq!((reflected, first, last), (Position(4), Position(6), Position(9)));
}

#[test]
fn a_log_that_ends_before_the_store_is_refused() {
    assert!(recover(&mut log(9, 1), &store_at(9)).is_ok(), "nothing to replay");
    assert!(matches!(recover(&mut log(9, 1), &store_at(10)), Err(RecoveryError::Gap { .. })));
    let refused = recover(&mut MemoryLog::new(), &store_at(1));
    let Err(error) = refused else { panic!("a new log behind an old store") };
    let text = error.to_string();
    assert!(text.contains("the log up to 1") && text.contains("files are missing"), "{text}");
}

#[test]
fn a_missing_store_behind_a_trimmed_log_is_refused() {
    assert!(matches!(recover(&mut log(9, 5), &MemoryStore::new()), Err(RecoveryError::Gap { .. })));
}

#[test]
fn a_new_directory_is_empty() {
    let recovered = recover(&mut MemoryLog::new(), &MemoryStore::new()).unwrap();
    assert_eq!(recovered.through, Position::NONE);
    assert_eq!(recovered.replayed_batches, 0);
    assert_eq!(recovered.state.queues().count(), 0);
}

#[test]
fn batches_that_the_store_reflects_are_not_applied_again() {
    let mut log = log(4, 1);
    let mut bad = BatchBuilder::new(START);
    bad.push(&Event::MessagesDeleted { queue: QueueId(3), sequences: vec![Sequence(1)] });
    log.submit(Position(5), bad.finish()).unwrap();
    log.submit(Position(6), Bytes::from_static(b"no batch")).unwrap();
    log.submit(Position(7), Bytes::new()).unwrap();
    log.poll();
    let refused = recover(&mut log, &store_at(4));
    assert!(matches!(refused, Err(RecoveryError::Inconsistent { position: Position(5), .. })), "{refused:?}");
    let refused = recover(&mut log, &store_at(5));
    assert!(matches!(refused, Err(RecoveryError::Malformed { position: Position(6), .. })), "{refused:?}");
    assert!(recover(&mut log, &store_at(6)).is_ok());
}
