//! Reads what segment files hold, for the recovery to decide on.
//!
//! Follows whole headers from frame to frame; where there is none it looks at every block. Payloads are checked
//! only where no later segment proves that they had been durable, so a start reads little more than headers.
//! It refuses to judge: a frame of another log or generation is nothing, all else is passed on.

use std::io;
use std::sync::Arc;

use crate::disk::DiskFile;
use crate::format::{FrameHeader, Geometry, HEADER_BYTES, LogId, RecordFault, SegmentHeader};
use crate::recovery::{Payload, Seen, Sighting};

/// Reads the header of the segment file of this generation.
pub(super) fn read_segment_header(
    file: &dyn DiskFile,
    log_id: LogId,
    generation: u64,
) -> io::Result<Result<SegmentHeader, RecordFault>> {
    Ok(read_any_segment_header(file)?.and_then(|header| {
        let own = header.log_id == log_id && header.generation == generation;
        if own { Ok(header) } else { Err(RecordFault::Foreign) }
    }))
}

/// Reads the header of a segment file, whichever log and generation it is of.
pub(super) fn read_any_segment_header(file: &dyn DiskFile) -> io::Result<Result<SegmentHeader, RecordFault>> {
    let mut bytes = [0; HEADER_BYTES];
    match file.read_at(0, &mut bytes) {
        Ok(()) => Ok(SegmentHeader::decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Err(RecordFault::Absent)),
        Err(error) => Err(error),
    }
}

/// Walks the frames of one segment.
pub(super) struct Scan {
    file: Arc<dyn DiskFile>,
    /// The whole file, where payloads are checked.
    loaded: Option<Vec<u8>>,
    log_id: LogId,
    generation: u64,
    geometry: Geometry,
    end_bytes: u64,
    next_bytes: u64,
}

impl Scan {
    pub(super) fn new(
        file: Arc<dyn DiskFile>,
        log_id: LogId,
        generation: u64,
        geometry: Geometry,
        check_payloads: bool,
    ) -> io::Result<Self> {
        let end_bytes = file.len()?.min(geometry.segment_bytes);
        let loaded = if check_payloads {
            let mut bytes = vec![0; usize::try_from(end_bytes).unwrap_or(usize::MAX)];
            file.read_at(0, &mut bytes)?;
            Some(bytes)
        } else {
            None
        };
        let next_bytes = u64::from(geometry.block_bytes);
        Ok(Self { file, loaded, log_id, generation, geometry, end_bytes, next_bytes })
    }

    /// The next place at which a frame begins or seems to begin.
    pub(super) fn next(&mut self) -> io::Result<Option<Sighting>> {
        while self.next_bytes + HEADER_BYTES as u64 <= self.end_bytes {
            let offset_bytes = self.next_bytes;
            self.next_bytes += u64::from(self.geometry.block_bytes);
            let seen = match FrameHeader::decode(&self.header_at(offset_bytes)?) {
                Ok(header) if header.log_id == self.log_id && header.generation == self.generation => {
                    let payload = self.check_payload(offset_bytes, &header);
                    if payload != Payload::Damaged {
                        self.next_bytes =
                            offset_bytes + self.geometry.extent_bytes(header.payload_bytes as usize);
                    }
                    Seen::Frame { header, payload }
                }
                Ok(_) | Err(RecordFault::Absent | RecordFault::Foreign) => continue,
                Err(RecordFault::Damaged | RecordFault::Version(_)) => Seen::DamagedHeader,
            };
            return Ok(Some(Sighting { offset_bytes, seen }));
        }
        Ok(None)
    }

    fn header_at(&self, offset_bytes: u64) -> io::Result<[u8; HEADER_BYTES]> {
        let mut header = [0; HEADER_BYTES];
        match &self.loaded {
            Some(bytes) => {
                let from = usize::try_from(offset_bytes).unwrap_or(usize::MAX);
                header.copy_from_slice(&bytes[from..from + HEADER_BYTES]);
            }
            None => self.file.read_at(offset_bytes, &mut header)?,
        }
        Ok(header)
    }

    fn check_payload(&self, offset_bytes: u64, header: &FrameHeader) -> Payload {
        let end_bytes = offset_bytes + HEADER_BYTES as u64 + u64::from(header.payload_bytes);
        if end_bytes > self.end_bytes {
            return Payload::Damaged;
        }
        let Some(bytes) = &self.loaded else { return Payload::Unchecked };
        let from = usize::try_from(offset_bytes).unwrap_or(usize::MAX) + HEADER_BYTES;
        let payload = &bytes[from..from + header.payload_bytes as usize];
        if crc32c::crc32c(payload) == header.payload_crc { Payload::Whole } else { Payload::Damaged }
    }
}
