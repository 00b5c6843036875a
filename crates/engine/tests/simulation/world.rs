//! One simulated run: a service on a hostile disk, clients, faults and time, all drawn from one seed.
//!
//! The service is driven as the driver drives it, without threads: in each step one thing happens, so every
//! interleaving is as likely as its seed.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::sync::Arc;

use fastrand::Rng;
use millpond_core::time::Timestamp;
use millpond_engine::checkpoint;
use millpond_engine::recovery::recover;
use millpond_engine::step::{EngineConfig, Input};
use millpond_log::{Disk, FaultyDisk, Log, LogConfig, LogId, Position, SegmentLog};
use millpond_store::{RedbConfig, RedbStore, Store};

use crate::clients::{Clients, QUEUES};
use crate::marks::Marks;
use crate::oracle::{Broken, Oracle};
use crate::planted::{Bug, EagerReader, PlantedDisk, PlantedLog, Submitted};
use crate::support::service::{Died, Service};
use crate::support::{START, reading};

const STEPS: u64 = 350;
const SEGMENT_BYTES: u64 = 8 << 10;

/// Why a step did not end well.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The service is dead: whether it may be depends on the faults.
    Died(Died),
    /// A promise was broken.
    Broken(Broken),
}

impl From<Broken> for Halt {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// What a service stands on.
type Parts = (Box<dyn Log>, Box<dyn Store>);

/// What a run has come to.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) marks: Marks,
    pub(crate) trace: u64,
    pub(crate) broken: Option<Broken>,
}

pub(crate) struct World {
    pub(crate) random: Rng,
    pub(crate) now: Timestamp,
    pub(crate) oracle: Oracle,
    pub(crate) clients: Clients,
    pub(crate) marks: Marks,
    pub(crate) bug: Option<Bug>,
    /// Counts the lives of the service.
    pub(crate) life: u64,
    /// There are no faults any more, so nothing may be refused.
    pub(crate) at_peace: bool,
    disk: FaultyDisk,
    service: Option<Service>,
    config: EngineConfig,
    submitted: Submitted,
    trace: DefaultHasher,
    /// Disk calls that are to fail.
    failing_calls: Vec<u64>,
    /// The disk is full until this step.
    full_until: Option<u64>,
}

/// Runs one seed to its end.
pub(crate) fn run(seed: u64, bug: Option<Bug>) -> Report {
    let mut world = World::new(seed, bug);
    let broken = world.live().err();
    Report { marks: world.marks, trace: world.trace.finish(), broken }
}

impl World {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut random = Rng::with_seed(seed);
        let cache_bytes = [0, 300, 3_000][random.usize(..3)];
        Self {
            now: START,
            oracle: Oracle::default(),
            clients: Clients::default(),
            marks: Marks::default(),
            bug,
            life: 0,
            at_peace: false,
            disk: FaultyDisk::new(random.u64(..)),
            service: None,
            config: EngineConfig { cache_bytes, batch_bytes: 1_500, ..EngineConfig::default() },
            submitted: Submitted::default(),
            trace: DefaultHasher::new(),
            failing_calls: Vec::new(),
            full_until: None,
            random,
        }
    }

    fn live(&mut self) -> Result<(), Broken> {
        self.reopen()?;
        for step in 0..STEPS {
            let done = self.something_happens(step).and_then(|()| self.hear());
            self.count();
            match done {
                Ok(()) => {}
                Err(Halt::Broken(broken)) => return Err(format!("in step {step}: {broken}")),
                Err(Halt::Died(died)) => self.bury(&died)?,
            }
        }
        self.audit().map_err(|halt| match halt {
            Halt::Broken(broken) => format!("in the audit: {broken}"),
            Halt::Died(died) => format!("the service died in the audit: {died:?}"),
        })
    }

    pub(crate) fn service(&mut self) -> &mut Service {
        self.service.as_mut().expect("between two steps there is a service")
    }

    /// Makes something part of the trace.
    pub(crate) fn note(&mut self, what: &impl Debug) {
        format!("{what:?}").hash(&mut self.trace);
    }

    fn something_happens(&mut self, step: u64) -> Result<(), Halt> {
        if self.full_until.is_some_and(|until| until <= step) {
            self.full_until = None;
            self.disk.set_capacity_bytes(None);
        }
        let now = self.now;
        match self.random.u32(..1_000) {
            0..450 => self.ask_something(),
            450..720 => self.turn(),
            720..800 => {
                let millis = if self.random.u8(..10) == 0 { 30_000 } else { 2_000 };
                self.now = now.plus_millis(self.random.u64(..millis));
                Ok(())
            }
            800..860 => {
                self.service().do_read();
                Ok(())
            }
            860..910 => self.service().hear_of_read(now).map_err(Halt::Died),
            910..940 => self.checkpoint(),
            940..965 => self.service().hear_of_checkpoint(now).map_err(Halt::Died),
            965..975 => self.close_one(),
            975..992 => {
                self.plan_fault(step);
                Ok(())
            }
            992..996 => Ok(self.crash()?),
            _ => self.restart(),
        }
    }

    /// One turn of the driver, after which no reply may be missing.
    fn turn(&mut self) -> Result<(), Halt> {
        let (now, tick) = (self.now, self.random.u8(..4) == 0);
        self.service().turn(now, tick).map_err(Halt::Died)?;
        self.hear()?;
        let service = self.service();
        let settled = service.engine.is_settled() && service.unsent.is_empty() && !service.has_reads();
        let waiters = service.engine.stats().waiters;
        if settled && self.clients.asked.len() != waiters {
            let asked = &self.clients.asked;
            return Err(Halt::Broken(format!("{waiters} wait, yet these have no reply: {asked:?}")));
        }
        let overdue = |until: Timestamp| until <= now;
        if settled && self.clients.asked.values().filter_map(|asked| asked.parked_until).any(overdue) {
            return Err(Halt::Broken("a long poll has no reply at its deadline".to_owned()));
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), Halt> {
        let (bug, submitted) = (self.bug, self.submitted.clone());
        let anywhere = self.random.u8(..4) == 0;
        let share = self.random.u64(..=4);
        let service = self.service();
        let durable = service.engine.durable();
        match bug {
            Some(Bug::CheckpointAheadOfDurable) => {
                let through = service.log.bounds().tail.previous();
                let eager = EagerReader { inner: service.log_reader.clone(), submitted };
                let ahead = checkpoint::advance(service.store.as_mut(), &eager, through);
                return ahead.map(drop).map_err(|error| Halt::Died(Died::Checkpoint(error)));
            }
            Some(Bug::TrimmedBeforeCheckpoint) => {
                let trimmed = service.log.trim(durable.next());
                trimmed.map_err(|error| Halt::Died(Died::Log(error.to_string())))?;
                return Ok(());
            }
            _ => {}
        }
        let full = self.full_until.is_some();
        let service = self.service();
        let before = service.happened.checkpoints;
        let (first, last) = (service.store.reflected().0, durable.0);
        let taken = if anywhere {
            service.checkpoint(Position(first + (last - first) * share / 4))
        } else {
            service.checkpoint_if_due()
        };
        let was_taken = service.happened.checkpoints > before;
        if taken.is_ok() && !was_taken && full && anywhere {
            self.marks.fire("a checkpoint waited for space");
        }
        if taken.is_err() && self.disk.is_down() {
            self.marks.fire("a crash hit a checkpoint");
        }
        taken.map_err(Halt::Died)
    }

    fn plan_fault(&mut self, step: u64) {
        let calls = self.disk.calls();
        match self.random.u8(..10) {
            0..5 => self.disk.cut_at_call(calls + self.random.u64(1..=30)),
            5..7 => {
                let call = calls + self.random.u64(1..=8);
                self.failing_calls.push(call);
                self.disk.fail_call(call, ErrorKind::Other);
            }
            _ => {
                let room_bytes = self.random.u64(..2 * SEGMENT_BYTES);
                self.disk.set_capacity_bytes(Some(self.disk.used_bytes() + room_bytes));
                self.full_until = Some(step + self.random.u64(40..200));
            }
        }
    }

    /// A dead service is restarted, if a fault explains its death.
    fn bury(&mut self, died: &Died) -> Result<(), Broken> {
        self.note(died);
        let call_failed = self.failing_calls.iter().any(|call| *call <= self.disk.calls());
        let full = self.full_until.is_some() && matches!(died, Died::Checkpoint(_));
        if call_failed {
            self.marks.fire("a call failed and the service died");
        } else if !self.disk.is_down() && !full {
            return Err(format!("the service died without a fault: {died:?}"));
        }
        self.crash()
    }

    /// The power goes, or the process is killed.
    fn crash(&mut self) -> Result<(), Broken> {
        if self.random.bool() || self.disk.is_down() {
            self.marks.fire("a power cut");
            self.disk.power_cut();
        } else {
            self.marks.fire("a process kill");
            self.disk.kill();
        }
        self.failing_calls.clear();
        // Whoever waits for a reply will never know.
        self.clients.asked.clear();
        self.reopen()
    }

    /// A stop as an operator asks for it. Nothing is lost, and no one is left without a reply.
    fn restart(&mut self) -> Result<(), Halt> {
        let now = self.now;
        let waited = self.clients.asked.values().any(|asked| asked.parked_until.is_some());
        self.service().take(now, Input::Stopping(reading(now))).map_err(Halt::Died)?;
        if self.full_until.take().is_some() {
            self.disk.set_capacity_bytes(None);
        }
        for _ in 0..3 {
            self.service().settle(now).map_err(Halt::Died)?;
            self.hear()?;
        }
        if !self.clients.asked.is_empty() {
            return Err(Halt::Broken(format!("after a stop: no reply to {:?}", self.clients.asked)));
        }
        if waited {
            self.marks.fire("a graceful stop answered a waiting receive");
        }
        let digest = self.service().engine.state().digest();
        self.service = None;
        self.failing_calls.clear();
        self.disk.kill();
        let (mut log, store) = self.open_parts().map_err(Halt::Broken)?;
        let recovered = recover(log.as_mut(), store.as_ref()).map_err(|error| error.to_string())?;
        if recovered.state.digest() != digest && self.bug.is_none() {
            return Err(Halt::Broken("after a stop: the state that came back is another".to_owned()));
        }
        drop((log, store));
        Ok(self.reopen()?)
    }

    fn open_parts(&mut self) -> Result<Parts, Broken> {
        let mut disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        if let Some(bug @ (Bug::DirectoryNotSynced | Bug::FailedSyncRetried)) = self.bug {
            disk = Arc::new(PlantedDisk { inner: disk, bug });
        }
        let config = LogConfig {
            segment_bytes: SEGMENT_BYTES,
            budget_bytes: 8 * SEGMENT_BYTES,
            block_bytes: 512,
            ready_segments: 1,
            recycled_segments_max: 2,
            in_flight_max_bytes: 6 << 10,
            ..LogConfig::default()
        };
        let (log, report) = SegmentLog::open_inline(disk.clone(), config, LogId([5; 16]))
            .map_err(|error| error.to_string())?;
        let store = RedbStore::open(disk, RedbConfig { cache_bytes: 16 << 10, ..RedbConfig::default() })
            .map_err(|error| error.to_string())?;
        if report.torn.is_some() {
            self.marks.fire("a torn end was cut");
        }
        let mut log: Box<dyn Log> = Box::new(log);
        if let Some(bug) = self.bug {
            self.submitted.lock().unwrap().clear();
            log = Box::new(PlantedLog { inner: log, bug, polls: 0, submitted: self.submitted.clone() });
        }
        Ok((log, Box::new(store)))
    }

    /// The service comes up again, through crashes on the way.
    fn reopen(&mut self) -> Result<(), Broken> {
        self.service = None;
        self.life += 1;
        let downtime_millis = if self.random.u8(..5) == 0 { 90_000 } else { 2_000 };
        self.now = self.now.plus_millis(self.random.u64(..downtime_millis));
        for attempt in 0.. {
            if attempt < 3 && self.random.u8(..3) == 0 {
                self.disk.cut_at_call(self.disk.calls() + self.random.u64(1..=40));
            }
            let opened = self.open_parts().and_then(|(log, store)| {
                Service::open(log, store, self.config, self.now).map_err(|error| error.to_string())
            });
            match opened {
                Ok(service) => {
                    self.service = Some(service);
                    break;
                }
                Err(_) if self.disk.is_down() => {
                    self.marks.fire("a crash hit a recovery");
                    self.disk.power_cut();
                }
                Err(_) if self.full_until.take().is_some() => self.disk.set_capacity_bytes(None),
                Err(error) => return Err(format!("it can't be opened again: {error}")),
            }
        }
        if self.oracle.leases(self.now) > 0 {
            self.marks.fire("a restart kept a lease");
        }
        Ok(())
    }

    /// Everything that is owed must be handed out now, and nothing that is gone.
    fn audit(&mut self) -> Result<(), Halt> {
        self.full_until = None;
        self.disk.set_capacity_bytes(None);
        self.crash()?;
        // A crash that was planned for the recovery and did not come must not come now.
        self.disk.kill();
        self.service = None;
        self.reopen_in_peace()?;
        self.now = self.now.plus_secs(200);
        let unanswered: Vec<u128> =
            self.oracle.messages.keys().copied().filter(|id| !self.oracle.is_promised(*id)).collect();
        let owed: Vec<u128> = self.oracle.owed(self.now).collect();
        let before = self.clients.take_handed_out();
        self.drain()?;
        if let Some(lost) = owed.iter().find(|id| !self.was_handed_out(**id)) {
            return Err(Halt::Broken(format!("message {lost} is lost")));
        }
        for id in unanswered.into_iter().filter(|id| !before.contains_key(id)) {
            let is_there = self.was_handed_out(id);
            let mark =
                if is_there { "an unanswered send is there" } else { "an unanswered send is not there" };
            self.marks.fire(mark);
        }
        self.delete_all()?;
        self.settle()?;
        self.disk.power_cut();
        self.reopen_in_peace()?;
        self.now = self.now.plus_secs(2_000);
        self.drain()
    }

    fn reopen_in_peace(&mut self) -> Result<(), Broken> {
        self.service = None;
        self.life += 1;
        let (log, store) = self.open_parts()?;
        let service = Service::open(log, store, self.config, self.now).map_err(|error| error.to_string())?;
        self.service = Some(service);
        self.at_peace = true;
        Ok(())
    }

    /// All is answered, and the log has what room a checkpoint can make.
    fn settle(&mut self) -> Result<(), Halt> {
        let now = self.now;
        let service = self.service();
        service
            .settle(now)
            .and_then(|()| service.checkpoint_if_due())
            .and_then(|()| service.hear_of_checkpoint(now))
            .map_err(Halt::Died)?;
        self.hear()
    }

    /// Receives until there is nothing any more.
    fn drain(&mut self) -> Result<(), Halt> {
        for queue in 0..QUEUES.len() {
            self.describe(queue)?;
            self.settle()?;
            // Some receives lose their connection, so there are more of them than would do.
            for _ in 0..60 {
                self.receive_with(queue, 10, 1_000, 0)?;
                self.settle()?;
            }
        }
        self.count();
        Ok(())
    }

    /// Takes over what the service has counted.
    fn count(&mut self) {
        let Some(service) = &mut self.service else { return };
        let happened = std::mem::take(&mut service.happened);
        for (mark, count) in [
            ("a batch went early because it was large", happened.large_batches),
            ("a body was read from the log", happened.bodies_from_log),
            ("a body was read from the store", happened.bodies_from_store),
            ("a body's batch was trimmed before it was read", happened.bodies_trimmed_meanwhile),
            ("a checkpoint was taken", happened.checkpoints),
            ("an idle note", happened.idle_notes),
            ("the disk was full for the log", happened.out_of_space),
            ("the log was trimmed", happened.trims),
        ] {
            self.marks.add(mark, count);
        }
    }
}
