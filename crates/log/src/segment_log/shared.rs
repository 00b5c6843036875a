//! What the owner's side of a segment log and its writer have in common, under one lock.
//!
//! Always: a spare is either in `spares`, or travels in the queue with the batch that begins it, or is a segment; the first failure stays.
//! The lock is never held while the disk works.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::contract::{Failure, Position};
use crate::disk::DiskFile;
use crate::format::Geometry;

use super::index::LiveSegment;

/// A file full of bytes to be overwritten: zeros, or batches that were trimmed.
#[derive(Clone)]
pub(super) struct Spare {
    pub(super) name: String,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) geometry: Geometry,
}

/// A submitted batch.
pub(super) struct Pending {
    pub(super) position: Position,
    pub(super) payload: Bytes,
    /// The log goes on in this file, and this is the first batch in it.
    pub(super) roll_to: Option<Spare>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) queue: VecDeque<Pending>,
    /// What the batches in the queue take on disk.
    pub(super) queued_bytes: usize,
    /// What all batches that are not durable take on disk: those in the queue and those being written.
    pub(super) in_flight_bytes: usize,
    pub(super) durable: Position,
    pub(super) spares: VecDeque<Spare>,
    /// Sizes of all files that hold batches or are about to: neither spares nor retired segments. The pool, which
    /// alone makes files, takes the retired ones back before it makes any, so nothing exceeds the budget.
    pub(super) segments_bytes: u64,
    /// Trimmed, and not yet free for use again.
    pub(super) retired: Vec<LiveSegment>,
    /// A spare was taken or could not be made: try (again).
    pub(super) spare_wanted: bool,
    pub(super) disk_full: bool,
    pub(super) failure: Option<Failure>,
    pub(super) stopping: bool,
}

impl State {
    pub(super) fn spares_bytes(&self) -> u64 {
        self.spares.iter().map(|spare| spare.geometry.segment_bytes).sum()
    }

    /// Nothing is left to do for the pool, for ever. Trims are carried out before an end, or an owner that trims
    /// and closes at once would never get its room back.
    pub(super) fn pool_has_ended(&self) -> bool {
        self.failure.is_some() || (self.stopping && self.retired.is_empty())
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }
}

/// The state, and how the threads of a threaded log are woken.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to write, or an end to be made.
    pub(super) write_work: Condvar,
    /// There is a segment to recycle or a spare to make, or an end to be made.
    pub(super) pool_work: Condvar,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), ..Self::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
