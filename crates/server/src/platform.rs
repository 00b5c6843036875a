//! What the binary adds to the service: workloads, stacks and their logs.
//!
//! The server knows these calls only by method and path below `/_millpond/v1/`; what they do stands elsewhere.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use millpond_iam::secret::Secret;
use serde_json::{Value, json};

use crate::access::{Access, Authenticated};

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
    /// Who calls. The call itself is authorised; what it does on other resources is not.
    pub who: Authenticated,
    /// Decides what is done on other resources, and gives credentials to do it with.
    pub access: Arc<Access>,
    /// The `Authorization` header, where the platform itself has to look at it: of a workload that asks for its
    /// credentials.
    pub authorization: Option<Secret>,
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

/// A future of a name.
pub type NameFuture<'a> = Pin<Box<dyn Future<Output = String> + Send + 'a>>;

/// Answers calls of our own API.
pub trait Platform: Send + Sync {
    /// The table that `rows/NAME` is about, so that a call is authorised on the table whatever name it uses; the name itself
    /// when it stands for nothing.
    fn table_of<'a>(&'a self, name: &'a str) -> NameFuture<'a>;

    /// Answers a call; `None` when there is no such call.
    fn call(&self, call: PlatformCall) -> PlatformFuture<'_>;
}

/// A platform without stacks and workloads, for a service that keeps nothing. It knows the calls and says what is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueuesOnly;

const QUEUES_ONLY: &str = "this service keeps everything in memory (`serve --in-memory`), so it has no stacks and workloads; \
                           `millpond up` starts one that has";

impl Platform for QueuesOnly {
    fn table_of<'a>(&'a self, name: &'a str) -> NameFuture<'a> {
        Box::pin(async move { name.to_owned() })
    }

    fn call(&self, call: PlatformCall) -> PlatformFuture<'_> {
        let first = call.path.split('/').next().unwrap_or_default();
        let known = matches!(first, "workloads" | "stacks" | "rows");
        let refusal = || PlatformReply { status: 404, body: json!({ "error": QUEUES_ONLY }) };
        let reply = known.then(refusal);
        Box::pin(async { reply })
    }
}
