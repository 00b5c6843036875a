//! Identities and the actions of IAM on them, from the form that is sent to the XML that is answered.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

mod access_keys;
mod authorisations;
mod format;
mod inline_policies;
mod managed_policies;
mod model;
mod roles;
mod scene;
mod state;
mod tags;
mod trust;
mod users;
mod validation;
