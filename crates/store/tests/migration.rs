//! A store of an earlier format becomes one of this format, also when the machine loses power at any moment of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::format::codec::{Put, Take};
use millpond_core::format::row;
use millpond_core::message::{Entry, QueueId};
use millpond_core::queue::resting::delay_second;
use millpond_log::{Disk, FaultyDisk, Position, RealDisk};
use millpond_store::conformance::script::Script;
use millpond_store::conformance::seen::Seen;
use millpond_store::{MemoryStore, RedbConfig, RedbStore, Store, StoreError};
use redb::{Database, ReadableTable, TableDefinition, WriteTransaction};

type Messages = TableDefinition<'static, &'static [u8; 16], &'static [u8]>;
type Times = TableDefinition<'static, &'static [u8; 32], &'static [u8]>;

const ENTRIES: Messages = TableDefinition::new("entries");
const STEPS: u64 = 12;

fn sealed(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    let checksum = crc32c::crc32c(&[table.as_bytes(), key, value].concat());
    [value, &checksum.to_le_bytes()].concat()
}

/// Makes a store of this format one of format 1, as that version wrote it.
fn to_format_1(database: &Database) {
    let transaction = database.begin_write().unwrap();
    {
        let mut entries = transaction.open_table(ENTRIES).unwrap();
        for table in ["line", "aside"] {
            let rows = transaction.open_table(Messages::new(table)).unwrap();
            for row in rows.iter().unwrap() {
                let (key, value) = row.unwrap();
                let value = &value.value()[..value.value().len() - 4];
                entries.insert(key.value(), &sealed("entries", key.value(), value)[..]).unwrap();
            }
        }
    }
    set_format(&transaction, 1);
    for table in ["line", "aside"] {
        transaction.delete_table(Messages::new(table)).unwrap();
    }
    for table in ["turns", "leases", "ages"] {
        transaction.delete_table(Times::new(table)).unwrap();
    }
    transaction.delete_table(TableDefinition::<&[u8; 8], &[u8]>::new("backlogs")).unwrap();
    transaction.commit().unwrap();
}

fn set_format(transaction: &WriteTransaction, format: u64) {
    let mut store = transaction.open_table(TableDefinition::<&str, &[u8]>::new("store")).unwrap();
    store.insert("format", &sealed("store", b"format", &format.to_le_bytes())[..]).unwrap();
}

/// Makes a store of this format one of format 2, as that version wrote it: messages with a group stand apart, and nothing
/// counts them or keeps them in order.
fn to_format_2(database: &Database) {
    let transaction = database.begin_write().unwrap();
    let mut moved: BTreeMap<[u8; 16], Entry> = BTreeMap::new();
    for table in ["line", "aside"] {
        let mut grouped = transaction.open_table(Messages::new("grouped")).unwrap();
        let mut rows = transaction.open_table(Messages::new(table)).unwrap();
        for row in rows.iter().unwrap() {
            let (key, value) = row.unwrap();
            let value = &value.value()[..value.value().len() - 4];
            let entry = row::decode_entry(Bytes::copy_from_slice(value)).unwrap();
            if entry.group.is_some() {
                grouped.insert(key.value(), &sealed("grouped", key.value(), value)[..]).unwrap();
                moved.insert(*key.value(), entry);
            }
        }
        rows.retain(|key, _| !moved.contains_key(key)).unwrap();
    }
    for table in ["turns", "leases", "ages"] {
        let mut rows = transaction.open_table(Times::new(table)).unwrap();
        let message = |key: &[u8; 32]| <[u8; 16]>::try_from([&key[..8], &key[24..]].concat()).unwrap();
        rows.retain(|key, _| !moved.contains_key(&message(key))).unwrap();
    }
    uncount(&transaction, &moved);
    set_format(&transaction, 2);
    transaction.commit().unwrap();
}

fn uncount(transaction: &WriteTransaction, moved: &BTreeMap<[u8; 16], Entry>) {
    let mut backlogs = transaction.open_table(TableDefinition::<&[u8; 8], &[u8]>::new("backlogs")).unwrap();
    let rows: Vec<([u8; 8], Vec<u8>)> = backlogs
        .iter()
        .unwrap()
        .map(|row| row.map(|(key, value)| (*key.value(), value.value().to_vec())).unwrap())
        .collect();
    for (queue, row) in rows {
        let mut take = Take::new(Bytes::copy_from_slice(&row[..row.len() - 4]));
        let mut number = || take.varint("row").unwrap();
        let [era, mut messages, mut bytes, seconds] = [number(), number(), number(), number()];
        let mut delayed: BTreeMap<u64, u64> = (0..seconds).map(|_| (number(), number())).collect();
        // What was hidden since is counted no more.
        let counted =
            |key: &[u8; 16]| key[..8] == queue && u64::from_be_bytes(key[8..].try_into().unwrap()) >= era;
        for entry in moved.iter().filter(|(key, _)| counted(key)).map(|(_, entry)| entry) {
            messages -= 1;
            bytes -= u64::from(entry.payload_bytes);
            if let Some(count) = delay_second(entry).and_then(|second| delayed.get_mut(&second)) {
                *count -= 1;
            }
        }
        let mut row = Vec::new();
        let seconds = delayed.iter().flat_map(|(second, count)| [*second, *count]);
        for number in [era, messages, bytes, delayed.len() as u64].into_iter().chain(seconds) {
            row.put_varint(number);
        }
        backlogs.insert(&queue, &sealed("backlogs", &queue, &row)[..]).unwrap();
    }
}

/// The bytes of a store of an earlier format, and what it holds. Some of its messages are hidden and not yet reclaimed.
fn earlier(make: fn(&Database)) -> (Vec<u8>, Seen) {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    let mut store = RedbStore::open(disk, RedbConfig::default()).unwrap();
    let (mut script, mut model) = (Script::new(7), MemoryStore::new());
    for step in 1..=STEPS {
        let mut changes = script.next_changes();
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
    make(&Database::open(&path).unwrap());
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
    loses_nothing(to_format_1);
}

#[test]
fn a_power_cut_at_any_call_of_the_migration_from_format_2_loses_nothing() {
    loses_nothing(to_format_2);
}

fn loses_nothing(make: fn(&Database)) {
    let (content, expected) = earlier(make);
    let whole = disk_with(&content, 1);
    let before = whole.calls();
    let mut store = open(&whole).unwrap();
    let calls = whole.calls();
    assert_eq!(Seen::of(&store), expected);
    while store.reclaim(100).unwrap() {}
    assert_eq!(Seen::of(&store), expected, "hidden messages stay so");
    assert!(calls - before > 30, "the migration takes many calls: {}", calls - before);
    for call in before + 1..=calls {
        let disk = disk_with(&content, call);
        disk.cut_at_call(call);
        let _ = open(&disk);
        disk.power_cut();
        let store = open(&disk).unwrap_or_else(|error| panic!("after a cut at call {call}: {error}"));
        assert_eq!(Seen::of(&store), expected, "after a cut at call {call}");
    }
}
