//! Makes a data directory that holds a backlog of some shape, for measurements.
//!
//! Everything goes through the engine as commands, as a server's requests do, so what comes out is what clients could
//! have brought about; only HTTP is left out. Commands are in bounded pipelines and no message is remembered, so the
//! memory that it takes by itself does not grow with the count.
//!
//! It refuses a directory that holds anything: what is there is not its to change, and half a shape is none.

mod messages;
mod pipeline;
mod shapes;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use millpond_core::limits;
use millpond_core::outcome::Refusal;
use millpond_engine::driver::Fatal;

use crate::data::open_without_server;
use crate::error::StartError;
use pipeline::Pipeline;

/// What a backlog looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Sent and never received.
    Waiting,
    /// Received once and come back. A message that came back stands before those sent later, and no more than 120,000
    /// can be in flight; so there is a queue for every 100,000 messages.
    Returned,
    /// Received three times and come back, all in one queue: after the third time a message stands behind all others.
    ReturnedOften,
    /// Sent with delays of 1 to 900 seconds, at random.
    Delayed,
    /// In a dead-letter queue that keeps its messages for 14 days, after one receive from another queue.
    DeadLetters,
    /// In message groups of a FIFO queue.
    FifoGroups,
    /// In message groups of a standard queue, as many as there are tenants.
    Tenants,
    /// Deleted from a FIFO queue, which remembers their deduplication ids for five minutes.
    Deduplication,
    /// Empty queues.
    Queues,
}

/// A backlog to make.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    /// Its shape.
    pub shape: Shape,
    /// Messages, or queues of [`Shape::Queues`].
    pub count: u64,
    /// Bytes of each message's body.
    pub size_bytes: u32,
    /// Message groups of the shapes that have them; a tenth of the messages by default.
    pub groups: Option<u64>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
pub struct FillTick {
    /// What is done now.
    pub step: &'static str,
    /// Messages or queues of this step that are done.
    pub done: u64,
    /// Of so many.
    pub count: u64,
    /// In the last second.
    pub per_sec: f64,
}

/// A backlog that was made; all of it is durable.
#[derive(Clone, Debug)]
pub struct Filled {
    /// The directory.
    pub path: PathBuf,
    /// The queue that holds it, or the first of several.
    pub queue: String,
    /// Queues there are.
    pub queues: u64,
    /// Messages they hold.
    pub messages: u64,
    /// How long it took, until the engine had stopped.
    pub took: Duration,
}

/// Why there is no backlog. What was made before stays in the directory, which has to be removed before the next try.
#[derive(Debug, thiserror::Error)]
pub enum FillError {
    /// There is something in the directory.
    #[error("{0} is not empty: give a new directory, or remove this one")]
    NotEmpty(PathBuf),
    /// The directory can't be read.
    #[error("{path} can't be read ({source}): give another directory")]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQS takes no such message.
    #[error("a message has 1 to {} bytes, not {size_bytes}", limits::BATCH_BYTES)]
    Size {
        /// What was asked for.
        size_bytes: u32,
    },
    /// Nothing was asked for.
    #[error("there is nothing to make: count and groups are at least 1")]
    Nothing,
    /// The directory can't be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The engine refused a command.
    #[error("the engine refused a command while filling: {0}")]
    Refused(Refusal),
    /// The engine answered a command with what can't be its outcome, or not at all.
    #[error("the engine did not go on while filling: {0}")]
    Stuck(String),
    /// The engine died.
    #[error(transparent)]
    Engine(#[from] Fatal),
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Returned,
        Self::ReturnedOften,
        Self::Delayed,
        Self::DeadLetters,
        Self::FifoGroups,
        Self::Tenants,
        Self::Deduplication,
        Self::Queues,
    ];

    /// Its name on the command line, and the beginning of its queues' names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Returned => "returned",
            Self::ReturnedOften => "returned-often",
            Self::Delayed => "delayed",
            Self::DeadLetters => "dead-letters",
            Self::FifoGroups => "fifo-groups",
            Self::Tenants => "tenants",
            Self::Deduplication => "deduplication",
            Self::Queues => "queues",
        }
    }

    /// The shape of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }
}

/// Makes a backlog in a new directory, telling `progress` about every second.
///
/// Blocks its thread on a runtime of its own; it must not be called from within one.
///
/// # Errors
/// [`FillError`].
pub fn fill(path: &Path, fill: &Fill, progress: &mut dyn FnMut(&FillTick)) -> Result<Filled, FillError> {
    if !(1..=limits::BATCH_BYTES).contains(&fill.size_bytes) {
        return Err(FillError::Size { size_bytes: fill.size_bytes });
    }
    let groups = fill.groups.unwrap_or(fill.count / 10).max(1);
    if fill.count == 0 || fill.groups == Some(0) {
        return Err(FillError::Nothing);
    }
    refuse_what_is_there(path)?;
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| FillError::Stuck(error.to_string()))?;
    let made = runtime.block_on(async {
        let running = open_without_server(path)?;
        let mut pipeline = Pipeline::new(running.handle.clone(), fill.size_bytes, groups, progress);
        let made = shapes::make(&mut pipeline, fill.shape, fill.count).await;
        drop(pipeline);
        running.handle.stop();
        let ended = tokio::task::spawn_blocking(move || running.join()).await;
        // An engine that has died says more than a command that had no answer.
        ended.map_err(|error| FillError::Stuck(error.to_string()))??;
        made
    });
    let (queue, queues, messages) = made?;
    Ok(Filled { path: path.to_owned(), queue, queues, messages, took: began.elapsed() })
}

fn refuse_what_is_there(path: &Path) -> Result<(), FillError> {
    match std::fs::read_dir(path) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(FillError::NotEmpty(path.to_owned())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(FillError::Unreadable { path: path.to_owned(), source }),
    }
}
