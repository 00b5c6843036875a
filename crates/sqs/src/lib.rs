//! SQS as types: what a request asks of the state, and how the state's answer reads.
//!
//! [`prepare`](prepare::prepare) turns an action's parameters into a [`Command`](millpond_core::command::Command) and an
//! [`Answer`]; the command goes to the state, and the answer turns its outcome into the reply. What
//! does not depend on the state is checked before, so a command is complete and within all fixed limits; what does is
//! decided by the core and only put into words here. The texts are those of Amazon SQS.
//!
//! What it refuses to do: IO, clocks, randomness (ids are drawn by the caller), and accepting an option without doing
//! what it says.
//!
//! Suggested reading order: [`catalogue`], [`prepare`](mod@prepare), [`error`], [`query`], [`receipt`], then one file
//! per action.

mod actions;
mod arn;
mod attributes;
mod batch;
pub mod catalogue;
mod characters;
pub mod error;
mod fifo;
mod list_token;
mod md5_lanes;
mod message;
mod message_attributes;
mod move_task;
pub mod prepare;
pub mod query;
mod queue_url;
mod ranges;
pub mod receipt;
mod refusal;
mod selection;
mod tags;
mod wire_text;

pub use prepare::{Answer, Context, Endpoint, Prepared, QueuePath, WaitTime, prepare};
pub use query::QUERY;
pub use receipt::ReceiptCodec;
