//! The queues of the simulated service, and how small everything is, so that every path is met.

use fastrand::Rng;
use millpond_core::name::QueueKey;
use millpond_core::quota::{Quota, Quotas};
use millpond_engine::admission::Limits;
use millpond_engine::step::EngineConfig;
use millpond_log::LogConfig;

/// One queue, as it is created.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) fifo: bool,
    pub(crate) content_based: bool,
    pub(crate) retention_secs: u32,
    /// The queue for its dead letters, by number.
    pub(crate) dead_letters: Option<usize>,
}

const fn standard(name: &'static str, retention_secs: u32, dead_letters: Option<usize>) -> Kind {
    Kind { name, fifo: false, content_based: false, retention_secs, dead_letters }
}

const fn fifo(name: &'static str, content_based: bool, dead_letters: Option<usize>) -> Kind {
    Kind { name, fifo: true, content_based, retention_secs: 345_600, dead_letters }
}

/// Queues by number.
pub(crate) const QUEUES: [Kind; 6] = [
    standard("alpha", 345_600, Some(3)),
    standard("beta", 345_600, Some(3)),
    standard("short", 60, None),
    standard("dead", 345_600, None),
    fifo("orders.fifo", true, Some(5)),
    fifo("dead.fifo", false, None),
];

/// The number of a queue.
pub(crate) fn number_of(key: &QueueKey) -> Option<usize> {
    QUEUES.iter().position(|kind| kind.name == key.name.as_str())
}

pub(crate) const SEGMENT_BYTES: u64 = 4 << 10;

/// Messages that one queue may hold.
pub(crate) const QUEUE_MESSAGES: u64 = 24;
/// Messages that all queues together may hold.
pub(crate) const ACCOUNT_MESSAGES: u64 = 60;

/// No cached body at all, two of them, or a few more; all messages in memory, or next to none.
pub(crate) fn engine_config(random: &mut Rng, has_quotas: bool) -> EngineConfig {
    let messages = |messages| Quota { messages: Some(messages), bytes: None };
    let quotas = Quotas { queue: messages(QUEUE_MESSAGES), account: messages(ACCOUNT_MESSAGES) };
    let (messages_in_memory, window_messages) =
        [(usize::MAX, 2_000), (0, 1), (4, 2), (12, 4)][random.usize(..4)];
    // As few as messages, for what is compared where all of them are in memory is the whole state.
    let sends_in_memory =
        if messages_in_memory == usize::MAX { usize::MAX } else { [0, 0, 3][random.usize(..3)] };
    EngineConfig {
        messages_in_memory,
        sends_in_memory,
        window_messages,
        cache_bytes: [0, 500, 3_000][random.usize(..3)],
        batch_bytes: [250, 700][random.usize(..2)],
        limits: Limits { waiters: 6, held_replies: 40, pending_bytes: 6 << 10, ..Limits::default() },
        quotas: if has_quotas { quotas } else { Quotas::NONE },
    }
}

pub(crate) fn log_config() -> LogConfig {
    LogConfig {
        segment_bytes: SEGMENT_BYTES,
        budget_bytes: 12 * SEGMENT_BYTES,
        block_bytes: 512,
        ready_segments: 1,
        recycled_segments_max: 2,
        in_flight_max_bytes: 5 << 10,
        ..LogConfig::default()
    }
}
