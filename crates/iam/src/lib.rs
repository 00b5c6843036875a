//! Who calls, and what they may: signatures, policies, identities and sessions, as AWS has them.
//!
//! What always holds: everything is a pure function of its arguments; time and randomness come in as data. What can't be
//! proven is refused. A decision carries its reason. No `Debug`, `Display` or error holds a secret.
//!
//! What it refuses to do: IO, keep a clock, know HTTP beyond the values that a signature covers, know what a service does.
//!
//! Suggested reading order: [`caller`], [`facts`], [`policy`], [`evaluate`], [`managed`], [`sigv4`], [`identity`], [`session`], [`api`].

pub mod api;
pub mod arn;
pub mod auth_error;
pub mod caller;
pub mod date;
pub mod evaluate;
pub mod facts;
pub mod identity;
pub mod managed;
pub mod policy;
pub mod secret;
pub mod session;
pub mod sigv4;
