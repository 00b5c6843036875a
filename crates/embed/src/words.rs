//! The words of `millpond.toml` for settings that are one of a few.

use millpond_core::queue::{DeduplicationScope, FifoThroughputLimit};

pub(crate) const SCOPES: [(&str, DeduplicationScope); 2] =
    [("queue", DeduplicationScope::Queue), ("message_group", DeduplicationScope::MessageGroup)];
pub(crate) const THROUGHPUT_LIMITS: [(&str, FifoThroughputLimit); 2] = [
    ("per_queue", FifoThroughputLimit::PerQueue),
    ("per_message_group", FifoThroughputLimit::PerMessageGroupId),
];

pub(crate) fn scope(scope: DeduplicationScope) -> &'static str {
    word(&SCOPES, scope)
}

pub(crate) fn throughput_limit(limit: FifoThroughputLimit) -> &'static str {
    word(&THROUGHPUT_LIMITS, limit)
}

fn word<T: PartialEq + Copy>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, named)| *named == value).map_or("", |(word, _)| word)
}
