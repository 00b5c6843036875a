//! What durable means: an ordered, fenced, bounded write-ahead log of opaque batches.
//!
//! | module | what it is |
//! |---|---|
//! | [`contract`] | `trait Log` and `trait LogReader`: the promises, with a picture |
//! | [`segment_log`] | the log on a disk: segments, group commit, recovery, reads |
//! | [`memory_log`] | the log without a disk |
//! | `conformance` | the suite that every log must pass |
//! | [`disk`] | `trait Disk`: the only IO |
//! | [`real_disk`] | the operating system's directory |
//! | [`overlay_disk`] | a directory that is only read, for those who look at damage |
//! | [`faulty_disk`] | a directory in memory that tears, loses, fills up and fails by seed |

#[doc(hidden)]
pub mod conformance;
pub mod contract;
pub mod disk;
pub mod faulty_disk;
mod format;
pub mod memory_log;
pub mod overlay_disk;
#[cfg(feature = "simulation")]
pub mod planted;
pub mod real_disk;
pub(crate) mod recovery;
pub mod segment_log;
pub mod stats;

pub use contract::{
    Bounds, ConfirmError, Failure, Log, LogReader, Position, Progress, ReadError, SealedSegment, SpaceCause,
    SubmitError, TrimError, Usage,
};
pub use disk::{DirLock, Disk, DiskFile, LockError};
pub use faulty_disk::{FaultyDisk, Loss};
pub use format::LogId;
pub use memory_log::{MemoryConfig, MemoryLog, MemoryStorage};
pub use overlay_disk::OverlayDisk;
pub use real_disk::RealDisk;
pub use segment_log::{LogConfig, LogDamage, OpenError, OpenReport, SalvagedLog, SegmentLog, TornEnd, Waker};
pub use stats::Stats;
