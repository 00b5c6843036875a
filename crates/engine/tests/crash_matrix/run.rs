//! A service on a disk that crashes, and the clients that ask it one thing after another.
//!
//! What always holds: the oracle hears of each command before the service does and of each reply once it has left, so a
//! crash leaves at most one command unanswered.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::outcome::Outcome;
use millpond_core::time::Timestamp;
use millpond_engine::recovery::recover;
use millpond_engine::step::{EngineConfig, Input, Reply, RequestId, Wait};
use millpond_log::{
    Bounds, ConfirmError, FaultyDisk, Log, LogConfig, LogId, LogReader, Position, Progress, ReadError,
    SegmentLog, SubmitError, TrimError,
};
use millpond_store::{RedbConfig, RedbStore, Store};

use crate::oracle::Oracle;
use crate::support::START;
use crate::support::service::{Died, Service};

pub(crate) const SEGMENT_BYTES: u64 = 8 << 10;

/// What a service stands on.
type Parts = (Box<dyn Log>, Box<dyn Store>);

/// Every batch that was handed to the log.
pub(crate) type Submitted = Arc<Mutex<Vec<(Position, Bytes)>>>;

pub(crate) struct Run {
    pub(crate) disk: FaultyDisk,
    pub(crate) now: Timestamp,
    pub(crate) oracle: Oracle,
    pub(crate) submitted: Submitted,
    /// What the engine knew to be durable when it ended.
    pub(crate) durable: Position,
    service: Option<Service>,
    next_request: u64,
    last_id: u128,
}

impl Run {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            disk: FaultyDisk::new(seed),
            now: START,
            oracle: Oracle::default(),
            submitted: Submitted::default(),
            durable: Position::NONE,
            service: None,
            next_request: 1,
            last_id: 0,
        }
    }

    /// An id that no message has.
    pub(crate) fn next_id(&mut self) -> u128 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn service(&mut self) -> &mut Service {
        self.service.as_mut().unwrap()
    }

    /// Begins a life of the service.
    pub(crate) fn open(&mut self) -> Result<(), String> {
        let (log, store) = self.parts()?;
        let config = EngineConfig { cache_bytes: 2_000, batch_bytes: 4_000, ..EngineConfig::default() };
        let service = Service::open(log, store, config, self.now).map_err(|error| error.to_string())?;
        self.now = self.now.max(service.engine.state().clock());
        self.service = Some(service);
        let now = self.now;
        self.service().settle(now).map_err(|died| format!("{died:?}"))
    }

    fn parts(&self) -> Result<Parts, String> {
        let config = LogConfig {
            segment_bytes: SEGMENT_BYTES,
            budget_bytes: 8 * SEGMENT_BYTES,
            block_bytes: 512,
            ready_segments: 1,
            recycled_segments_max: 2,
            ..LogConfig::default()
        };
        let disk = Arc::new(self.disk.clone());
        let (log, _) = SegmentLog::open_inline(disk.clone(), config, LogId([5; 16]))
            .map_err(|error| error.to_string())?;
        let store = RedbStore::open(
            disk,
            RedbConfig { cache_bytes: 16 << 10, payload_file_bytes: 4 << 10, ..RedbConfig::default() },
        )
        .map_err(|error| error.to_string())?;
        Ok((Box::new(Recorded { inner: log, submitted: self.submitted.clone() }), Box::new(store)))
    }

    /// Ends the service as a crash does.
    pub(crate) fn end(&mut self) {
        if let Some(service) = self.service.take() {
            self.durable = service.engine.durable();
        }
    }

    /// What a start would bring back: the last position and the digest.
    pub(crate) fn recovered(&self, context: &str) -> (Position, u64) {
        let (mut log, store) =
            self.parts().unwrap_or_else(|error| panic!("{context}: it can't be opened again: {error}"));
        let recovered = recover(log.as_mut(), store.as_ref())
            .unwrap_or_else(|error| panic!("{context}: it can't be recovered: {error}"));
        drop((log, store));
        self.disk.kill();
        (recovered.through, recovered.state.digest())
    }

    pub(crate) fn pass_secs(&mut self, secs: u64) {
        self.now = self.now.plus_secs(secs);
    }

    /// Asks, and waits for the reply. A service that died may have answered before.
    #[allow(clippy::needless_pass_by_value, reason = "commands are made where they are asked")]
    pub(crate) fn ask(&mut self, command: Command) -> Result<Outcome, Died> {
        let (now, request) = (self.now, RequestId(self.next_request));
        self.next_request += 1;
        self.oracle.asks(&command, now);
        let input = Input::Request { request, command: command.clone(), wait: Wait::Secs(0) };
        let service = self.service();
        let end = service.take(now, input).and_then(|()| service.settle(now));
        let reply = service.take_reply(request);
        let heard = reply.map(|reply| match reply {
            Reply::Done { outcome, payloads } => {
                self.oracle.hears(&command, &outcome, &payloads, now);
                outcome
            }
            Reply::Denied(denied) => panic!("{command:?} was not let in: {denied}"),
        });
        end?;
        Ok(heard.expect("a service that settles has answered"))
    }

    /// Time for what the service does by itself.
    pub(crate) fn idle_millis(&mut self, millis: u64) -> Result<(), Died> {
        self.now = self.now.plus_millis(millis);
        let now = self.now;
        self.service().turn(now, true)?;
        self.service().settle(now)
    }

    /// Folds what is durable into the store, and trims the log.
    pub(crate) fn checkpoint(&mut self) -> Result<(), Died> {
        let now = self.now;
        let service = self.service();
        service.checkpoint(service.engine.durable())?;
        service.hear_of_checkpoint(now)?;
        service.settle(now)
    }
}

/// A log that keeps what it is given.
struct Recorded {
    inner: SegmentLog,
    submitted: Submitted,
}

impl Log for Recorded {
    fn bounds(&self) -> Bounds {
        self.inner.bounds()
    }

    fn payload_max_bytes(&self) -> usize {
        self.inner.payload_max_bytes()
    }

    fn submit(&mut self, expected: Position, payload: Bytes) -> Result<(), SubmitError> {
        self.inner.submit(expected, payload.clone())?;
        self.submitted.lock().unwrap().push((expected, payload));
        Ok(())
    }

    fn poll(&mut self) -> Progress {
        self.inner.poll()
    }

    fn confirm(&mut self) -> Result<(), ConfirmError> {
        self.inner.confirm()
    }

    fn replay(
        &mut self,
        from: Position,
        visit: &mut dyn FnMut(Position, Bytes) -> ControlFlow<()>,
    ) -> Result<Position, ReadError> {
        self.inner.replay(from, visit)
    }

    fn trim(&mut self, before: Position) -> Result<(), TrimError> {
        self.inner.trim(before)
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.inner.reader()
    }
}
