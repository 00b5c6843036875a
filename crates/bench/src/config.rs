//! What a run is asked to do.
//!
//! A configuration is plain data without defaults hidden elsewhere; [`SendConfig::new`] holds the defaults. `Debug`
//! never shows the secret key.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::ceiling::CeilingLaunch;
use crate::cpu;
use crate::endpoint::Endpoint;
use crate::error::BenchError;

/// The largest request that SQS takes: the bodies of all its messages together.
/// Source: Amazon SQS Developer Guide, "Amazon SQS message quotas".
const REQUEST_SIZE_MAX_BYTES: usize = 1_048_576;

/// One closed-loop load: every connection has one request under way, and sends the next when its reply has come.
#[derive(Debug, Clone)]
pub struct SendConfig {
    /// The server under load.
    pub endpoint: Endpoint,
    /// The region in the credential scope of the signature.
    pub region: String,
    /// The keys that sign the requests.
    pub credentials: Credentials,
    /// The queue that takes the messages.
    pub queue: QueueChoice,
    /// Connections, each with one request under way.
    pub connections: NonZeroUsize,
    /// Messages in a request.
    pub batch: BatchSize,
    /// Bytes of each message's body.
    pub size_bytes: NonZeroUsize,
    /// Length of the measured window.
    pub duration: Duration,
    /// Load before the measured window, at the same rate and not counted.
    pub warm_up: Duration,
    /// The server's process on this machine, to report its CPU.
    pub server_pid: Option<u32>,
}

/// The same load against the endpoint and against the ceiling, alternately.
#[derive(Debug, Clone)]
pub struct PairedConfig {
    /// The load, and the product under it.
    pub send: SendConfig,
    /// Pairs of runs, in the order A B, B A, A B, …
    pub pairs: NonZeroUsize,
    /// How to start the ceiling's process.
    pub ceiling: CeilingLaunch,
}

/// Which queue takes the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueChoice {
    /// A new queue named `bench-…`, deleted with its messages at the end.
    Fresh,
    /// An existing queue by name; its messages stay.
    Named(String),
    /// An existing queue by URL; its messages stay.
    Url(String),
}

/// Messages in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum BatchSize {
    /// `SendMessage`.
    One,
    /// `SendMessageBatch` with ten entries.
    Ten,
}

/// An access key and its secret, as AWS SDKs take them.
#[derive(Clone)]
pub struct Credentials {
    /// The access key id, sent with every request.
    pub access_key_id: String,
    /// The secret key; it signs and is never sent or shown.
    pub secret_access_key: String,
}

impl SendConfig {
    /// 64 connections that send single messages of 1 KiB to a fresh queue for ten seconds, after two of warm-up.
    pub fn new(endpoint: Endpoint, region: String, credentials: Credentials) -> Self {
        SendConfig {
            endpoint,
            region,
            credentials,
            queue: QueueChoice::Fresh,
            connections: NonZeroUsize::MIN.saturating_add(63),
            batch: BatchSize::One,
            size_bytes: NonZeroUsize::MIN.saturating_add(1023),
            duration: Duration::from_secs(10),
            warm_up: Duration::from_secs(2),
            server_pid: None,
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
        if let Some(pid) = self.server_pid {
            cpu::of_process(pid).map_err(|source| BenchError::ServerProcess { pid, source })?;
        }
        Ok(())
    }
}

impl BatchSize {
    /// Messages in a request.
    pub fn messages(self) -> usize {
        match self {
            BatchSize::One => 1,
            BatchSize::Ten => 10,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
