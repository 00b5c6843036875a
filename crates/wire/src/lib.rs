//! The AWS codecs and error shapes that every service shares.
//!
//! A service describes its requests and replies as serde types made of the members in [`shape`]; a codec turns bytes
//! into a request and a reply into bytes. The types name no codec, so one service speaks every protocol that has one.
//! A failure leaves as an [`ApiError`](error::ApiError), which knows its shape, its query code and its HTTP status.
//!
//! What it refuses to do: IO, clocks, randomness, and knowledge of any one service.
//!
//! Suggested reading order: [`protocol`], [`call`], [`shape`], [`json`], [`query`], [`error`], [`request_id`].

pub mod call;
pub mod error;
pub mod json;
pub mod protocol;
pub mod query;
pub mod request_id;
pub mod shape;
