//! Finds every batch that can still be read in the files of a log, however damaged they are.
//!
//! An open refuses a log of which a durable batch is missing; this is for what then remains. It follows the rules of
//! the recovery as far as they can be told: a frame counts when header and payload match their checksums, carry the
//! log's id and the segment's generation, and were not cut by a later open. Of two frames of one position the one of
//! the later epoch counts.
//!
//! It writes nothing and refuses to fill gaps: a position that is missing is missing.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::contract::{Position, ReadError};
use crate::disk::{Disk, DiskFile};
use crate::format::{FrameHeader, Geometry, HEADER_BYTES, LogId, SegmentHeader, Superblock};
use crate::recovery::{Payload, Seen};

use super::LogConfig;
use super::names::parse_segment_name;
use super::scan::{Scan, read_any_segment_header, read_segment_header};
use super::superblock::{Found, SUPERBLOCK_FILE, SuperblockFile};

/// What the files of a log still hold.
pub struct SalvagedLog {
    batches: BTreeMap<Position, Place>,
    /// What is damaged, in the order of the files.
    pub damage: Vec<LogDamage>,
    /// The last position that some record calls durable.
    pub durable: Position,
    /// The first position that was not trimmed, where the superblock says it.
    pub first: Option<Position>,
}

/// Something that does not match its checksum, or is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDamage {
    /// The file.
    pub file: String,
    /// Where in it.
    pub offset_bytes: u64,
    /// What is wrong there.
    pub what: &'static str,
}

struct Place {
    file: Arc<dyn DiskFile>,
    name: String,
    offset_bytes: u64,
    header: FrameHeader,
}

struct SegmentFile {
    name: String,
    generation: u64,
    file: Arc<dyn DiskFile>,
    header: Option<SegmentHeader>,
}

impl SalvagedLog {
    /// Looks at all files of a log.
    ///
    /// # Errors
    /// The system's, when a file can't be read at all.
    pub fn read(disk: &dyn Disk) -> io::Result<Self> {
        let mut salvaged =
            Self { batches: BTreeMap::new(), damage: Vec::new(), durable: Position::NONE, first: None };
        let superblock = salvaged.find_superblock(disk)?;
        let mut segments = find_segments(disk)?;
        if let Some(superblock) = &superblock {
            segments.retain(|segment| segment.generation >= superblock.first_generation);
            salvaged.durable = superblock.durable_through;
            salvaged.first = Some(superblock.first);
        }
        let Some(log_id) = superblock.map(|found| found.log_id).or_else(|| commonest_id(&segments)) else {
            return Ok(salvaged);
        };
        for segment in &mut segments {
            segment.header = read_segment_header(&*segment.file, log_id, segment.generation)?.ok();
            if segment.header.is_none() {
                let what = "the segment header does not match its checksum";
                salvaged.damage.push(LogDamage { file: segment.name.clone(), offset_bytes: 0, what });
            }
        }
        let cuts = Cuts::of(superblock.as_ref(), &segments);
        for segment in &segments {
            salvaged.read_segment(segment, log_id, &cuts)?;
        }
        Ok(salvaged)
    }

    fn find_superblock(&mut self, disk: &dyn Disk) -> io::Result<Option<Superblock>> {
        let what = match SuperblockFile::find(disk)? {
            Found::Superblock(superblock) => return Ok(Some(*superblock.current())),
            Found::None => "the file is missing",
            Found::Damaged => "neither slot matches its checksum",
            Found::Version(_) => "a later version has written it",
        };
        self.damage.push(LogDamage { file: SUPERBLOCK_FILE.to_owned(), offset_bytes: 0, what });
        Ok(None)
    }

    fn read_segment(&mut self, segment: &SegmentFile, log_id: LogId, cuts: &Cuts) -> io::Result<()> {
        let geometry =
            segment.header.map_or_else(|| guessed_geometry(&*segment.file), |header| Ok(header.geometry))?;
        if let Some(header) = segment.header {
            self.durable = self.durable.max(header.first.previous());
        }
        let mut scan = Scan::new(Arc::clone(&segment.file), log_id, segment.generation, geometry, true)?;
        while let Some(sighting) = scan.next()? {
            let (header, payload) = match sighting.seen {
                Seen::Frame { header, payload } => (header, payload),
                Seen::DamagedHeader => {
                    self.damaged(
                        segment,
                        sighting.offset_bytes,
                        "a frame header does not match its checksum",
                    );
                    continue;
                }
            };
            self.durable = self.durable.max(header.durable_through);
            if cuts.took(segment.generation, &header) {
                continue;
            }
            if payload == Payload::Damaged {
                self.damaged(segment, sighting.offset_bytes, "a payload does not match its checksum");
                continue;
            }
            let place = Place {
                file: Arc::clone(&segment.file),
                name: segment.name.clone(),
                offset_bytes: sighting.offset_bytes,
                header,
            };
            let before = self.batches.get(&header.position);
            if before.is_none_or(|before| before.header.epoch <= header.epoch) {
                self.batches.insert(header.position, place);
            }
        }
        Ok(())
    }

    fn damaged(&mut self, segment: &SegmentFile, offset_bytes: u64, what: &'static str) {
        self.damage.push(LogDamage { file: segment.name.clone(), offset_bytes, what });
    }

    /// The positions of all batches that can be read, in order.
    pub fn positions(&self) -> impl Iterator<Item = Position> {
        self.batches.keys().copied()
    }

    /// The payload of a batch.
    ///
    /// # Errors
    /// [`ReadError::Failed`] when it is not among them, or the system can't read it any more.
    pub fn payload(&self, position: Position) -> Result<Bytes, ReadError> {
        let failed = |file: &str, error: String| ReadError::Failed { position, file: file.to_owned(), error };
        let Some(place) = self.batches.get(&position) else {
            return Err(failed("the log", "it is not there".to_owned()));
        };
        let mut payload = vec![0; place.header.payload_bytes as usize];
        place
            .file
            .read_at(place.offset_bytes + HEADER_BYTES as u64, &mut payload)
            .map_err(|error| failed(&place.name, error.to_string()))?;
        Ok(Bytes::from(payload))
    }
}

fn find_segments(disk: &dyn Disk) -> io::Result<Vec<SegmentFile>> {
    let mut segments = Vec::new();
    for name in disk.list()? {
        if let Some(generation) = parse_segment_name(&name) {
            let file = disk.open(&name)?;
            segments.push(SegmentFile { name, generation, file, header: None });
        }
    }
    Ok(segments)
}

/// The log that most segments say they belong to.
fn commonest_id(segments: &[SegmentFile]) -> Option<LogId> {
    let mut ids: BTreeMap<[u8; 16], usize> = BTreeMap::new();
    for segment in segments {
        if let Ok(Ok(header)) = read_any_segment_header(&*segment.file) {
            *ids.entry(header.log_id.0).or_default() += 1;
        }
    }
    ids.into_iter().max_by_key(|(_, count)| *count).map(|(id, _)| LogId(id))
}

/// Frames begin at multiples of the block; looking at every sector finds them whatever the block was.
fn guessed_geometry(file: &dyn DiskFile) -> io::Result<Geometry> {
    Ok(Geometry { segment_bytes: file.len()?.max(LogConfig::default().block_bytes.into()), block_bytes: 512 })
}

/// What later opens have cut, as far as whole records tell.
struct Cuts {
    superblock: Option<(Position, u64)>,
    /// By generation: where the segment begins, and the epoch of the open that began it.
    begins: BTreeMap<u64, (Position, u64)>,
}

impl Cuts {
    fn of(superblock: Option<&Superblock>, segments: &[SegmentFile]) -> Self {
        let begin = |segment: &SegmentFile| {
            segment.header.map(|header| (segment.generation, (header.first, header.epoch)))
        };
        Self {
            superblock: superblock.map(|superblock| (superblock.start, superblock.epoch)),
            begins: segments.iter().filter_map(begin).collect(),
        }
    }

    fn took(&self, generation: u64, header: &FrameHeader) -> bool {
        let before = |(start, epoch): &(Position, u64)| header.position >= *start && header.epoch < *epoch;
        self.superblock.iter().any(before) || self.begins.get(&(generation + 1)).is_some_and(before)
    }
}
