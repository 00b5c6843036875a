//! What the binary adds to the service: workloads, stacks and their logs.
//!
//! The server knows these calls only by method and path below `/_millpond/v1/`; what they do stands elsewhere.

use std::pin::Pin;

use bytes::Bytes;
use serde_json::Value;

/// A call of our own API that the server does not answer itself.
#[derive(Clone, Debug)]
pub struct PlatformCall {
    /// The HTTP method.
    pub method: String,
    /// The path behind `/_millpond/v1/`.
    pub path: String,
    /// The query string, without `?`.
    pub query: String,
    /// The body, JSON or empty.
    pub body: Bytes,
}

/// The answer: an HTTP status and a JSON value.
#[derive(Clone, Debug)]
pub struct PlatformReply {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
}

/// A future that can be held in a trait object.
pub type PlatformFuture<'a> = Pin<Box<dyn Future<Output = Option<PlatformReply>> + Send + 'a>>;

/// Answers calls of our own API.
pub trait Platform: Send + Sync {
    /// Answers a call; `None` when there is no such call.
    fn call(&self, call: PlatformCall) -> PlatformFuture<'_>;
}

/// A platform without workloads.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueuesOnly;

impl Platform for QueuesOnly {
    fn call(&self, _call: PlatformCall) -> PlatformFuture<'_> {
        Box::pin(async { None })
    }
}
