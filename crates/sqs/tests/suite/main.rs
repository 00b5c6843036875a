//! The whole crate against the real core: a request's bytes in, a reply's bytes out, without engine or network.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test stops where it fails"
)]

mod catalogue;
mod change_message_visibility;
mod create_queue;
mod decoding;
mod delete_message;
mod errors;
mod get_queue_url;
mod list_queues;
mod message_attributes;
mod message_body;
mod move_tasks;
mod permissions;
mod policy;
mod purge_and_delete_queue;
mod query;
mod query_round_trip;
mod queue_attributes;
mod queue_attributes_fifo;
mod queue_url;
mod receipt;
mod receive_message;
mod redrive;
mod send_message;
mod send_message_batch;
mod service;
mod tags;
