//! Recovery and checkpoints: the state that store and log bring back is the state that lived.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

#[path = "../support/mod.rs"]
mod support;

mod backlog;
mod checkpoints;
mod equivalence;
mod groups;
mod reads;
mod refusals;
mod remembered;
mod torn_end;
