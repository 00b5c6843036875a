//! The disk by itself: how long a sync takes after a write to a zero-filled file, with nothing else going on.
//!
//! Appends and syncs one after the other, as a writer without any concurrency would. The file is removed at the end.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::ceiling::zero_filled;

const FILE_BYTES: u64 = 32 << 20;
const SYNCS: usize = 200;
const TIME_MAX: Duration = Duration::from_secs(2);

/// What `write` + `fdatasync` on a zero-filled file costs, for a small and a large write.
#[derive(Debug, Clone, Serialize)]
pub struct DiskFigures {
    /// After 4 KiB.
    pub after_4_kib: SyncFigure,
    /// After 64 KiB.
    pub after_64_kib: SyncFigure,
    /// The directory is in memory (tmpfs): its syncs cost nothing and a ceiling on it is no ceiling.
    pub in_memory: bool,
}

/// Times of `write` + `fdatasync`.
#[derive(Debug, Clone, Serialize)]
pub struct SyncFigure {
    /// The median, in microseconds.
    pub median_us: u64,
    /// The 99th percentile, in microseconds.
    pub p99_us: u64,
    /// How many were timed.
    pub syncs: usize,
}

/// Measures in a new file inside `directory`.
pub(crate) fn probe(directory: &Path) -> io::Result<DiskFigures> {
    const TMPFS_MAGIC: i64 = 0x0102_1994;
    let own = tempfile::Builder::new().prefix("millpond-probe-").tempdir_in(directory)?;
    let file = zero_filled(&own.path().join("zero-filled"), FILE_BYTES)?;
    let time_syncs = |write_bytes: usize| -> io::Result<SyncFigure> {
        let block = vec![b'x'; write_bytes];
        let began = Instant::now();
        let mut times_us = Vec::with_capacity(SYNCS);
        while times_us.len() < SYNCS && began.elapsed() < TIME_MAX {
            let offset = (times_us.len() * write_bytes) as u64;
            let start = Instant::now();
            file.write_all_at(&block, offset)?;
            file.sync_data()?;
            times_us.push(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        Ok(SyncFigure::of(times_us))
    };
    let filesystem = rustix::fs::statfs(directory)?.f_type;
    Ok(DiskFigures {
        after_4_kib: time_syncs(4 << 10)?,
        after_64_kib: time_syncs(64 << 10)?,
        in_memory: filesystem == TMPFS_MAGIC,
    })
}

impl SyncFigure {
    fn of(mut times_us: Vec<u64>) -> Self {
        times_us.sort_unstable();
        let at = |percent: usize| times_us.get(times_us.len() * percent / 100).copied().unwrap_or(0);
        SyncFigure { median_us: at(50), p99_us: at(99), syncs: times_us.len() }
    }
}
