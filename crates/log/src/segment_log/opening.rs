//! Opens a log: lock, scan, decide, make the end durable, raise the epoch.
//!
//! Always, when an open has succeeded: everything before the tail is durable, even what was only in the page
//! cache; the superblock durably carries the new epoch and the tail, so nothing that was cut can come back. An
//! open that is interrupted anywhere can be repeated.
//!
//! It refuses damage: then nothing at all has been changed.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use crate::contract::{Bounds, Position};
use crate::disk::{DirLock, Disk, DiskFile, LockError};
use crate::format::{LogId, SegmentHeader, Superblock};
use crate::recovery::{Decision, FoundSegment, Recovery, Seen};

use super::LogConfig;
use super::index::LiveSegment;
use super::names::{FILLING_FILE, parse_segment_name, parse_spare_name, segment_name, spare_name};
use super::pool::zero_fill;
use super::scan::{Scan, read_segment_header};
use super::shared::Spare;
use super::superblock::{Found, SUPERBLOCK_FILE, SuperblockFile};

/// What an open has found and done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// There was no log here; there is one now.
    pub created: bool,
    /// The log's name.
    pub log_id: LogId,
    /// Where it begins and ends.
    pub bounds: Bounds,
    /// Segments that hold its batches.
    pub segments: usize,
    /// The end of the log was torn by a crash, and was cut. No batch that was ever reported durable is in it.
    pub torn: Option<TornEnd>,
}

/// Where a torn end was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornEnd {
    /// The file.
    pub file: String,
    /// Where the first frame that was cut begins, or should have begun.
    pub offset_bytes: u64,
    /// The first position that was cut.
    pub position: Position,
    /// Frames, whole or not, that were cut.
    pub frames: u64,
}

/// Why a log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configured sizes do not go together.
    #[error("the log's configuration is wrong: {0}")]
    Config(String),
    /// Another process has the directory, or it cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A batch that had been durable is missing or damaged.
    #[error(
        "the log in {location} is damaged: {reason} at byte {offset_bytes} of {file}, where batch {position} had \
         been durable. Nothing was changed. To go on: {hint}"
    )]
    Corrupt {
        /// The directory.
        location: String,
        /// The damaged or missing file.
        file: String,
        /// Where in the file.
        offset_bytes: u64,
        /// The first batch that cannot be recovered.
        position: Position,
        /// What is wrong there.
        reason: &'static str,
        /// What a person can do, from [`LogConfig::repair_hint`].
        hint: String,
    },
    /// The log was written in a later format.
    #[error("the log in {location} has format {found}, and this version reads {known}: use a newer version")]
    Version {
        /// The directory.
        location: String,
        /// The format found.
        found: u8,
        /// The format that this version knows.
        known: u8,
    },
    /// The disk failed.
    #[error("the log in {location} cannot be opened: {error}")]
    Io {
        /// The directory.
        location: String,
        /// What the system answered.
        #[source]
        error: io::Error,
    },
}

/// An open log, in parts.
pub(super) struct Opened {
    pub(super) lock: DirLock,
    pub(super) superblock: SuperblockFile,
    pub(super) segments: VecDeque<LiveSegment>,
    pub(super) spares: VecDeque<Spare>,
    pub(super) next_spare: u64,
    pub(super) report: OpenReport,
}

struct Opening<'a> {
    disk: &'a dyn Disk,
    config: &'a LogConfig,
    lock: DirLock,
    superblock: SuperblockFile,
    created: bool,
    /// Segment files by generation, trimmed ones too.
    found: Vec<(u64, Arc<dyn DiskFile>)>,
}

/// Opens the log on `disk`, or creates one named `new_log_id` if there is none.
pub(super) fn open(disk: &dyn Disk, config: &LogConfig, new_log_id: LogId) -> Result<Opened, OpenError> {
    config.check().map_err(OpenError::Config)?;
    let lock = disk.lock()?;
    let io_error = |error| OpenError::Io { location: disk.location(), error };
    let mut found = Vec::new();
    for name in disk.list().map_err(io_error)? {
        if let Some(generation) = parse_segment_name(&name) {
            found.push((generation, disk.open(&name).map_err(io_error)?));
        }
    }
    let (superblock, created) = find_superblock(disk, config, new_log_id, found.is_empty())?;
    let mut opening = Opening { disk, config, lock, superblock, created, found };
    let (decision, segments) = opening.recover()?;
    opening.finish(&decision, segments).map_err(io_error)
}

fn find_superblock(
    disk: &dyn Disk,
    config: &LogConfig,
    new_log_id: LogId,
    no_segments: bool,
) -> Result<(SuperblockFile, bool), OpenError> {
    let io_error = |error| OpenError::Io { location: disk.location(), error };
    let damaged = |reason| OpenError::Corrupt {
        location: disk.location(),
        file: SUPERBLOCK_FILE.to_owned(),
        offset_bytes: 0,
        position: Position::FIRST,
        reason,
        hint: config.repair_hint.clone(),
    };
    match SuperblockFile::find(disk).map_err(io_error)? {
        Found::Superblock(superblock) => Ok((superblock, false)),
        Found::Version(found) => {
            Err(OpenError::Version { location: disk.location(), found, known: crate::format::FORMAT_VERSION })
        }
        Found::Damaged => Err(damaged("neither slot matches its checksum")),
        Found::None if !no_segments => Err(damaged("the file is missing")),
        Found::None => {
            let first = Superblock {
                log_id: new_log_id,
                sequence: 1,
                epoch: 0,
                start: Position::FIRST,
                durable_through: Position::NONE,
                first_generation: 1,
                first: Position::FIRST,
                geometry: config.geometry(),
            };
            Ok((SuperblockFile::create(disk, &first).map_err(io_error)?, true))
        }
    }
}

impl Opening<'_> {
    /// Scans all segments that are not trimmed, and decides.
    fn recover(&mut self) -> Result<(Decision, VecDeque<LiveSegment>), OpenError> {
        let superblock = *self.superblock.current();
        let mut recovery = Recovery::new(&superblock);
        let segments = self
            .scan(&superblock, &mut recovery)
            .map_err(|error| OpenError::Io { location: self.disk.location(), error })?;
        let decision = recovery.finish().map_err(|corrupt| OpenError::Corrupt {
            location: self.disk.location(),
            file: segment_name(corrupt.generation),
            offset_bytes: corrupt.offset_bytes,
            position: corrupt.position,
            reason: corrupt.reason,
            hint: self.config.repair_hint.clone(),
        })?;
        Ok((decision, segments))
    }

    fn scan(&self, superblock: &Superblock, recovery: &mut Recovery) -> io::Result<VecDeque<LiveSegment>> {
        let mut files = Vec::new();
        for (generation, file) in &self.found {
            if *generation >= superblock.first_generation {
                files.push((
                    *generation,
                    file,
                    read_segment_header(&**file, superblock.log_id, *generation)?,
                ));
            }
        }
        let last_whole =
            files.iter().rev().find(|(_, _, header)| header.is_ok()).map(|(generation, ..)| *generation);
        let headers: BTreeMap<u64, SegmentHeader> =
            files.iter().filter_map(|(generation, _, header)| Some((*generation, (*header).ok()?))).collect();
        let mut segments = VecDeque::new();
        for (generation, file, header) in files {
            let accepted = recovery.segment(FoundSegment { generation, header });
            let geometry = header.map_or(superblock.geometry, |header| header.geometry);
            if let (true, Ok(header)) = (accepted, header) {
                segments.push_back(live_segment(generation, Arc::clone(file), &header));
            }
            if let Some(next) = headers.get(&(generation + 1)) {
                recovery.followed_by(*next);
            }
            let check_payloads = last_whole == Some(generation);
            let mut scan =
                Scan::new(Arc::clone(file), superblock.log_id, generation, geometry, check_payloads)?;
            while let Some(sighting) = scan.next()? {
                if recovery.frame(sighting)
                    && let (Seen::Frame { header, .. }, Some(segment)) = (sighting.seen, segments.back_mut())
                {
                    segment.push(geometry.extent_bytes(header.payload_bytes as usize));
                }
            }
        }
        Ok(segments)
    }

    /// Makes everything before the tail durable, and raises the epoch.
    fn finish(mut self, decision: &Decision, mut segments: VecDeque<LiveSegment>) -> io::Result<Opened> {
        let before = *self.superblock.current();
        let epoch = decision.epoch + 1;
        // Before files go that only an older superblock still counts on.
        self.superblock.make_durable()?;
        if let Some(active) = segments.back() {
            make_durable(active, decision.proven)?;
        }
        let (spares, next_spare) = self.collect_spares(decision, before.first_generation)?;
        let mut spares = VecDeque::from(spares);
        if segments.is_empty() {
            let file = match spares.pop_front() {
                Some(spare) => {
                    self.disk.rename(&spare.name, &segment_name(before.first_generation))?;
                    spare.file
                }
                None => {
                    let file = zero_fill(self.disk, self.config.geometry())?;
                    self.disk.rename(FILLING_FILE, &segment_name(before.first_generation))?;
                    file
                }
            };
            segments.push_back(self.begin_first_segment(file, &before, epoch)?);
        }
        self.disk.sync_dir()?;
        self.superblock.replace(Superblock {
            epoch,
            start: decision.tail,
            durable_through: decision.tail.previous(),
            geometry: self.config.geometry(),
            ..before
        })?;
        let report = OpenReport {
            created: self.created,
            log_id: before.log_id,
            bounds: Bounds { epoch, first: before.first, tail: decision.tail },
            segments: segments.len(),
            torn: decision.torn.map(|cut| TornEnd {
                file: segment_name(cut.generation),
                offset_bytes: cut.offset_bytes,
                position: cut.position,
                frames: cut.frames,
            }),
        };
        let Self { lock, superblock, .. } = self;
        Ok(Opened { lock, superblock, segments, spares, next_spare, report })
    }

    fn begin_first_segment(
        &self,
        file: Arc<dyn DiskFile>,
        superblock: &Superblock,
        epoch: u64,
    ) -> io::Result<LiveSegment> {
        let generation = superblock.first_generation;
        let header = SegmentHeader {
            log_id: superblock.log_id,
            generation,
            epoch,
            first: superblock.first,
            geometry: self.config.geometry(),
        };
        file.write_at(0, &header.encode())?;
        file.sync_data()?;
        Ok(live_segment(generation, file, &header))
    }

    /// Makes spares of files that are no longer (or never became) part of the log, as far as they are of use, and
    /// removes the rest.
    fn collect_spares(&self, decision: &Decision, first_generation: u64) -> io::Result<(Vec<Spare>, u64)> {
        let names = self.disk.list()?;
        let mut next_spare =
            names.iter().filter_map(|name| parse_spare_name(name)).max().map_or(1, |last| last + 1);
        let segments = self.found.iter().map(|(generation, _)| *generation);
        let (unused, live): (Vec<u64>, Vec<u64>) = segments.partition(|generation| {
            *generation < first_generation || decision.discarded.contains(generation)
        });
        let mut room_bytes = self.config.budget_bytes;
        for generation in live {
            room_bytes = room_bytes.saturating_sub(self.disk.open(&segment_name(generation))?.len()?);
        }
        let unused = unused.into_iter().map(segment_name);
        let candidates: Vec<String> =
            names.iter().filter(|name| parse_spare_name(name).is_some()).cloned().chain(unused).collect();
        let mut spares = Vec::new();
        for name in candidates {
            let file = self.disk.open(&name)?;
            let of_use = file.len()? == self.config.segment_bytes
                && spares.len() < self.config.recycled_segments_max.max(self.config.ready_segments)
                && self.config.segment_bytes <= room_bytes;
            if !of_use {
                self.disk.remove(&name)?;
                continue;
            }
            room_bytes -= self.config.segment_bytes;
            let spare = Spare { name: spare_name(next_spare), file, geometry: self.config.geometry() };
            next_spare += 1;
            self.disk.rename(&name, &spare.name)?;
            spares.push(spare);
        }
        if names.iter().any(|name| name == FILLING_FILE) {
            self.disk.remove(FILLING_FILE)?;
            // Before the name is used again: a rename must never take the removed file.
            self.disk.sync_dir()?;
        }
        Ok((spares, next_spare))
    }
}

fn live_segment(generation: u64, file: Arc<dyn DiskFile>, header: &SegmentHeader) -> LiveSegment {
    LiveSegment {
        name: segment_name(generation),
        generation,
        geometry: header.geometry,
        file,
        first: header.first,
        blocks: Vec::new(),
        end_bytes: u64::from(header.geometry.block_bytes),
    }
}

/// Makes the end of the log durable. After a failed sync of an earlier process the page cache may show bytes
/// that it believes written and the medium does not have: so what nothing proves durable is written again, with
/// the very same bytes, and then synced.
fn make_durable(active: &LiveSegment, proven: Position) -> io::Result<()> {
    let rewrite = |from: u64, to: u64| {
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(usize::MAX)];
        active.file.read_at(from, &mut bytes)?;
        active.file.write_at(from, &bytes)
    };
    let block_bytes = u64::from(active.geometry.block_bytes);
    rewrite(0, block_bytes)?;
    let proven_here = (proven.0 + 1).saturating_sub(active.first.0);
    if let Some(block) = active.blocks.get(usize::try_from(proven_here).unwrap_or(usize::MAX)) {
        rewrite(u64::from(*block) * block_bytes, active.end_bytes)?;
    }
    active.file.sync_data()
}
