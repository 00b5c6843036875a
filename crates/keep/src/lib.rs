//! Looks after data directories that no service uses.
//!
//! | module | what it is |
//! |---|---|
//! | [`check`] | whether everything in a directory is as it was written and fits together |
//! | [`directory`] | a directory that is only read |
//! | [`finding`] | what is wrong, where, what it affects |
//! | [`progress`] | how far the work is |
//!
//! What always holds: a directory that is looked at is not changed by one byte, and not looked at while a service uses it.
//!
//! What it refuses: to guess what damaged bytes said.

pub mod check;
pub mod directory;
pub mod finding;
pub mod progress;

pub use check::{CheckReport, check};
pub use directory::{Directory, DirectoryError};
pub use finding::{Finding, Severity};
pub use progress::Progress;
