//! Figures of an engine: counted where things happen, asked for by who shows them.

use super::Engine;
use crate::counters::BATCH_BUCKETS;

/// Figures of an engine, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Long polls parked.
    pub waiters: usize,
    /// Replies that wait for durability or payloads.
    pub held_replies: usize,
    /// Commands that wait for messages from the store.
    pub parked: usize,
    /// Messages in memory.
    pub messages_in_memory: usize,
    /// Remembered sends in memory.
    pub sends_in_memory: usize,
    /// Remembered sends that rest in the store.
    pub sends_at_rest: u64,
    /// Reads of remembered sends since the engine was made.
    pub sends_read: u64,
    /// Bytes of payloads in memory.
    pub cached_bytes: usize,
    /// Events since the engine was made.
    pub events: u64,
    /// Damaged messages taken out since the engine was made.
    pub quarantined: u64,
    /// Batches handed to the log, by their number of events: see [`BATCH_BUCKETS`].
    pub batch_events: [u64; BATCH_BUCKETS],
}

impl Engine {
    /// Figures of the moment.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        let remembered = self.state.remembered_sends();
        EngineStats {
            waiters: self.waiters.len(),
            held_replies: self.held.len(),
            parked: self.backlog.parked(),
            messages_in_memory: self.state.held(),
            sends_in_memory: remembered.in_memory,
            sends_at_rest: remembered.at_rest,
            cached_bytes: self.bodies.cached_bytes(),
            ..self.stats
        }
    }
}
