//! Figures of remembered sends on this machine: memory, written bytes and the start, for a FIFO queue at full speed.
//!
//! `cargo run --release -p millpond-engine --example remembered_sends [DIRECTORY]`
//!
//! Five minutes at 20,000 sends a second pass at once: events are applied to a state, the store takes each 50,000 of them
//! as a checkpoint does, and then those rest that it has. It measures this alone, and makes no claim about a service
//! around it. Seconds are of the processor, as others may use the machine. It writes some 400 MB into a new directory under DIRECTORY (default: the current one) and removes it.

use std::error::Error;
use std::sync::Arc;

use millpond_core::event::{Event, SendRemembered};
use millpond_core::evolve::Instance;
use millpond_core::message::{DeduplicationKey, MessageId, MessageRef, QueueId, Sequence};
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::queue::{Deduplication, QueueAttributes, QueueRecord};
use millpond_core::state::State;
use millpond_core::time::Timestamp;
use millpond_engine::recovery::recover_within;
use millpond_log::{MemoryConfig, MemoryLog, MemoryStorage, Position, RealDisk};
use millpond_store::{Changes, RedbConfig, RedbStore, Store, Wanted};

type Failure = Box<dyn Error>;

const SENDS: u64 = 6_000_000;
const SENDS_PER_BATCH: u64 = 1_000;
const BATCHES_PER_CHECKPOINT: u64 = 50;
const MILLIS_PER_BATCH: u64 = 50;
const QUEUE: QueueId = QueueId(1);
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn main() -> Result<(), Failure> {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let directory = tempfile::tempdir_in(parent)?;
    let disk = Arc::new(RealDisk::open(directory.path())?);
    let mut store = RedbStore::open(disk, RedbConfig::default())?;
    let (instance, record) = (Instance { receipt_key: Some([7; 16]), ..Instance::default() }, record()?);
    let changes = Changes {
        instance: Some(instance.clone()),
        queues: [(QUEUE, Some(record.clone()))].into(),
        ..Changes::default()
    };
    store.apply(changes, Position::NONE)?;
    let mut state = State::new();
    state.restore_instance(instance);
    state.restore_queue(record);

    let before = resident_megabytes("VmRSS:")?;
    let written = number("/proc/self/io", "write_bytes:")?;
    let begun = processor_seconds()?;
    send_all(&mut state, &mut store)?;
    let now = state.clock();
    report("all are sent", &state, before, begun)?;
    let written = (number("/proc/self/io", "write_bytes:")? - written) as f64 / SENDS as f64;
    say(&format!(
        "  written {written:.0} bytes a send, file {:.0} MB, most resident {} MB",
        store.usage().disk_bytes as f64 / 1e6,
        resident_megabytes("VmHWM:")?,
    ));
    look_up(&mut state, &store, now)?;

    drop(state);
    let begun = processor_seconds()?;
    let mut log = MemoryLog::open(MemoryStorage::default(), MemoryConfig::default());
    let recovered = recover_within(&mut log, &store, 50_000)?;
    report("a start", &recovered.state, before, begun)
}

fn record() -> Result<QueueRecord, Failure> {
    let key = QueueKey {
        account: AccountId::DEFAULT,
        region: Region::parse("us-east-1").ok_or("a region")?,
        name: QueueName::parse("figures.fifo").ok_or("a name")?,
    };
    Ok(QueueRecord::new(QUEUE, key, QueueAttributes::default(), START))
}

/// What stands for a SHA-256.
fn spread(number: u64) -> u128 {
    let half = |salt: u64| {
        let bits = number.wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        u128::from(bits ^ bits >> 27)
    };
    half(1) << 64 | half(2)
}

fn send_all(state: &mut State, store: &mut RedbStore) -> Result<(), Failure> {
    let mut changes = Changes::default();
    let mut next = state.queue(QUEUE).map_or(Sequence(1), |queue| queue.record.next_sequence);
    for batch in 1..=SENDS / SENDS_PER_BATCH {
        let at = START.plus_millis(batch * MILLIS_PER_BATCH);
        let mut events = Vec::new();
        for _ in 0..SENDS_PER_BATCH {
            let (key, message_id) = (DeduplicationKey(spread(next.0)), MessageId(spread(next.0 << 1)));
            let payload = bytes::Bytes::new();
            let deduplication = Some(SendRemembered { group: None, key, message_id });
            let sent = Event::MessageSent {
                queue: QUEUE,
                sequence: next,
                visible_at: at,
                group: None,
                deduplication,
                payload,
            };
            events.extend([sent, Event::MessagesDeleted { queue: QUEUE, sequences: vec![next] }]);
            let row = Deduplication { group: None, key, message_id, sent_at: at };
            changes.deduplications.insert(MessageRef { queue: QUEUE, sequence: next }, row);
            next = next.next();
        }
        state.begin_batch(batch);
        state.apply(at, &events)?;
        if batch % BATCHES_PER_CHECKPOINT == 0 {
            store.apply(std::mem::take(&mut changes), Position::NONE)?;
            // As an engine that hears of it.
            state.rest_sends(QUEUE, usize::MAX, batch);
        }
    }
    Ok(())
}

/// Sends of new names, and of names that are remembered.
fn look_up(state: &mut State, store: &RedbStore, now: Timestamp) -> Result<(), Failure> {
    const NAMES: u64 = 200_000;
    let sends = &state.queue(QUEUE).ok_or("the queue")?.deduplications;
    let begun = processor_seconds()?;
    let candidates = |name: u64| sends.candidates(None, DeduplicationKey(spread(name)), now);
    let in_vain: usize = (0..NAMES).map(|name| candidates(name + (1 << 40)).count()).sum();
    let micros = (processor_seconds()? - begun) * 1e6 / NAMES as f64;
    say(&format!("{NAMES} new names: {in_vain} rows would be read, {micros:.2} µs each"));
    let reader = store.reader();
    let begun = processor_seconds()?;
    let mut found = 0;
    for name in (0..NAMES / 20).map(|name| 1 + name * 500) {
        let asked: Vec<Sequence> = candidates(name).collect();
        let read = reader.find(QUEUE, &Wanted::Sends(asked), 1)?.sends;
        found += read.iter().filter(|(_, row)| row.key == DeduplicationKey(spread(name))).count();
    }
    let micros = (processor_seconds()? - begun) * 1e6 / (NAMES / 20) as f64;
    say(&format!("{} remembered names: {found} found, {micros:.1} µs each", NAMES / 20));
    Ok(())
}

fn report(what: &str, state: &State, before_megabytes: u64, begun: f64) -> Result<(), Failure> {
    let seconds = processor_seconds()? - begun;
    let sends = &state.queue(QUEUE).ok_or("the queue")?.deduplications;
    let (in_memory, at_rest) = (sends.in_memory(), sends.at_rest());
    let each = sends.bytes_at_rest() as f64 / at_rest as f64;
    let resident = resident_megabytes("VmRSS:")?;
    say(&format!(
        "{what}: {seconds:.1} s, {in_memory} in memory, {at_rest} at rest with {each:.2} bytes each, resident {resident} MB, \
         {before_megabytes} before"
    ));
    Ok(())
}

fn resident_megabytes(name: &str) -> Result<u64, Failure> {
    Ok(number("/proc/self/status", name)? / 1024)
}

/// What this process has used of its processor.
fn processor_seconds() -> Result<f64, Failure> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: u64 = text.split_whitespace().next().ok_or("no figure")?.parse()?;
    Ok(nanoseconds as f64 / 1e9)
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
