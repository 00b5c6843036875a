//! Payload files: what they take, what is written, and that none goes while somebody needs it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::Instance;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::{Deduplication, QueueRecord};
use millpond_log::{DirLock, Disk, DiskFile, FaultyDisk, LockError};
use millpond_store::conformance::script::{message, payload, put};
use millpond_store::{
    Changes, DamagedRow, Examiner, Flow, MessageChange, RedbConfig, RedbStore, Store, StoreError,
};

const FILE_BYTES: u64 = 64 << 10;
/// What a record takes beside its payload, at most here.
const HEADER_BYTES: u64 = 10;
const CONFIG: RedbConfig =
    RedbConfig { cache_bytes: 1 << 20, migrated_at_once: 100, payload_file_bytes: FILE_BYTES };

fn open(disk: &FaultyDisk) -> Result<RedbStore, StoreError> {
    RedbStore::open(Arc::new(disk.clone()), CONFIG)
}

fn puts(queue: u64, sequences: std::ops::Range<u64>) -> Changes {
    let messages = sequences.map(|sequence| put(queue, sequence, 1_000)).collect();
    Changes { messages, ..Changes::default() }
}

fn removes(queue: u64, sequences: impl Iterator<Item = u64>) -> Changes {
    let messages = sequences.map(|sequence| (message(queue, sequence), MessageChange::Remove)).collect();
    Changes { messages, ..Changes::default() }
}

fn apply(store: &mut dyn Store, changes: Changes) {
    let position = store.reflected().next();
    store.apply(changes, position).unwrap();
}

fn payload_files(disk: &FaultyDisk) -> Vec<String> {
    disk.list().unwrap().into_iter().filter(|name| name.starts_with("payloads-")).collect()
}

fn payload_file_bytes(disk: &FaultyDisk) -> u64 {
    payload_files(disk).iter().map(|name| disk.content(name).unwrap().len() as u64).sum()
}

fn assert_payloads(store: &dyn Store, sequences: impl Iterator<Item = u64>) {
    for sequence in sequences {
        let found = store.reader().payload(message(1, sequence)).unwrap();
        assert_eq!(found, Some(payload(message(1, sequence), 1_000)), "message {sequence}");
    }
}

/// Counts what is written.
struct Counting {
    disk: FaultyDisk,
    written_bytes: Arc<AtomicU64>,
}

struct CountingFile {
    file: Arc<dyn DiskFile>,
    written_bytes: Arc<AtomicU64>,
}

impl Counting {
    fn counting(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(CountingFile { file, written_bytes: self.written_bytes.clone() })
    }
}

impl Disk for Counting {
    fn location(&self) -> String {
        self.disk.location()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(name).map(|file| self.counting(file))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(name).map(|file| self.counting(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()
    }

    fn lock(&self) -> Result<DirLock, LockError> {
        self.disk.lock()
    }
}

impl DiskFile for CountingFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&self, len_bytes: u64) -> io::Result<()> {
        self.file.set_len(len_bytes)
    }

    fn read_at(&self, offset_bytes: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset_bytes, buffer)
    }

    fn write_at(&self, offset_bytes: u64, data: &[u8]) -> io::Result<()> {
        self.written_bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
        self.file.write_at(offset_bytes, data)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// What becomes of messages that are not received soon.
#[derive(Clone, Copy)]
enum Stragglers {
    Stay,
    GoOldestFirst,
    GoAtRandom,
}

/// What is written for each byte that is accepted, the log's own included; asserts the disk that is taken. Of the messages that
/// come, one in `straggler_every` stays for long, the others go with the next checkpoint.
fn figures_of_a_mix(straggler_every: u64, stragglers: Stragglers) -> f64 {
    const EACH: u64 = 1_000;
    let disk = FaultyDisk::new(straggler_every);
    let written_bytes = Arc::new(AtomicU64::new(0));
    let counting = Counting { disk: disk.clone(), written_bytes: written_bytes.clone() };
    let mut store = RedbStore::open(Arc::new(counting), CONFIG).unwrap();
    let mut random = fastrand::Rng::with_seed(straggler_every);
    let mut live: Vec<u64> = Vec::new();
    let (mut accepted_bytes, mut begun_at) = (0, 0);
    for round in 0..30 {
        let new = round * EACH..(round + 1) * EACH;
        let mut changes = puts(1, new.clone());
        let before = (round.max(1) - 1) * EACH..round * EACH;
        let hot = before.filter(|sequence| round > 0 && !sequence.is_multiple_of(straggler_every));
        changes.messages.extend(removes(1, hot).messages);
        // From some time on as many stragglers go as come.
        while live.len() > 4_000 {
            let gone = match stragglers {
                Stragglers::Stay => break,
                Stragglers::GoOldestFirst => live.remove(0),
                Stragglers::GoAtRandom => live.swap_remove(random.usize(..live.len())),
            };
            changes.messages.insert(message(1, gone), MessageChange::Remove);
        }
        live.extend(new.filter(|sequence| sequence.is_multiple_of(straggler_every)));
        apply(&mut store, changes);
        if round == 9 {
            begun_at = written_bytes.load(Ordering::Relaxed);
        }
        accepted_bytes += if round > 9 { EACH * 1_000 } else { 0 };
        let usage = store.usage();
        let live_bytes = usage.payload_bytes + usage.messages * HEADER_BYTES;
        let bound = live_bytes + live_bytes / 2 + 3 * FILE_BYTES;
        let taken = payload_file_bytes(&disk);
        assert!(taken <= bound, "round {round}: {taken} bytes for {}", usage.payload_bytes);
    }
    assert_payloads(&store, live.into_iter());
    let written = written_bytes.load(Ordering::Relaxed) - begun_at;
    (written + accepted_bytes) as f64 / accepted_bytes as f64
}

#[test]
fn stragglers_beside_hot_traffic_cost_few_writes_and_little_disk() {
    let mut figures = Vec::new();
    for straggler_every in [2, 3, 5, 10, 50] {
        let mixes = [Stragglers::Stay, Stragglers::GoOldestFirst];
        figures.push((straggler_every, mixes.map(|mix| figures_of_a_mix(straggler_every, mix))));
    }
    println!("written bytes per accepted byte, by stragglers that stay and go oldest first: {figures:.2?}");
    assert!(figures.iter().all(|(_, written)| written.iter().all(|written| *written <= 3.0)), "{figures:?}");
}

/// Harder than what is promised: which message goes next is drawn.
#[test]
fn messages_that_go_at_random_keep_the_disk_in_its_bounds() {
    let figures = [1, 2].map(|every| figures_of_a_mix(every, Stragglers::GoAtRandom));
    println!("written bytes per accepted byte: {figures:.2?}");
    assert!(figures.iter().all(|written| *written <= 4.5), "{figures:?}");
}

#[test]
fn a_file_goes_with_its_last_message_but_not_while_somebody_looks() {
    let disk = FaultyDisk::new(1);
    let mut store = open(&disk).unwrap();
    for round in 0..4 {
        apply(&mut store, puts(1, round * 60 + 1..(round + 1) * 60 + 1));
    }
    let files = payload_files(&disk);
    assert!(files.len() >= 4, "{files:?}");
    let snapshot = store.reader().snapshot().unwrap();
    // Some are merged, and some are dead as a whole.
    apply(&mut store, removes(1, (1..=240).filter(|sequence| sequence % 20 != 0)));
    apply(&mut store, removes(1, 1..=100));
    while store.reclaim(1_000).unwrap() {}
    assert!(payload_files(&disk).len() > files.len(), "all are kept, and what was merged lies in another");
    assert!(store.usage().disk_bytes > payload_file_bytes(&disk));
    let mut seen = Payloads::default();
    snapshot.examine(&mut seen).unwrap();
    assert_eq!((seen.intact, seen.damaged), (240, vec![]));
    drop(snapshot);
    apply(&mut store, Changes::default());
    let left = payload_files(&disk);
    assert!(files.iter().filter(|name| left.contains(name)).count() <= 2, "{files:?} {left:?}");
    assert_payloads(&store, (101..=240).filter(|sequence| sequence % 20 == 0));
    drop(store);
    assert_payloads(&open(&disk).unwrap(), (101..=240).filter(|sequence| sequence % 20 == 0));
}

/// Counts payloads.
#[derive(Default)]
struct Payloads {
    intact: usize,
    damaged: Vec<DamagedRow>,
}

impl Examiner for Payloads {
    fn instance(&mut self, _: Instance) -> Flow {
        Flow::Continue(())
    }

    fn queue(&mut self, _: QueueRecord) -> Flow {
        Flow::Continue(())
    }

    fn document(&mut self, _: DocumentKey, _: Document) -> Flow {
        Flow::Continue(())
    }

    fn deduplication(&mut self, _: MessageRef, _: Deduplication) -> Flow {
        Flow::Continue(())
    }

    fn message(&mut self, at: MessageRef, _: Entry, found: Option<Bytes>) -> Flow {
        self.intact += usize::from(found == Some(payload(at, 1_000)));
        Flow::Continue(())
    }

    fn damaged(&mut self, row: DamagedRow) -> Flow {
        self.damaged.push(row);
        Flow::Continue(())
    }
}

#[test]
fn a_file_that_is_missing_or_too_short_is_told_and_the_rest_is_read() {
    for cut in [None, Some(30_000), Some(0)] {
        let disk = FaultyDisk::new(1);
        let mut store = open(&disk).unwrap();
        for round in 0..4 {
            apply(&mut store, puts(1, round * 60 + 1..(round + 1) * 60 + 1));
        }
        drop(store);
        let name = payload_files(&disk)[1].clone();
        match cut {
            Some(len) => disk.open(&name).unwrap().set_len(len).unwrap(),
            None => disk.remove(&name).unwrap(),
        }
        let refused = open(&disk).map(drop).unwrap_err();
        let StoreError::Damaged { file, what } = &refused else { panic!("{refused}") };
        assert_eq!(*file, format!("memory/{name}"));
        assert!(what.contains(&format!("byte {}", cut.unwrap_or(0))), "{what}");
        let snapshot = RedbStore::open_damaged(Arc::new(disk.clone()), CONFIG).unwrap();
        let mut seen = Payloads::default();
        snapshot.examine(&mut seen).unwrap();
        let lost: Vec<&DamagedRow> = seen.damaged.iter().filter(|row| row.table == "payloads").collect();
        assert_eq!(seen.intact + lost.len(), 240);
        assert!(lost.len() > 30 && seen.intact > 170, "{} intact", seen.intact);
        assert!(lost.iter().all(|row| row.what.contains(&name) && row.what.contains("byte")));
        let files: Vec<&str> =
            seen.damaged.iter().filter(|row| row.table == "payload_files").map(|row| &row.row[..]).collect();
        assert_eq!(files, [&name]);
        let (at, _) = snapshot.payload_place(lost[0].message.unwrap()).unwrap();
        assert_eq!(at, name);
    }
}

#[test]
fn what_nobody_knows_of_is_removed_by_the_next_start() {
    let disk = FaultyDisk::new(1);
    let mut store = open(&disk).unwrap();
    apply(&mut store, puts(1, 1..50));
    drop(store);
    let [name] = &payload_files(&disk)[..] else { panic!("one file is enough") };
    let len = disk.content(name).unwrap().len();
    disk.open(name).unwrap().write_at(len as u64, &[7; 9_000]).unwrap();
    disk.create("payloads-00000000000000ff").unwrap();
    disk.create("payloads-ff").unwrap();
    let mut store = open(&disk).unwrap();
    assert_eq!(payload_files(&disk), [name, "payloads-ff"], "what we never name is not ours");
    assert_eq!(disk.content(name).unwrap().len(), len);
    apply(&mut store, puts(1, 50..100));
    assert_payloads(&store, 1..100);
}

#[test]
fn a_purge_gives_files_back_and_later_payloads_stay() {
    let disk = FaultyDisk::new(1);
    let mut store = open(&disk).unwrap();
    apply(&mut store, puts(1, 1..1_000));
    let full = payload_file_bytes(&disk);
    let all = [(QueueId(1), Sequence(1_000))].into();
    apply(&mut store, Changes { removed_below: all, ..puts(1, 1_000..1_010) });
    while store.reclaim(100).unwrap() {}
    apply(&mut store, Changes::default());
    assert!(payload_file_bytes(&disk) < full / 5, "{}", payload_file_bytes(&disk));
    assert_eq!(store.usage().payload_bytes, 10_000);
    assert_payloads(&store, 1_000..1_010);
}

/// A merge needs space before it gives any back: it must not stand in the way of changes that make room.
#[test]
fn removals_go_on_while_the_disk_is_full_and_a_merge_is_due() {
    let disk = FaultyDisk::new(1);
    let mut store = open(&disk).unwrap();
    for round in 0..20 {
        apply(&mut store, puts(1, round * 60 + 1..(round + 1) * 60 + 1));
    }
    let gone = |sequence: &u64| !sequence.is_multiple_of(3);
    let fits = (0..40).find(|step| {
        disk.set_capacity_bytes(Some(disk.used_bytes() + step * 4_096));
        let position = store.reflected().next();
        match store.apply(removes(1, (1..=1_200).filter(gone)), position) {
            Ok(()) => true,
            Err(StoreError::Full { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    });
    assert!(fits.is_some_and(|step| step < 39), "rows need a little space");
    let before = payload_file_bytes(&disk);
    store.reclaim(10).unwrap();
    disk.set_capacity_bytes(None);
    while store.reclaim(10).unwrap() {}
    apply(&mut store, Changes::default());
    assert!(payload_file_bytes(&disk) < before, "{before}");
    assert_payloads(&store, (1..=1_200).filter(|sequence| !gone(sequence)));
}

#[test]
fn a_record_whose_header_is_damaged_stays_where_it_is() {
    let disk = FaultyDisk::new(1);
    let mut store = open(&disk).unwrap();
    for round in 0..8 {
        apply(&mut store, puts(1, round * 60 + 1..(round + 1) * 60 + 1));
    }
    let snapshot = store.reader().snapshot().unwrap();
    let (name, offset) = snapshot.payload_place(message(1, 30)).unwrap();
    drop(snapshot);
    disk.flip_bit(&name, offset - 2, 3);
    apply(&mut store, removes(1, (1..=480).filter(|sequence| sequence % 15 != 0)));
    while store.reclaim(10).unwrap() {}
    apply(&mut store, Changes::default());
    assert!(payload_files(&disk).contains(&name));
    assert!(payload_file_bytes(&disk) < 480_000 * 6 / 10, "the others were merged");
    assert_payloads(&store, (1..=480).filter(|sequence| sequence % 15 == 0));
}
