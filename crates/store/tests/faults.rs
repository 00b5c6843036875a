//! A failing or full disk: what is refused, what goes on, and what is in the store afterwards.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::io::ErrorKind;
use std::sync::Arc;

use millpond_core::message::{QueueId, Sequence};
use millpond_log::{FaultyDisk, Position};
use millpond_store::conformance::script::{Script, message, payload, put};
use millpond_store::conformance::seen::Seen;
use millpond_store::{Changes, MessageChange, RedbConfig, RedbStore, Store, StoreError};

fn open(disk: &FaultyDisk) -> RedbStore {
    RedbStore::open(
        Arc::new(disk.clone()),
        RedbConfig { cache_bytes: 16 << 10, payload_file_bytes: 4 << 10, ..RedbConfig::default() },
    )
    .unwrap()
}

fn puts(queue: u64, sequences: std::ops::Range<u64>, payload_bytes: usize) -> Changes {
    let messages = sequences.map(|sequence| put(queue, sequence, payload_bytes)).collect();
    Changes { messages, ..Changes::default() }
}

/// A store with some history, and changes that follow.
fn with_history(disk: &FaultyDisk) -> (RedbStore, Changes) {
    let mut script = Script::new(5);
    let mut store = open(disk);
    for position in 1..=4 {
        store.apply(script.next_changes(), Position(position)).unwrap();
    }
    (store, script.next_changes())
}

/// What was answered `Ok` is there after a power cut.
fn assert_durable(disk: &FaultyDisk, store: RedbStore) {
    let acknowledged = Seen::of(&store);
    assert_eq!(acknowledged.reflected, Position(5));
    drop(store);
    disk.power_cut();
    assert_eq!(Seen::of(&open(disk)), acknowledged);
}

#[test]
fn a_full_disk_changes_nothing_and_the_same_changes_succeed_when_there_is_space() {
    let disk = FaultyDisk::new(1);
    let mut store = open(&disk);
    store.apply(puts(1, 1..10, 1_000), Position(1)).unwrap();
    let before = Seen::of(&store);
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    let reader = store.reader();
    let many = puts(1, 10..5_000, 2_000);
    for _ in 0..3 {
        let refused = store.apply(many.clone(), Position(2));
        assert!(matches!(&refused, Err(StoreError::Full { .. })), "{refused:?}");
        assert_eq!(Seen::of(&store), before);
        assert_eq!(reader.payload(message(1, 3)).unwrap(), Some(payload(message(1, 3), 1_000)));
    }
    disk.set_capacity_bytes(None);
    store.apply(many, Position(2)).unwrap();
    assert_eq!(store.usage().messages, 4_999);
    assert_eq!(reader.payload(message(1, 4_999)).unwrap(), Some(payload(message(1, 4_999), 2_000)));
}

#[test]
fn space_is_found_again_among_freed_pages_while_the_disk_is_full() {
    let disk = FaultyDisk::new(2);
    let mut store = open(&disk);
    store.apply(puts(1, 1..2_000, 1_000), Position(1)).unwrap();
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    let all = [(QueueId(1), Sequence(2_000))].into();
    store.apply(Changes { removed_below: all, ..Changes::default() }, Position(2)).unwrap();
    // Pages come free one transaction after the one that gave them back.
    store.apply(Changes::default(), Position(3)).unwrap();
    store.apply(Changes::default(), Position(4)).unwrap();
    store.apply(puts(1, 2_000..3_500, 1_000), Position(5)).unwrap();
    assert_eq!(store.usage().messages, 1_500);
}

/// Each failing call, in turn. Whatever is answered must be true afterwards.
#[test]
fn whichever_call_finds_the_disk_full_the_answer_is_true() {
    let (mut full, mut fatal) = (0, 0);
    for nth in 1.. {
        let disk = FaultyDisk::new(nth);
        let (mut store, changes) = with_history(&disk);
        let before = Seen::of(&store);
        let failing = disk.calls() + nth;
        disk.fail_call(failing, ErrorKind::StorageFull);
        match store.apply(changes.clone(), Position(5)) {
            Ok(()) if disk.calls() < failing => break,
            // A page that was written early, and again before the sync.
            Ok(()) => assert_durable(&disk, store),
            Err(StoreError::Full { .. }) => {
                full += 1;
                assert_eq!(Seen::of(&store), before, "call {nth}");
                store.apply(changes, Position(5)).unwrap();
                assert_durable(&disk, store);
            }
            Err(StoreError::Io { .. }) => {
                fatal += 1;
                drop(store);
                disk.power_cut();
                let found = open(&disk);
                assert!([Position(4), Position(5)].contains(&found.reflected()));
                assert!(found.reflected() == Position(5) || Seen::of(&found) == before);
            }
            Err(other) => panic!("call {nth}: {other}"),
        }
    }
    // A checkpoint syncs its payloads and their names, then its pages and then its header: none may be tried again.
    println!("{full} refused, {fatal} fatal");
    assert!(full >= 3 && fatal >= 2, "{full} refused, {fatal} fatal");
}

#[test]
fn a_failed_call_is_fatal_and_the_next_open_finds_the_old_state_or_the_new() {
    let mut fatal = 0;
    for nth in 1.. {
        let disk = FaultyDisk::new(nth);
        let (mut store, changes) = with_history(&disk);
        let before = Seen::of(&store);
        let failing = disk.calls() + nth;
        disk.fail_call(failing, ErrorKind::Other);
        let result = store.apply(changes.clone(), Position(5));
        if disk.calls() < failing {
            result.unwrap();
            break;
        }
        if result.is_ok() {
            assert_durable(&disk, store);
            continue;
        }
        fatal += 1;
        assert!(matches!(&result, Err(StoreError::Io { .. })), "call {nth}: {result:?}");
        let again = store.apply(changes, Position(5));
        assert!(matches!(&again, Err(StoreError::Io { .. })), "a failure is final: {again:?}");
        drop(store);
        disk.power_cut();
        let found = open(&disk);
        assert!(found.reflected() == Position(5) || Seen::of(&found) == before, "call {nth}");
    }
    assert!(fatal >= 8, "{fatal} fatal");
}

#[test]
fn a_failed_read_is_reported_as_such() {
    let disk = FaultyDisk::new(3);
    let (store, _) = with_history(&disk);
    drop(store);
    let store = open(&disk);
    disk.fail_reads(Some(RedbStore::FILE));
    let failed = Seen::rows_of(&store);
    assert!(matches!(&failed, Err(StoreError::Io { operation: "reading", .. })), "{failed:?}");
    drop(store);
    let refused = RedbStore::open(Arc::new(disk.clone()), RedbConfig::default());
    assert!(matches!(refused.err(), Some(StoreError::Io { .. })));
}

#[test]
fn a_steady_flow_takes_a_steady_amount_of_disk() {
    let disk = FaultyDisk::new(4);
    let mut store = open(&disk);
    let mut taken = Vec::new();
    for round in 1..=30u64 {
        let mut changes = puts(1, round * 500..(round + 1) * 500, 1_100);
        if round > 1 {
            let gone = (round - 1) * 500..round * 500;
            let removed = gone.map(|sequence| (message(1, sequence), MessageChange::Remove));
            changes.messages.extend(removed);
        }
        store.apply(changes, Position(round)).unwrap();
        taken.push(store.usage().disk_bytes);
    }
    assert!(taken[10..].iter().all(|bytes| *bytes <= taken[9]), "{taken:?}");
    assert!(taken[29] < 3 * 500 * 1_100, "{taken:?}");
}
