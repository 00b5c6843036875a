//! A queue: its record, which rests in the store, and the index of its messages, which lives in memory.

pub mod attributes;
pub mod record;
pub mod standard;

pub use attributes::{AttributeName, AttributePatch, QueueAttributes};
pub use record::QueueRecord;
pub use standard::{MessageCounts, StandardMessages};

#[cfg(test)]
mod tests;
