//! What a log has promised, kept beside it, and a scripted owner that appends, trims and dies with its log.

#![allow(dead_code)] // Each test file uses its own part of this.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use millpond_log::{
    FaultyDisk, Log, LogConfig, LogId, OpenError, OpenReport, Position, Progress, SegmentLog, SubmitError,
};

pub(crate) const LOG_ID: LogId = LogId([0x5a; 16]);

/// Segments of seven blocks: rolling over, trimming and recycling happen all the time.
pub(crate) fn tiny() -> LogConfig {
    LogConfig {
        segment_bytes: 4096,
        budget_bytes: 6 * 4096,
        block_bytes: 512,
        ready_segments: 2,
        recycled_segments_max: 3,
        in_flight_max_bytes: 8192,
        repair_hint: "run `repair DIR NEWDIR`".to_owned(),
    }
}

pub(crate) fn open(disk: &FaultyDisk) -> Result<(SegmentLog, OpenReport), OpenError> {
    SegmentLog::open_inline(Arc::new(disk.clone()), tiny(), LOG_ID)
}

/// What must be true of the log after any crash.
#[derive(Default)]
pub(crate) struct Promises {
    /// Every batch that was submitted and not found lost, by position.
    pub(crate) submitted: BTreeMap<u64, Bytes>,
    /// The last position reported durable.
    pub(crate) durable: u64,
    /// Everything before this may be gone.
    pub(crate) trimmed: u64,
    pub(crate) epoch: u64,
}

impl Promises {
    /// Checks a log that has just been opened, and takes what it holds as promised from now on.
    pub(crate) fn check_opened(&mut self, log: &mut SegmentLog, context: &str) {
        let bounds = log.bounds();
        assert!(bounds.epoch > self.epoch, "{context}: epoch {} after {}", bounds.epoch, self.epoch);
        self.epoch = bounds.epoch;
        assert!(bounds.tail.0 > self.durable, "{context}: {bounds:?} lost durable {}", self.durable);
        assert!(bounds.first.0 <= self.trimmed.max(1), "{context}: {bounds:?} trimmed {}", self.trimmed);
        self.submitted.split_off(&bounds.tail.0);
        self.durable = bounds.tail.0 - 1;
        self.check_content(log, context);
    }

    /// Checks every batch that can be read.
    pub(crate) fn check_content(&self, log: &mut SegmentLog, context: &str) {
        let first = log.bounds().first;
        let mut next = first;
        let end = log.replay(first, &mut |position, payload| {
            assert_eq!(position, next, "{context}");
            assert_eq!(Some(&payload), self.submitted.get(&position.0), "{context}: batch {position}");
            next = next.next();
            ControlFlow::Continue(())
        });
        assert_eq!(end, Ok(Position(self.durable + 1)), "{context}");
    }

    /// Submits the next batch. A batch that was not taken was never promised.
    pub(crate) fn submit(&mut self, log: &mut SegmentLog, payload: Bytes) -> Result<(), SubmitError> {
        let tail = log.bounds().tail;
        let outcome = log.submit(tail, payload.clone());
        if outcome.is_ok() {
            self.submitted.insert(tail.0, payload);
        }
        outcome
    }

    /// Polls; `None` when the log has died.
    pub(crate) fn poll(&mut self, log: &mut SegmentLog) -> Option<Position> {
        match log.poll() {
            Progress::Durable(position) => {
                assert!(position.0 >= self.durable, "progress never goes back");
                self.durable = position.0;
                Some(position)
            }
            Progress::Fenced => unreachable!("nobody else opens the log"),
            Progress::Failed(_) => None,
        }
    }

    pub(crate) fn trim(&mut self, log: &mut SegmentLog, before: u64) {
        self.trimmed = self.trimmed.max(before);
        let _ = log.trim(Position(before));
    }
}

/// A batch whose content tells position and epoch, so that a stale one is known.
pub(crate) fn payload(rng: &mut Rng, position: u64, epoch: u64) -> Bytes {
    if rng.u8(..8) == 0 {
        return Bytes::new();
    }
    let mut bytes = position.to_le_bytes().to_vec();
    bytes.extend(epoch.to_le_bytes());
    // Often a length that fills blocks exactly as batches of earlier epochs did.
    let len = [16, 100, 448, 448, 960, 1400][rng.usize(..6)];
    bytes.resize(len, (position ^ epoch) as u8);
    bytes.into()
}

/// Lets an owner append, poll and trim for `steps`, until the log dies. Answers whether it still lives.
pub(crate) fn live(promises: &mut Promises, log: &mut SegmentLog, rng: &mut Rng, steps: usize) -> bool {
    for _ in 0..steps {
        for _ in 0..rng.usize(1..5) {
            let bounds = log.bounds();
            let payload = payload(rng, bounds.tail.0, bounds.epoch);
            match promises.submit(log, payload) {
                Ok(()) => {}
                Err(SubmitError::Full(_)) => break,
                Err(SubmitError::OutOfSpace { .. }) => {
                    if promises.poll(log).is_none() {
                        return false;
                    }
                    let before = promises.durable + 1;
                    promises.trim(log, before);
                    break;
                }
                Err(SubmitError::Dead) => return false,
                Err(other) => unreachable!("{other}"),
            }
        }
        if promises.poll(log).is_none() {
            return false;
        }
        if rng.u8(..6) == 0 {
            let before = rng.u64(log.bounds().first.0..=promises.durable + 1);
            promises.trim(log, before);
        }
    }
    true
}
