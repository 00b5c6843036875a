//! The codecs by themselves, without a service.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

mod error;
mod json;
mod protocol;
mod query_in;
mod query_out;
mod query_unflattened;
mod request_id;
