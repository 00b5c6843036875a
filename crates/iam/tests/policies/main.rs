//! Policies and their evaluation: an example for each rule, and properties of all of them.

#![allow(clippy::panic, reason = "a test stops where it fails")]

mod cases;
mod conditions;
mod documents;
mod managed;
mod principals;
mod properties;
mod rules;
mod variables;
mod words;
