//! Damage is refused with the file's name, never served and never a panic of ours.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::{Inconsistent, Instance};
use millpond_core::message::{Entry, MessageRef, QueueId};
use millpond_core::queue::{Backlog, Deduplication, QueueRecord};
use millpond_log::{Disk, FaultyDisk, Position};
use millpond_store::conformance::script::Script;
use millpond_store::conformance::seen::Seen;
use millpond_store::{RedbConfig, RedbStore, Store, StoreError, Visitor};
use redb::{Database, TableDefinition};

fn open(disk: &FaultyDisk) -> Result<RedbStore, StoreError> {
    RedbStore::open(
        Arc::new(disk.clone()),
        RedbConfig { cache_bytes: 64 << 10, payload_file_bytes: 4 << 10, ..RedbConfig::default() },
    )
}

fn written(disk: &FaultyDisk) -> Seen {
    let mut script = Script::new(8);
    let mut store = open(disk).unwrap();
    for position in 1..=6 {
        store.apply(script.next_changes(), Position(position)).unwrap();
    }
    Seen::rows_of(&store).unwrap()
}

/// Opened and looked at, payloads last: damage to one of them is its reader's to find. The store is not closed:
/// closing writes, and with damaged lists of free pages the engine may abort the process then, which no caller can
/// turn into an error.
fn look(disk: &FaultyDisk) -> Result<Seen, StoreError> {
    let store = ManuallyDrop::new(open(disk)?);
    let seen = Seen::rows_of(&*store)?;
    let all: Vec<MessageRef> = seen.messages.iter().map(|row| row.0).collect();
    let payloads = store.reader().payloads(&all);
    assert!(matches!(payloads, Ok(_) | Err(StoreError::Damaged { .. })), "{payloads:?}");
    Ok(seen)
}

#[test]
fn a_flipped_bit_is_reported_or_harmless_wherever_it_is() {
    let disk = FaultyDisk::new(1);
    let expected = written(&disk);
    let bytes = disk.content(RedbStore::FILE).unwrap();
    let mut answers = BTreeMap::new();
    for offset in (0..bytes.len() as u64).step_by(151) {
        disk.open(RedbStore::FILE).unwrap().write_at(0, &bytes).unwrap();
        disk.flip_bit(RedbStore::FILE, offset, (offset % 8) as u8);
        let answer = match look(&disk) {
            Ok(seen) => {
                assert_eq!(seen, expected, "a flip at {offset} was served");
                "harmless"
            }
            Err(StoreError::Damaged { file, .. }) => {
                assert_eq!(file, "memory/store.redb");
                "damaged"
            }
            Err(other) => panic!("a flip at {offset}: {other}"),
        };
        *answers.entry(answer).or_insert(0) += 1;
    }
    assert!(answers["damaged"] > 20, "{answers:?}");
}

/// A disk may lose a write and go on as if nothing were. What lies there then was written once, so only the engine's
/// whole check can tell for certain; but rows that are missing are noticed at the start.
#[test]
fn a_lost_write_never_hides_rows() {
    let disk = FaultyDisk::new(5);
    let mut script = Script::new(9);
    let mut position = Position::NONE;
    let mut damaged = 0;
    let mut older: Vec<u8> = Vec::new();
    for _ in 0..14 {
        let mut store = open(&disk).unwrap();
        position = position.next();
        store.apply(script.next_changes(), position).unwrap();
        let expected = Seen::rows_of(&store).unwrap();
        drop(store);
        let newer = disk.content(RedbStore::FILE).unwrap();
        for start in (4_096..older.len().min(newer.len())).step_by(4_096) {
            let lost = start..start + 4_096;
            if older[lost.clone()] == newer[lost.clone()] {
                continue;
            }
            disk.open(RedbStore::FILE).unwrap().write_at(lost.start as u64, &older[lost]).unwrap();
            match look(&disk) {
                Ok(seen) => {
                    assert_eq!(seen.queues.len(), expected.queues.len(), "page at {start}");
                    assert_eq!(seen.documents.len(), expected.documents.len(), "page at {start}");
                    assert_eq!(seen.messages.len(), expected.messages.len(), "page at {start}");
                }
                Err(StoreError::Damaged { .. }) => damaged += 1,
                Err(other) => panic!("page at {start}: {other}"),
            }
            disk.open(RedbStore::FILE).unwrap().write_at(0, &newer).unwrap();
        }
        older = newer;
    }
    assert!(damaged > 0);
}

#[test]
fn a_file_that_was_cut_is_refused() {
    let disk = FaultyDisk::new(2);
    written(&disk);
    let file = disk.open(RedbStore::FILE).unwrap();
    for len in [file.len().unwrap() / 2, 4_096, 100, 1, 0] {
        file.set_len(len).unwrap();
        let refused = open(&disk).and_then(|store| Seen::rows_of(&store));
        let text = refused.as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{len} bytes: {refused:?}");
        assert!(text.contains("memory/store.redb") && text.contains("from a backup"), "{text}");
    }
}

#[test]
fn a_later_format_is_refused_and_left_alone() {
    const STORE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("store");
    let directory = tempfile::tempdir().unwrap();
    let disk = || Arc::new(millpond_log::RealDisk::open(directory.path()).unwrap());
    drop(RedbStore::open(disk(), RedbConfig::default()).unwrap());
    let mut row = 9u64.to_le_bytes().to_vec();
    let sealed = [&b"storeformat"[..], &row].concat();
    row.extend_from_slice(&crc32c::crc32c(&sealed).to_le_bytes());
    let database = Database::open(directory.path().join(RedbStore::FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(STORE).unwrap().insert("format", &row[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    for _ in 0..2 {
        let refused = RedbStore::open(disk(), RedbConfig::default()).err().unwrap();
        assert!(matches!(refused, StoreError::Newer { found: 9, known: 3, .. }), "{refused}");
        assert!(refused.to_string().contains("start the version that wrote it"));
    }
}

struct Careless;

impl Visitor for Careless {
    fn instance(&mut self, _: Instance) -> Result<(), Inconsistent> {
        panic!("a mistake of the visitor")
    }

    fn queue(&mut self, _: QueueRecord) -> Result<(), Inconsistent> {
        Ok(())
    }

    fn document(&mut self, _: DocumentKey, _: Document) -> Result<(), Inconsistent> {
        Ok(())
    }

    fn deduplication(&mut self, _: MessageRef, _: Deduplication) -> Result<(), Inconsistent> {
        Ok(())
    }

    fn backlog(&mut self, _: QueueId, _: Backlog) -> Result<(), Inconsistent> {
        Ok(())
    }

    fn entry(&mut self, _: MessageRef, _: Entry) -> Result<(), Inconsistent> {
        Ok(())
    }
}

#[test]
#[should_panic(expected = "a mistake of the visitor")]
fn a_panic_of_the_visitor_is_not_taken_for_damage() {
    let _ = open(&FaultyDisk::new(4)).unwrap().load(u64::MAX, &mut Careless);
}

#[test]
fn an_unfinished_new_store_is_begun_again() {
    let disk = FaultyDisk::new(3);
    disk.create("store.redb.new").unwrap().write_at(0, b"the begin of something").unwrap();
    let store = open(&disk).unwrap();
    assert_eq!(store.reflected(), Position::NONE);
    assert_eq!(disk.list().unwrap(), [RedbStore::FILE]);
}
