//! Live state equals recovered state after every command of random workloads, whatever part of it is in the store,
//! and both go on with equal outcomes.

use millpond_core::command::Command;
use millpond_core::decide::decide;
use millpond_core::outcome::Outcome;
use millpond_core::state::State;
use millpond_core::time::Timestamp;
use millpond_engine::recovery::{Recovered, recover};
use millpond_engine::step::{Engine, EngineConfig, Input, Output, Reply, RequestId, Wait};
use millpond_log::{Log, MemoryConfig, MemoryLog, MemoryStorage, Position};
use millpond_store::MemoryStore;

use crate::support::service::Service;
use crate::support::workload::Workload;
use crate::support::{START, outcome};

const SEEDS: u64 = 24;
const COMMANDS: usize = 120;

/// Batches of random length: a turn ends after each command or after a few.
fn config() -> EngineConfig {
    EngineConfig { cache_bytes: 500, batch_bytes: 2_000, ..EngineConfig::default() }
}

struct Life {
    storage: MemoryStorage,
    store: MemoryStore,
    service: Service,
    now: Timestamp,
    next_request: u64,
}

impl Life {
    fn new() -> Self {
        let (storage, store) = (MemoryStorage::default(), MemoryStore::new());
        let log = MemoryLog::open(storage.clone(), MemoryConfig::default());
        let service = Service::open(Box::new(log), Box::new(store.clone()), config(), START).unwrap();
        Self { storage, store, service, now: START, next_request: 1 }
    }

    fn carry(&mut self, command: Command) -> Outcome {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        let command = Input::Request { request, command, wait: Wait::Secs(0) };
        self.service.take(self.now, command).unwrap();
        self.service.settle(self.now).unwrap();
        let reply = self.service.take_reply(request).unwrap();
        outcome(&reply).clone()
    }

    /// What a restart would bring back now, while this life goes on.
    fn recovered(&self) -> Recovered {
        recover(&mut copy_of(&self.service), &self.store).unwrap()
    }
}

/// A log with the same batches, for recovery beside a life that goes on.
fn copy_of(service: &Service) -> MemoryLog {
    let mut copy = MemoryLog::open(MemoryStorage::default(), MemoryConfig::default());
    // Positions are dense from 1: what was trimmed is filled with empty batches, which no one reads.
    for position in (1..service.log.bounds().tail.0).map(Position) {
        let payload = service.log_reader.read(position).unwrap_or_default();
        copy.submit(position, payload).unwrap();
    }
    copy.poll();
    copy
}

#[test]
fn live_and_recovered_states_are_equal_after_every_command() {
    let mut moves = 0;
    for seed in 0..SEEDS {
        let mut workload = Workload::new(seed);
        let mut random = fastrand::Rng::with_seed(seed ^ 0xc0ffee);
        let mut life = Life::new();
        for step in 0..COMMANDS {
            life.now = life.now.plus_millis(workload.millis_until_next());
            let command = workload.next();
            let outcome = life.carry(command.clone());
            workload.learn(&command, &outcome);
            if random.u8(..6) == 0 {
                let durable = life.service.engine.durable();
                let through = Position(random.u64(life.service.store.reflected().0..=durable.0));
                life.service.checkpoint(through).unwrap();
                life.service.hear_of_checkpoint(life.now).unwrap();
            }
            let recovered = life.recovered();
            assert_eq!(
                recovered.state.digest(),
                life.service.engine.state().digest(),
                "seed {seed}, after command {step}: {command:?}"
            );
            assert_eq!(recovered.through, life.service.engine.durable());
        }
        assert!(life.service.happened.trims > 0, "seed {seed} never trimmed");
        moves += life.service.engine.state().instance().moves;
    }
    assert!(moves > 20, "move tasks have moved {moves} messages only");
}

/// Decides commands on a state alone, events applied at once.
fn go_on(state: &mut State, now: Timestamp, command: Command) -> Outcome {
    for queue in state.queues().map(|queue| queue.record.id).collect::<Vec<_>>() {
        while state.settle(queue, now, 1_000) {}
    }
    let (events, outcome) = decide(state, now, command);
    state.apply(now, &events).unwrap();
    outcome
}

#[test]
fn live_and_recovered_states_go_on_with_equal_outcomes() {
    for seed in 0..SEEDS {
        let mut workload = Workload::new(seed).without_fair_queues();
        let mut life = Life::new();
        for step in 0..COMMANDS {
            life.now = life.now.plus_millis(workload.millis_until_next());
            let command = workload.next();
            let outcome = life.carry(command.clone());
            workload.learn(&command, &outcome);
            if step % 30 == 10 {
                let through = Position(life.service.engine.durable().0 * 2 / 3);
                life.service.checkpoint(through.max(life.service.store.reflected())).unwrap();
                life.service.hear_of_checkpoint(life.now).unwrap();
            }
        }
        let mut live = life.service.engine.state().clone();
        let mut back = life.recovered().state;
        let mut now = life.now;
        for step in 0..200 {
            now = now.plus_millis(workload.millis_until_next());
            let command = workload.next();
            let outcome = go_on(&mut live, now, command.clone());
            assert_eq!(go_on(&mut back, now, command.clone()), outcome, "seed {seed}, {step}: {command:?}");
            workload.learn(&command, &outcome);
        }
        assert_eq!(live.digest(), back.digest());
    }
}

/// Steps an engine without log: everything it appends is durable at once. Bodies are not looked at.
fn step(engine: &mut Engine, now: Timestamp, request: u64, command: Command) -> Option<Outcome> {
    let mut replies = Vec::new();
    let request = RequestId(request);
    let mut inputs = vec![Input::TurnEnded, Input::Request { request, command, wait: Wait::Secs(0) }];
    while let Some(input) = inputs.pop() {
        let mut out = Vec::new();
        engine.step(now, input, &mut out);
        for output in out {
            match output {
                Output::Append { position, .. } => inputs.push(Input::Durable(position)),
                Output::Reply { reply, .. } => replies.push(reply),
                Output::Read { .. } | Output::Fetch { .. } | Output::Quarantined { .. } => {}
            }
        }
    }
    replies.pop().map(|reply| match reply {
        Reply::Done { outcome, .. } => outcome,
        Reply::Denied(denied) => panic!("{denied}"),
    })
}

#[test]
fn a_reborn_engine_answers_as_the_one_before_would_have() {
    for seed in 0..SEEDS {
        let mut workload = Workload::new(seed + 1_000);
        let mut life = Life::new();
        for _ in 0..COMMANDS {
            life.now = life.now.plus_millis(workload.millis_until_next());
            let command = workload.next();
            let outcome = life.carry(command.clone());
            workload.learn(&command, &outcome);
        }
        // It does not note that it begins: that would be one event more than the other has.
        let mut engine = Engine::new(config(), life.recovered());
        for number in 0..100 {
            let now = life.now.plus_millis(number * 9);
            let command = workload.next();
            if matches!(command, Command::Receive { .. }) {
                continue;
            }
            let reborn = step(&mut engine, now, 100_000 + number, command.clone());
            let live = step(&mut life.service.engine, now, 100_000 + number, command.clone());
            assert_eq!(reborn, live, "seed {seed}: {command:?}");
        }
        assert_eq!(engine.state().digest(), life.service.engine.state().digest());
    }
}

#[test]
fn a_restart_in_the_middle_of_everything_brings_back_what_was_durable() {
    for seed in 0..SEEDS {
        let mut workload = Workload::new(seed + 2_000);
        let mut life = Life::new();
        for step in 0..COMMANDS as u64 {
            life.now = life.now.plus_millis(workload.millis_until_next());
            let command = workload.next();
            if step % 10 == 9 {
                // Submitted and not polled: gone, as after a power cut.
                let before = life.service.engine.state().digest();
                let request = RequestId(1_000_000 + step);
                let input = Input::Request { request, command, wait: Wait::Secs(0) };
                life.service.take(life.now, input).unwrap();
                life.service.take(life.now, Input::TurnEnded).unwrap();
                let mut log = MemoryLog::open(life.storage.clone(), MemoryConfig::default());
                let store = Box::new(life.store.clone());
                let recovered = recover(&mut log, store.as_ref()).unwrap();
                assert_eq!(recovered.state.digest(), before, "seed {seed}, step {step}");
                life.service = Service::open(Box::new(log), store, config(), life.now).unwrap();
                life.service.settle(life.now).unwrap();
                continue;
            }
            let outcome = life.carry(command.clone());
            workload.learn(&command, &outcome);
        }
    }
}
