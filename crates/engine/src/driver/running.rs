//! What a running engine is, seen from outside: what it is made of, what it is told, how it ends.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use millpond_core::command::Command;
use millpond_core::message::{QueueId, Receipt};
use millpond_core::outage::ExpiryHold;
use millpond_core::time::Timestamp;
use millpond_log::{Failure, Log, LogReader, Position, SubmitError, TrimError};
use millpond_store::{Found, Store, StoreError, StoreReader};
use tokio::sync::oneshot;

use crate::checkpoint::CheckpointError;
use crate::clock::Clock;
use crate::counters::QueueCounters;
use crate::handle::EngineHandle;
use crate::recovery::Recovered;
use crate::step::{Body, EngineStats, FetchId, ReadId, Reply, RequestId, Wait};

/// What the engine's thread is told.
#[derive(Debug)]
pub enum Message {
    /// A caller asks.
    Request {
        /// The caller's name for it.
        request: RequestId,
        /// What it asks.
        command: Command,
        /// How long a receive waits.
        wait: Wait,
        /// Where the reply goes.
        reply_to: oneshot::Sender<Reply>,
    },
    /// A caller has gone away.
    Closed {
        /// Which one.
        request: RequestId,
    },
    /// Deliveries did not reach their receiver.
    Undelivered {
        /// The deliveries.
        receipts: Vec<Receipt>,
    },
    /// Payloads were read.
    Bodies {
        /// Which read.
        read: ReadId,
        /// What was read.
        bodies: Vec<Body>,
    },
    /// Messages were found in the store, or it failed.
    Fetched {
        /// Which read.
        fetch: FetchId,
        /// What it found.
        found: Result<Found, StoreError>,
    },
    /// The log has news.
    Progress,
    /// A thread of the engine has panicked.
    Panicked {
        /// Its name.
        thread: &'static str,
    },
    /// A checkpoint has ended.
    Checkpointed(Result<Position, CheckpointError>),
    /// A caller puts the clock forward.
    Advance {
        /// The caller's name for it.
        request: RequestId,
        /// By how much.
        millis: u64,
        /// Where the reply goes.
        reply_to: oneshot::Sender<Reply>,
    },
    /// Someone wants figures.
    Status {
        /// Where they go.
        reply_to: oneshot::Sender<Status>,
    },
    /// Someone wants the counters of queues.
    QueueCounters {
        /// Only of queues after this one.
        after: Option<QueueId>,
        /// Of at most so many.
        limit: usize,
        /// Where they go.
        reply_to: oneshot::Sender<Vec<(QueueId, QueueCounters)>>,
    },
    /// Someone reads all that is there.
    HoldLog {
        /// Where the hold goes.
        reply_to: oneshot::Sender<HeldLog>,
    },
    /// The service is about to stop: what still comes is carried out, and nobody waits for messages any more.
    Drain,
    /// The service stops.
    Stop,
}

/// Log and store of a running engine, for who reads all of it. As long as this lives the log keeps the batches that it
/// has, unless it would run out of room for sends: then they are trimmed, and a read says so.
pub struct HeldLog {
    /// The log.
    pub log: Arc<dyn LogReader>,
    /// The store. A snapshot that is taken now reflects all batches that the log does not have.
    pub store: Arc<dyn StoreReader>,
    /// The last durable position: what was acknowledged before is not behind it.
    pub through: Position,
    pub(super) _hold: Arc<()>,
}

impl std::fmt::Debug for HeldLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HeldLog({})", self.through)
    }
}

/// Figures of engine and log.
#[derive(Clone, Debug)]
pub struct Status {
    /// The engine's.
    pub engine: EngineStats,
    /// The log's counters.
    pub log: millpond_log::Stats,
    /// The log's space.
    pub space: millpond_log::Usage,
    /// The last durable position.
    pub durable: Position,
    /// What the store reflects.
    pub reflected: Position,
    /// Engine time.
    pub now: Timestamp,
    /// The hold of expiry that is in force.
    pub expiry_hold: Option<ExpiryHold>,
}

/// Why an engine died. What it had acknowledged is safe; the process starts again from disk.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The log could not be written.
    #[error(
        "the log failed and the service stops to protect what it holds: {0}. Check the disk, then start again"
    )]
    Log(Failure),
    /// Another process has opened the log.
    #[error("another process has taken over the data directory; this one stops")]
    Fenced,
    /// Messages could not be read from the store.
    #[error("the store can't be read, and the service stops: {0}")]
    Store(StoreError),
    /// The log refused a batch for good.
    #[error("the log refused a batch: {0}")]
    Refused(SubmitError),
    /// The log refused to be trimmed up to a checkpoint.
    #[error("the log refused to be trimmed and the service stops to protect what it holds: {0}")]
    NotTrimmed(TrimError),
    /// A checkpoint failed for another reason than space.
    #[error("a checkpoint failed and the service stops to protect what it holds: {0}")]
    Checkpoint(CheckpointError),
    /// A thread of the engine has panicked.
    #[error("the engine has failed: {0}")]
    Panicked(String),
}

/// A running engine.
#[derive(Debug)]
pub struct Running {
    /// How to reach it.
    pub handle: EngineHandle,
    /// The key of receipt handles.
    pub receipt_key: [u8; 16],
    pub(super) thread: JoinHandle<Result<(), Fatal>>,
}

impl Running {
    /// Waits until the engine has stopped, and tells whether that was wanted.
    ///
    /// # Errors
    /// [`Fatal`] when the engine died.
    pub fn join(self) -> Result<(), Fatal> {
        drop(self.handle);
        self.thread.join().unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Err(Fatal::Panicked(text.unwrap_or_default()))
        })
    }
}

/// What an engine runs on.
pub struct Parts {
    /// The log, recovered.
    pub log: Box<dyn Log>,
    /// The store, loaded.
    pub store: Box<dyn Store>,
    /// What recovery brought back from both.
    pub recovered: Recovered,
    /// The clock; never before the recovered state's.
    pub clock: Arc<dyn Clock>,
    /// Bytes of requests that may be under way at once.
    pub under_way_limit_bytes: usize,
}

/// The way for a log to tell that it has news. Make it before the log is opened, hand it over when the engine starts.
#[derive(Debug)]
pub struct Inbox {
    pub(super) sender: Sender<Message>,
    pub(super) receiver: Receiver<Message>,
}

impl Default for Inbox {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { sender, receiver }
    }
}

impl Inbox {
    /// What the log calls.
    #[must_use]
    pub fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        let sender = self.sender.clone();
        // An engine that has stopped is not interested any more.
        Arc::new(move || drop(sender.send(Message::Progress)))
    }
}
