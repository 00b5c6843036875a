//! A log in memory: for a service without a disk, and for tests.
//!
//! It keeps the whole contract except that nothing survives the process. A [`MemoryStorage`] outlives the log and
//! can be opened again, which fences the log that had it before; what was submitted and not polled is then gone,
//! as a power cut would have it.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::contract::{
    Bounds, ConfirmError, Log, LogReader, Position, Progress, ReadError, SealedSegment, SpaceCause,
    SubmitError, TrimError, Usage,
};
use crate::stats::{Counters, Stats, add};

/// What a batch counts beside its payload.
const BATCH_OVERHEAD_BYTES: u64 = 64;

/// Bounds of a memory log.
#[derive(Clone, Debug)]
pub struct MemoryConfig {
    /// Payload and overhead of all batches that are not trimmed.
    pub budget_bytes: u64,
    /// Payload that may be submitted between two polls.
    pub in_flight_max_bytes: usize,
    /// The largest batch.
    pub payload_max_bytes: usize,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { budget_bytes: 1 << 30, in_flight_max_bytes: 8 << 20, payload_max_bytes: 8 << 20 }
    }
}

/// What a memory log has made durable: outlives it, and can be opened again.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    shared: Arc<Mutex<Durable>>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Durable {
    epoch: u64,
    /// The position of the first entry of `batches`, less one.
    trimmed: Position,
    batches: VecDeque<Bytes>,
    /// Of durable and of queued batches.
    used_bytes: u64,
    /// Of queued batches.
    queued_bytes: u64,
    budget_bytes: u64,
}

impl Durable {
    fn first(&self) -> Position {
        self.trimmed.next()
    }

    fn last(&self) -> Position {
        Position(self.trimmed.0 + self.batches.len() as u64)
    }

    fn get(&self, position: Position) -> Result<&Bytes, ReadError> {
        if position < self.first() {
            return Err(ReadError::Trimmed { first: self.first() });
        }
        let index = usize::try_from(position.0 - self.first().0).unwrap_or(usize::MAX);
        self.batches.get(index).ok_or(ReadError::NotDurable { durable: self.last() })
    }
}

impl MemoryStorage {
    fn lock(&self) -> MutexGuard<'_, Durable> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log in memory.
#[derive(Debug)]
pub struct MemoryLog {
    storage: MemoryStorage,
    config: MemoryConfig,
    epoch: u64,
    queued: Vec<Bytes>,
    queued_bytes: usize,
    tail: Position,
}

impl MemoryLog {
    /// A new, empty log with default bounds.
    #[must_use]
    pub fn new() -> Self {
        Self::open(MemoryStorage::default(), MemoryConfig::default())
    }

    /// Opens what `storage` holds and fences the log that had it before.
    #[must_use]
    pub fn open(storage: MemoryStorage, config: MemoryConfig) -> Self {
        let mut durable = storage.lock();
        durable.epoch += 1;
        durable.budget_bytes = config.budget_bytes;
        durable.used_bytes -= std::mem::take(&mut durable.queued_bytes);
        let (epoch, tail) = (durable.epoch, durable.last().next());
        drop(durable);
        Self { storage, config, epoch, queued: Vec::new(), queued_bytes: 0, tail }
    }

    fn is_fenced(&self) -> bool {
        self.storage.lock().epoch != self.epoch
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

fn cost_bytes(payload: &Bytes) -> u64 {
    payload.len() as u64 + BATCH_OVERHEAD_BYTES
}

impl Log for MemoryLog {
    fn bounds(&self) -> Bounds {
        Bounds { epoch: self.epoch, first: self.storage.lock().first(), tail: self.tail }
    }

    fn payload_max_bytes(&self) -> usize {
        self.config.payload_max_bytes
    }

    fn submit(&mut self, expected: Position, payload: Bytes) -> Result<(), SubmitError> {
        if self.is_fenced() {
            return Err(SubmitError::Fenced);
        }
        if expected != self.tail {
            return Err(SubmitError::WrongPosition { tail: self.tail });
        }
        if payload.len() > self.config.payload_max_bytes {
            return Err(SubmitError::TooLarge { payload, limit_bytes: self.config.payload_max_bytes });
        }
        if !self.queued.is_empty() && self.queued_bytes + payload.len() > self.config.in_flight_max_bytes {
            return Err(SubmitError::Full(payload));
        }
        let mut durable = self.storage.lock();
        if durable.used_bytes + cost_bytes(&payload) > self.config.budget_bytes {
            return Err(SubmitError::OutOfSpace { payload, cause: SpaceCause::Budget });
        }
        durable.used_bytes += cost_bytes(&payload);
        durable.queued_bytes += cost_bytes(&payload);
        drop(durable);
        self.queued_bytes += payload.len();
        self.queued.push(payload);
        self.tail = self.tail.next();
        Ok(())
    }

    fn poll(&mut self) -> Progress {
        let mut durable = self.storage.lock();
        if durable.epoch != self.epoch {
            return Progress::Fenced;
        }
        if !self.queued.is_empty() {
            let counters = &self.storage.counters;
            add(&counters.groups, 1);
            add(&counters.batches, self.queued.len() as u64);
            add(&counters.payload_bytes, self.queued_bytes as u64);
            durable.queued_bytes = 0;
            durable.batches.extend(self.queued.drain(..));
            self.queued_bytes = 0;
        }
        Progress::Durable(durable.last())
    }

    fn confirm(&mut self) -> Result<(), ConfirmError> {
        if self.is_fenced() { Err(ConfirmError::Fenced) } else { Ok(()) }
    }

    fn replay(
        &mut self,
        from: Position,
        visit: &mut dyn FnMut(Position, Bytes) -> ControlFlow<()>,
    ) -> Result<Position, ReadError> {
        let mut position = from;
        loop {
            let durable = self.storage.lock();
            if position == durable.last().next() {
                return Ok(position);
            }
            let payload = durable.get(position)?.clone();
            drop(durable);
            let flow = visit(position, payload);
            position = position.next();
            if flow.is_break() {
                return Ok(position);
            }
        }
    }

    fn trim(&mut self, before: Position) -> Result<(), TrimError> {
        let mut durable = self.storage.lock();
        if durable.epoch != self.epoch {
            return Err(TrimError::Fenced);
        }
        if before > durable.last().next() {
            return Err(TrimError::NotDurable { durable: durable.last() });
        }
        while durable.first() < before {
            let Some(payload) = durable.batches.pop_front() else { break };
            durable.used_bytes -= cost_bytes(&payload);
            durable.trimmed = durable.trimmed.next();
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.storage.clone())
    }
}

impl LogReader for MemoryStorage {
    fn read(&self, position: Position) -> Result<Bytes, ReadError> {
        self.lock().get(position).cloned()
    }

    fn read_range(&self, position: Position, range_bytes: Range<u32>) -> Result<Bytes, ReadError> {
        let payload = self.read(position)?;
        let range = range_bytes.start as usize..range_bytes.end as usize;
        if range.start > range.end || range.end > payload.len() {
            return Err(ReadError::Failed {
                position,
                file: "memory".to_owned(),
                error: format!("bytes {range:?} are not within its {} bytes", payload.len()),
            });
        }
        Ok(payload.slice(range))
    }

    fn usage(&self) -> Usage {
        let durable = self.lock();
        let sealed = if durable.batches.is_empty() {
            Vec::new()
        } else {
            let bytes = durable.used_bytes - durable.queued_bytes;
            vec![SealedSegment { first: durable.first(), last: durable.last(), bytes }]
        };
        Usage {
            budget_bytes: durable.budget_bytes,
            used_bytes: durable.used_bytes,
            ready_bytes: durable.budget_bytes.saturating_sub(durable.used_bytes),
            disk_full: false,
            sealed,
        }
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}
