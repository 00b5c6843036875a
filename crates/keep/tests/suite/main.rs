//! Data directories that are damaged on purpose, and what is then told, saved and brought back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]
#![allow(unexpected_cfgs, reason = "the support of the engine's tests has parts for its simulation")]

mod backup;
mod check;
mod directories;
#[path = "../../../engine/tests/directory_fixture/life.rs"]
mod life;
mod repair;
#[path = "../../../engine/tests/directory_fixture/script.rs"]
#[allow(dead_code, reason = "another suite uses the rest")]
mod script;
#[path = "../../../engine/tests/support/mod.rs"]
mod support;
