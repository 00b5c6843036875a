//! Fair queues: a group that takes more than its share of a standard queue lets the others go first.

use std::collections::BTreeMap;

use millpond_core::command::NewMessage;
use millpond_core::message::{GroupKey, Receipt};
use millpond_core::queue::{AttributePatch, FairCounts};
use millpond_core::time::Timestamp;

use crate::support::{Machine, message, numbers, settle_all};

const QUEUE: &str = "orders";

fn machine() -> Machine {
    let attributes = AttributePatch { retention_secs: Some(1_209_600), ..AttributePatch::default() };
    Machine::with_settings(QUEUE, attributes)
}

/// Sends so many messages of a group; answers the number of the first.
fn send(machine: &mut Machine, group: Option<u128>, count: usize) -> u64 {
    let new: Vec<NewMessage> = (0..count)
        .map(|_| NewMessage { group: group.map(GroupKey::new), ..message(machine.new_id(), 10, None) })
        .collect();
    machine.send_messages(QUEUE, new)[0].as_ref().unwrap().sequence.0
}

fn receive(machine: &mut Machine, limit: usize, timeout_secs: u32) -> (Vec<u64>, Vec<Receipt>) {
    let deliveries = machine.receive_for(QUEUE, limit, Some(timeout_secs));
    let receipts = deliveries.iter().map(|delivery| machine.receipt(QUEUE, delivery)).collect();
    (numbers(&deliveries), receipts)
}

fn fair_counts(machine: &mut Machine) -> FairCounts {
    settle_all(&mut machine.state, machine.now);
    machine.queue(QUEUE).messages.fair_counts(machine.now).unwrap()
}

#[test]
fn a_queue_without_groups_keeps_its_plain_order_and_counts_no_groups() {
    let mut machine = machine();
    send(&mut machine, None, 200);
    for first in (0..100).step_by(10) {
        assert_eq!(receive(&mut machine, 10, 60).0, (first + 1..=first + 10).collect::<Vec<_>>());
    }
    assert_eq!(machine.queue(QUEUE).messages.fair_counts(machine.now), None);
}

#[test]
fn a_group_with_many_in_flight_lets_the_others_go_first() {
    let mut machine = machine();
    send(&mut machine, Some(1), 100);
    let other = send(&mut machine, Some(2), 1);
    let alone = send(&mut machine, None, 1);
    assert_eq!(receive(&mut machine, 29, 60).0.len(), 29);
    assert_eq!(fair_counts(&mut machine).noisy_groups, 0, "fewer than 30 are not many");
    assert_eq!(receive(&mut machine, 1, 60).0, [30], "so the order is the plain one still");
    let counts = FairCounts {
        noisy_groups: 1,
        quiet_visible: 2,
        quiet_in_flight: 0,
        quiet_delayed: 0,
        quiet_oldest_sent_at: Some(machine.now),
    };
    assert_eq!(fair_counts(&mut machine), counts);
    assert_eq!(receive(&mut machine, 3, 60).0, [other, alone, 31], "nothing of it is held back");
}

#[test]
fn a_tenth_of_what_is_in_flight_is_not_too_much() {
    let mut machine = machine();
    send(&mut machine, None, 270);
    send(&mut machine, Some(1), 31);
    assert_eq!(receive(&mut machine, 300, 60).0.len(), 300);
    assert_eq!(fair_counts(&mut machine).noisy_groups, 0, "30 of 300");
    let (_, receipts) = receive(&mut machine, 1, 60);
    send(&mut machine, Some(1), 1);
    assert_eq!(fair_counts(&mut machine).noisy_groups, 1, "31 of 301");
    machine.delete(QUEUE, &receipts);
    assert_eq!(fair_counts(&mut machine).noisy_groups, 0);
}

#[test]
fn a_group_whose_messages_take_long_lets_the_others_go_first() {
    let mut machine = machine();
    send(&mut machine, Some(1), 3);
    let (_, slow) = receive(&mut machine, 1, 60);
    machine.advance_secs(10);
    machine.delete(QUEUE, &slow);
    let quick = send(&mut machine, Some(2), 1);
    assert_eq!(fair_counts(&mut machine).noisy_groups, 1, "although nothing of it is in flight");
    assert_eq!(receive(&mut machine, 1, 60).0, [quick]);
}

#[test]
fn time_that_was_spent_a_while_ago_fades() {
    let mut machine = machine();
    send(&mut machine, Some(1), 2);
    let (_, slow) = receive(&mut machine, 1, 60);
    machine.advance_secs(8);
    machine.delete(QUEUE, &slow);
    // Others take eight seconds of each minute: the share of group 1 is a third, a seventh, a fifteenth.
    for minute in 0..3 {
        assert_eq!(fair_counts(&mut machine).noisy_groups, 1, "minute {minute}");
        machine.advance_secs(52);
        let number = send(&mut machine, None, 1);
        let (numbers, receipts) = receive(&mut machine, 1, 60);
        assert_eq!(numbers, [number]);
        machine.advance_secs(8);
        machine.delete(QUEUE, &receipts);
    }
    assert_eq!(fair_counts(&mut machine).noisy_groups, 0);
}

#[test]
fn among_noisy_groups_the_one_with_the_fewest_in_flight_is_next() {
    let mut machine = machine();
    let first = send(&mut machine, Some(1), 50);
    let second = send(&mut machine, Some(2), 50);
    assert_eq!(receive(&mut machine, 32, 60).0, (first..first + 32).collect::<Vec<_>>());
    assert_eq!(receive(&mut machine, 30, 60).0, (second..second + 30).collect::<Vec<_>>());
    assert_eq!(fair_counts(&mut machine).noisy_groups, 2);
    let expected = [second + 30, second + 31, first + 32, second + 32, first + 33];
    assert_eq!(receive(&mut machine, 5, 60).0, expected);
}

#[test]
fn a_group_is_quiet_again_when_it_has_nothing_to_give() {
    let mut machine = machine();
    send(&mut machine, Some(1), 40);
    receive(&mut machine, 39, 600);
    assert_eq!(fair_counts(&mut machine).noisy_groups, 1);
    receive(&mut machine, 1, 600);
    let counts = fair_counts(&mut machine);
    assert_eq!((counts.noisy_groups, counts.quiet_in_flight), (0, 40));
}

#[test]
fn a_group_is_quiet_again_when_it_sent_nothing_for_five_minutes() {
    let mut machine = machine();
    let first = send(&mut machine, Some(1), 100);
    receive(&mut machine, 50, 43_200);
    machine.advance_secs(299);
    let other = send(&mut machine, Some(2), 2);
    assert_eq!(receive(&mut machine, 1, 43_200).0, [other]);
    machine.advance_secs(1);
    assert_eq!(receive(&mut machine, 1, 43_200).0, [first + 50], "it is the older one");
    send(&mut machine, Some(1), 1);
    assert_eq!(receive(&mut machine, 1, 43_200).0, [other + 1]);
}

#[test]
fn a_message_received_often_is_at_the_back_of_the_queue() {
    let mut machine = machine();
    let often = send(&mut machine, Some(1), 1);
    let (same_group, other) = (send(&mut machine, Some(1), 1), send(&mut machine, Some(2), 1));
    for _ in 0..3 {
        assert_eq!(receive(&mut machine, 1, 0).0, [often]);
    }
    assert_eq!(receive(&mut machine, 3, 60).0, [same_group, other, often]);
}

/// Consumers that each receive, work for a second and delete, one after the other in equal steps.
struct Consumers {
    held: Vec<Vec<Receipt>>,
    limit: usize,
}

impl Consumers {
    fn new(count: usize, limit: usize) -> Self {
        Self { held: vec![Vec::new(); count], limit }
    }

    /// One of them is done with what it has and receives again.
    fn step(&mut self, machine: &mut Machine, place: usize) -> Vec<u64> {
        machine.delete(QUEUE, &std::mem::take(&mut self.held[place]));
        let (numbers, receipts) = receive(machine, self.limit, 30);
        self.held[place] = receipts;
        numbers
    }
}

/// The longest that a message of five quiet groups waits behind 100,000 of `backlog`, which goes on sending. Each quiet
/// group sends one message every four seconds, so that all of them together never need all consumers.
fn longest_dwell_millis(mut consumers: Consumers, backlog: Option<Option<u128>>) -> u64 {
    const WARM_UP_SECS: usize = 5;
    const SECS: usize = 60;
    let mut machine = machine();
    if let Some(group) = backlog {
        for _ in 0..100 {
            send(&mut machine, group, 1_000);
        }
    }
    let steps = consumers.held.len();
    let half_a_step_millis = 500 / u64::try_from(steps).unwrap();
    let mut waiting: BTreeMap<u64, Timestamp> = BTreeMap::new();
    let mut longest = 0;
    for second in 0..SECS {
        if second >= WARM_UP_SECS && second % 4 == 0 {
            let sent = (100..105).map(|group| send(&mut machine, Some(group), 1));
            let sent: Vec<u64> = sent.collect();
            waiting.extend(sent.into_iter().map(|number| (number, machine.now)));
        }
        if let Some(group) = backlog {
            send(&mut machine, group, 1);
        }
        for place in 0..steps {
            machine.advance_millis(half_a_step_millis);
            let received = consumers.step(&mut machine, place);
            let dwells = received.iter().filter_map(|number| waiting.remove(number));
            longest = dwells.map(|sent_at| machine.now.millis_since(sent_at)).fold(longest, u64::max);
            machine.advance_millis(half_a_step_millis);
        }
    }
    waiting.values().map(|sent_at| machine.now.millis_since(*sent_at)).fold(longest, u64::max)
}

fn check_the_promise(consumers: usize, limit: usize) {
    let dwell = |backlog| longest_dwell_millis(Consumers::new(consumers, limit), backlog);
    let (empty, noisy, plain) = (dwell(None), dwell(Some(Some(1))), dwell(Some(None)));
    assert!(empty > 0);
    assert!(noisy <= 2 * empty, "{noisy} ms with a noisy group, {empty} ms in an empty queue");
    assert!(plain > 20 * empty, "without groups it would be much longer: {plain} ms, {empty} ms when empty");
}

#[test]
fn one_noisy_group_does_not_keep_the_others_waiting_for_many_consumers() {
    check_the_promise(50, 1);
}

#[test]
fn one_noisy_group_does_not_keep_the_others_waiting_for_few_consumers() {
    check_the_promise(8, 1);
}

#[test]
fn one_noisy_group_does_not_keep_the_others_waiting_for_consumers_of_batches() {
    check_the_promise(10, 10);
}
