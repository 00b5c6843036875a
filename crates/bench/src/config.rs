//! What a run is asked to do.
//!
//! A configuration is plain data without defaults hidden elsewhere; [`LoadConfig::new`] holds the defaults. `Debug`
//! never shows the secret key.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use crate::ceiling::CeilingLaunch;
use crate::cpu;
use crate::endpoint::Endpoint;
use crate::error::BenchError;

/// The largest request that SQS takes: the bodies of all its messages together.
/// Source: Amazon SQS Developer Guide, "Amazon SQS message quotas".
pub(crate) const REQUEST_SIZE_MAX_BYTES: usize = 1_048_576;

/// Intervals of one run for which figures of their own are kept.
const INTERVALS_MAX: u128 = 2_000;

/// A load on one endpoint.
#[derive(Debug, Clone)]
pub struct LoadConfig {
    /// The server under load.
    pub endpoint: Endpoint,
    /// The region in the credential scope of the signature.
    pub region: String,
    /// The keys that sign the requests.
    pub credentials: Credentials,
    /// What each operation does.
    pub work: Work,
    /// When operations begin.
    pub arrivals: Arrivals,
    /// The queues under load.
    pub queue: QueueChoice,
    /// Connections, each with one request under way at most.
    pub connections: NonZeroUsize,
    /// Messages in a request.
    pub batch: Batch,
    /// Bytes of each message's body.
    pub size_bytes: NonZeroUsize,
    /// Length of the measured window.
    pub duration: Duration,
    /// Load before the measured window, at the same rate and not counted.
    pub warm_up: Duration,
    /// Also keep figures for each part of the window that is so long.
    pub interval: Option<Duration>,
    /// The server's process on this machine, to report its CPU.
    pub server_pid: Option<u32>,
    /// The generator runs on the last core of this machine, and the server's process on the others.
    pub pinned: bool,
}

/// The same load against the endpoint and against the ceiling, alternately.
#[derive(Debug, Clone)]
pub struct PairedConfig {
    /// The load, and the product under it.
    pub load: LoadConfig,
    /// Pairs of runs, in the order A B, B A, A B, …
    pub pairs: NonZeroUsize,
    /// How to start the ceiling's process.
    pub ceiling: CeilingLaunch,
}

/// What one operation does. Its calls follow each other on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Sends a batch.
    Send,
    /// Receives up to a batch and deletes what it got.
    Receive {
        /// Messages that are sent to the queues before each run, together; not measured.
        messages: u64,
    },
    /// Sends a batch, receives up to a batch, deletes what it got.
    RoundTrip,
    /// The same with FIFO queues: each message has a deduplication id of its own and the next of so many groups.
    Fifo {
        /// Message groups of each queue.
        groups: NonZeroU64,
    },
}

/// When operations begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// Closed loop: each connection begins the next operation when its last one has ended.
    Closed,
    /// Open loop: so many operations a second in all, evenly spaced, whether earlier ones have ended or not.
    PerSec(f64),
    /// Open loop at this share, above 0, of what a closed loop reaches just before: of the ceiling's rate in paired
    /// runs, of the endpoint's own otherwise.
    ShareOfMaximum(f64),
}

/// Which queues are under load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueChoice {
    /// So many new queues named `bench-…`, deleted with their messages at the end.
    Fresh(NonZeroUsize),
    /// An existing queue by name; its messages stay.
    Named(String),
    /// An existing queue by URL; its messages stay.
    Url(String),
}

/// Messages in one request, 1 to 10. One alone goes as `SendMessage`, more as `SendMessageBatch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Batch(u8);

/// An access key and its secret, as AWS SDKs take them.
#[derive(Clone)]
pub struct Credentials {
    /// The access key id, sent with every request.
    pub access_key_id: String,
    /// The secret key; it signs and is never sent or shown.
    pub secret_access_key: String,
}

impl LoadConfig {
    /// 64 connections that send single messages of 1 KiB to a fresh queue for ten seconds, after two of warm-up.
    pub fn new(endpoint: Endpoint, region: String, credentials: Credentials) -> Self {
        LoadConfig {
            endpoint,
            region,
            credentials,
            work: Work::Send,
            arrivals: Arrivals::Closed,
            queue: QueueChoice::Fresh(NonZeroUsize::MIN),
            connections: NonZeroUsize::MIN.saturating_add(63),
            batch: Batch::ONE,
            size_bytes: NonZeroUsize::MIN.saturating_add(1023),
            duration: Duration::from_secs(10),
            warm_up: Duration::from_secs(2),
            interval: None,
            server_pid: None,
            pinned: false,
        }
    }

    /// Refuses, before anything is sent, a load that no SQS endpoint would accept or that can't be measured.
    pub(crate) fn check(&self) -> Result<(), BenchError> {
        let request_bytes = self.size_bytes.get().saturating_mul(self.batch.messages());
        if request_bytes > REQUEST_SIZE_MAX_BYTES {
            return Err(BenchError::RequestTooLarge { request_bytes, max_bytes: REQUEST_SIZE_MAX_BYTES });
        }
        if self.duration.is_zero() {
            return Err(BenchError::NoDuration);
        }
        if let Arrivals::PerSec(rate) | Arrivals::ShareOfMaximum(rate) = self.arrivals
            && !(rate.is_finite() && rate > 0.0)
        {
            return Err(BenchError::NoRate);
        }
        if let Some(interval) = self.interval
            && self.duration.as_nanos() > interval.as_nanos().saturating_mul(INTERVALS_MAX)
        {
            return Err(BenchError::TooManyIntervals { max: INTERVALS_MAX });
        }
        if let Some(pid) = self.server_pid {
            cpu::of_process(pid).map_err(|source| BenchError::ServerProcess { pid, source })?;
        }
        Ok(())
    }
}

impl Work {
    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Work::Send => "send",
            Work::Receive { .. } => "receive",
            Work::RoundTrip => "round-trip",
            Work::Fifo { .. } => "fifo",
        }
    }

    pub(crate) fn sends(self) -> bool {
        !matches!(self, Work::Receive { .. })
    }

    pub(crate) fn receives(self) -> bool {
        !matches!(self, Work::Send)
    }

    pub(crate) fn is_fifo(self) -> bool {
        matches!(self, Work::Fifo { .. })
    }
}

impl Batch {
    /// A message alone.
    pub const ONE: Self = Batch(1);
    /// As many as SQS takes.
    pub const TEN: Self = Batch(10);

    /// So many messages; `None` unless they are 1 to 10.
    pub fn new(messages: u8) -> Option<Self> {
        (1..=10).contains(&messages).then_some(Batch(messages))
    }

    /// Messages in a request.
    pub fn messages(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
