//! Joins the core's decisions with log and store.
//!
//! [`step::Engine`] is pure: inputs in, outputs out, no IO, no clock. It owns the state, collects events into batches
//! and holds every reply until what it reveals is durable. [`driver`] is the thin shell around it: one thread that
//! carries out the outputs. [`checkpoint`] follows the log and folds it into the store; [`recovery`] brings the state
//! back from store and log.
//!
//! What always holds: a reply leaves only after everything it reveals is durable; the state is only ever changed by
//! events that are on their way to the log; an engine whose append fails dies.
//!
//! What it refuses to do: decide anything that the core decides, know a wire format, retry a failed sync.

pub mod admission;
mod backlog;
mod bodies;
pub mod checkpoint;
pub mod clock;
pub mod counters;
pub mod driver;
pub mod handle;
mod held;
pub mod recovery;
pub mod step;
mod waiters;

pub use handle::EngineHandle;
