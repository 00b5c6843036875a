//! Who may do what, over HTTP: identification, policies, IAM and STS, our own API, the console. Signatures are made by
//! `aws-sigv4`, the signer of the SDKs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod durable;
mod identify;
mod off;
mod own;
mod policies;
mod support;
