//! Counters of a log, kept without locks and read as one plain value.
//!
//! Counters never go back while a log is open. They start at zero with each open: they are figures for people
//! and dashboards, nothing is decided by them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Buckets of the sync latency histogram: bucket `i` counts syncs that took less than `2^i` microseconds and
/// fell in no lower bucket; the last also counts everything slower.
pub const SYNC_BUCKETS: usize = 24;

/// Counters since the log was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Batches that became durable.
    pub batches: u64,
    /// Their payload.
    pub payload_bytes: u64,
    /// What was written for them, with headers and padding.
    pub written_bytes: u64,
    /// Groups: batches that were written together and covered by one sync.
    pub groups: u64,
    /// Syncs of segment files.
    pub syncs: u64,
    /// Time spent in them.
    pub sync_total_micros: u64,
    /// The slowest.
    pub sync_max_micros: u64,
    /// How many took how long: see [`SYNC_BUCKETS`].
    pub sync_histogram: [u64; SYNC_BUCKETS],
    /// Segments begun.
    pub rolls: u64,
    /// Segments filled with zeros ahead of use.
    pub zero_filled_segments: u64,
    /// Trimmed segments kept for use again.
    pub recycled_segments: u64,
}

/// The live counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) batches: AtomicU64,
    pub(crate) payload_bytes: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
    pub(crate) groups: AtomicU64,
    syncs: AtomicU64,
    sync_total_micros: AtomicU64,
    sync_max_micros: AtomicU64,
    sync_histogram: [AtomicU64; SYNC_BUCKETS],
    pub(crate) rolls: AtomicU64,
    pub(crate) zero_filled_segments: AtomicU64,
    pub(crate) recycled_segments: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Relaxed);
}

impl Counters {
    /// Notes one sync of a segment file.
    pub(crate) fn note_sync(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        add(&self.syncs, 1);
        add(&self.sync_total_micros, micros);
        self.sync_max_micros.fetch_max(micros, Relaxed);
        let bucket = (u64::BITS - micros.leading_zeros()) as usize;
        add(&self.sync_histogram[bucket.min(SYNC_BUCKETS - 1)], 1);
    }

    /// All counters as one value.
    pub(crate) fn snapshot(&self) -> Stats {
        Stats {
            batches: self.batches.load(Relaxed),
            payload_bytes: self.payload_bytes.load(Relaxed),
            written_bytes: self.written_bytes.load(Relaxed),
            groups: self.groups.load(Relaxed),
            syncs: self.syncs.load(Relaxed),
            sync_total_micros: self.sync_total_micros.load(Relaxed),
            sync_max_micros: self.sync_max_micros.load(Relaxed),
            sync_histogram: std::array::from_fn(|bucket| self.sync_histogram[bucket].load(Relaxed)),
            rolls: self.rolls.load(Relaxed),
            zero_filled_segments: self.zero_filled_segments.load(Relaxed),
            recycled_segments: self.recycled_segments.load(Relaxed),
        }
    }
}
