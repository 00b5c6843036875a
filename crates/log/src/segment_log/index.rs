//! Where each durable batch lies, and the reads that go there, from any thread.
//!
//! Always: what the index knows is durable, and consecutive from its first to its last position. A segment leaves
//! the index before its file is used again, and a read asks the index once more after it has the bytes: so bytes
//! of a file's next life are never served.
//!
//! Four bytes a batch are kept in memory: bounded by the budget divided by the block size.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use crate::contract::{Position, ReadError, SealedSegment};
use crate::disk::DiskFile;
use crate::format::{FrameHeader, Geometry, HEADER_BYTES, LogId};

/// A segment that holds batches which are not trimmed.
#[derive(Clone)]
pub(super) struct LiveSegment {
    pub(super) name: String,
    pub(super) generation: u64,
    pub(super) geometry: Geometry,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) first: Position,
    /// The block at which each batch begins.
    pub(super) blocks: Vec<u32>,
    /// Where the next batch would begin.
    pub(super) end_bytes: u64,
}

impl LiveSegment {
    /// The position behind the last batch.
    pub(super) fn end(&self) -> Position {
        Position(self.first.0 + self.blocks.len() as u64)
    }

    /// Notes that the batch at the end has become durable.
    pub(super) fn push(&mut self, extent_bytes: u64) {
        let block = self.end_bytes / u64::from(self.geometry.block_bytes);
        self.blocks
            .push(u32::try_from(block).expect("a configuration with more blocks a segment is refused"));
        self.end_bytes += extent_bytes;
    }

    fn offset_bytes(&self, index: usize) -> u64 {
        self.blocks
            .get(index)
            .map_or(self.end_bytes, |block| u64::from(*block) * u64::from(self.geometry.block_bytes))
    }
}

/// All live segments, oldest first. The last is the one being written.
pub(super) struct Index {
    log_id: LogId,
    segments: RwLock<VecDeque<LiveSegment>>,
}

/// Where a batch lies.
struct Extent {
    file: Arc<dyn DiskFile>,
    name: String,
    generation: u64,
    offset_bytes: u64,
    len_bytes: usize,
}

impl Index {
    /// At least one segment, as recovery has found them.
    pub(super) fn new(log_id: LogId, segments: VecDeque<LiveSegment>) -> Self {
        debug_assert!(!segments.is_empty(), "a log always has a segment being written");
        Self { log_id, segments: RwLock::new(segments) }
    }

    fn read_lock(&self) -> RwLockReadGuard<'_, VecDeque<LiveSegment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_lock(&self) -> RwLockWriteGuard<'_, VecDeque<LiveSegment>> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first position and the position behind the last durable one.
    pub(super) fn bounds(&self) -> (Position, Position) {
        let segments = self.read_lock();
        let first = segments.front().map_or(Position::FIRST, |segment| segment.first);
        let end = segments.back().map_or(Position::FIRST, LiveSegment::end);
        (first, end)
    }

    /// Batches of these extents have become durable behind the last one.
    pub(super) fn publish(&self, extents_bytes: impl Iterator<Item = u64>) {
        let mut segments = self.write_lock();
        let active = segments.back_mut().expect("a log always has a segment being written");
        extents_bytes.for_each(|extent_bytes| active.push(extent_bytes));
    }

    /// The log goes on in this segment.
    pub(super) fn begin_segment(&self, segment: LiveSegment) {
        self.write_lock().push_back(segment);
    }

    /// Takes out the full segments that lie wholly before `before`.
    pub(super) fn take_trimmed(&self, before: Position) -> Vec<LiveSegment> {
        let mut segments = self.write_lock();
        let mut taken = Vec::new();
        while segments.len() > 1 && segments.front().is_some_and(|oldest| oldest.end() <= before) {
            taken.extend(segments.pop_front());
        }
        taken
    }

    /// The oldest segment: its generation and first position.
    pub(super) fn oldest(&self) -> (u64, Position) {
        let segments = self.read_lock();
        let oldest = segments.front().expect("a log always has a segment being written");
        (oldest.generation, oldest.first)
    }

    /// The full segments, and what is used and unused of the one being written.
    pub(super) fn occupancy(&self) -> (Vec<SealedSegment>, u64, u64) {
        let segments = self.read_lock();
        let sealed_count = segments.len().saturating_sub(1);
        let sealed = segments.iter().take(sealed_count).map(|segment| SealedSegment {
            first: segment.first,
            last: segment.end().previous(),
            bytes: segment.geometry.segment_bytes,
        });
        let active = segments.back().expect("a log always has a segment being written");
        (sealed.collect(), active.end_bytes, active.geometry.segment_bytes - active.end_bytes)
    }

    /// The payload of one batch, verified.
    pub(super) fn read(&self, position: Position) -> Result<Bytes, ReadError> {
        let extent = self.locate(position)?;
        let mut buffer = vec![0; extent.len_bytes];
        let outcome = extent.file.read_at(extent.offset_bytes, &mut buffer);
        self.still_holds(position)?;
        outcome.map_err(|error| extent.failed(position, &error.to_string()))?;
        let payload_bytes = self.verify(position, &extent, &buffer)?;
        Ok(Bytes::from(buffer).slice(HEADER_BYTES..HEADER_BYTES + payload_bytes))
    }

    /// A part of the payload of one batch, not verified.
    pub(super) fn read_range(&self, position: Position, range_bytes: Range<u32>) -> Result<Bytes, ReadError> {
        let extent = self.locate(position)?;
        let (from, to) = (range_bytes.start as usize, range_bytes.end as usize);
        if from > to || HEADER_BYTES + to > extent.len_bytes {
            return Err(extent.failed(position, &format!("bytes {from}..{to} are not within it")));
        }
        let mut buffer = vec![0; to - from];
        let offset_bytes = extent.offset_bytes + (HEADER_BYTES + from) as u64;
        let outcome = extent.file.read_at(offset_bytes, &mut buffer);
        self.still_holds(position)?;
        outcome.map_err(|error| extent.failed(position, &error.to_string()))?;
        Ok(Bytes::from(buffer))
    }

    fn locate(&self, position: Position) -> Result<Extent, ReadError> {
        let segments = self.read_lock();
        let first = segments.front().map_or(Position::FIRST, |segment| segment.first);
        if position < first {
            return Err(ReadError::Trimmed { first });
        }
        let behind = segments.partition_point(|segment| segment.first <= position);
        let segment = behind.checked_sub(1).and_then(|at| segments.get(at));
        match segment {
            Some(segment) if position < segment.end() => {
                let index = usize::try_from(position.0 - segment.first.0).unwrap_or(usize::MAX);
                let offset_bytes = segment.offset_bytes(index);
                let len_bytes = segment.offset_bytes(index + 1) - offset_bytes;
                Ok(Extent {
                    file: Arc::clone(&segment.file),
                    name: segment.name.clone(),
                    generation: segment.generation,
                    offset_bytes,
                    len_bytes: usize::try_from(len_bytes).unwrap_or(usize::MAX),
                })
            }
            _ => {
                let end = segments.back().map_or(Position::FIRST, LiveSegment::end);
                Err(ReadError::NotDurable { durable: end.previous() })
            }
        }
    }

    /// The file may have been trimmed and used again while it was read.
    fn still_holds(&self, position: Position) -> Result<(), ReadError> {
        let (first, _) = self.bounds();
        if position < first { Err(ReadError::Trimmed { first }) } else { Ok(()) }
    }

    /// Is this the batch that was written? Answers the length of its payload.
    fn verify(&self, position: Position, extent: &Extent, bytes: &[u8]) -> Result<usize, ReadError> {
        let damaged = |reason| ReadError::Damaged {
            position,
            file: extent.name.clone(),
            offset_bytes: extent.offset_bytes,
            reason,
        };
        let header = bytes.first_chunk::<HEADER_BYTES>().map(FrameHeader::decode);
        let Some(Ok(header)) = header else {
            return Err(damaged("the frame header does not match its checksum"));
        };
        let own = header.log_id == self.log_id
            && header.generation == extent.generation
            && header.position == position;
        if !own {
            return Err(damaged("the frame is not the one that was written there"));
        }
        let payload_bytes = header.payload_bytes as usize;
        let payload = bytes.get(HEADER_BYTES..HEADER_BYTES + payload_bytes);
        match payload {
            Some(payload) if crc32c::crc32c(payload) == header.payload_crc => Ok(payload_bytes),
            _ => Err(damaged("the payload does not match its checksum")),
        }
    }
}

impl Extent {
    fn failed(&self, position: Position, error: &str) -> ReadError {
        ReadError::Failed { position, file: self.name.clone(), error: error.to_owned() }
    }
}

#[cfg(test)]
mod tests;
