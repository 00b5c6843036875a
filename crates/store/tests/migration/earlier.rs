//! Makes a store of this format one of an earlier format, as the versions of then wrote it.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use millpond_core::format::codec::{Put, Take};
use millpond_core::format::fifo::encode_deduplication;
use millpond_core::format::row;
use millpond_core::format::sends::decode_sends;
use millpond_core::message::{Entry, Sequence};
use millpond_core::queue::resting::delay_second;
use redb::{Database, ReadableTable, TableDefinition, WriteTransaction};

type Messages = TableDefinition<'static, &'static [u8; 16], &'static [u8]>;
type Numbers = TableDefinition<'static, &'static [u8; 8], &'static [u8]>;
type Parts = TableDefinition<'static, &'static [u8; 18], &'static [u8]>;
type Times = TableDefinition<'static, &'static [u8; 32], &'static [u8]>;
/// Entries by the key of their message.
type Keyed = BTreeMap<[u8; 16], Entry>;

fn sealed(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    let checksum = crc32c::crc32c(&[table.as_bytes(), key, value].concat());
    [value, &checksum.to_le_bytes()].concat()
}

/// The value of a row without its checksum.
fn unsealed(row: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&row[..row.len() - 4])
}

fn set_format(transaction: &WriteTransaction, format: u64) {
    let mut store = transaction.open_table(TableDefinition::<&str, &[u8]>::new("store")).unwrap();
    store.insert("format", &sealed("store", b"format", &format.to_le_bytes())[..]).unwrap();
}

/// Messages with a group stand apart, and nothing counts them or keeps them in order; remembered sends stand alone; payloads
/// lie in parts.
pub(crate) fn to_format_2(database: &Database, directory: &Path) {
    let transaction = database.begin_write().unwrap();
    part_payloads(&transaction, directory);
    let grouped = set_groups_apart(&transaction);
    uncount(&transaction, &grouped);
    part_sends(&transaction);
    set_format(&transaction, 2);
    transaction.commit().unwrap();
}

/// From format 2: all entries stand in one table, and none is in any order.
pub(crate) fn to_format_1(database: &Database) {
    const TABLES: [&str; 3] = ["line", "aside", "grouped"];
    let transaction = database.begin_write().unwrap();
    for table in TABLES {
        let mut entries = transaction.open_table(Messages::new("entries")).unwrap();
        let rows = transaction.open_table(Messages::new(table)).unwrap();
        for row in rows.iter().unwrap() {
            let (key, value) = row.unwrap();
            let row = sealed("entries", key.value(), &unsealed(value.value()));
            entries.insert(key.value(), &row[..]).unwrap();
        }
    }
    for table in TABLES {
        transaction.delete_table(Messages::new(table)).unwrap();
    }
    for table in ["turns", "leases", "ages"] {
        transaction.delete_table(Times::new(table)).unwrap();
    }
    transaction.delete_table(Numbers::new("backlogs")).unwrap();
    set_format(&transaction, 1);
    transaction.commit().unwrap();
}

fn set_groups_apart(transaction: &WriteTransaction) -> Keyed {
    let mut apart = Keyed::new();
    for table in ["line", "aside"] {
        let mut grouped = transaction.open_table(Messages::new("grouped")).unwrap();
        let mut rows = transaction.open_table(Messages::new(table)).unwrap();
        for row in rows.iter().unwrap() {
            let (key, value) = row.unwrap();
            let value = unsealed(value.value());
            let entry = row::decode_entry(value.clone()).unwrap();
            if entry.group.is_some() {
                grouped.insert(key.value(), &sealed("grouped", key.value(), &value)[..]).unwrap();
                apart.insert(*key.value(), entry);
            }
        }
        rows.retain(|key, _| !apart.contains_key(key)).unwrap();
    }
    for table in ["turns", "leases", "ages"] {
        let mut rows = transaction.open_table(Times::new(table)).unwrap();
        let message = |key: &[u8; 32]| <[u8; 16]>::try_from([&key[..8], &key[24..]].concat()).unwrap();
        rows.retain(|key, _| !apart.contains_key(&message(key))).unwrap();
    }
    apart
}

fn uncount(transaction: &WriteTransaction, apart: &Keyed) {
    let mut backlogs = transaction.open_table(Numbers::new("backlogs")).unwrap();
    let rows = backlogs.iter().unwrap();
    let rows: Vec<([u8; 8], Bytes)> =
        rows.map(|row| row.map(|(key, value)| (*key.value(), unsealed(value.value()))).unwrap()).collect();
    for (queue, row) in rows {
        let mut take = Take::new(row);
        let mut number = || take.varint("row").unwrap();
        let [era, mut messages, mut bytes, seconds] = [number(), number(), number(), number()];
        let mut delayed: BTreeMap<u64, u64> = (0..seconds).map(|_| (number(), number())).collect();
        // What was hidden since is counted no more.
        let counted =
            |key: &[u8; 16]| key[..8] == queue && u64::from_be_bytes(key[8..].try_into().unwrap()) >= era;
        for entry in apart.iter().filter(|(key, _)| counted(key)).map(|(_, entry)| entry) {
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

fn part_payloads(transaction: &WriteTransaction, directory: &Path) {
    {
        let extents = transaction.open_table(Messages::new("extents")).unwrap();
        let mut payloads = transaction.open_table(Parts::new("payloads")).unwrap();
        for row in extents.iter().unwrap() {
            let (key, value) = row.unwrap();
            let mut take = Take::new(unsealed(value.value()));
            let mut number = || take.varint("extent").unwrap();
            let (file, offset, len) = (number(), number() as usize, number() as usize);
            let content = std::fs::read(directory.join(format!("payloads-{file:016x}"))).unwrap();
            let payload = &content[offset..][..len];
            let part_bytes = len.div_ceil(len.div_ceil(1_340).max(1)).max(1);
            let parts: Vec<&[u8]> =
                if len == 0 { vec![payload] } else { payload.chunks(part_bytes).collect() };
            for (part, bytes) in (0u16..).zip(parts) {
                let part_key: [u8; 18] = [&key.value()[..], &part.to_be_bytes()].concat().try_into().unwrap();
                payloads.insert(&part_key, bytes).unwrap();
            }
        }
    }
    transaction.delete_table(Messages::new("extents")).unwrap();
    transaction.delete_table(Numbers::new("payload_files")).unwrap();
}

fn part_sends(transaction: &WriteTransaction) {
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
            let sends = decode_sends(first, unsealed(value.value())).unwrap();
            for (sequence, row) in sends.into_iter().filter(|(sequence, _)| sequence.0 >= below) {
                let mut key = *key.value();
                key[8..].copy_from_slice(&sequence.0.to_be_bytes());
                let row = sealed("deduplications", &key, &encode_deduplication(&row));
                single.insert(&key, &row[..]).unwrap();
            }
        }
    }
    transaction.delete_table(Messages::new("remembered")).unwrap();
    transaction.delete_table(Numbers::new("forgotten_below")).unwrap();
}
