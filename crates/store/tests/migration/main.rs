//! A store of an earlier format becomes one of this format, also when the machine loses power at any moment of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod earlier;

use std::sync::Arc;

use millpond_core::message::QueueId;
use millpond_log::{Disk, FaultyDisk, Position, RealDisk};
use millpond_store::conformance::script::{Script, deduplication, message};
use millpond_store::conformance::seen::Seen;
use millpond_store::{MemoryStore, RedbConfig, RedbStore, Store, StoreError};
use redb::Database;

const STEPS: u64 = 12;

/// The bytes of a store of an earlier format, and what it holds. Some of its messages are hidden and not yet reclaimed.
fn of_format(format: u64) -> (Vec<u8>, Seen) {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    let mut store = RedbStore::open(disk, RedbConfig::default()).unwrap();
    let (mut script, mut model) = (Script::new(7), MemoryStore::new());
    for step in 1..=STEPS {
        let mut changes = script.next_changes();
        let sends = (step * 5..step * 5 + 5).map(|number| (message(77, number), deduplication(number)));
        changes.deduplications.extend(sends);
        if step == STEPS {
            // As many as are there: all of them are hidden at once.
            let queue = model.reader().queue(QueueId(1)).unwrap();
            changes.queues.extend(queue.map(|_| (QueueId(1), None)));
            changes.messages.retain(|message, _| message.queue != QueueId(1));
            changes.deduplications.retain(|message, _| message.queue != QueueId(1));
            changes.removed_below.remove(&QueueId(1));
        }
        model.apply(changes.clone(), Position(step)).unwrap();
        store.apply(changes, Position(step)).unwrap();
    }
    drop(store);
    let path = directory.path().join(RedbStore::FILE);
    let database = Database::open(&path).unwrap();
    earlier::to_format_2(&database, directory.path());
    if format == 1 {
        earlier::to_format_1(&database);
    }
    drop(database);
    (std::fs::read(path).unwrap(), Seen::of(&model))
}

fn open(disk: &FaultyDisk) -> Result<RedbStore, StoreError> {
    RedbStore::open(
        Arc::new(disk.clone()),
        RedbConfig { cache_bytes: 16 << 10, migrated_at_once: 9, payload_file_bytes: 4 << 10 },
    )
}

fn disk_with(content: &[u8], seed: u64) -> FaultyDisk {
    let disk = FaultyDisk::new(seed);
    let file = disk.create(RedbStore::FILE).unwrap();
    file.write_at(0, content).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir().unwrap();
    disk
}

#[test]
fn a_power_cut_at_any_call_of_the_migration_from_format_1_loses_nothing() {
    check(1);
}

#[test]
fn a_power_cut_at_any_call_of_the_migration_from_format_2_loses_nothing() {
    check(2);
}

fn check(format: u64) {
    let (content, expected) = of_format(format);
    assert!(expected.deduplications.len() > 20, "the store remembers sends");
    let whole = disk_with(&content, 1);
    let before = whole.calls();
    let mut store = open(&whole).unwrap();
    let calls = whole.calls();
    assert_eq!(Seen::of(&store), expected);
    while store.reclaim(100).unwrap() {}
    assert_eq!(Seen::of(&store), expected, "hidden messages stay so");
    assert!(calls - before > 50, "the migration takes many calls: {}", calls - before);
    for call in before + 1..=calls {
        let disk = disk_with(&content, call);
        disk.cut_at_call(call);
        let _ = open(&disk);
        disk.power_cut();
        let store = open(&disk).unwrap_or_else(|error| panic!("after a cut at call {call}: {error}"));
        assert_eq!(Seen::of(&store), expected, "after a cut at call {call}");
        drop(store);
        let store = open(&disk).unwrap_or_else(|error| panic!("once more, cut at call {call}: {error}"));
        assert_eq!(Seen::of(&store), expected, "once more, after a cut at call {call}");
    }
}
