//! The engine's step, input by input: one file per behaviour. No log, no store, no threads, no clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

#[path = "../support/mod.rs"]
mod support;

mod admission;
mod batches;
mod bodies;
mod bodies_in_order;
mod controls;
mod counters;
mod counts;
mod expiry;
mod held_replies;
mod idle;
mod long_polls;
mod moves;
mod undelivered;
