//! The log on a disk: segment files of a fixed size, filled with zeros once and overwritten in place.
//!
//! ```text
//!   submit ──> queue ──> SegmentWriter ──> active segment          SegmentPool ──> spares
//!     │          one write and one sync a group  │ full: goes on in a spare  ▲  zero fill, recycle
//!     │                                          ▼                           │
//!     └─ poll <── durable position <──────── Index <── LogReader          trim
//! ```
//!
//! The same writer and pool run under two shells. *Inline*: all IO happens in `poll`, `trim` and (to prepare a
//! segment that is needed at once) `submit`, in a fixed order and without threads, for simulation. *Threaded*: a
//! writer thread and a pool thread; the owner's side never waits for the disk.
//!
//! What is on disk, byte for byte: `docs/format/log.md`. How the end of a log is found: `recovery.rs`.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use bytes::Bytes;

use crate::contract::{
    Bounds, ConfirmError, Failure, Log, LogReader, Position, Progress, ReadError, SpaceCause, SubmitError,
    TrimError, Usage,
};
use crate::disk::{DirLock, Disk};
use crate::format::{Geometry, LogId};
use crate::stats::{Counters, Stats};

mod config;
mod index;
mod names;
mod opening;
mod pool;
mod salvage;
mod scan;
mod segment_writer;
mod shared;
mod superblock;
mod threads;

pub use config::{BLOCK_BYTES_MAX, LogConfig};
pub use opening::{OpenError, OpenReport, TornEnd};
pub use salvage::{LogDamage, SalvagedLog};
pub use threads::Waker;

use index::Index;
use opening::Opened;
use pool::{SegmentPool, Turn};
use segment_writer::{Active, SegmentWriter};
use shared::{Pending, Shared, Spare, State};
use threads::Threads;

/// The log on a disk.
pub struct SegmentLog {
    // Before the lock: threads end before the directory is let go.
    shell: Shell,
    shared: Arc<Shared>,
    reader: Arc<SegmentReader>,
    config: LogConfig,
    epoch: u64,
    tail: Position,
    /// The segment in which the last submitted batch ends, and where.
    filling: Geometry,
    filling_end_bytes: u64,
    _lock: DirLock,
}

enum Shell {
    Inline { writer: Box<SegmentWriter>, pool: Box<SegmentPool> },
    Threaded { _threads: Threads },
}

impl SegmentLog {
    /// Opens the log on `disk`, or creates one named `new_log_id` if there is none. All IO happens in calls.
    ///
    /// # Errors
    /// See [`OpenError`]; a damaged log is refused and not changed.
    pub fn open_inline(
        disk: Arc<dyn Disk>,
        config: LogConfig,
        new_log_id: LogId,
    ) -> Result<(Self, OpenReport), OpenError> {
        Self::open(disk, config, new_log_id, |_, writer, pool| {
            Ok(Shell::Inline { writer: Box::new(writer), pool: Box::new(pool) })
        })
    }

    /// As [`SegmentLog::open_inline`], with threads for all IO. `waker` is called when progress can be polled.
    ///
    /// # Errors
    /// See [`OpenError`]; a damaged log is refused and not changed.
    pub fn open_threaded(
        disk: Arc<dyn Disk>,
        config: LogConfig,
        new_log_id: LogId,
        waker: &Waker,
    ) -> Result<(Self, OpenReport), OpenError> {
        let location = disk.location();
        Self::open(disk, config, new_log_id, |shared, writer, pool| {
            let threads = Threads::start(shared, writer, pool, waker)
                .map_err(|error| OpenError::Io { location, error })?;
            Ok(Shell::Threaded { _threads: threads })
        })
    }

    fn open(
        disk: Arc<dyn Disk>,
        config: LogConfig,
        new_log_id: LogId,
        start: impl FnOnce(&Arc<Shared>, SegmentWriter, SegmentPool) -> Result<Shell, OpenError>,
    ) -> Result<(Self, OpenReport), OpenError> {
        let opened = opening::open(&*disk, &config, new_log_id)?;
        let Opened { lock, superblock, segments, spares, next_spare, report } = opened;
        let Bounds { epoch, tail, .. } = report.bounds;
        let log_id = report.log_id;
        let last = segments.back().expect("an open log has a segment being written");
        let active = Active {
            name: last.name.clone(),
            file: Arc::clone(&last.file),
            generation: last.generation,
            geometry: last.geometry,
            end_bytes: last.end_bytes,
        };
        let (filling, filling_end_bytes) = (last.geometry, last.end_bytes);
        let shared = Arc::new(Shared::new(State {
            durable: tail.previous(),
            spares,
            segments_bytes: segments.iter().map(|segment| segment.geometry.segment_bytes).sum(),
            spare_wanted: true,
            ..State::default()
        }));
        let index = Arc::new(Index::new(log_id, segments));
        let counters = Arc::new(Counters::default());
        let writer = SegmentWriter {
            disk: Arc::clone(&disk),
            index: Arc::clone(&index),
            counters: Arc::clone(&counters),
            log_id,
            epoch,
            active,
            durable: tail.previous(),
            headers: Vec::new(),
        };
        let pool = SegmentPool {
            disk,
            config: config.clone(),
            shared: Arc::clone(&shared),
            index: Arc::clone(&index),
            counters: Arc::clone(&counters),
            superblock,
            next_spare,
        };
        let reader =
            SegmentReader { index, shared: Arc::clone(&shared), counters, budget_bytes: config.budget_bytes };
        let shell = start(&shared, writer, pool)?;
        let log = Self {
            shell,
            shared,
            reader: Arc::new(reader),
            config,
            epoch,
            tail,
            filling,
            filling_end_bytes,
            _lock: lock,
        };
        Ok((log, report))
    }

    /// Finds a place for a batch: whether it begins a segment, and what it takes there.
    fn place(&mut self, expected: Position, payload_bytes: usize) -> Result<(Option<Spare>, u64), Refusal> {
        let state = self.shared.lock();
        let (is_dead, in_flight_bytes) = (state.failure.is_some(), state.in_flight_bytes);
        drop(state);
        if is_dead {
            return Err(Refusal::Dead);
        }
        if expected != self.tail {
            return Err(Refusal::WrongPosition);
        }
        if payload_bytes > self.payload_max_bytes() {
            return Err(Refusal::TooLarge);
        }
        let would_be_in_flight_bytes = in_flight_bytes.saturating_add(payload_bytes);
        if in_flight_bytes > 0 && would_be_in_flight_bytes > self.config.in_flight_max_bytes {
            return Err(Refusal::Full);
        }
        let mut extent_bytes = self.filling.extent_bytes(payload_bytes);
        let mut roll_to = None;
        if self.filling_end_bytes + extent_bytes > self.filling.segment_bytes {
            let spare = self.take_spare()?;
            self.filling = spare.geometry;
            self.filling_end_bytes = u64::from(spare.geometry.block_bytes);
            extent_bytes = spare.geometry.extent_bytes(payload_bytes);
            roll_to = Some(spare);
        }
        self.filling_end_bytes += extent_bytes;
        Ok((roll_to, extent_bytes))
    }

    fn enqueue(&mut self, pending: Pending, extent_bytes: u64) {
        let extent_bytes = usize::try_from(extent_bytes).unwrap_or(usize::MAX);
        let mut state = self.shared.lock();
        state.queue.push_back(pending);
        state.queued_bytes += extent_bytes;
        state.in_flight_bytes += extent_bytes;
        drop(state);
        self.shared.write_work.notify_one();
        self.tail = self.tail.next();
    }

    /// A spare for the batch that does not fit into the segment being filled.
    fn take_spare(&mut self) -> Result<Spare, Refusal> {
        let mut state = self.shared.lock();
        if state.spares.is_empty() {
            state.spare_wanted = true;
            match &mut self.shell {
                Shell::Inline { pool, .. } => {
                    drop(state);
                    make_room_inline(pool, &self.shared)?;
                    state = self.shared.lock();
                }
                Shell::Threaded { .. } => {
                    self.shared.pool_work.notify_one();
                    return Err(state.why_no_spare(&self.config));
                }
            }
        }
        let spare = state.spares.pop_front().ok_or(Refusal::OutOfSpace(SpaceCause::Budget))?;
        state.segments_bytes += spare.geometry.segment_bytes;
        state.spare_wanted = true;
        self.shared.pool_work.notify_one();
        Ok(spare)
    }
}

/// Why a batch has no place. The payload is handed back with it as a [`SubmitError`].
enum Refusal {
    /// Enough is in flight, or the next segment is still being prepared.
    Full,
    OutOfSpace(SpaceCause),
    TooLarge,
    WrongPosition,
    Dead,
}

impl State {
    fn why_no_spare(&self, config: &LogConfig) -> Refusal {
        let total_bytes = self.segments_bytes + self.spares_bytes() + config.segment_bytes;
        if total_bytes > config.budget_bytes {
            Refusal::OutOfSpace(SpaceCause::Budget)
        } else if self.disk_full {
            Refusal::OutOfSpace(SpaceCause::Disk)
        } else {
            Refusal::Full
        }
    }
}

/// Works until there is a spare, or says why there is none.
fn make_room_inline(pool: &mut SegmentPool, shared: &Shared) -> Result<(), Refusal> {
    loop {
        match pool.turn() {
            Ok(Turn::Worked) if shared.lock().spares.is_empty() => {}
            Ok(Turn::Worked) => return Ok(()),
            Ok(Turn::Idle) => return Err(Refusal::OutOfSpace(SpaceCause::Budget)),
            Ok(Turn::DiskFull) => return Err(Refusal::OutOfSpace(SpaceCause::Disk)),
            Err(failure) => {
                shared.lock().fail(failure);
                return Err(Refusal::Dead);
            }
        }
    }
}

/// Writes all that is queued, then keeps spares ready.
fn work_inline(writer: &mut SegmentWriter, pool: &mut SegmentPool, shared: &Shared) -> Result<(), Failure> {
    let mut group = std::mem::take(&mut shared.lock().queue);
    writer.write_group(&mut group)?;
    let mut state = shared.lock();
    state.durable = writer.durable;
    state.in_flight_bytes = 0;
    state.queued_bytes = 0;
    state.queue = group;
    state.spare_wanted |= state.disk_full;
    drop(state);
    while pool.turn()? == Turn::Worked {}
    Ok(())
}

impl Log for SegmentLog {
    fn bounds(&self) -> Bounds {
        Bounds { epoch: self.epoch, first: self.reader.index.bounds().0, tail: self.tail }
    }

    fn payload_max_bytes(&self) -> usize {
        self.config.geometry().payload_max_bytes()
    }

    fn submit(&mut self, expected: Position, payload: Bytes) -> Result<(), SubmitError> {
        match self.place(expected, payload.len()) {
            Ok((roll_to, extent_bytes)) => {
                self.enqueue(Pending { position: self.tail, payload, roll_to }, extent_bytes);
                Ok(())
            }
            Err(Refusal::Full) => Err(SubmitError::Full(payload)),
            Err(Refusal::OutOfSpace(cause)) => Err(SubmitError::OutOfSpace { payload, cause }),
            Err(Refusal::TooLarge) => {
                Err(SubmitError::TooLarge { payload, limit_bytes: self.payload_max_bytes() })
            }
            Err(Refusal::WrongPosition) => Err(SubmitError::WrongPosition { tail: self.tail }),
            Err(Refusal::Dead) => Err(SubmitError::Dead),
        }
    }

    fn poll(&mut self) -> Progress {
        if let Shell::Inline { writer, pool } = &mut self.shell {
            let alive = self.shared.lock().failure.is_none();
            if alive && let Err(failure) = work_inline(writer, pool, &self.shared) {
                self.shared.lock().fail(failure);
            }
        }
        let state = self.shared.lock();
        match &state.failure {
            Some(failure) => Progress::Failed(failure.clone()),
            None => Progress::Durable(state.durable),
        }
    }

    fn confirm(&mut self) -> Result<(), ConfirmError> {
        match &self.shared.lock().failure {
            Some(failure) => Err(ConfirmError::Failed(failure.clone())),
            None => Ok(()),
        }
    }

    fn replay(
        &mut self,
        from: Position,
        visit: &mut dyn FnMut(Position, Bytes) -> ControlFlow<()>,
    ) -> Result<Position, ReadError> {
        let mut position = from;
        while position != self.reader.index.bounds().1 {
            let payload = self.reader.index.read(position)?;
            let flow = visit(position, payload);
            position = position.next();
            if flow.is_break() {
                break;
            }
        }
        Ok(position)
    }

    fn trim(&mut self, before: Position) -> Result<(), TrimError> {
        let mut state = self.shared.lock();
        if let Some(failure) = &state.failure {
            return Err(TrimError::Failed(failure.clone()));
        }
        let durable = state.durable;
        if before > durable.next() {
            return Err(TrimError::NotDurable { durable });
        }
        let trimmed = self.reader.index.take_trimmed(before);
        state.segments_bytes -= trimmed.iter().map(|segment| segment.geometry.segment_bytes).sum::<u64>();
        state.retired.extend(trimmed);
        drop(state);
        match &mut self.shell {
            Shell::Threaded { .. } => self.shared.pool_work.notify_one(),
            Shell::Inline { pool, .. } => {
                if let Err(failure) = pool.turn() {
                    self.shared.lock().fail(failure.clone());
                    return Err(TrimError::Failed(failure));
                }
            }
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::clone(&self.reader) as Arc<dyn LogReader>
    }
}

struct SegmentReader {
    index: Arc<Index>,
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    budget_bytes: u64,
}

impl LogReader for SegmentReader {
    fn read(&self, position: Position) -> Result<Bytes, ReadError> {
        self.index.read(position)
    }

    fn read_range(&self, position: Position, range_bytes: Range<u32>) -> Result<Bytes, ReadError> {
        self.index.read_range(position, range_bytes)
    }

    fn usage(&self) -> Usage {
        let (sealed, active_used_bytes, active_room_bytes) = self.index.occupancy();
        let state = self.shared.lock();
        let spare_room_bytes: u64 = state
            .spares
            .iter()
            .map(|spare| spare.geometry.segment_bytes - u64::from(spare.geometry.block_bytes))
            .sum();
        let room_bytes = active_room_bytes + spare_room_bytes;
        Usage {
            budget_bytes: self.budget_bytes,
            used_bytes: sealed.iter().map(|segment| segment.bytes).sum::<u64>() + active_used_bytes,
            ready_bytes: room_bytes.saturating_sub(state.in_flight_bytes as u64),
            disk_full: state.disk_full,
            sealed,
        }
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}

#[cfg(test)]
mod tests;
