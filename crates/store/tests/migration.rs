//! A store of an earlier format becomes one of this format, also when the machine loses power at any moment of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::path::Path;
use std::sync::Arc;

use millpond_core::message::QueueId;
use millpond_log::{Disk, FaultyDisk, Position, RealDisk};
use millpond_store::conformance::script::Script;
use millpond_store::conformance::seen::Seen;
use millpond_store::{MemoryStore, RedbConfig, RedbStore, Store, StoreError};
use redb::{Database, ReadableTable, TableDefinition, WriteTransaction};

type Messages = TableDefinition<'static, &'static [u8; 16], &'static [u8]>;
type Times = TableDefinition<'static, &'static [u8; 32], &'static [u8]>;

const ENTRIES: Messages = TableDefinition::new("entries");
const EXTENTS: Messages = TableDefinition::new("extents");
const PAYLOADS: TableDefinition<'static, &'static [u8; 18], &'static [u8]> = TableDefinition::new("payloads");
const STEPS: u64 = 12;

fn sealed(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    let checksum = crc32c::crc32c(&[table.as_bytes(), key, value].concat());
    [value, &checksum.to_le_bytes()].concat()
}

fn set_format(transaction: &WriteTransaction, format: u64) {
    let mut store = transaction.open_table(TableDefinition::<&str, &[u8]>::new("store")).unwrap();
    store.insert("format", &sealed("store", b"format", &format.to_le_bytes())[..]).unwrap();
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let end = bytes.iter().position(|byte| *byte < 128).unwrap();
    let (number, rest) = bytes.split_at(end + 1);
    *bytes = rest;
    number.iter().rev().fold(0, |sum, byte| sum << 7 | u64::from(byte & 127))
}

/// Makes a store of this format one of format 2, as that version wrote it: payloads in parts.
fn to_format_2(database: &Database, directory: &Path) {
    let transaction = database.begin_write().unwrap();
    {
        let extents = transaction.open_table(EXTENTS).unwrap();
        let mut payloads = transaction.open_table(PAYLOADS).unwrap();
        for row in extents.iter().unwrap() {
            let (key, value) = row.unwrap();
            let mut value = value.value();
            let (file, offset, len) = (varint(&mut value), varint(&mut value), varint(&mut value));
            let content = std::fs::read(directory.join(format!("payloads-{file:016x}"))).unwrap();
            let payload = &content[offset as usize..][..len as usize];
            let count = payload.len().div_ceil(1_340).max(1);
            let part_bytes = payload.len().div_ceil(count);
            for part in 0..count {
                let mut part_key = [0; 18];
                part_key[..16].copy_from_slice(key.value());
                part_key[16..].copy_from_slice(&(part as u16).to_be_bytes());
                let (start, end) = (part * part_bytes, (part + 1) * part_bytes);
                let bytes = &payload[start.min(payload.len())..end.min(payload.len())];
                payloads.insert(&part_key, bytes).unwrap();
            }
        }
    }
    set_format(&transaction, 2);
    transaction.delete_table(EXTENTS).unwrap();
    transaction.delete_table(TableDefinition::<&[u8; 8], &[u8]>::new("payload_files")).unwrap();
    transaction.commit().unwrap();
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
    }
    set_format(&transaction, 1);
    for table in ["line", "aside", "grouped"] {
        transaction.delete_table(Messages::new(table)).unwrap();
    }
    for table in ["turns", "leases", "ages"] {
        transaction.delete_table(Times::new(table)).unwrap();
    }
    transaction.delete_table(TableDefinition::<&[u8; 8], &[u8]>::new("backlogs")).unwrap();
    transaction.commit().unwrap();
}

/// The bytes of a store of an earlier format, and what it holds. Some of its messages are hidden and not yet reclaimed.
fn of_format(format: u64) -> (Vec<u8>, Seen) {
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
    let database = Database::open(&path).unwrap();
    to_format_2(&database, directory.path());
    if format == 1 {
        to_format_1(&database);
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

fn survives_a_cut_at_any_call(format: u64) {
    let (content, expected) = of_format(format);
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

#[test]
fn a_power_cut_at_any_call_of_the_migration_from_format_1_loses_nothing() {
    survives_a_cut_at_any_call(1);
}

#[test]
fn a_power_cut_at_any_call_of_the_migration_from_format_2_loses_nothing() {
    survives_a_cut_at_any_call(2);
}
