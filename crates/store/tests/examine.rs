//! Who examines a damaged store sees true rows, and is told where some are missing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::Instance;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::{Deduplication, QueueRecord};
use millpond_core::time::Timestamp;
use millpond_log::{Disk, FaultyDisk, Position, RealDisk};
use millpond_store::conformance::script::Script;
use millpond_store::conformance::seen::Seen;
use millpond_store::{
    Changes, DamagedRow, Examiner, Flow, MemoryStore, MessageChange, RedbConfig, RedbStore, Store,
};
use redb::{Database, TableDefinition};

const CONFIG: RedbConfig =
    RedbConfig { cache_bytes: 64 << 10, migrated_at_once: 100, payload_file_bytes: 4 << 10 };

/// Everything that was shown.
#[derive(Debug, Default, PartialEq)]
struct Examined {
    seen: Seen,
    damaged: Vec<DamagedRow>,
    /// Breaks after so many rows.
    patience: Option<usize>,
    shown: usize,
}

impl Examined {
    fn flow(&mut self) -> Flow {
        self.shown += 1;
        if self.patience == Some(self.shown) { Flow::Break(()) } else { Flow::Continue(()) }
    }
}

impl Examiner for Examined {
    fn instance(&mut self, instance: Instance) -> Flow {
        self.seen.instance = instance;
        self.flow()
    }

    fn queue(&mut self, record: QueueRecord) -> Flow {
        self.seen.queues.push(record);
        self.flow()
    }

    fn document(&mut self, key: DocumentKey, document: Document) -> Flow {
        self.seen.documents.push((key, document));
        self.flow()
    }

    fn deduplication(&mut self, message: MessageRef, row: Deduplication) -> Flow {
        self.seen.deduplications.push((message, row));
        self.flow()
    }

    fn message(&mut self, message: MessageRef, entry: Entry, payload: Option<Bytes>) -> Flow {
        self.seen.messages.push((message, entry, payload.unwrap_or_default()));
        self.flow()
    }

    fn damaged(&mut self, row: DamagedRow) -> Flow {
        self.damaged.push(row);
        Flow::Continue(())
    }
}

fn written(store: &mut dyn Store) -> Seen {
    let mut script = Script::new(8);
    for position in 1..=6 {
        store.apply(script.next_changes(), Position(position)).unwrap();
    }
    Seen::of(store)
}

#[test]
fn a_sound_store_shows_everything_and_a_snapshot_stays_as_it_is() {
    let disk = Arc::new(FaultyDisk::new(1));
    let stores: [Box<dyn Store>; 2] =
        [Box::new(MemoryStore::new()), Box::new(RedbStore::open(disk, CONFIG).unwrap())];
    for mut store in stores {
        let mut expected = written(&mut *store);
        let snapshot = store.reader().snapshot().unwrap();
        assert_eq!(snapshot.reflected(), Some(Position(6)));
        let mut script = Script::new(8);
        for _ in 0..6 {
            script.next_changes();
        }
        for position in 7..=12 {
            store.apply(script.next_changes(), Position(position)).unwrap();
        }
        assert_ne!(Seen::of(&*store), expected);
        expected.reflected = Position::NONE;
        let mut examined = Examined::default();
        snapshot.examine(&mut examined).unwrap();
        examined.seen.messages.sort_by_key(|row| row.0);
        assert_eq!(examined.seen, expected);
        assert_eq!(examined.damaged, []);
        let mut impatient = Examined { patience: Some(3), ..Examined::default() };
        snapshot.examine(&mut impatient).unwrap();
        assert_eq!(impatient.shown, 3);
    }
}

/// Each row of `found` is one of `expected`; answers how many are missing.
fn missing<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) -> usize {
    for row in found {
        assert!(expected.contains(row), "{row:?} was never written");
    }
    expected.iter().filter(|row| !found.contains(row)).count()
}

#[test]
fn a_flip_hides_rows_only_where_that_is_told() {
    let disk = FaultyDisk::new(1);
    let mut store = RedbStore::open(Arc::new(disk.clone()), CONFIG).unwrap();
    let expected = written(&mut store);
    drop(store);
    let bytes = disk.content(RedbStore::FILE).unwrap();
    let mut answers = BTreeMap::new();
    for offset in (0..bytes.len() as u64).step_by(157) {
        disk.open(RedbStore::FILE).unwrap().write_at(0, &bytes).unwrap();
        disk.flip_bit(RedbStore::FILE, offset, (offset % 8) as u8);
        let Ok(snapshot) = RedbStore::open_damaged(Arc::new(disk.clone()), CONFIG) else {
            *answers.entry("refused").or_insert(0) += 1;
            continue;
        };
        let mut examined = Examined::default();
        let result = snapshot.examine(&mut examined);
        // Closing it writes, and may give up over damage.
        std::mem::forget(snapshot);
        let Examined { seen, damaged, .. } = examined;
        let entries = |rows: &[(MessageRef, Entry, Bytes)]| -> Vec<(MessageRef, Entry)> {
            rows.iter().map(|row| (row.0, row.1)).collect()
        };
        let gone = missing(&seen.queues, &expected.queues)
            + missing(&seen.documents, &expected.documents)
            + missing(&seen.deduplications, &expected.deduplications)
            + missing(&entries(&seen.messages), &entries(&expected.messages));
        let is_told = result.is_err() || !damaged.is_empty();
        assert!(gone == 0 || is_told, "a flip at {offset} hides {gone} rows");
        *answers.entry(if gone > 0 { "some are missing" } else { "all are there" }).or_insert(0) += 1;
    }
    assert!(answers["some are missing"] > 10, "{answers:?}");
}

const MESSAGES: u64 = 3_000;

/// A store whose tables take many pages, as bytes, before and after its last change.
fn large(disk: &FaultyDisk) -> (Vec<u8>, Vec<u8>) {
    let mut store = RedbStore::open(Arc::new(disk.clone()), CONFIG).unwrap();
    let queue = QueueId(1);
    let put = |sequences: std::ops::Range<u64>| {
        let message = |number| MessageRef { queue, sequence: Sequence(number) };
        let put = |number| {
            let (at, payload) = (Timestamp::from_millis(number), Bytes::from(vec![7; 40]));
            (message(number), MessageChange::Put { entry: Entry::sent(at, at, 40, None), payload })
        };
        Changes { messages: sequences.map(put).collect(), ..Changes::default() }
    };
    store.apply(put(1..MESSAGES / 2), Position(1)).unwrap();
    let before = disk.content(RedbStore::FILE).unwrap();
    store.apply(put(MESSAGES / 2..MESSAGES + 1), Position(2)).unwrap();
    drop(store);
    (before, disk.content(RedbStore::FILE).unwrap())
}

/// What was seen of a store with one damaged page.
#[derive(Debug)]
struct Look {
    messages: usize,
    is_told: bool,
    /// Entries in the middle of their table can't be read.
    has_gap: bool,
}

/// Damages one page after the other.
fn page_by_page(disk: &FaultyDisk, whole: &[u8], damaged: impl Fn(usize) -> Vec<u8>) -> Vec<Look> {
    let mut looks = Vec::new();
    for start in (4_096..whole.len()).step_by(4_096) {
        let page = start..start + 4_096;
        let other = damaged(start);
        if other == whole[page] {
            continue;
        }
        disk.open(RedbStore::FILE).unwrap().write_at(0, whole).unwrap();
        disk.open(RedbStore::FILE).unwrap().write_at(start as u64, &other).unwrap();
        let Ok(snapshot) = RedbStore::open_damaged(Arc::new(disk.clone()), CONFIG) else { continue };
        let mut examined = Examined::default();
        let result = snapshot.examine(&mut examined);
        std::mem::forget(snapshot);
        looks.push(Look {
            messages: examined.seen.messages.len(),
            is_told: result.is_err() || !examined.damaged.is_empty(),
            has_gap: examined.damaged.iter().any(|row| row.table == "line" && row.row.contains("middle")),
        });
    }
    looks
}

#[test]
fn a_page_that_is_gone_hides_no_more_than_its_own_rows_and_is_told() {
    let disk = FaultyDisk::new(2);
    let (_, whole) = large(&disk);
    let looks = page_by_page(&disk, &whole, |_| vec![0; 4_096]);
    let expected = usize::try_from(MESSAGES).unwrap();
    assert!(looks.iter().all(|look| look.messages == expected || look.is_told), "{looks:?}");
    let gaps: Vec<usize> = looks.iter().filter(|look| look.has_gap).map(|look| look.messages).collect();
    let most = gaps.iter().filter(|seen| **seen > expected * 9 / 10).count();
    assert!(most > gaps.len() / 2, "rows behind a page are found from the end: {most} of {gaps:?}");
}

#[test]
fn a_write_that_the_disk_lost_hides_no_rows_in_silence() {
    let disk = FaultyDisk::new(2);
    let (mut before, whole) = large(&disk);
    before.resize(whole.len(), 0);
    let looks = page_by_page(&disk, &whole, |start| before[start..start + 4_096].to_vec());
    let expected = usize::try_from(MESSAGES).unwrap();
    assert!(looks.iter().all(|look| look.messages == expected || look.is_told), "{looks:?}");
    assert!(looks.iter().any(|look| look.messages != expected), "{looks:?}");
}

#[test]
fn a_message_that_stands_in_no_order_is_told() {
    type Times = TableDefinition<'static, &'static [u8; 32], &'static [u8]>;
    for order in ["turns", "leases", "ages"] {
        let directory = tempfile::tempdir().unwrap();
        let disk = || Arc::new(RealDisk::open(directory.path()).unwrap());
        let expected = written(&mut RedbStore::open(disk(), CONFIG).unwrap());
        let database = Database::open(directory.path().join(RedbStore::FILE)).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(Times::new(order)).unwrap().pop_last().unwrap().unwrap();
        transaction.commit().unwrap();
        drop(database);
        let mut examined = Examined::default();
        RedbStore::open_damaged(disk(), CONFIG).unwrap().examine(&mut examined).unwrap();
        let told: Vec<&str> = examined.damaged.iter().map(|row| row.table).collect();
        assert_eq!(told, [order]);
        examined.seen.messages.sort_by_key(|row| row.0);
        assert_eq!(examined.seen.messages, expected.messages, "the message itself is there");
    }
}
