//! Why a service does not start, or has ended.

use millpond_engine::driver::Fatal;
use millpond_server::BindError;
use millpond_server::access::LoadError;

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It can't listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The keys that its identities rest on can't be had.
    #[error("{0}")]
    Keys(String),
    /// Its identities can't be read.
    #[error(transparent)]
    Access(#[from] LoadError),
    /// Test controls and enforcement exclude each other.
    #[error(
        "test controls are never possible where callers are identified, since they take everyone's messages; \
         start with --auth off, or without test controls"
    )]
    TestControls,
    /// Its data can't be used.
    #[error("cannot use the data directory {path}: {reason}{advice}")]
    Data {
        /// The directory.
        path: String,
        /// Why not.
        reason: String,
        /// What to do, behind the reason.
        advice: &'static str,
    },
    /// It can't be started at all.
    #[error("the service cannot be started: {0}")]
    System(String),
    /// A declared queue can't be there.
    #[error("the queue {queue} could not be created: {reason}")]
    Queue {
        /// Its name.
        queue: String,
        /// Why not.
        reason: String,
    },
}

impl StartError {
    pub(crate) fn queue(queue: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Queue { queue: queue.into(), reason: reason.into() }
    }
}

/// Why a running service has ended.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// Its engine has died. What it had acknowledged is safe.
    #[error(transparent)]
    Engine(#[from] Fatal),
    /// It was asked to stop, and its disk does not answer. Its threads still wait for that.
    #[error(
        "the disk has not answered for {waited_secs} seconds while the service was stopping, which is given up: everything that \
         was acknowledged is on the disk; what was asked for and not answered may have taken effect or not. Look at the disk \
         before you start the service again"
    )]
    DiskSilent {
        /// How long the stop has waited.
        waited_secs: u64,
    },
    /// One of its tasks has panicked.
    #[error("the service has failed: {0}")]
    Panicked(String),
}

impl From<tokio::task::JoinError> for EndError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Panicked(error.to_string())
    }
}

/// The service is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the service has ended")]
pub struct Ended;

/// An error with the causes that its own text does not tell.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
