//! A queue: its record, which rests in the store, and the index of its messages, which lives in memory.

pub mod attributes;
pub mod deduplication;
mod fair;
pub mod fifo;
pub mod messages;
pub mod move_task;
pub mod patch;
pub mod policy;
mod processing_time;
pub mod record;
pub mod redrive;
pub mod resting;
mod sends_at_rest;
pub mod standard;
pub mod turns;

pub use attributes::{
    AttributeName, DeduplicationScope, FifoAttributes, FifoThroughputLimit, QueueAttributes,
};
pub use deduplication::{Deduplication, Deduplications};
pub use fair::FairCounts;
pub use fifo::{FifoMessages, Missing};
pub use messages::QueueMessages;
pub use move_task::{
    MoveEnd, MoveFailure, MoveOrder, MoveRefusal, MoveStatus, MoveTask, MoveTaskId, MoveTasks,
};
pub use patch::{AttributePatch, AttributeRefusal};
pub use policy::{Policy, PolicyRefusal, PolicyStatement};
pub use record::{QueueRecord, Tags};
pub use redrive::{RedriveAllowPolicy, RedrivePolicy, RedriveRefusal};
pub use resting::{Backlog, Edge, Resting};
pub use standard::{MessageCounts, StandardMessages};

#[cfg(test)]
mod tests;
