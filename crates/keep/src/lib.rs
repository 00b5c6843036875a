//! Looks after data: checks directories that no service uses, takes backups, brings them back.
//!
//! | module | what it is |
//! |---|---|
//! | [`backup`] | the state at one position, as a stream of records |
//! | [`restore`] | a directory out of such a stream |
//! | [`repair`] | what can be saved of a damaged directory |
//! | `rebuild` | how a directory is made anew |
//! | [`check`] | whether everything in a directory is as it was written and fits together |
//! | [`directory`] | a directory that is only read |
//! | [`finding`] | what is wrong, where, what it affects |
//! | [`progress`] | how far the work is |
//!
//! What always holds: a directory that is looked at is not changed by one byte, and not looked at while a service uses it.
//!
//! What it refuses: to guess what damaged bytes said.

pub mod backup;
pub mod check;
pub mod directory;
pub mod finding;
pub mod progress;
mod rebuild;
pub mod repair;
pub mod restore;

pub use check::{CheckReport, check};
pub use directory::{Directory, DirectoryError};
pub use finding::{Finding, Severity};
pub use progress::Progress;
pub use rebuild::RebuildError;
