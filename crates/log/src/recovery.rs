//! Decides what a scanned log holds: where it ends, what is cut, what is damage. Pure: no disk, one fold over
//! headers in the order of the files.
//!
//! A frame *continues the log* when it stands where the previous one ends, has the next position, an epoch not
//! below the one before it, was not cut by an earlier open, and its payload (where it was checked) is whole. A frame
//! was cut when the superblock says so, or when the next segment, begun by a later open, begins at its position or
//! before.
//! The first place where no frame continues the log is the *break*. Then:
//!
//! - a whole segment header further on that begins with exactly the position that is missing: the writer had
//!   rolled over, the log goes on there;
//! - any whole header further on, or the superblock, says that the missing position had been durable: *corrupt*.
//!   The log is refused as it is;
//! - else nothing behind the break was ever reported durable: *torn*. The log ends at the break.
//!
//! Headers of cut frames keep counting as witnesses: what they say of durable positions stays true for ever, as
//! a cut never takes a durable position away.
//!
//! It refuses to repair: what it calls corrupt stays untouched.

use crate::contract::Position;
use crate::format::{FrameHeader, RecordFault, SegmentHeader, Superblock};

/// One segment file, before its frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundSegment {
    /// By its name.
    pub(crate) generation: u64,
    /// Whole, of this log and of this generation.
    pub(crate) header: Result<SegmentHeader, RecordFault>,
}

/// A place in a segment at which a frame begins or seems to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    pub(crate) offset_bytes: u64,
    pub(crate) seen: Seen,
}

/// What is there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen {
    /// A whole header of this log and generation.
    Frame { header: FrameHeader, payload: Payload },
    /// It begins like a frame, and its header does not match its checksum.
    DamagedHeader,
}

/// What is known of a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// It matches its checksum.
    Whole,
    /// It does not.
    Damaged,
    /// It was not read: a later segment proves that it had been durable, and reads verify it.
    Unchecked,
}

/// What the log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The first unwritten position.
    pub(crate) tail: Position,
    /// The segment that goes on being written: its generation, and where its frames end. `None` only before the
    /// first open has ended.
    pub(crate) active: Option<(u64, u64)>,
    /// Segments behind the end, that never held a durable batch.
    pub(crate) discarded: Vec<u64>,
    pub(crate) torn: Option<Cut>,
    /// The highest position that some header calls durable. What lies between it and the tail is whole and has
    /// to be made durable before the log is used.
    pub(crate) proven: Position,
    /// The highest epoch seen anywhere.
    pub(crate) epoch: u64,
}

/// Where a torn end was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) generation: u64,
    pub(crate) offset_bytes: u64,
    pub(crate) position: Position,
    /// Frames, whole or not, that are no longer part of the log.
    pub(crate) frames: u64,
}

/// A durable batch that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt {
    pub(crate) generation: u64,
    pub(crate) offset_bytes: u64,
    pub(crate) position: Position,
    pub(crate) reason: &'static str,
}

/// The fold. Feed segments in the order of their generations, each followed by its sightings in file order.
#[derive(Debug)]
pub(crate) struct Recovery {
    superblock: Superblock,
    /// What has to come next.
    position: Position,
    epoch: u64,
    generation: u64,
    /// Where in the current segment the next frame has to begin.
    offset_bytes: u64,
    /// Of the last segment that is part of the log.
    active: Option<(u64, SegmentHeader)>,
    active_end_bytes: u64,
    /// The header of the segment behind the current one.
    next: Option<SegmentHeader>,
    /// The place of the first thing that does not continue the log.
    broken: Option<Corrupt>,
    frames_behind_break: u64,
    discarded: Vec<u64>,
    proven: Position,
    epoch_max: u64,
}

impl Recovery {
    pub(crate) fn new(superblock: &Superblock) -> Self {
        Self {
            superblock: *superblock,
            position: superblock.first,
            epoch: 0,
            generation: superblock.first_generation,
            offset_bytes: 0,
            active: None,
            active_end_bytes: 0,
            next: None,
            broken: None,
            frames_behind_break: 0,
            discarded: Vec::new(),
            proven: superblock.durable_through,
            epoch_max: superblock.epoch,
        }
    }

    /// The next segment file. Answers whether its frames continue the log.
    pub(crate) fn segment(&mut self, found: FoundSegment) -> bool {
        if found.generation != self.generation {
            self.break_at(self.generation, 0, "the segment is missing");
        }
        self.generation = found.generation + 1;
        self.next = None;
        let accepted = match found.header {
            Ok(header) => {
                self.epoch_max = self.epoch_max.max(header.epoch);
                self.proven = self.proven.max(header.first.previous());
                self.continues(found.generation, &header)
            }
            Err(_) => {
                self.break_at(found.generation, 0, "the segment header does not match its checksum");
                false
            }
        };
        if accepted {
            self.broken = None;
            self.frames_behind_break = 0;
        } else {
            self.discarded.push(found.generation);
        }
        accepted
    }

    /// Tells of the whole header of the segment behind the current one, before the current one's frames.
    pub(crate) fn followed_by(&mut self, next: SegmentHeader) {
        self.next = Some(next);
    }

    /// Does a whole segment header continue the log? Where the frames before it seem to end early, it says that
    /// this is their end.
    fn continues(&mut self, generation: u64, header: &SegmentHeader) -> bool {
        if let Some((before, _)) = self.active
            && header.first > self.position
        {
            self.break_at(before, self.active_end_bytes, "the frame is missing");
        }
        if header.first != self.position || header.epoch < self.epoch || !self.discarded.is_empty() {
            self.break_at(generation, 0, "the segment does not begin where the one before it ends");
            return false;
        }
        self.epoch = header.epoch;
        self.offset_bytes = u64::from(header.geometry.block_bytes);
        self.active = Some((generation, *header));
        self.active_end_bytes = self.offset_bytes;
        true
    }

    /// The next sighting in the current segment. Answers whether it is a batch of the log.
    pub(crate) fn frame(&mut self, sighting: Sighting) -> bool {
        let (header, payload) = match sighting.seen {
            Seen::Frame { header, payload } => (header, payload),
            Seen::DamagedHeader => {
                self.break_here("the frame header does not match its checksum", sighting.offset_bytes);
                self.frames_behind_break += 1;
                return false;
            }
        };
        self.epoch_max = self.epoch_max.max(header.epoch);
        self.proven = self.proven.max(header.durable_through);
        let is_stale = self.was_cut(&header) || header.epoch < self.epoch;
        #[cfg(feature = "simulation")]
        let is_stale = is_stale && !crate::planted::is_planted(crate::planted::Bug::StaleFrameAccepted);
        if is_stale {
            self.break_here("no frame of this epoch", sighting.offset_bytes);
            return false;
        }
        if self.broken.is_none()
            && sighting.offset_bytes == self.offset_bytes
            && header.position == self.position
            && payload != Payload::Damaged
        {
            self.accept(&header);
            return true;
        }
        let reason = match payload {
            Payload::Damaged => "the payload does not match its checksum",
            Payload::Whole | Payload::Unchecked => "the frame is missing",
        };
        self.break_here(reason, sighting.offset_bytes);
        self.frames_behind_break += 1;
        false
    }

    /// The superblock knows the last cuts only. An older one shows where the log went on in the next segment, so that
    /// what was cut still stands at the end of this one.
    fn was_cut(&self, header: &FrameHeader) -> bool {
        let before = |start: Position, epoch: u64| header.position >= start && header.epoch < epoch;
        before(self.superblock.start, self.superblock.epoch)
            || self.next.is_some_and(|next| before(next.first, next.epoch))
    }

    fn accept(&mut self, header: &FrameHeader) {
        let (_, segment) = self.active.expect("frames continue the log only in a segment that does");
        self.offset_bytes += segment.geometry.extent_bytes(header.payload_bytes as usize);
        self.active_end_bytes = self.offset_bytes;
        self.position = self.position.next();
        self.epoch = header.epoch;
    }

    /// Breaks in the current segment, at the place where the next frame should have been.
    fn break_here(&mut self, reason: &'static str, sighted_offset_bytes: u64) {
        let reason = if sighted_offset_bytes == self.offset_bytes { reason } else { "the frame is missing" };
        self.break_at(self.generation - 1, self.offset_bytes, reason);
    }

    fn break_at(&mut self, generation: u64, offset_bytes: u64, reason: &'static str) {
        let position = self.position;
        self.broken.get_or_insert(Corrupt { generation, offset_bytes, position, reason });
    }

    /// The decision.
    pub(crate) fn finish(mut self) -> Result<Decision, Corrupt> {
        let durable_segment_is_missing = self.superblock.epoch > 0 && self.active.is_none();
        if durable_segment_is_missing {
            self.break_at(self.superblock.first_generation, 0, "the segment is missing");
        } else if let Some((generation, _)) = self.active {
            self.break_at(generation, self.active_end_bytes, "the frame is missing");
        }
        if let Some(corrupt) = self.broken
            && (self.proven >= self.position || durable_segment_is_missing)
        {
            return Err(corrupt);
        }
        let torn = self.broken.filter(|_| self.frames_behind_break > 0 && self.active.is_some());
        Ok(Decision {
            tail: self.position,
            active: self.active.map(|(generation, _)| (generation, self.active_end_bytes)),
            discarded: self.discarded,
            torn: torn.map(|at| Cut {
                generation: at.generation,
                offset_bytes: at.offset_bytes,
                position: at.position,
                frames: self.frames_behind_break,
            }),
            proven: self.proven,
            epoch: self.epoch_max,
        })
    }
}

#[cfg(test)]
mod tests;
