//! The decisions of Millpond: names, limits, and the state machine of queues and documents.
//!
//! What always holds: [`decide`](decide::decide) checks a command against the state and yields events and an
//! outcome; [`evolve`](evolve::evolve) applies events. Time, ids and randomness are arguments, maps are ordered,
//! so two runs with the same input give the same output on every machine, live or replayed.
//!
//! What it refuses to do: IO, async, threads, clocks, randomness, unordered maps, wire formats of AWS.
//!
//! Suggested reading order: [`name`], [`time`], [`message`], [`queue`], [`event`], [`command`], [`state`],
//! [`decide`], [`evolve`], [`format`].

pub mod command;
pub mod decide;
pub mod document;
pub mod event;
pub mod evolve;
pub mod format;
pub mod limits;
pub mod message;
pub mod name;
pub mod needs;
pub mod outage;
pub mod outcome;
pub mod pacing;
pub mod payload;
pub mod queue;
pub mod quota;
pub mod state;
pub mod time;
pub mod usage;
