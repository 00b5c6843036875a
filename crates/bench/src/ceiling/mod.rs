//! The ceiling: what this machine could do at best if a queue cost nothing.
//!
//! A bare HTTP server on the product's HTTP stack (hyper, HTTP/1.1, two worker threads) that reads each request's body,
//! appends what the call logs to zero-filled segments and answers with a constant reply of a real reply's size. It
//! keeps the product's hardest promise and no other: a reply leaves only after an `fdatasync` that covers its bytes has
//! returned. It parses nothing, checks no signature, has no queue, and must never be used as one: what it writes is
//! never read.
//!
//! It runs in a process of its own, so that its CPU is measured apart from the generator's, and ends when its parent
//! does.

mod child;
mod group_commit;
mod replies;
mod segments;
mod serve;

use std::io;
use std::num::NonZeroU64;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use child::CeilingProcess;
pub use child::{CeilingLaunch, ceiling_child};
pub use replies::CeilingLoad;
pub(crate) use segments::zero_filled;
pub use serve::ceiling_serve;

/// What a ceiling process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CeilingConfig {
    /// The directory in which it makes, and at its end removes, a directory of its own; on the disk that is to be
    /// measured.
    pub directory: PathBuf,
    /// Size of each zero-filled segment.
    pub segment_bytes: NonZeroU64,
    /// Segments, overwritten in turn.
    pub segments: NonZeroU64,
    /// The load that it answers.
    pub load: CeilingLoad,
}

/// Why the ceiling can't run.
#[derive(Debug, thiserror::Error)]
pub enum CeilingError {
    /// Its directory can't be used.
    #[error(
        "the ceiling can't write in {directory} ({source}): give a directory on the disk to be measured, with room for its segments"
    )]
    Directory {
        /// The directory as given.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A write or sync failed while it served; it has stopped.
    #[error("the ceiling's disk failed ({0}): its figures are void; see the system log")]
    Disk(#[source] io::Error),
    /// Its process could not be started or did not come up.
    #[error("the ceiling's process did not start ({0})")]
    Start(#[source] io::Error),
    /// Sockets or threads were refused.
    #[error("the ceiling can't serve here ({0})")]
    Serve(#[source] io::Error),
}

#[cfg(test)]
mod tests;
