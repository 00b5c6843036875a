//! A store of an earlier format becomes one of this format, also when the machine loses power at any moment of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::sync::Arc;

use millpond_core::format::fifo::encode_deduplication;
use millpond_core::format::sends::decode_sends;
use millpond_core::message::{QueueId, Sequence};
use millpond_log::{Disk, FaultyDisk, Position, RealDisk};
use millpond_store::conformance::script::{Script, deduplication, message};
use millpond_store::conformance::seen::Seen;
use millpond_store::{MemoryStore, RedbConfig, RedbStore, Store, StoreError};
use redb::{Database, ReadableTable, TableDefinition};

type Messages = TableDefinition<'static, &'static [u8; 16], &'static [u8]>;
type Numbers = TableDefinition<'static, &'static [u8; 8], &'static [u8]>;
type Times = TableDefinition<'static, &'static [u8; 32], &'static [u8]>;

const ENTRIES: Messages = TableDefinition::new("entries");
const STEPS: u64 = 12;

fn sealed(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    let checksum = crc32c::crc32c(&[table.as_bytes(), key, value].concat());
    [value, &checksum.to_le_bytes()].concat()
}

/// Makes a store of this format one of format 2, as that version wrote it.
fn to_format_2(database: &Database) {
    let transaction = database.begin_write().unwrap();
    {
        let sends = transaction.open_table(Messages::new("remembered")).unwrap();
        let mut single = transaction.open_table(Messages::new("deduplications")).unwrap();
        let hidden = transaction.open_table(Numbers::new("forgotten_below")).unwrap();
        for row in sends.iter().unwrap() {
            let (key, value) = row.unwrap();
            let (queue, first) = key.value().split_first_chunk::<8>().unwrap();
            let below = hidden.get(queue).unwrap();
            let below = below.map_or(0, |row| u64::from_le_bytes(row.value()[..8].try_into().unwrap()));
            let first = Sequence(u64::from_be_bytes(first.try_into().unwrap()));
            let value = bytes::Bytes::copy_from_slice(&value.value()[..value.value().len() - 4]);
            let sends = decode_sends(first, value).unwrap();
            for (sequence, row) in sends.into_iter().filter(|(sequence, _)| sequence.0 >= below) {
                let mut key = *key.value();
                key[8..].copy_from_slice(&sequence.0.to_be_bytes());
                let row = sealed("deduplications", &key, &encode_deduplication(&row));
                single.insert(&key, &row[..]).unwrap();
            }
        }
        put_format(&transaction, 2);
    }
    transaction.delete_table(Messages::new("remembered")).unwrap();
    transaction.delete_table(Numbers::new("forgotten_below")).unwrap();
    transaction.commit().unwrap();
}

fn put_format(transaction: &redb::WriteTransaction, format: u64) {
    let mut store = transaction.open_table(TableDefinition::<&str, &[u8]>::new("store")).unwrap();
    store.insert("format", &sealed("store", b"format", &format.to_le_bytes())[..]).unwrap();
}

/// Makes a store of format 2 one of format 1, as that version wrote it.
fn to_format_1(database: &Database) {
    let transaction = database.begin_write().unwrap();
    {
        let mut entries = transaction.open_table(ENTRIES).unwrap();
        for table in ["line", "aside", "grouped"] {
            let rows = transaction.open_table(Messages::new(table)).unwrap();
            for row in rows.iter().unwrap() {
                let (key, value) = row.unwrap();
                let value = &value.value()[..value.value().len() - 4];
                entries.insert(key.value(), &sealed("entries", key.value(), value)[..]).unwrap();
            }
        }
        put_format(&transaction, 1);
    }
    for table in ["line", "aside", "grouped"] {
        transaction.delete_table(Messages::new(table)).unwrap();
    }
    for table in ["turns", "leases", "ages"] {
        transaction.delete_table(Times::new(table)).unwrap();
    }
    transaction.delete_table(Numbers::new("backlogs")).unwrap();
    transaction.commit().unwrap();
}

/// The bytes of a store of an earlier format, and what it holds. Some of its messages are hidden and not yet reclaimed.
fn earlier(format: u64) -> (Vec<u8>, Seen) {
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
    to_format_2(&database);
    if format == 1 {
        to_format_1(&database);
    }
    drop(database);
    (std::fs::read(path).unwrap(), Seen::of(&model))
}

fn open(disk: &FaultyDisk) -> Result<RedbStore, StoreError> {
    RedbStore::open(Arc::new(disk.clone()), RedbConfig { cache_bytes: 16 << 10, migrated_at_once: 9 })
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
    let (content, expected) = earlier(format);
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
    }
}
