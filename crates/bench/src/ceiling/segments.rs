//! Zero-filled files that are overwritten in turn.
//!
//! When [`SegmentRing::append_and_sync`] returns, every byte given has been written and every file written to has been
//! synced. Files never grow while serving, so that a sync writes data and no new metadata. Nothing is ever read back.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A file of fixed length that can be overwritten and synced.
pub(super) trait SegmentFile {
    /// Writes all of `bytes` at `offset`.
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns when all that was written is durable.
    fn sync_data(&mut self) -> io::Result<()>;
}

impl SegmentFile for File {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        File::sync_data(self)
    }
}

/// Segments written from the first to the last and then from the first again.
pub(super) struct SegmentRing<F> {
    segments: Vec<F>,
    segment_bytes: u64,
    current: usize,
    offset: u64,
}

impl<F: SegmentFile> SegmentRing<F> {
    /// A ring over `segments`, at least one, each of `segment_bytes`.
    pub(super) fn new(segments: Vec<F>, segment_bytes: u64) -> Self {
        assert!(!segments.is_empty() && segment_bytes > 0, "a ring has room");
        SegmentRing { segments, segment_bytes, current: 0, offset: 0 }
    }

    /// Appends `group`, over as many segments as it takes, and syncs: once, or once per segment touched.
    pub(super) fn append_and_sync(&mut self, mut group: &[u8]) -> io::Result<()> {
        loop {
            let room = self.segment_bytes - self.offset;
            let length = usize::try_from(room).unwrap_or(usize::MAX).min(group.len());
            let (part, rest) = group.split_at(length);
            let segment = &mut self.segments[self.current];
            segment.write_all_at(part, self.offset)?;
            segment.sync_data()?;
            self.offset += length as u64;
            if self.offset == self.segment_bytes {
                self.current = (self.current + 1) % self.segments.len();
                self.offset = 0;
            }
            group = rest;
            if group.is_empty() {
                return Ok(());
            }
        }
    }
}

/// Creates `path` with `length` zeros that are written out, not merely allocated, and durable.
pub(crate) fn zero_filled(path: &Path, length: u64) -> io::Result<File> {
    static CHUNK: [u8; 1 << 18] = [0; 1 << 18];
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let mut offset = 0;
    while offset < length {
        let part = usize::try_from(length - offset).unwrap_or(usize::MAX).min(CHUNK.len());
        FileExt::write_all_at(&file, &CHUNK[..part], offset)?;
        offset += part as u64;
    }
    file.sync_all()?;
    Ok(file)
}
