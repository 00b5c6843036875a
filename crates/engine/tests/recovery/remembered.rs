//! Where remembered sends lie changes nothing: an engine that lets all rest as soon as it can answers as one that keeps all,
//! after every command of random workloads of sends with few names, across checkpoints and restarts, also when several
//! requests are under way together.

use fastrand::Rng;
use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::message::{DeduplicationKey, GroupKey, Sequence};
use millpond_core::outcome::{Accepted, Outcome};
use millpond_core::queue::{AttributePatch, DeduplicationScope};
use millpond_core::time::Timestamp;
use millpond_engine::step::{EngineConfig, EngineStats, Input, RequestId, Wait};
use millpond_log::{MemoryConfig, MemoryLog, MemoryStorage, Position};
use millpond_store::MemoryStore;

use crate::support::service::Service;
use crate::support::{START, create, key, message, outcome, receive_for};

const SEEDS: u64 = 40;
const ROUNDS: u64 = 150;
const QUEUES: [&str; 2] = ["one.fifo", "two.fifo"];

struct Life {
    storage: MemoryStorage,
    store: MemoryStore,
    config: EngineConfig,
    service: Service,
    next_request: u64,
    reads: u64,
    most_at_rest: u64,
}

fn opened(storage: &MemoryStorage, store: &MemoryStore, config: EngineConfig, now: Timestamp) -> Service {
    let log = MemoryLog::open(storage.clone(), MemoryConfig::default());
    Service::open(Box::new(log), Box::new(store.clone()), config, now).unwrap()
}

impl Life {
    /// `restored` is how many a restart leaves in memory.
    fn keeping(sends_in_memory: usize, restored: usize) -> Self {
        let config = EngineConfig {
            batch_bytes: 2_000,
            messages_in_memory: restored,
            sends_in_memory,
            ..EngineConfig::default()
        };
        let (storage, store) = (MemoryStorage::default(), MemoryStore::new());
        let service = opened(&storage, &store, config, START);
        Self { storage, store, config, service, next_request: 0, reads: 0, most_at_rest: 0 }
    }

    /// Asks for something and waits for nothing.
    fn ask(&mut self, now: Timestamp, command: Command) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.service.take(now, Input::Request { request, command, wait: Wait::Secs(0) }).unwrap();
        request
    }

    fn carry(&mut self, now: Timestamp, command: Command) -> Outcome {
        let request = self.ask(now, command);
        self.service.settle(now).unwrap();
        outcome(&self.service.take_reply(request).unwrap()).clone()
    }

    fn stats(&mut self) -> EngineStats {
        let stats = self.service.engine.stats();
        self.most_at_rest = self.most_at_rest.max(stats.sends_at_rest);
        stats
    }

    fn turns(&mut self, now: Timestamp) {
        for _ in 0..8 {
            self.service.turn(now, false).unwrap();
        }
        self.stats();
    }

    fn checkpoint(&mut self, now: Timestamp, through: Position) {
        self.service.checkpoint(through.max(self.service.store.reflected())).unwrap();
        self.service.hear_of_checkpoint(now).unwrap();
        self.turns(now);
    }

    fn restart(&mut self, now: Timestamp) {
        self.reads += self.stats().sends_read;
        self.service = opened(&self.storage, &self.store, self.config, now);
        self.service.settle(now).unwrap();
        self.stats();
    }
}

fn new_message(id: u128, group: u128, name: u128) -> NewMessage {
    let deduplication = Some(SendName::Given(DeduplicationKey(name)));
    NewMessage { group: Some(GroupKey::new(group)), deduplication, ..message(id, b"body", None) }
}

fn send(queue: &str, id: u128, name: u128) -> Command {
    Command::Send { key: key(queue), messages: vec![new_message(id, 1, name)] }
}

fn fifo() -> AttributePatch {
    AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() }
}

struct Workload {
    random: Rng,
    next_id: u128,
}

impl Workload {
    fn next(&mut self) -> Command {
        let queue = QUEUES[self.random.usize(..QUEUES.len())];
        match self.random.u8(..40) {
            0 => Command::PurgeQueue { key: key(queue) },
            1 => Command::DeleteQueue { key: key(queue) },
            2..5 => create(queue, fifo()),
            5 => {
                let scopes = [DeduplicationScope::Queue, DeduplicationScope::MessageGroup];
                let deduplication_scope = Some(scopes[self.random.usize(..2)]);
                let attributes = AttributePatch { deduplication_scope, ..AttributePatch::default() };
                Command::SetQueueAttributes { key: key(queue), attributes: attributes.into() }
            }
            6..9 => receive_for(queue, 5, 10),
            _ => {
                let count = self.random.usize(1..=3);
                let messages = (0..count)
                    .map(|_| {
                        self.next_id += 1;
                        new_message(self.next_id, self.random.u128(..2), self.random.u128(..12))
                    })
                    .collect();
                Command::Send { key: key(queue), messages }
            }
        }
    }
}

/// Several commands at once, answered in any order; the other engine is asked in that order.
fn round(seed: u64, now: Timestamp, workload: &mut Workload, full: &mut Life, spare: &mut Life) {
    let count = workload.random.usize(1..=3);
    let mut asked = Vec::new();
    for _ in 0..count {
        let command = workload.next();
        // Its reply waits for bodies, too, so it tells nothing of the order: it is asked alone.
        let is_receive = matches!(command, Command::Receive { .. });
        if is_receive && !asked.is_empty() {
            continue;
        }
        asked.push((spare.ask(now, command.clone()), command));
        if is_receive {
            break;
        }
        match workload.random.u8(..6) {
            0 => spare.service.do_fetch().unwrap(),
            1 => spare.service.hear_of_fetch(now).unwrap(),
            2 => {
                let durable = spare.service.engine.durable();
                spare.checkpoint(now, durable);
            }
            _ => {}
        }
    }
    spare.service.settle(now).unwrap();
    let replies: Vec<_> = spare.service.replies.drain(..).collect();
    assert_eq!(replies.len(), asked.len(), "seed {seed}: all are answered");
    for (request, reply) in replies {
        let (_, command) = asked.iter().find(|(asked, _)| *asked == request).unwrap();
        let expected = full.carry(now, command.clone());
        assert_eq!(outcome(&reply), &expected, "seed {seed}: {command:?}");
    }
    let numbers = |life: &Life| {
        let queues = life.service.engine.state().queues();
        queues.map(|queue| (queue.record.clone(), queue.messages.len())).collect::<Vec<_>>()
    };
    assert_eq!(numbers(spare), numbers(full), "seed {seed}");
}

fn compare(seed: u64) -> (u64, u64) {
    let mut workload = Workload { random: Rng::with_seed(seed), next_id: 0 };
    let mut full = Life::keeping(usize::MAX, usize::MAX);
    let (in_memory, restored) = [(0, 0), (0, usize::MAX), (5, 0), (20, 3)][seed as usize % 4];
    let mut spare = Life::keeping(in_memory, restored);
    let mut now = START;
    for queue in QUEUES {
        full.carry(now, create(queue, fifo()));
        spare.carry(now, create(queue, fifo()));
    }
    for _ in 0..ROUNDS {
        now = now.plus_millis(match workload.random.u8(..12) {
            0 => workload.random.u64(..200_000),
            1..4 => workload.random.u64(..30_000),
            _ => workload.random.u64(..2_000),
        });
        if workload.random.bool() {
            full.service.turn(now, true).unwrap();
            spare.service.turn(now, true).unwrap();
        }
        round(seed, now, &mut workload, &mut full, &mut spare);
        let durable = spare.service.engine.durable();
        match workload.random.u8(..10) {
            0..4 => spare.checkpoint(now, durable),
            4 => spare.checkpoint(now, Position(workload.random.u64(..=durable.0))),
            5 => {
                full.restart(now);
                spare.restart(now);
            }
            _ => spare.turns(now),
        }
    }
    (spare.reads + spare.stats().sends_read, spare.most_at_rest)
}

#[test]
fn an_engine_that_lets_remembered_sends_rest_answers_as_one_that_keeps_all() {
    let (mut reads, mut at_rest) = (0, 0);
    for seed in 0..SEEDS {
        let (of_seed, most) = compare(seed);
        reads += of_seed;
        at_rest = at_rest.max(most);
    }
    assert!(reads > 1_000 && at_rest > 20, "{reads} reads, {at_rest} sends at rest at most");
}

/// A life in which the send of a name rests, and another one waits for it.
fn with_a_send_that_waits(sent_again_after_secs: u64) -> (Life, Timestamp, Accepted, RequestId) {
    let mut life = Life::keeping(0, 0);
    life.carry(START, create("one.fifo", fifo()));
    let first = accepted(&life.carry(START, send("one.fifo", 1, 77)));
    let durable = life.service.engine.durable();
    life.checkpoint(START, durable);
    let stats = life.stats();
    assert_eq!((stats.sends_in_memory, stats.sends_at_rest), (0, 1));
    let now = START.plus_secs(sent_again_after_secs);
    let waits = life.ask(now, send("one.fifo", 2, 77));
    assert_eq!(life.stats().parked, 1, "the row must be read first");
    (life, now, first, waits)
}

fn accepted(outcome: &Outcome) -> Accepted {
    let Outcome::Sent(results) = outcome else { panic!("{outcome:?}") };
    results[0].clone().unwrap()
}

fn answered(life: &mut Life, now: Timestamp, request: RequestId) -> Accepted {
    life.service.settle(now).unwrap();
    accepted(outcome(&life.service.take_reply(request).unwrap()))
}

#[test]
fn a_send_that_repeats_one_at_rest_is_answered_as_that_one() {
    let (mut life, now, first, waits) = with_a_send_that_waits(299);
    assert_eq!(answered(&mut life, now, waits), first);
}

#[test]
fn others_go_on_while_a_send_waits() {
    let (mut life, now, _, waits) = with_a_send_that_waits(1);
    let other = life.ask(now, send("one.fifo", 3, 78));
    life.service.turn(now, false).unwrap();
    life.service.turn(now, false).unwrap();
    assert!(life.service.take_reply(other).is_some() && life.service.take_reply(waits).is_none());
}

#[test]
fn a_send_that_waited_through_a_purge_repeats_nothing() {
    for hears_before in [true, false] {
        let (mut life, now, _, waits) = with_a_send_that_waits(1);
        if hears_before {
            life.service.do_fetch().unwrap();
        }
        let purge = life.ask(now, Command::PurgeQueue { key: key("one.fifo") });
        life.service.turn(now, false).unwrap();
        life.service.turn(now, false).unwrap();
        assert!(life.service.take_reply(purge).is_some(), "a purge waits for no send");
        let durable = life.service.engine.durable();
        life.checkpoint(now, durable);
        assert_eq!(answered(&mut life, now, waits).sequence, Sequence(2), "it is accepted as a new one");
    }
}

#[test]
fn a_send_that_waited_repeats_one_that_was_accepted_meanwhile() {
    let (mut life, now, first, waits) = with_a_send_that_waits(299);
    // Five minutes have passed: this one needs nothing that rests.
    let later = now.plus_secs(2);
    let next = life.carry_without_reads(later, send("one.fifo", 3, 77));
    assert_ne!(next, first);
    assert_eq!(answered(&mut life, later, waits), next);
}

#[test]
fn a_restart_leaves_remembered_sends_at_rest() {
    let (mut life, now, first, _) = with_a_send_that_waits(10);
    life.restart(now);
    let stats = life.stats();
    assert_eq!((stats.sends_in_memory, stats.sends_at_rest), (0, 1));
    assert_eq!(accepted(&life.carry(now, send("one.fifo", 3, 77))), first);
    assert_eq!(accepted(&life.carry(now, send("one.fifo", 4, 78))).sequence, Sequence(2));
}

impl Life {
    fn carry_without_reads(&mut self, now: Timestamp, command: Command) -> Accepted {
        let request = self.ask(now, command);
        self.service.turn(now, false).unwrap();
        self.service.turn(now, false).unwrap();
        accepted(outcome(&self.service.take_reply(request).expect("it waits for nothing")))
    }
}
