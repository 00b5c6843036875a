//! One simulated run: a service on a hostile disk, clients, faults and time, all drawn from one seed.
//!
//! The service is driven as the driver drives it, without threads: in each step one thing happens, so every
//! interleaving is as likely as its seed.

mod audit;
mod faults;
mod machine;
mod mood;
mod opening;

use std::collections::BTreeMap;
use std::fmt::Debug;

use fastrand::Rng;
use millpond_core::state::Queue;
use millpond_core::time::Timestamp;
use millpond_engine::step::{EngineConfig, Input};
use millpond_log::{FaultyDisk, Position};

use crate::clients::Clients;
use crate::invariants;
use crate::marks::Marks;
use crate::oracle::{Broken, Oracle};
use crate::support::START;
use crate::support::service::{Died, Service};
use crate::topology::engine_config;
use crate::trace::Trace;

pub(crate) use faults::FAULTS;
use faults::Faults;
use machine::Machine;
use mood::Mood;

/// Why a step did not end well.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The service is dead: whether it may be depends on the faults.
    Died(Died),
    /// A promise was broken.
    Broken(Broken),
    /// A fault has come to an end that is allowed and after which nothing is promised.
    Over,
}

impl From<Broken> for Halt {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// What a run has come to.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) marks: Marks,
    pub(crate) trace: u64,
    /// Requests that clients made.
    pub(crate) operations: u64,
    pub(crate) broken: Option<Broken>,
}

/// How a run is watched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    /// The trace is printed.
    pub(crate) trace: bool,
    /// Only what clients see is checked, and not the state: to prove what the oracle is worth.
    pub(crate) oracle_only: bool,
}

pub(crate) struct World {
    pub(crate) random: Rng,
    pub(crate) mood: Mood,
    /// The time of the service.
    pub(crate) now: Timestamp,
    pub(crate) machine: Machine,
    pub(crate) oracle: Oracle,
    pub(crate) clients: Clients,
    pub(crate) marks: Marks,
    /// Starts of the service so far.
    pub(crate) life: u64,
    /// No more faults: nothing may be refused.
    pub(crate) at_peace: bool,
    watch: Watch,
    step: u64,
    disk: FaultyDisk,
    service: Option<Service>,
    config: EngineConfig,
    faults: Faults,
    /// The state at the end of each batch, where that is known.
    digests: BTreeMap<Position, Option<u64>>,
    trace: Trace,
}

/// Runs one seed to its end.
pub(crate) fn run(seed: u64, watch: Watch) -> Report {
    let mut world = World::new(seed, watch);
    let broken = match world.live() {
        Ok(()) | Err(Halt::Over) => None,
        Err(Halt::Broken(broken)) => Some(format!("in step {}: {broken}", world.step)),
        Err(Halt::Died(died)) => Some(format!("in step {}: the service died: {died:?}", world.step)),
    };
    let operations = world.clients.requests();
    Report { marks: world.marks, trace: world.trace.finish(), operations, broken }
}

impl World {
    fn new(seed: u64, watch: Watch) -> Self {
        let mut random = Rng::with_seed(seed);
        let mood = Mood::draw(&mut random);
        Self {
            now: START,
            machine: Machine::default(),
            oracle: Oracle::default(),
            clients: Clients::default(),
            marks: Marks::default(),
            life: 0,
            at_peace: false,
            watch,
            step: 0,
            disk: FaultyDisk::new(random.u64(..)),
            service: None,
            config: engine_config(&mut random, mood.has_quotas),
            faults: Faults::default(),
            digests: BTreeMap::new(),
            trace: Trace::new(watch.trace),
            mood,
            random,
        }
    }

    fn live(&mut self) -> Result<(), Halt> {
        self.reopen()?;
        for step in 1..=self.mood.steps {
            self.step = step;
            let done = self.something_happens().and_then(|()| self.hear());
            self.count();
            match done {
                Ok(()) => {}
                Err(Halt::Died(died)) => self.bury(&died)?,
                Err(end) => return Err(end),
            }
        }
        self.audit()
    }

    pub(crate) fn service(&mut self) -> &mut Service {
        self.service.as_mut().expect("between two steps there is a service")
    }

    /// Makes something part of the trace.
    pub(crate) fn note(&mut self, what: &dyn Debug) {
        self.trace.note(self.step, what);
    }

    /// Time passes for the service and its machine.
    fn pass(&mut self, millis: u64) {
        self.now = self.now.plus_millis(millis);
        self.machine.pass(millis);
    }

    fn something_happens(&mut self) -> Result<(), Halt> {
        if self.is_dark() {
            return self.crash();
        }
        self.end_faults();
        let now = self.now;
        if self.random.u32(..10_000) < self.mood.faults {
            self.plan_fault();
            return Ok(());
        }
        match self.random.u32(..1_000) {
            0..470 => self.ask_something(),
            470..740 => self.turn(),
            740..820 => {
                let longest = if self.random.u8(..10) == 0 { 30_000 } else { 2_000 };
                let millis = self.random.u64(..longest * self.mood.haste);
                self.pass(millis);
                Ok(())
            }
            820..875 => {
                let by = self.random.usize(..3);
                self.service().reorder_reads(by);
                self.service().do_read();
                if self.random.bool() { self.service().do_fetch().map_err(Halt::Died) } else { Ok(()) }
            }
            875..900 => self.service().hear_of_read(now).map_err(Halt::Died),
            900..920 => self.service().hear_of_fetch(now).map_err(Halt::Died),
            920..945 => self.checkpoint(),
            945..970 => self.service().hear_of_checkpoint(now).map_err(Halt::Died),
            970..980 => self.close_one(),
            980..994 => self.check_state(),
            994..996 => self.crash(),
            _ => self.restart(),
        }
    }

    /// What has expired is dropped: of messages at rest that takes a tick, and until then they are counted.
    pub(crate) fn expire_at_rest(&mut self) -> Result<(), Halt> {
        if self.holds_all() {
            return Ok(());
        }
        let now = self.now;
        let reading = self.machine.boot.reading(now);
        let service = self.service();
        service.take(now, Input::Tick(reading)).map_err(Halt::Died)?;
        service.fetch_all(now).map_err(Halt::Died)?;
        self.hear()
    }

    /// One turn of the driver, after which no reply may be missing.
    fn turn(&mut self) -> Result<(), Halt> {
        let (now, tick) = (self.now, self.random.u8(..4) == 0);
        if self.mood.is_slow && self.random.u8(..8) == 0 {
            self.service().slow_until = now.plus_millis(self.random.clone().u64(1..3_000));
        }
        self.service().turn(now, tick).map_err(Halt::Died)?;
        self.hear()?;
        if self.is_dark() {
            return Ok(());
        }
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

    /// The operator hears of damage before anyone can miss a message.
    pub(crate) fn note_quarantined(&mut self) {
        let damaged = self.service.as_mut().map(|service| std::mem::take(&mut service.quarantined));
        let damaged = damaged.unwrap_or_default();
        for message in damaged {
            self.note(&("quarantined", message));
            self.marks.fire("a damaged message was taken out");
            self.oracle.quarantined();
        }
    }

    fn checkpoint(&mut self) -> Result<(), Halt> {
        let anywhere = self.random.u8(..4) == 0;
        let share = self.random.u64(..=4);
        let full = self.faults.is_full();
        let service = self.service();
        let before = service.happened.checkpoints;
        let (first, last) = (service.store.reflected().0, service.engine.durable().0);
        let taken = if anywhere {
            service.checkpoint(Position(first + (last - first) * share / 4))
        } else {
            service.checkpoint_if_due()
        };
        let was_taken = service.happened.checkpoints > before;
        if taken.is_ok() && !was_taken && full && anywhere {
            self.marks.fire("a full disk made a checkpoint wait");
        }
        if taken.is_err() && self.disk.is_down() {
            self.marks.fire("a crash hit a checkpoint");
        }
        taken.map_err(Halt::Died)
    }

    /// What must be true of the state, whatever anybody was promised.
    fn check_state(&mut self) -> Result<(), Halt> {
        if self.watch.oracle_only {
            return Ok(());
        }
        invariants::check(self.service().engine.state()).map_err(Halt::Broken)
    }

    /// Takes over what the service has counted.
    fn count(&mut self) {
        let Some(service) = &mut self.service else { return };
        self.digests.extend(service.digests.drain(..));
        let happened = std::mem::take(&mut service.happened);
        let rests = |queue: &&Queue| queue.messages.resting().is_some_and(|resting| resting.messages() > 0);
        let resting: Vec<&Queue> = service.engine.state().queues().filter(rests).collect();
        let count = |is_it: fn(&&&Queue) -> bool| resting.iter().filter(is_it).count() as u64;
        let clock = service.engine.state().clock();
        let in_groups = resting.iter().filter(|queue| queue.messages.fair_counts(clock).is_some()).count();
        let stats = service.engine.stats();
        for (mark, count) in [
            ("a batch went early because it was large", happened.large_batches),
            ("a body was read from the log", happened.bodies_from_log),
            ("a body was read from the store", happened.bodies_from_store),
            ("a body's batch was trimmed before it was read", happened.bodies_trimmed_meanwhile),
            ("a checkpoint was taken", happened.checkpoints),
            ("a backlog was read", happened.backlogs_read),
            ("a send needed a remembered one at rest", happened.sends_read),
            ("an idle note", happened.idle_notes),
            ("the disk was full for the log", happened.out_of_space),
            ("the log was trimmed", happened.trims),
            ("messages of a FIFO queue rest in the store", count(|queue| queue.messages.fifo().is_some())),
            ("messages of groups of a standard queue rest in the store", in_groups as u64),
            ("messages rest in the store", resting.len() as u64),
            ("more was read of a group that a window had passed over", happened.groups_read),
            ("remembered sends rest in the store", stats.sends_at_rest.min(1)),
        ] {
            self.marks.add(mark, count);
        }
    }
}
