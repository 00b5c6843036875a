//! Groups whose messages rest: none is overtaken, none keeps another one waiting, and none is forgotten.

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::message::{DeduplicationKey, GroupKey, QueueId, Receipt};
use millpond_core::outcome::{Delivery, Outcome};
use millpond_core::queue::AttributePatch;
use millpond_core::time::Timestamp;

use super::backlog::Life;
use crate::support::{START, create, delete, key, message, receive_for};

const LEASE_SECS: u32 = 600;

/// A service that keeps next to nothing in memory, and a caller.
struct Caller {
    life: Life,
    now: Timestamp,
    requests: u64,
}

impl Caller {
    fn of_queue(name: &str) -> Self {
        let mut caller = Self { life: Life::keeping(4, 2), now: START, requests: 0 };
        let fifo_queue = name.ends_with(".fifo").then_some(true);
        caller.carry(create(name, AttributePatch { fifo_queue, ..AttributePatch::default() }));
        caller
    }

    fn carry(&mut self, command: Command) -> Outcome {
        self.requests += 1;
        self.now = self.now.plus_millis(1);
        self.life.carry(self.now, self.requests, command)
    }

    fn send(&mut self, queue: &str, group: u128) {
        let id = u128::from(self.requests) + 1;
        let deduplication = queue.ends_with(".fifo").then_some(SendName::Given(DeduplicationKey(id)));
        let group = Some(GroupKey::new(group));
        let messages = vec![NewMessage { group, deduplication, ..message(id, b"of a group", None) }];
        assert!(matches!(self.carry(Command::Send { key: key(queue), messages }), Outcome::Sent(_)));
    }

    fn receive(&mut self, queue: &str, limit: usize) -> Vec<(QueueId, Delivery)> {
        match self.carry(receive_for(queue, limit, LEASE_SECS)) {
            Outcome::Received { queue, deliveries } => {
                deliveries.into_iter().map(|delivery| (queue, delivery)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn numbers(&mut self, queue: &str, limit: usize) -> Vec<u64> {
        self.receive(queue, limit).iter().map(|(_, delivery)| delivery.sequence.0).collect()
    }

    fn delete(&mut self, name: &str, received: &[(QueueId, Delivery)]) {
        let receipt = |(queue, delivery): &(QueueId, Delivery)| Receipt {
            queue: *queue,
            sequence: delivery.sequence,
            delivery: delivery.delivery,
        };
        let receipts: Vec<Receipt> = received.iter().map(receipt).collect();
        self.carry(delete(name, &receipts));
    }

    fn let_rest(&mut self) {
        let durable = self.life.service.engine.durable();
        self.life.checkpoint(self.now, durable);
    }

    fn at_rest(&self) -> u64 {
        let queues = self.life.service.engine.state().queues();
        queues.filter_map(|queue| queue.messages.resting()).map(|resting| resting.messages()).sum()
    }
}

#[test]
fn a_locked_group_with_many_messages_keeps_no_other_group_waiting() {
    const QUEUE: &str = "q.fifo";
    for restarts in [false, true] {
        let mut caller = Caller::of_queue(QUEUE);
        (0..50).for_each(|_| caller.send(QUEUE, 1));
        caller.send(QUEUE, 2);
        caller.let_rest();
        assert!(caller.at_rest() > 40);
        let first = caller.receive(QUEUE, 1);
        assert_eq!(first.iter().map(|(_, first)| first.sequence.0).collect::<Vec<_>>(), [1]);
        if restarts {
            caller.let_rest();
            caller.life.restart(caller.now);
        }
        assert_eq!(caller.numbers(QUEUE, 10), [51], "the other group gives, the locked one does not");
        assert!(caller.at_rest() > 40, "what was passed over stays where it is");
        caller.delete(QUEUE, &first);
        let mut seen = Vec::new();
        while seen.len() < 49 {
            let received = caller.receive(QUEUE, 7);
            assert!(!received.is_empty(), "after {seen:?}");
            seen.extend(received.iter().map(|(_, delivery)| delivery.sequence.0));
            caller.delete(QUEUE, &received);
        }
        assert_eq!(seen, (2..=50).collect::<Vec<_>>());
    }
}

#[test]
fn many_groups_come_in_the_order_of_their_first_messages() {
    const QUEUE: &str = "q.fifo";
    let mut caller = Caller::of_queue(QUEUE);
    (0..60).for_each(|number| caller.send(QUEUE, number % 20));
    caller.let_rest();
    caller.life.restart(caller.now);
    let mut seen = Vec::new();
    while seen.len() < 60 {
        let received = caller.receive(QUEUE, 5);
        assert!(!received.is_empty(), "after {seen:?}");
        seen.extend(received.iter().map(|(_, delivery)| delivery.sequence.0));
        caller.delete(QUEUE, &received);
        caller.let_rest();
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=60).collect::<Vec<_>>(), "each once");
    for group in 0..20 {
        let of_group: Vec<u64> = seen.iter().copied().filter(|number| (number - 1) % 20 == group).collect();
        assert!(of_group.is_sorted(), "{of_group:?}");
    }
}

#[test]
fn a_quiet_group_is_found_behind_a_noisy_one_at_rest() {
    const QUEUE: &str = "q";
    let mut caller = Caller::of_queue(QUEUE);
    (0..70).for_each(|_| caller.send(QUEUE, 1));
    caller.send(QUEUE, 2);
    caller.let_rest();
    (0..3).for_each(|_| drop(caller.receive(QUEUE, 10)));
    assert!(caller.at_rest() > 20);
    assert_eq!(caller.numbers(QUEUE, 1), [71], "the quiet group goes first");
    let mut rest = Vec::new();
    while rest.len() < 40 {
        let received = caller.numbers(QUEUE, 10);
        assert!(!received.is_empty(), "after {rest:?}");
        rest.extend(received);
    }
    rest.sort_unstable();
    assert_eq!(rest, (31..=70).collect::<Vec<_>>());
}
