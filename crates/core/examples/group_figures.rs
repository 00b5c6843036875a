//! What message groups cost the state machine: `cargo run --release -p millpond-core --example group_figures`.
//!
//! Two cases, each beside the same work without its trouble, in memory alone: no log, no HTTP, one thread.
//!
//! - A FIFO queue with a million messages behind one locked group, while others come and go.
//! - A standard queue in which one group has a backlog of 100,000, worked off by fifty consumers, while quiet groups send;
//!   beside it the same without groups.
//!
//! A cycle is a send, a receive and a delete of one message. Counted is the time on a processor, of which Linux keeps the
//! account (`/proc/self/schedstat`), and of five rounds the one with the least: other programs only add to it. Figures of a
//! machine say little of another one; the ratio of two lines says what groups cost. It checks no promise: the tests do.

#![allow(clippy::print_stdout, clippy::panic)] // It prints, and a measurement that cannot go on stops.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::decide::decide;
use millpond_core::message::{DeduplicationKey, GroupKey, MessageId, Receipt};
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::outcome::Outcome;
use millpond_core::queue::{AttributePatch, Tags};
use millpond_core::state::State;
use millpond_core::time::Timestamp;

const FIFO_BACKLOG: u128 = 1_000_000;
const FAIR_BACKLOG: u128 = 100_000;
const CYCLES: u128 = 200_000;
const CONSUMERS: usize = 50;
const ROUNDS: usize = 5;
/// As long as consumers need until they hold messages of the noisy group.
const KNOWN_AFTER_CYCLES: u128 = 100;
const LOCKED_GROUP: GroupKey = GroupKey::new(u128::MAX);

fn main() {
    let (mut alone, mut behind) = (f64::MAX, f64::MAX);
    let (mut plain, mut fair) = ((f64::MAX, 0), (f64::MAX, 0));
    for _ in 0..ROUNDS {
        alone = alone.min(fifo_cycle_micros(0));
        behind = behind.min(fifo_cycle_micros(FIFO_BACKLOG));
        let (micros, waited) = fair_cycle_micros(false);
        plain = (plain.0.min(micros), waited);
        let (micros, waited) = fair_cycle_micros(true);
        fair = (fair.0.min(micros), waited);
    }
    println!("one locked FIFO group, cycles of 1,000 other groups:");
    println!("  nothing in the locked group  {alone:.2} µs a cycle");
    println!("  {FIFO_BACKLOG} messages in it  {behind:.2} µs a cycle");
    println!("{CONSUMERS} consumers, backlog {FAIR_BACKLOG}, every tenth message of one of 20 quiet groups:");
    for (name, (micros, waited)) in [("without groups", plain), ("with groups", fair)] {
        println!("  {name:<15} {micros:.2} µs a cycle, a quiet message waits for {waited} receives at most");
    }
}

/// Time that this thread, the only one, has spent on a processor.
fn processor_micros() -> f64 {
    let account = std::fs::read_to_string("/proc/self/schedstat").expect("Linux keeps this account");
    let nanos: f64 =
        account.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("its first number");
    nanos / 1_000.0
}

/// One queue, and the time.
struct Bench {
    state: State,
    now: Timestamp,
    key: QueueKey,
    next_id: u128,
}

impl Bench {
    fn new(name: &str) -> Self {
        let key = QueueKey {
            account: AccountId::DEFAULT,
            region: Region::parse("us-east-1").expect("a region"),
            name: QueueName::parse(name).expect("a name"),
        };
        let fifo_queue = key.name.is_fifo().then_some(true);
        let attributes = AttributePatch { fifo_queue, ..AttributePatch::default() };
        let now = Timestamp::from_millis(1_700_000_000_000);
        let mut bench = Self { state: State::new(), now, key: key.clone(), next_id: 1 };
        bench.run(Command::CreateQueue { key, attributes: attributes.into(), tags: Tags::new() });
        bench
    }

    fn run(&mut self, command: Command) -> Outcome {
        let queue = self.state.queue_named(&self.key).map(|queue| queue.record.id);
        queue.map(|queue| self.state.settle(queue, self.now, 1_000));
        let (events, outcome) = decide(&self.state, self.now, command);
        self.state.apply(self.now, &events).expect("events fit the state they were decided on");
        outcome
    }

    fn send(&mut self, group: Option<GroupKey>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let fifo = self.key.name.is_fifo();
        let message = NewMessage {
            id: MessageId(id),
            payload: Bytes::from_static(b"payload"),
            size_bytes: 7,
            delay_secs: None,
            group,
            deduplication: fifo.then_some(SendName::Given(DeduplicationKey(id))),
        };
        match self.run(Command::Send { key: self.key.clone(), messages: vec![message] }) {
            Outcome::Sent(results) => results[0].as_ref().expect("it is accepted").sequence.0,
            other => panic!("not sent: {other:?}"),
        }
    }

    fn receive(&mut self) -> Option<Receipt> {
        let key = self.key.clone();
        let command =
            Command::Receive { key, limit: 1, visibility_timeout_secs: Some(43_200), attempt: None };
        match self.run(command) {
            Outcome::Received { queue, deliveries } => deliveries.first().map(|delivery| Receipt {
                queue,
                sequence: delivery.sequence,
                delivery: delivery.delivery,
            }),
            other => panic!("not received: {other:?}"),
        }
    }

    fn delete(&mut self, receipt: Receipt) {
        self.run(Command::Delete { key: self.key.clone(), receipts: vec![receipt] });
    }
}

fn micros_a_cycle(since_micros: f64) -> f64 {
    (processor_micros() - since_micros) / CYCLES as f64
}

fn fifo_cycle_micros(backlog: u128) -> f64 {
    let mut bench = Bench::new("orders.fifo");
    bench.send(Some(LOCKED_GROUP));
    bench.receive();
    for _ in 0..backlog {
        bench.send(Some(LOCKED_GROUP));
    }
    let started = processor_micros();
    for cycle in 0..CYCLES {
        let sent = bench.send(Some(GroupKey::new(cycle % 1_000)));
        let receipt = bench.receive().expect("the other groups give");
        assert_eq!(receipt.sequence.0, sent, "the locked group gives nothing");
        bench.delete(receipt);
    }
    micros_a_cycle(started)
}

/// Also how many receives gave other messages before the one that a quiet group had sent, at most.
fn fair_cycle_micros(groups: bool) -> (f64, u128) {
    let group = |key: u128| groups.then_some(GroupKey::new(key));
    let mut bench = Bench::new("orders");
    for _ in 0..FAIR_BACKLOG {
        bench.send(group(0));
    }
    let mut held: VecDeque<Receipt> = VecDeque::new();
    let mut waiting: BTreeMap<u64, u128> = BTreeMap::new();
    let mut longest = 0;
    let started = processor_micros();
    for cycle in 0..CYCLES {
        bench.now = bench.now.plus_millis(20);
        if cycle % 10 == 0 {
            waiting.insert(bench.send(group(1 + cycle / 10 % 20)), cycle);
        } else {
            bench.send(group(0));
        }
        if let Some(receipt) = bench.receive() {
            held.push_back(receipt);
            let sent_in = waiting.remove(&receipt.sequence.0).filter(|sent_in| *sent_in > KNOWN_AFTER_CYCLES);
            longest = longest.max(sent_in.map_or(0, |sent_in| cycle - sent_in));
        }
        if held.len() > CONSUMERS {
            let done = held.pop_front();
            done.into_iter().for_each(|receipt| bench.delete(receipt));
        }
    }
    let micros = micros_a_cycle(started);
    let still_waiting = waiting.values().map(|sent_in| CYCLES - sent_in).max();
    (micros, longest.max(still_waiting.unwrap_or_default()))
}
