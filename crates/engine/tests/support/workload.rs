//! A seeded stream of commands over a few queues, with the receipts that its receives brought in.
#![allow(dead_code, reason = "each test binary uses a part of this")]

use bytes::Bytes;
use fastrand::Rng;
use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::document::{DocumentKey, ExpectedRevision};
use millpond_core::message::{AttemptKey, DeduplicationKey, GroupKey, Receipt};
use millpond_core::outcome::Outcome;
use millpond_core::queue::{AttributePatch, MoveTaskId, RedrivePolicy};

use super::{create, delete, key, message};

pub(crate) const QUEUES: [&str; 4] = ["alpha", "beta", "gamma", "delta.fifo"];

/// Draws commands. Two with the same seed that are told the same outcomes draw the same commands.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    random: Rng,
    next_id: u128,
    receipts: Vec<(&'static str, Receipt)>,
    /// Messages of standard queues have groups.
    has_fair_queues: bool,
    groups: u128,
}

impl Workload {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            next_id: 1,
            receipts: Vec::new(),
            has_fair_queues: true,
            groups: 3,
        }
    }

    /// Which of several groups gives first is promised to nobody.
    pub(crate) fn with_one_group(self) -> Self {
        Self { groups: 1, ..self }
    }

    /// What processing time decides is not the same after a restart that reads a store, and is promised to nobody.
    pub(crate) fn without_fair_queues(self) -> Self {
        Self { has_fair_queues: false, ..self }
    }

    pub(crate) fn next(&mut self) -> Command {
        let queue = QUEUES[self.random.usize(..QUEUES.len())];
        match self.random.u32(..100) {
            0..8 => {
                let fifo_queue = queue.ends_with(".fifo").then_some(true);
                create(queue, AttributePatch { fifo_queue, ..AttributePatch::default() })
            }
            // Dead letters go round: each standard queue may get those of the one before it.
            8..14 => {
                let target = QUEUES[(QUEUES.iter().position(|name| *name == queue).unwrap_or(0) + 1) % 3];
                let policy = RedrivePolicy { target: key(target), max_receive_count: self.random.u32(1..3) };
                let redrive = Some(Some(policy));
                let attributes = AttributePatch { redrive, ..AttributePatch::default() };
                Command::SetQueueAttributes { key: key(queue), attributes: attributes.into() }
            }
            14..45 => self.send(queue),
            45..65 => self.receive(queue),
            65..77 => match self.draw_receipt() {
                Some((queue, receipt)) => delete(queue, &[receipt]),
                None => self.send(queue),
            },
            77..84 => match self.draw_receipt() {
                Some((queue, receipt)) => {
                    let changes = vec![(receipt, self.random.u32(0..30))];
                    Command::ChangeVisibility { key: key(queue), changes }
                }
                None => self.send(queue),
            },
            84..86 => Command::PurgeQueue { key: key(queue) },
            86..88 => Command::DeleteQueue { key: key(queue) },
            88..90 => {
                let retention_secs = Some(self.random.u32(60..400));
                let delay_secs = (self.random.u8(..3) == 0).then(|| self.random.u32(..20));
                let attributes = AttributePatch { retention_secs, delay_secs, ..AttributePatch::default() };
                Command::SetQueueAttributes { key: key(queue), attributes: attributes.into() }
            }
            90..94 => Command::PutDocument {
                key: self.document(),
                expected: ExpectedRevision::Any,
                value: Bytes::from(vec![self.random.u8(..); 20]),
            },
            94..95 => Command::RemoveDocument { key: self.document(), expected: ExpectedRevision::Any },
            95..96 => {
                let receipts = self.draw_receipt().map(|(_, receipt)| receipt);
                Command::ReturnLeases { receipts: receipts.into_iter().collect() }
            }
            96..99 => Command::StartMoveTask {
                key: key(queue),
                id: MoveTaskId::new(self.random.u128(..)),
                destination: self.random.bool().then(|| key(QUEUES[self.random.usize(..3)]).into()),
                back_to: None,
                messages_per_sec: self.random.bool().then(|| self.random.u32(1..=500)),
            },
            _ => Command::DescribeQueues { after: None, limit: 10 },
        }
    }

    /// What a command led to: its receipts are used later on.
    pub(crate) fn learn(&mut self, command: &Command, outcome: &Outcome) {
        let (Command::Receive { key, .. }, Outcome::Received { queue, deliveries }) = (command, outcome)
        else {
            return;
        };
        let name = QUEUES.iter().find(|name| **name == key.name.as_str());
        for delivery in deliveries {
            let receipt = Receipt { queue: *queue, sequence: delivery.sequence, delivery: delivery.delivery };
            self.receipts.extend(name.map(|name| (*name, receipt)));
        }
    }

    pub(crate) fn millis_until_next(&mut self) -> u64 {
        if self.random.u8(..20) == 0 { self.random.u64(..60_000) } else { self.random.u64(..1_000) }
    }

    fn receive(&mut self, queue: &str) -> Command {
        let named = self.random.bool();
        Command::Receive {
            key: key(queue),
            limit: self.random.usize(1..=4),
            visibility_timeout_secs: Some(self.random.u32(0..20)),
            attempt: named.then(|| AttemptKey([self.random.u8(..3); 8])),
        }
    }

    fn send(&mut self, queue: &str) -> Command {
        let messages = (0..self.random.usize(1..=3))
            .map(|_| {
                self.next_id += 1;
                let body = vec![b'm'; self.random.usize(..200)];
                let delay_secs = (self.random.u8(..4) == 0).then(|| self.random.u32(..20));
                let message = message(self.next_id, &body, delay_secs);
                // Some sends to a FIFO queue are duplicates.
                let name = DeduplicationKey(self.next_id - self.random.u128(..self.next_id.min(3)));
                let fifo = queue.ends_with(".fifo");
                let deduplication = fifo.then_some(SendName::Given(name));
                let group = GroupKey::new(self.random.u128(..self.groups));
                let group = (fifo || self.has_fair_queues).then_some(group);
                NewMessage { group, deduplication, ..message }
            })
            .collect();
        Command::Send { key: key(queue), messages }
    }

    fn draw_receipt(&mut self) -> Option<(&'static str, Receipt)> {
        if self.receipts.is_empty() {
            return None;
        }
        let index = self.random.usize(..self.receipts.len());
        // Some are kept and used again, when they no longer count.
        Some(if self.random.bool() { self.receipts.swap_remove(index) } else { self.receipts[index] })
    }

    fn document(&mut self) -> DocumentKey {
        let name = ["one", "two"][self.random.usize(..2)].to_owned();
        DocumentKey { collection: "stack".to_owned(), name }
    }
}
