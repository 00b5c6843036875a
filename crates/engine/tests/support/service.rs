//! Engine, log and store joined as the driver joins them, without its threads: what the threads would do happens
//! when the test says so.
//!
//! A read of bodies and a checkpoint each have two halves, the work and the news of it, so that anything can come
//! between them.
#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::message::{MessageRef, QueueId};
use millpond_core::state::State;
use millpond_core::time::Timestamp;
use millpond_engine::admission::Load;
use millpond_engine::checkpoint::{self, CheckpointError};
use millpond_engine::driver::read_body;
use millpond_engine::recovery::{RecoveryError, recover_within};
use millpond_engine::step::{
    Body, BodyPlace, Engine, EngineConfig, FetchId, Input, Output, ReadId, Reply, RequestId,
};
use millpond_log::{Log, LogReader, Position, Progress, SubmitError};
use millpond_store::{Found, Store, StoreReader, Wanted};

use super::{Boot, RECEIPT_KEY};

/// The space left in the log is looked at this often, as the driver does.
const SPACE_MILLIS: u64 = 20;

/// Why a service died.
#[derive(Debug)]
pub(crate) enum Died {
    Log(String),
    Refused(String),
    Checkpoint(CheckpointError),
    Store(String),
}

/// What has happened, for who counts it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Happened {
    pub(crate) bodies_from_log: u64,
    pub(crate) bodies_from_store: u64,
    pub(crate) bodies_trimmed_meanwhile: u64,
    pub(crate) idle_notes: u64,
    pub(crate) out_of_space: u64,
    pub(crate) large_batches: u64,
    pub(crate) trims: u64,
    pub(crate) checkpoints: u64,
    pub(crate) backlogs_read: u64,
    pub(crate) groups_read: u64,
    pub(crate) sends_read: u64,
}

pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(crate) log: Box<dyn Log>,
    pub(crate) log_reader: Arc<dyn LogReader>,
    pub(crate) store: Box<dyn Store>,
    store_reader: Arc<dyn StoreReader>,
    /// Batches that the log had no room for yet.
    pub(crate) unsent: VecDeque<(Position, Bytes)>,
    reads: VecDeque<(ReadId, Vec<(MessageRef, BodyPlace)>)>,
    read: VecDeque<(ReadId, Vec<Body>)>,
    fetches: VecDeque<(FetchId, QueueId, Wanted, usize)>,
    fetched: VecDeque<(FetchId, Found)>,
    /// The store was written, and the engine has not heard of it.
    checkpointed: Option<Position>,
    pub(crate) replies: VecDeque<(RequestId, Reply)>,
    pub(crate) quarantined: Vec<MessageRef>,
    pub(crate) happened: Happened,
    /// The machine's boot clock.
    pub(crate) boot: Boot,
    /// The disk does nothing until then.
    pub(crate) slow_until: Timestamp,
    /// The state at the end of each batch, where that is known; empty batches change none.
    pub(crate) digests: Vec<(Position, Option<u64>)>,
    next_look: Timestamp,
}

impl Service {
    /// Brings back what log and store hold, and begins.
    pub(crate) fn open(
        log: Box<dyn Log>,
        store: Box<dyn Store>,
        config: EngineConfig,
        now: Timestamp,
    ) -> Result<Self, RecoveryError> {
        Self::open_at(log, store, config, |state, _| (now.max(state.clock()), Boot::default()))
    }

    /// As [`Service::open`], at the time that `start` says on seeing the state and its position.
    pub(crate) fn open_at(
        mut log: Box<dyn Log>,
        store: Box<dyn Store>,
        config: EngineConfig,
        start: impl FnOnce(&State, Position) -> (Timestamp, Boot),
    ) -> Result<Self, RecoveryError> {
        let limit = config.messages_in_memory as u64;
        let recovered = recover_within(log.as_mut(), store.as_ref(), limit)?;
        let (now, boot) = start(&recovered.state, recovered.through);
        let mut engine = Engine::new(config, recovered);
        engine.begin(now, RECEIPT_KEY, boot.reading(now));
        let (log_reader, store_reader) = (log.reader(), store.reader());
        Ok(Self {
            engine,
            log,
            log_reader,
            store,
            store_reader,
            unsent: VecDeque::new(),
            reads: VecDeque::new(),
            read: VecDeque::new(),
            fetches: VecDeque::new(),
            fetched: VecDeque::new(),
            checkpointed: None,
            replies: VecDeque::new(),
            quarantined: Vec::new(),
            happened: Happened::default(),
            boot,
            slow_until: Timestamp::EPOCH,
            digests: Vec::new(),
            next_look: Timestamp::EPOCH,
        })
    }

    /// The engine takes one input, and its outputs are carried out.
    pub(crate) fn take(&mut self, now: Timestamp, input: Input) -> Result<(), Died> {
        let mut out = Vec::new();
        let is_turn = matches!(input, Input::TurnEnded);
        let is_jump = matches!(input, Input::Advanced { .. });
        self.engine.step(now, input, &mut out);
        self.note_digest(&out, is_jump);
        for output in out {
            match output {
                Output::Append { position, payload } => {
                    self.happened.idle_notes += u64::from(payload.is_empty());
                    self.happened.large_batches += u64::from(!payload.is_empty() && !is_turn);
                    self.unsent.push_back((position, payload));
                    self.submit_unsent()?;
                }
                Output::Reply { request, reply } => self.replies.push_back((request, reply)),
                Output::Read { read, bodies } => self.reads.push_back((read, bodies)),
                Output::Fetch { fetch, queue, wanted, limit } => {
                    self.fetches.push_back((fetch, queue, wanted, limit));
                }
                Output::Quarantined { message } => self.quarantined.push(message),
            }
        }
        Ok(())
    }

    /// A batch ends where it is handed to the log, as the last thing in a step; but for a jump, which ends several.
    fn note_digest(&mut self, out: &[Output], is_jump: bool) {
        let batches = out.iter().filter(|output| matches!(output, Output::Append { .. })).count();
        for output in out {
            let Output::Append { position, payload } = output else { continue };
            if !is_jump && batches == 1 {
                let digest = (!payload.is_empty()).then(|| self.engine.state().digest());
                self.digests.push((*position, digest));
            }
        }
    }

    /// One turn of the driver, without new messages.
    pub(crate) fn turn(&mut self, now: Timestamp, tick: bool) -> Result<(), Died> {
        if now >= self.slow_until {
            match self.log.poll() {
                Progress::Durable(position) => self.take(now, Input::Durable(position))?,
                failed => return Err(Died::Log(format!("{failed:?}"))),
            }
            self.submit_unsent()?;
        }
        if now >= self.next_look {
            self.next_look = now.plus_millis(SPACE_MILLIS);
            self.take(now, Input::Space(Load::of(&self.log_reader.usage())))?;
        }
        if tick || self.engine.next_due().is_some_and(|due| due <= now) {
            self.take(now, Input::Tick(self.boot.reading(now)))?;
        }
        self.take(now, Input::TurnEnded)
    }

    fn submit_unsent(&mut self) -> Result<(), Died> {
        while let Some((position, payload)) = self.unsent.pop_front() {
            match self.log.submit(position, payload) {
                Ok(()) => {}
                Err(SubmitError::Full(payload)) => {
                    self.unsent.push_front((position, payload));
                    return Ok(());
                }
                Err(SubmitError::OutOfSpace { payload, .. }) => {
                    self.happened.out_of_space += 1;
                    self.unsent.push_front((position, payload));
                    return Ok(());
                }
                Err(SubmitError::Dead) => return Err(Died::Log("dead".to_owned())),
                Err(refused) => return Err(Died::Refused(refused.to_string())),
            }
        }
        Ok(())
    }

    /// The reader's thread takes its next job.
    pub(crate) fn do_read(&mut self) {
        let Some((read, bodies)) = self.reads.pop_front() else { return };
        let bodies = bodies
            .into_iter()
            .map(|(message, place)| {
                let body = read_body(&*self.log_reader, &*self.store_reader, message, place.clone());
                self.note_read(place, &body);
                body
            })
            .collect();
        self.read.push_back((read, bodies));
    }

    fn note_read(&mut self, place: BodyPlace, body: &Body) {
        if !matches!(body, Body::Intact(_)) {
            return;
        }
        match place {
            BodyPlace::Log { position, .. } if position < self.log.bounds().first => {
                self.happened.bodies_trimmed_meanwhile += 1;
            }
            BodyPlace::Log { .. } => self.happened.bodies_from_log += 1,
            BodyPlace::Store => self.happened.bodies_from_store += 1,
            BodyPlace::Moved { first, .. } => self.note_read(*first, body),
        }
    }

    /// The engine hears of a read.
    pub(crate) fn hear_of_read(&mut self, now: Timestamp) -> Result<(), Died> {
        let Some((read, bodies)) = self.read.pop_front() else { return Ok(()) };
        self.take(now, Input::Bodies { read, bodies })
    }

    /// The thread that reads backlogs takes its next job.
    pub(crate) fn do_fetch(&mut self) -> Result<(), Died> {
        let Some((fetch, queue, wanted, limit)) = self.fetches.pop_front() else { return Ok(()) };
        let found = self.store_reader.find(queue, &wanted, limit);
        self.fetched.push_back((fetch, found.map_err(|error| Died::Store(error.to_string()))?));
        if matches!(wanted, Wanted::Sends(_)) {
            self.happened.sends_read += 1;
        } else {
            self.happened.backlogs_read += 1;
            self.happened.groups_read += u64::from(matches!(wanted, Wanted::OfGroup(..)));
        }
        Ok(())
    }

    /// The engine hears of what was found of a backlog.
    pub(crate) fn hear_of_fetch(&mut self, now: Timestamp) -> Result<(), Died> {
        let Some((fetch, found)) = self.fetched.pop_front() else { return Ok(()) };
        self.take(now, Input::Fetched { fetch, found })
    }

    /// Until nothing is being read of backlogs.
    pub(crate) fn fetch_all(&mut self, now: Timestamp) -> Result<(), Died> {
        while !self.fetches.is_empty() || !self.fetched.is_empty() {
            self.do_fetch()?;
            self.hear_of_fetch(now)?;
        }
        Ok(())
    }

    /// Until no command waits for messages.
    pub(crate) fn fetch_what_is_needed(&mut self, now: Timestamp) -> Result<(), Died> {
        while self.engine.stats().parked > 0 {
            self.do_fetch()?;
            self.hear_of_fetch(now)?;
        }
        Ok(())
    }

    /// The store was written, and the engine has yet to hear of it.
    pub(crate) fn is_checkpointing(&self) -> bool {
        self.checkpointed.is_some()
    }

    /// Reads end in another order than they began in.
    pub(crate) fn reorder_reads(&mut self, by: usize) {
        if !self.reads.is_empty() {
            let by = by % self.reads.len();
            self.reads.rotate_left(by);
        }
    }

    pub(crate) fn has_reads(&self) -> bool {
        let bodies = !self.reads.is_empty() || !self.read.is_empty();
        bodies || !self.fetches.is_empty() || !self.fetched.is_empty()
    }

    /// Where a checkpoint is due, the checkpoint thread takes it.
    pub(crate) fn checkpoint_if_due(&mut self) -> Result<(), Died> {
        let relief = || self.engine.wants_checkpoint().then(|| self.engine.durable());
        match checkpoint::due(&self.log_reader.usage(), self.engine.durable()).or_else(relief) {
            Some(through) => self.checkpoint(through),
            None => Ok(()),
        }
    }

    /// The checkpoint thread folds everything up to `through` into the store, unless the engine has yet to hear of the
    /// checkpoint before.
    pub(crate) fn checkpoint(&mut self, through: Position) -> Result<(), Died> {
        if self.checkpointed.is_some() {
            return Ok(());
        }
        #[cfg(feature = "simulation")]
        let through = self.planted_through(through)?;
        let reflected = checkpoint::advance(self.store.as_mut(), &*self.log_reader, through)
            .and_then(|reflected| self.store.reclaim(10).map(|_| reflected).map_err(Into::into));
        match reflected {
            Ok(reflected) => {
                self.checkpointed = Some(reflected);
                self.happened.checkpoints += 1;
                Ok(())
            }
            Err(error) if error.is_out_of_space() => Ok(()),
            Err(error) => Err(Died::Checkpoint(error)),
        }
    }

    /// How far a checkpoint reaches with the bugs that are planted around it.
    #[cfg(feature = "simulation")]
    fn planted_through(&mut self, through: Position) -> Result<Position, Died> {
        use millpond_log::planted::{Bug, is_planted};
        if is_planted(Bug::TrimBeforeCheckpoint) {
            self.log.trim(through.next()).map_err(|error| Died::Log(error.to_string()))?;
        }
        let ahead = is_planted(Bug::CheckpointAheadOfDurable);
        Ok(if ahead { self.log.bounds().tail.previous() } else { through })
    }

    /// The engine hears of a checkpoint, and the log is trimmed.
    pub(crate) fn hear_of_checkpoint(&mut self, now: Timestamp) -> Result<(), Died> {
        let Some(reflected) = self.checkpointed.take() else { return Ok(()) };
        self.take(now, Input::Checkpointed { reflected })?;
        let before = self.log.bounds().first;
        self.log.trim(reflected.next()).map_err(|error| Died::Log(error.to_string()))?;
        self.happened.trims += u64::from(self.log.bounds().first > before);
        Ok(())
    }

    /// Turns until nothing is open and nothing is being read.
    pub(crate) fn settle(&mut self, now: Timestamp) -> Result<(), Died> {
        for _ in 0..1_000 {
            self.next_look = Timestamp::EPOCH;
            self.slow_until = Timestamp::EPOCH;
            self.turn(now, false)?;
            self.do_read();
            self.hear_of_read(now)?;
            self.do_fetch()?;
            self.hear_of_fetch(now)?;
            if self.engine.is_settled() && self.unsent.is_empty() && !self.has_reads() {
                return Ok(());
            }
            if !self.unsent.is_empty() {
                self.checkpoint_if_due()?;
                self.hear_of_checkpoint(now)?;
            }
        }
        Err(Died::Refused("it does not settle".to_owned()))
    }

    /// The reply of a request, if it has left.
    pub(crate) fn take_reply(&mut self, request: RequestId) -> Option<Reply> {
        let index = self.replies.iter().position(|(replied, _)| *replied == request)?;
        self.replies.remove(index).map(|(_, reply)| reply)
    }
}
