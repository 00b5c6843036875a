//! The sizes of a segment log.

use crate::format::{Geometry, HEADER_BYTES};

/// Blocks are at most this long; the padding behind a frame is written from a constant of this size.
pub const BLOCK_BYTES_MAX: u32 = 64 * 1024;

/// The sizes of a segment log. They may change from one open to the next: segments keep the size they were made
/// with, new ones get the new size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// The size of a segment file. A batch lies within one segment, so this bounds it too.
    pub segment_bytes: u64,
    /// What all segment files together may take.
    pub budget_bytes: u64,
    /// Batches start at multiples of this: a power of two from 512 to 65536. At least the sector size of the
    /// medium, so that a torn write never touches an earlier batch, and best the page size of the system.
    pub block_bytes: u32,
    /// How many segment files are filled with zeros ahead of use.
    pub ready_segments: usize,
    /// How many trimmed segment files are kept for use again; more are removed.
    pub recycled_segments_max: usize,
    /// How much may be submitted and not yet durable, with headers and padding.
    pub in_flight_max_bytes: usize,
    /// What a person should do about a damaged log: the end of the error message.
    pub repair_hint: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 20,
            budget_bytes: 1 << 30,
            block_bytes: 4096,
            ready_segments: 2,
            recycled_segments_max: 32,
            in_flight_max_bytes: 8 << 20,
            repair_hint:
                "keep a copy of the directory, then restore it from a backup, or save what can be read \
                          with millpond repair DIR NEWDIR"
                    .to_owned(),
        }
    }
}

impl LogConfig {
    pub(super) fn geometry(&self) -> Geometry {
        Geometry { segment_bytes: self.segment_bytes, block_bytes: self.block_bytes }
    }

    /// What is wrong with the sizes, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self { segment_bytes, budget_bytes, block_bytes, ready_segments, .. } = *self;
        if !block_bytes.is_power_of_two() || !(512..=BLOCK_BYTES_MAX).contains(&block_bytes) {
            return Err(format!(
                "block_bytes is {block_bytes}: it must be a power of two from 512 to {BLOCK_BYTES_MAX}"
            ));
        }
        let blocks = segment_bytes / u64::from(block_bytes);
        if !segment_bytes.is_multiple_of(u64::from(block_bytes)) || !(2..=1 << 31).contains(&blocks) {
            return Err(format!(
                "segment_bytes is {segment_bytes}: it must be a multiple of block_bytes ({block_bytes}), at least two"
            ));
        }
        if budget_bytes / 2 < segment_bytes {
            return Err(format!(
                "budget_bytes is {budget_bytes}: it must hold at least two segments of {segment_bytes} bytes"
            ));
        }
        if ready_segments == 0 {
            return Err("ready_segments is 0: it must be at least 1".to_owned());
        }
        debug_assert!(HEADER_BYTES < block_bytes as usize);
        Ok(())
    }
}
