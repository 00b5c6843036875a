//! The persisted records of the log, byte for byte: frame header, segment header, superblock slot.
//!
//! Every integer is little endian, every record ends in a CRC-32C of the bytes before it, and every record names
//! its version and its log, so that bytes of another log, of another format or of an earlier life of the same
//! file never pass. `docs/format/log.md` is the same in words.
//!
//! It does no IO and refuses to guess: a record decodes whole or not at all.

use std::fmt;

use crate::contract::Position;

/// The version of all records written.
pub(crate) const FORMAT_VERSION: u8 = 1;
/// A frame header and a segment header take this much.
pub(crate) const HEADER_BYTES: usize = 64;
/// A superblock slot takes this much, and lies within one sector.
pub(crate) const SLOT_BYTES: usize = 88;

const FRAME_MAGIC: [u8; 3] = *b"MPB";
const SEGMENT_MAGIC: [u8; 3] = *b"MPS";
const SUPERBLOCK_MAGIC: [u8; 3] = *b"MPL";

/// The name of a log, drawn at random when it is created. Bytes of another log never pass.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogId(pub [u8; 16]);

impl fmt::Display for LogId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LogId({self})")
    }
}

/// How a segment is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// The size of the segment file.
    pub(crate) segment_bytes: u64,
    /// Frames start at multiples of this. The segment header has the first block to itself.
    pub(crate) block_bytes: u32,
}

impl Geometry {
    /// What a payload takes with header and padding.
    pub(crate) fn extent_bytes(self, payload_bytes: usize) -> u64 {
        (HEADER_BYTES as u64 + payload_bytes as u64).next_multiple_of(u64::from(self.block_bytes))
    }

    /// The largest payload that fits into a segment.
    pub(crate) fn payload_max_bytes(self) -> usize {
        let room = self.segment_bytes - u64::from(self.block_bytes) - HEADER_BYTES as u64;
        usize::try_from(room).unwrap_or(usize::MAX).min(u32::MAX as usize)
    }
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordFault {
    /// They do not even begin like one: never written, or zeros.
    Absent,
    /// They begin like one and do not match their checksum.
    Damaged,
    /// They are whole, in a format that this version does not know.
    Version(u8),
    /// They are whole and belong to another log or to another generation of the file.
    Foreign,
}

/// The header in front of each payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) log_id: LogId,
    pub(crate) generation: u64,
    pub(crate) epoch: u64,
    pub(crate) position: Position,
    /// The last position known durable when this was written. True for ever.
    pub(crate) durable_through: Position,
    pub(crate) payload_bytes: u32,
    pub(crate) payload_crc: u32,
}

impl FrameHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut record = Record::begin(FRAME_MAGIC, self.log_id);
        record.put(&self.generation.to_le_bytes());
        record.put(&self.epoch.to_le_bytes());
        record.put(&self.position.0.to_le_bytes());
        record.put(&self.durable_through.0.to_le_bytes());
        record.put(&self.payload_bytes.to_le_bytes());
        record.put(&self.payload_crc.to_le_bytes());
        record.seal()
    }

    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, RecordFault> {
        let mut fields = Fields::open(FRAME_MAGIC, bytes)?;
        Ok(Self {
            log_id: LogId(fields.take()),
            generation: fields.take_u64(),
            epoch: fields.take_u64(),
            position: Position(fields.take_u64()),
            durable_through: Position(fields.take_u64()),
            payload_bytes: fields.take_u32(),
            payload_crc: fields.take_u32(),
        })
    }
}

/// The first bytes of a segment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) log_id: LogId,
    pub(crate) generation: u64,
    pub(crate) epoch: u64,
    /// The position of the first frame. Everything before it was durable when this was written.
    pub(crate) first: Position,
    pub(crate) geometry: Geometry,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut record = Record::begin(SEGMENT_MAGIC, self.log_id);
        record.put(&self.generation.to_le_bytes());
        record.put(&self.epoch.to_le_bytes());
        record.put(&self.first.0.to_le_bytes());
        record.put(&self.geometry.segment_bytes.to_le_bytes());
        record.put(&self.geometry.block_bytes.to_le_bytes());
        record.seal()
    }

    pub(crate) fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, RecordFault> {
        let mut fields = Fields::open(SEGMENT_MAGIC, bytes)?;
        Ok(Self {
            log_id: LogId(fields.take()),
            generation: fields.take_u64(),
            epoch: fields.take_u64(),
            first: Position(fields.take_u64()),
            geometry: Geometry { segment_bytes: fields.take_u64(), block_bytes: fields.take_u32() },
        })
    }
}

/// One of the two slots of the superblock: what holds for the log as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Superblock {
    pub(crate) log_id: LogId,
    /// Counts the writes of the superblock; the higher valid slot holds.
    pub(crate) sequence: u64,
    /// The epoch of the last open. Zero until the first open has a durable segment.
    pub(crate) epoch: u64,
    /// The tail found by that open: a frame at or behind it that carries an older epoch was cut.
    pub(crate) start: Position,
    /// Everything up to here was durable when this was written.
    pub(crate) durable_through: Position,
    /// The oldest segment that is not trimmed.
    pub(crate) first_generation: u64,
    /// The position of its first frame.
    pub(crate) first: Position,
    /// For new segments, since the last open.
    pub(crate) geometry: Geometry,
}

impl Superblock {
    pub(crate) fn encode(&self) -> [u8; SLOT_BYTES] {
        let mut record = Record::begin(SUPERBLOCK_MAGIC, self.log_id);
        record.put(&self.sequence.to_le_bytes());
        record.put(&self.epoch.to_le_bytes());
        record.put(&self.start.0.to_le_bytes());
        record.put(&self.durable_through.0.to_le_bytes());
        record.put(&self.first_generation.to_le_bytes());
        record.put(&self.first.0.to_le_bytes());
        record.put(&self.geometry.segment_bytes.to_le_bytes());
        record.put(&self.geometry.block_bytes.to_le_bytes());
        record.seal()
    }

    pub(crate) fn decode(bytes: &[u8; SLOT_BYTES]) -> Result<Self, RecordFault> {
        let mut fields = Fields::open(SUPERBLOCK_MAGIC, bytes)?;
        Ok(Self {
            log_id: LogId(fields.take()),
            sequence: fields.take_u64(),
            epoch: fields.take_u64(),
            start: Position(fields.take_u64()),
            durable_through: Position(fields.take_u64()),
            first_generation: fields.take_u64(),
            first: Position(fields.take_u64()),
            geometry: Geometry { segment_bytes: fields.take_u64(), block_bytes: fields.take_u32() },
        })
    }
}

/// A record under construction: fields one behind the other, zeros up to the checksum in the last four bytes.
struct Record<const BYTES: usize> {
    bytes: [u8; BYTES],
    filled: usize,
}

impl<const BYTES: usize> Record<BYTES> {
    fn begin(magic: [u8; 3], log_id: LogId) -> Self {
        let mut record = Self { bytes: [0; BYTES], filled: 0 };
        record.put(&magic);
        record.put(&[FORMAT_VERSION]);
        record.put(&log_id.0);
        record
    }

    fn put(&mut self, field: &[u8]) {
        self.bytes[self.filled..self.filled + field.len()].copy_from_slice(field);
        self.filled += field.len();
    }

    fn seal(mut self) -> [u8; BYTES] {
        debug_assert!(self.filled <= BYTES - 4, "fields must not reach into the checksum");
        let crc = crc32c::crc32c(&self.bytes[..BYTES - 4]);
        self.bytes[BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        self.bytes
    }
}

/// A record that matches its checksum, being taken apart.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn open(magic: [u8; 3], bytes: &'a [u8]) -> Result<Self, RecordFault> {
        if bytes[..3] != magic {
            return Err(RecordFault::Absent);
        }
        let (body, crc) = bytes.split_at(bytes.len() - 4);
        if crc32c::crc32c(body).to_le_bytes() != crc {
            return Err(RecordFault::Damaged);
        }
        match body[3] {
            FORMAT_VERSION => Ok(Self { rest: &body[4..] }),
            other => Err(RecordFault::Version(other)),
        }
    }

    fn take<const BYTES: usize>(&mut self) -> [u8; BYTES] {
        let (field, rest) = self.rest.split_first_chunk().expect("the record's size is fixed by its type");
        self.rest = rest;
        *field
    }

    fn take_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn take_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }
}

#[cfg(test)]
mod tests;
