//! The only crate that knows HTTP: it accepts, limits, routes, and turns bytes into calls and outcomes into bytes.
//!
//! What always holds: a request that a web page of another site could have caused is refused before anything else
//! looks at it; bodies, headers, connections and waiting times are bounded; a reply is written only from an outcome
//! that the engine has let go.
//!
//! What it refuses to do: decide anything about queues, keep state between requests.
//!
//! Suggested reading order: [`listen`], `service`, `route`, `origin`, `aws`, [`platform`].

pub mod access;
mod accounts;
pub mod audit;
mod aws;
mod backup;
mod behaviour;
mod body;
mod console;
mod controls;
mod entropy;
mod framing;
mod guessing;
pub mod listen;
mod metrics;
mod origin;
mod other_service;
mod own;
mod patient;
pub mod platform;
mod private;
pub mod proxy;
mod respond;
mod route;
mod scope;
mod service;
mod signed;
pub mod tls;

pub use behaviour::{Behaviour, TestControls};
pub use listen::{Answering, BindError, Limits, Listening, ServerConfig, Transport, bind};
