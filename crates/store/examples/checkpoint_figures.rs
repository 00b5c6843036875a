//! Figures of the store on this machine: checkpoints, loads, reads, space and memory.
//!
//! `cargo run --release -p millpond-store --example checkpoint_figures [DIRECTORY]`
//!
//! It writes about 4 GB into a new directory under DIRECTORY (default: the current one) and removes it. It measures
//! the store alone, through its trait, and makes no claim about a service around it.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::{Inconsistent, Instance};
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::{Backlog, Deduplication, QueueRecord};
use millpond_core::time::Timestamp;
use millpond_log::RealDisk;
use millpond_store::{Changes, MessageChange, RedbConfig, RedbStore, Store, Visitor};

type Failure = Box<dyn Error>;

/// Messages that one checkpoint puts, updates and removes.
const BLOCK: u64 = 60_000;
/// Messages that wait while reads and loads are measured.
const BACKLOG: u64 = 1_000_000;
/// A body of 1 KiB with its fields.
const PAYLOAD_BYTES: usize = 1_100;

fn main() -> Result<(), Failure> {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let directory = tempfile::tempdir_in(parent)?;
    steady_flow(&directory.path().join("steady"))?;
    backlog(&directory.path().join("backlog"))
}

/// Ten checkpoints; each message is put by one, updated by the next and removed by the one after.
fn steady_flow(directory: &Path) -> Result<(), Failure> {
    let mut store = open(directory)?;
    let begin = Mark::now()?;
    let mut slowest = 0f64;
    for round in 0..10 {
        let mut messages = block(round, put);
        if round >= 1 {
            messages.append(&mut block(round - 1, update));
        }
        if round >= 2 {
            messages.append(&mut block(round - 2, |_| MessageChange::Remove));
        }
        let one = Instant::now();
        apply(&mut store, messages.into_iter().collect())?;
        slowest = slowest.max(one.elapsed().as_secs_f64());
    }
    begin.report("10 checkpoints, steady", 10 * BLOCK, &store)?;
    say(&format!("  slowest checkpoint {slowest:.2} s"));
    Ok(())
}

fn backlog(directory: &Path) -> Result<(), Failure> {
    let mut store = open(directory)?;
    let begin = Mark::now()?;
    for round in 0..BACKLOG.div_ceil(BLOCK) {
        let messages = block(round, put).into_iter().filter(|(message, _)| message.sequence.0 <= BACKLOG);
        apply(&mut store, messages.collect())?;
    }
    begin.report("1,000,000 messages put", BACKLOG, &store)?;
    drop(store);

    let begin = Instant::now();
    let mut store = open(directory)?;
    say(&format!("opened again in {:.1} ms", begin.elapsed().as_secs_f64() * 1e3));
    let begin = Instant::now();
    let mut count = Count(0);
    store.load(u64::MAX, &mut count)?;
    say(&format!("{} entries loaded in {:.2} s", count.0, begin.elapsed().as_secs_f64()));
    random_reads(&store)?;

    let begin = Mark::now()?;
    let spread = BACKLOG / BLOCK;
    let removed = (0..BLOCK).map(|n| (message(n * spread + 1), MessageChange::Remove));
    let updated = (0..BLOCK).map(|n| (message(n * spread + 2), update(n * spread + 2)));
    let added = (BACKLOG..BACKLOG + BLOCK).map(|n| (message(n + 1), put(n + 1)));
    apply(&mut store, removed.chain(updated).chain(added).collect())?;
    begin.report("one checkpoint scattered over the backlog", BLOCK, &store)?;

    let begin = Mark::now()?;
    let purge = [(QueueId(1), Sequence(BACKLOG / 10 * 9))].into();
    let changes = Changes { removed_below: purge, ..Changes::default() };
    let position = store.reflected().next();
    store.apply(changes, position)?;
    begin.report("purge of 90 %, answered", BACKLOG, &store)?;
    while store.reclaim(50_000)? {}
    begin.report("purge of 90 %, reclaimed", BACKLOG, &store)
}

fn random_reads(store: &RedbStore) -> Result<(), Failure> {
    const READS: u64 = 200_000;
    let reader = store.reader();
    let begin = Instant::now();
    for _ in 0..READS {
        reader.payload(message(fastrand::u64(1..=BACKLOG)))?.ok_or("a payload is missing")?;
    }
    let each = begin.elapsed().as_secs_f64() * 1e6 / READS as f64;
    say(&format!("{READS} payloads read at random, {each:.1} us each"));
    Ok(())
}

fn open(directory: &Path) -> Result<RedbStore, Failure> {
    Ok(RedbStore::open(Arc::new(RealDisk::open(directory)?), RedbConfig::default())?)
}

fn apply(
    store: &mut RedbStore,
    messages: std::collections::BTreeMap<MessageRef, MessageChange>,
) -> Result<(), Failure> {
    let position = store.reflected().next();
    Ok(store.apply(Changes { messages, ..Changes::default() }, position)?)
}

fn message(sequence: u64) -> MessageRef {
    MessageRef { queue: QueueId(1), sequence: Sequence(sequence) }
}

fn block(round: u64, change: impl Fn(u64) -> MessageChange) -> Vec<(MessageRef, MessageChange)> {
    (round * BLOCK + 1..=(round + 1) * BLOCK).map(|sequence| (message(sequence), change(sequence))).collect()
}

fn put(sequence: u64) -> MessageChange {
    let mut payload = vec![b'x'; PAYLOAD_BYTES];
    payload[..8].copy_from_slice(&sequence.to_le_bytes());
    MessageChange::Put { entry: entry(sequence), payload: Bytes::from(payload) }
}

fn update(sequence: u64) -> MessageChange {
    let mut entry = entry(sequence);
    let at = entry.sent_at.plus_secs(5);
    entry.receive(at, at.plus_secs(30));
    MessageChange::Update { entry }
}

fn entry(sequence: u64) -> Entry {
    let sent_at = Timestamp::from_millis(1_700_000_000_000 + sequence);
    Entry::sent(sent_at, sent_at, PAYLOAD_BYTES as u32, None)
}

struct Count(u64);

impl Visitor for Count {
    fn instance(&mut self, _: Instance) -> Result<(), Inconsistent> {
        Ok(())
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
        self.0 += 1;
        Ok(())
    }
}

/// A moment, to report what has happened since.
struct Mark {
    at: Instant,
    written_bytes: u64,
    processor_ticks: u64,
}

impl Mark {
    fn now() -> Result<Self, Failure> {
        let written_bytes = number("/proc/self/io", "write_bytes:")?;
        Ok(Self { at: Instant::now(), written_bytes, processor_ticks: processor_ticks()? })
    }

    fn report(&self, what: &str, messages: u64, store: &RedbStore) -> Result<(), Failure> {
        let written = number("/proc/self/io", "write_bytes:")? - self.written_bytes;
        let per_byte = written as f64 / (messages * PAYLOAD_BYTES as u64) as f64;
        let (seconds, usage) = (self.at.elapsed().as_secs_f64(), store.usage());
        // A tick is 10 ms.
        let micros = (processor_ticks()? - self.processor_ticks) as f64 * 1e4 / messages as f64;
        let resident = number("/proc/self/status", "VmRSS:")? / 1024;
        say(&format!(
            "{what}: {seconds:.2} s, {micros:.1} us of processor time per message, {:.0} MB written ({per_byte:.2} per payload \
             byte), {} messages, files {:.0} MB, resident {resident} MB",
            written as f64 / 1e6,
            usage.messages,
            usage.disk_bytes as f64 / 1e6,
        ));
        Ok(())
    }
}

/// Processor time of this process, its own and the system's for it.
fn processor_ticks() -> Result<u64, Failure> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = text.rsplit_once(')').ok_or("no name")?;
    let times = fields.split_whitespace().skip(11).take(2);
    times.map(|time| Ok(time.parse::<u64>()?)).sum()
}

/// A number that the system keeps of this process.
fn number(file: &str, name: &str) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such figure")?;
    Ok(line.split_whitespace().next().ok_or("no figure")?.parse()?)
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}
