//! Where messages lie changes nothing: an engine that keeps next to none in memory answers as one that keeps all, after
//! every command of random workloads, across checkpoints and restarts.

use millpond_core::command::Command;
use millpond_core::message::{Receipt, Sequence};
use millpond_core::outcome::{Outcome, QueueDescription};
use millpond_core::queue::{AttributePatch, MoveStatus, MoveTaskId, RedrivePolicy};
use millpond_core::quota::{Quota, Quotas};
use millpond_core::time::Timestamp;
use millpond_engine::step::{EngineConfig, Input, RequestId, Wait};
use millpond_log::{MemoryConfig, MemoryLog, MemoryStorage, Position};
use millpond_store::MemoryStore;

use crate::support::service::Service;
use crate::support::workload::Workload;
use crate::support::{START, create, delete, key, outcome, receive_for, send};

const SEEDS: u64 = 60;
const COMMANDS: u64 = 400;

pub(crate) struct Life {
    storage: MemoryStorage,
    store: MemoryStore,
    config: EngineConfig,
    pub(crate) service: Service,
    fetched: u64,
    pub(crate) most_resting: u64,
}

fn opened(storage: &MemoryStorage, store: &MemoryStore, config: EngineConfig, now: Timestamp) -> Service {
    let log = MemoryLog::open(storage.clone(), MemoryConfig::default());
    Service::open(Box::new(log), Box::new(store.clone()), config, now).unwrap()
}

impl Life {
    pub(crate) fn keeping(messages_in_memory: usize, window_messages: usize) -> Self {
        let config = EngineConfig {
            cache_bytes: 500,
            batch_bytes: 2_000,
            messages_in_memory,
            window_messages,
            ..EngineConfig::default()
        };
        let (storage, store) = (MemoryStorage::default(), MemoryStore::new());
        let service = opened(&storage, &store, config, START);
        Self { storage, store, config, service, fetched: 0, most_resting: 0 }
    }

    pub(crate) fn carry(&mut self, now: Timestamp, number: u64, command: Command) -> Outcome {
        // What has expired goes before anyone asks, wherever it lies.
        self.service.turn(now, true).unwrap();
        self.settle(now);
        let request = RequestId(number);
        self.service.take(now, Input::Request { request, command, wait: Wait::Secs(0) }).unwrap();
        self.settle(now);
        let reply = self.service.take_reply(request).unwrap();
        self.note_resting();
        outcome(&reply).clone()
    }

    /// Until move tasks have made their step, too, which may have to wait for messages.
    fn settle(&mut self, now: Timestamp) {
        self.service.settle(now).unwrap();
        while self.service.engine.next_move_due().is_some_and(|due_at| due_at <= now) {
            self.service.turn(now, false).unwrap();
            self.service.settle(now).unwrap();
        }
    }

    fn note_resting(&mut self) {
        let queues = self.service.engine.state().queues();
        let resting = queues.filter_map(|queue| queue.messages.resting()).map(|resting| resting.messages());
        self.most_resting = self.most_resting.max(resting.sum());
    }

    pub(crate) fn checkpoint(&mut self, now: Timestamp, through: Position) {
        self.service.checkpoint(through.max(self.service.store.reflected())).unwrap();
        self.service.hear_of_checkpoint(now).unwrap();
        // As many turns as it takes for messages to leave memory.
        for _ in 0..8 {
            self.service.turn(now, false).unwrap();
        }
        self.service.settle(now).unwrap();
        self.note_resting();
    }

    pub(crate) fn restart(&mut self, now: Timestamp) {
        self.fetched += self.service.happened.backlogs_read;
        self.service = opened(&self.storage, &self.store, self.config, now);
        self.service.settle(now).unwrap();
    }
}

/// What is told from bounds is left out, after it was compared as such.
fn comparable(outcome: &Outcome) -> Outcome {
    let exact = |queue: &QueueDescription| {
        let mut queue = queue.clone();
        queue.counts.visible += std::mem::take(&mut queue.counts.delayed);
        QueueDescription { oldest_sent_at: None, oldest_expires_at: None, outlived: 0, ..queue }
    };
    match outcome {
        Outcome::Descriptions { queues, more_after } => {
            Outcome::Descriptions { queues: queues.iter().map(exact).collect(), more_after: *more_after }
        }
        // The step that moved a message may have been a later one.
        Outcome::Received { queue, deliveries } => {
            let mut deliveries = deliveries.clone();
            let moved = deliveries.iter_mut().filter(|delivery| delivery.moved.is_some());
            moved.for_each(|delivery| delivery.sent_at = START);
            Outcome::Received { queue: *queue, deliveries }
        }
        other => other.clone(),
    }
}

fn check_bounds(full: &Outcome, spare: &Outcome) {
    let (Outcome::Descriptions { queues: full, .. }, Outcome::Descriptions { queues: spare, .. }) =
        (full, spare)
    else {
        return;
    };
    for (full, spare) in full.iter().zip(spare) {
        // A message that was moved may have been moved by a later step.
        let latest = full.oldest_sent_at.map(|sent_at| sent_at.plus_millis(10));
        assert!(spare.oldest_sent_at <= latest, "nothing is older than it says");
        assert_eq!(spare.oldest_sent_at.is_some(), full.oldest_sent_at.is_some());
    }
}

fn without_rate(command: Command) -> Command {
    match command {
        Command::StartMoveTask { key, id, destination, back_to, .. } => {
            Command::StartMoveTask { key, id, destination, back_to, messages_per_sec: None }
        }
        other => other,
    }
}

/// What each queue holds, and the number that its next message gets.
fn numbers(life: &Life) -> Vec<(u64, u64, usize)> {
    let queues = life.service.engine.state().queues();
    queues.map(|queue| (queue.record.id.0, queue.record.next_sequence.0, queue.messages.len())).collect()
}

fn compare(seed: u64, messages_in_memory: usize, window_messages: usize) -> (u64, u64) {
    let mut workload = Workload::new(seed).without_fair_queues().with_one_group();
    let mut random = fastrand::Rng::with_seed(seed ^ 0xbac6);
    let mut full = Life::keeping(usize::MAX, 2_000);
    let mut spare = Life::keeping(messages_in_memory, window_messages);
    let mut now = START;
    for number in 0..COMMANDS {
        now = now.plus_millis(workload.millis_until_next());
        let command = without_rate(workload.next());
        let expected = full.carry(now, number, command.clone());
        let answered = spare.carry(now, number, command.clone());
        // A step of a move task ends where memory does, so they may take more of them.
        while [&full, &spare].iter().any(|life| life.service.engine.next_move_due().is_some()) {
            now = now.plus_millis(1);
            full.settle(now);
            spare.settle(now);
        }
        check_bounds(&expected, &answered);
        assert_eq!(comparable(&answered), comparable(&expected), "seed {seed}, {number}: {command:?}");
        assert_eq!(numbers(&spare), numbers(&full), "seed {seed}, {number}: {command:?}");
        workload.learn(&command, &expected);
        let durable = spare.service.engine.durable();
        match random.u8(..12) {
            0..5 => spare.checkpoint(now, durable),
            5..7 => spare.checkpoint(now, Position(random.u64(..=durable.0))),
            7 => {
                full.restart(now);
                spare.restart(now);
            }
            _ => {}
        }
    }
    (spare.fetched + spare.service.happened.backlogs_read, spare.most_resting)
}

#[test]
fn an_engine_that_keeps_few_messages_answers_as_one_that_keeps_all() {
    let (mut fetched, mut most_resting) = (0, 0);
    for seed in 0..SEEDS {
        let (in_memory, window) = [(0, 1), (4, 2), (10, 3), (20, 8)][seed as usize % 4];
        let (of_seed, resting) = compare(seed, in_memory, window);
        fetched += of_seed;
        most_resting = most_resting.max(resting);
    }
    assert!(fetched > 500 && most_resting > 50, "{fetched} reads, {most_resting} messages at rest at most");
}

/// A checkpoint ends in the store before the engine hears of it. What is deleted in between is still in the store when
/// messages are read from it.
#[test]
fn what_was_deleted_before_a_checkpoint_was_heard_of_stays_gone() {
    let mut life = Life::keeping(0, 0);
    let now = START;
    life.carry(now, 1, create("q", AttributePatch::default()));
    life.carry(now, 2, send("q", 1));
    life.carry(now, 3, send("q", 2));
    let durable = life.service.engine.durable();
    life.service.checkpoint(durable).unwrap();
    let Outcome::Received { queue, deliveries } = life.carry(now, 4, receive_for("q", 1, 30)) else {
        panic!()
    };
    let [first] = &deliveries[..] else { panic!("{deliveries:?}") };
    let receipt = Receipt { queue, sequence: first.sequence, delivery: first.delivery };
    life.carry(now, 5, delete("q", &[receipt]));
    life.service.hear_of_checkpoint(now).unwrap();
    for _ in 0..8 {
        life.service.turn(now, false).unwrap();
    }
    life.note_resting();
    assert_eq!(life.most_resting, 1, "the second message rests, and the store shows both");
    let Outcome::Received { deliveries, .. } = life.carry(now, 6, receive_for("q", 10, 30)) else { panic!() };
    let handed_out: Vec<Sequence> = deliveries.iter().map(|delivery| delivery.sequence).collect();
    assert_eq!(handed_out, [first.sequence.next()]);
}

/// Nothing of `q` is in memory, and it has expired; no tick comes.
fn expired_at_rest(quotas: Quotas) -> (Life, Timestamp) {
    let mut life = Life::keeping(0, 0);
    life.config.quotas = quotas;
    life.restart(START);
    let attributes = AttributePatch { retention_secs: Some(60), ..AttributePatch::default() };
    life.carry(START, 1, create("q", attributes));
    (0..3).for_each(|id| drop(life.carry(START, 10 + id, send("q", u128::from(id)))));
    let durable = life.service.engine.durable();
    life.checkpoint(START, durable);
    assert_eq!(life.most_resting, 3);
    (life, START.plus_secs(61))
}

fn without_tick(life: &mut Life, now: Timestamp, number: u64, command: Command) -> Outcome {
    let request = RequestId(number);
    life.service.take(now, Input::Request { request, command, wait: Wait::Secs(0) }).unwrap();
    life.settle(now);
    outcome(&life.service.take_reply(request).unwrap()).clone()
}

/// A tick looks at so many queues and no more, so it may be long until it comes to this one.
#[test]
fn who_asks_for_the_counts_of_what_expired_at_rest_has_it_dropped() {
    let (mut life, now) = expired_at_rest(Quotas::NONE);
    let mut visible = |number| {
        let asked = Command::DescribeQueue { key: key("q") };
        let Outcome::Description(queue) = without_tick(&mut life, now, number, asked) else { panic!() };
        queue.counts.visible
    };
    visible(20);
    assert_eq!(visible(21), 0);
}

#[test]
fn a_quota_full_of_what_expired_at_rest_refuses_only_for_a_moment() {
    let queue = Quota { messages: Some(3), bytes: None };
    let (mut life, now) = expired_at_rest(Quotas { queue, ..Quotas::NONE });
    without_tick(&mut life, now, 20, send("q", 20));
    let Outcome::Sent(results) = without_tick(&mut life, now, 21, send("q", 21)) else { panic!() };
    assert!(results[0].is_ok(), "{results:?}");
}

/// A move task leaves alone what is in flight and goes on. When that lease ends and the message goes to rest, its number is one
/// that the task has passed.
#[test]
fn a_receipt_of_a_message_at_rest_counts_when_a_move_task_has_passed_it() {
    let mut life = Life::keeping(0, 0);
    let policy = RedrivePolicy { target: key("dead"), max_receive_count: 1 };
    let source = AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() };
    let (destination, id) = (Some(key("q").into()), MoveTaskId::new(7));
    let move_slowly = Command::StartMoveTask {
        key: key("dead"),
        id,
        destination,
        back_to: None,
        messages_per_sec: Some(1),
    };
    life.carry(START, 1, create("dead", AttributePatch::default()));
    life.carry(START, 2, create("q", AttributePatch::default()));
    life.carry(START, 3, create("jobs", source));
    (0..40).for_each(|id| drop(life.carry(START, 10 + id, send("dead", u128::from(id)))));
    let Outcome::Received { queue, deliveries } = life.carry(START, 50, receive_for("dead", 1, 5)) else {
        panic!()
    };
    let receipt = Receipt { queue, sequence: deliveries[0].sequence, delivery: deliveries[0].delivery };
    life.carry(START, 51, move_slowly);
    let mut now = START;
    for _ in 0..10 {
        now = now.plus_secs(1);
        life.settle(now);
    }
    let durable = life.service.engine.durable();
    life.checkpoint(now, durable);
    let dead = |life: &Life| life.service.engine.state().queue(queue).unwrap().clone();
    let before = dead(&life);
    let status = before.record.move_tasks.running().expect("it has not ended").status;
    assert!(matches!(status, MoveStatus::Running { next, .. } if next > receipt.sequence), "{status:?}");
    assert_eq!(before.messages.get(receipt.sequence), None, "it rests");
    life.carry(now, 52, delete("dead", &[receipt]));
    assert_eq!(dead(&life).messages.len(), before.messages.len() - 1);
}
