//! The core through its public interface: one file per behaviour, in one program so that it links once.
//!
//! A file that is not named here does not run.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on stops.

mod attempt;
mod change_visibility;
mod clock;
mod dead_letters;
mod decoding;
mod delete;
mod documents;
mod encryption_settings;
mod expire;
mod fair;
mod fair_model;
mod fifo;
mod fifo_model;
mod format_fixture;
mod model;
mod move_origins;
mod move_tasks;
mod outage;
mod pacing;
mod permissions;
mod purge;
mod quarantine;
mod queue_attributes;
mod queue_create;
mod queue_describe;
mod queue_fifo;
mod queue_list;
mod quotas;
mod random_commands;
mod random_moves;
mod receive;
mod redrive_policy;
mod remembered_sends;
mod replay;
mod reset;
mod return_leases;
mod send;
mod support;
mod tags;
