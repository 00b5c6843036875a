//! FIFO queues: order inside a group, groups that lock, sends that are accepted once.
//!
//! The cases are those that were recorded on the real service.

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::limits;
use millpond_core::message::{DeduplicationKey, GroupKey, Receipt};
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{AttributePatch, DeduplicationScope, FifoThroughputLimit};

use crate::support::{Machine, key, message, numbers};

const QUEUE: &str = "orders.fifo";

fn fifo() -> AttributePatch {
    AttributePatch {
        fifo_queue: Some(true),
        content_based_deduplication: Some(true),
        visibility_timeout_secs: Some(30),
        ..AttributePatch::default()
    }
}

fn machine() -> Machine {
    Machine::with_settings(QUEUE, fifo())
}

/// A message of a group whose send nothing resembles.
fn of_group(machine: &mut Machine, group: u128) -> NewMessage {
    let id = machine.new_id();
    let name = SendName::Given(DeduplicationKey(id));
    NewMessage { group: Some(GroupKey::new(group)), deduplication: Some(name), ..message(id, 10, None) }
}

/// Sends a message of each of these groups; their sequences follow each other.
fn send(machine: &mut Machine, groups: &[u128]) {
    for group in groups {
        let message = of_group(machine, *group);
        machine.send_messages(QUEUE, vec![message]).remove(0).unwrap();
    }
}

fn named(id: u128, group: u128, name: SendName) -> NewMessage {
    NewMessage { group: Some(GroupKey::new(group)), deduplication: Some(name), ..message(id, 10, None) }
}

/// Sends one message; its id and sequence as its sender is told.
fn sent(machine: &mut Machine, message: NewMessage) -> (u128, u64) {
    let accepted = machine.send_messages(QUEUE, vec![message]).remove(0).unwrap();
    (accepted.id.0, accepted.sequence.0)
}

/// Receives up to ten; their sequences, and their receipts.
fn receive(machine: &mut Machine) -> (Vec<u64>, Vec<Receipt>) {
    let deliveries = machine.receive(QUEUE, 10);
    let receipts = deliveries.iter().map(|delivery| machine.receipt(QUEUE, delivery)).collect();
    (numbers(&deliveries), receipts)
}

#[test]
fn a_receive_takes_all_it_can_of_one_group_before_the_next() {
    let mut machine = machine();
    send(&mut machine, &[1, 2, 1, 1]);
    assert_eq!(receive(&mut machine).0, [1, 3, 4, 2]);
}

#[test]
fn a_group_is_locked_while_one_of_its_messages_is_in_flight() {
    let mut machine = machine();
    send(&mut machine, &[1, 1, 1, 2]);
    let first = machine.receive(QUEUE, 2);
    assert_eq!(numbers(&first), [1, 2]);
    let first: Vec<Receipt> = first.iter().map(|delivery| machine.receipt(QUEUE, delivery)).collect();
    assert_eq!(receive(&mut machine).0, [4], "the other group is served");
    machine.delete(QUEUE, &[first[1]]);
    assert_eq!(receive(&mut machine).0, [], "deleting some of them keeps it locked");
    send(&mut machine, &[1]);
    assert_eq!(receive(&mut machine).0, [], "a new message does not unlock it");
    machine.delete(QUEUE, &[first[0]]);
    assert_eq!(receive(&mut machine).0, [3, 5]);
}

#[test]
fn a_lease_that_ends_unlocks_the_group_in_its_old_order() {
    let mut machine = machine();
    send(&mut machine, &[1, 1]);
    assert_eq!(numbers(&machine.receive(QUEUE, 1)), [1]);
    machine.advance_secs(30);
    assert_eq!(receive(&mut machine).0, [1, 2]);
}

#[test]
fn a_message_given_back_unlocks_up_to_the_first_that_is_still_in_flight() {
    let mut machine = machine();
    send(&mut machine, &[1, 1, 1]);
    let (_, receipts) = receive(&mut machine);
    machine.change_visibility(QUEUE, receipts[0], 0).unwrap();
    assert_eq!(receive(&mut machine).0, [1]);
    machine.change_visibility(QUEUE, receipts[2], 0).unwrap();
    assert_eq!(receive(&mut machine).0, [], "the third waits for the second");
}

#[test]
fn a_group_that_was_served_goes_behind_the_others() {
    let mut machine = machine();
    send(&mut machine, &[1, 2, 1, 2]);
    let first = machine.receive(QUEUE, 1);
    let receipt = machine.receipt(QUEUE, &first[0]);
    machine.change_visibility(QUEUE, receipt, 0).unwrap();
    assert_eq!(numbers(&machine.receive_for(QUEUE, 1, Some(0))), [2], "given back: the other group first");
    assert_eq!(numbers(&machine.receive(QUEUE, 1)), [1]);

    let mut machine = self::machine();
    send(&mut machine, &[1, 1, 2]);
    let first = machine.receive(QUEUE, 1);
    let receipt = machine.receipt(QUEUE, &first[0]);
    machine.delete(QUEUE, &[receipt]);
    machine.restart();
    assert_eq!(receive(&mut machine).0, [3, 2], "deleted: the other group first, after a restart too");
}

#[test]
fn a_blocked_group_costs_the_others_nothing() {
    let mut machine = machine();
    send(&mut machine, &[1]);
    receive(&mut machine);
    for _ in 0..limits::SETTLE_MESSAGES + 10 {
        send(&mut machine, &[1]);
    }
    send(&mut machine, &[2]);
    assert_eq!(receive(&mut machine).0.len(), 1, "one behind more than any step looks at");
}

#[test]
fn messages_behind_a_locked_group_count_as_visible() {
    let mut machine = machine();
    send(&mut machine, &[1, 1, 1]);
    machine.receive(QUEUE, 1);
    assert_eq!(machine.counts(QUEUE), [2, 1, 0]);
}

#[test]
fn a_send_is_accepted_once_in_five_minutes_whatever_became_of_it() {
    let mut machine = machine();
    let name = SendName::Given(DeduplicationKey(7));
    assert_eq!(sent(&mut machine, named(100, 1, name)), (100, 1));
    assert_eq!(sent(&mut machine, named(101, 2, name)), (100, 1), "of whatever group");
    let (_, receipts) = receive(&mut machine);
    machine.delete(QUEUE, &receipts);
    machine.restart();
    machine.advance_secs(limits::DEDUPLICATION_SECS - 1);
    assert_eq!(sent(&mut machine, named(102, 1, name)), (100, 1));
    assert_eq!(machine.counts(QUEUE), [0, 0, 0]);
    machine.advance_secs(1);
    assert_eq!(sent(&mut machine, named(103, 1, name)), (103, 2));
}

#[test]
fn two_of_a_kind_in_one_request_are_one() {
    let mut machine = machine();
    let name = SendName::Given(DeduplicationKey(7));
    let results = machine.send_messages(QUEUE, vec![named(1, 1, name), named(2, 1, name)]);
    let ids: Vec<u128> = results.into_iter().map(|result| result.unwrap().id.0).collect();
    assert_eq!(ids, [1, 1]);
    assert_eq!(machine.counts(QUEUE), [1, 0, 0]);
}

#[test]
fn with_the_scope_of_a_group_other_groups_have_other_sends() {
    let attributes = AttributePatch {
        deduplication_scope: Some(DeduplicationScope::MessageGroup),
        fifo_throughput_limit: Some(FifoThroughputLimit::PerMessageGroupId),
        ..fifo()
    };
    let mut machine = Machine::with_settings(QUEUE, attributes);
    let name = SendName::Given(DeduplicationKey(7));
    assert_eq!(sent(&mut machine, named(1, 1, name)), (1, 1));
    assert_eq!(sent(&mut machine, named(2, 2, name)), (2, 2));
    assert_eq!(sent(&mut machine, named(3, 2, name)), (2, 2));
}

#[test]
fn content_tells_sends_apart_only_where_the_queue_says_so() {
    let mut machine =
        Machine::with_settings(QUEUE, AttributePatch { content_based_deduplication: None, ..fifo() });
    let messages = vec![named(1, 1, SendName::Content(DeduplicationKey(7)))];
    let outcome = machine.run_without_effect(Command::Send { key: key(QUEUE), messages });
    assert_eq!(outcome, Outcome::Refused(Refusal::DeduplicationMissing));
    assert_eq!(sent(&mut machine, named(1, 1, SendName::Given(DeduplicationKey(7)))), (1, 1));
}

#[test]
fn a_message_without_a_group_refuses_its_whole_request() {
    let mut machine = machine();
    let messages = vec![of_group(&mut machine, 1), message(99, 10, None)];
    let outcome = machine.run_without_effect(Command::Send { key: key(QUEUE), messages });
    assert_eq!(outcome, Outcome::Refused(Refusal::GroupMissing));
}

#[test]
fn a_receipt_ends_with_its_lease() {
    let mut machine = machine();
    send(&mut machine, &[1]);
    let (_, receipts) = receive(&mut machine);
    machine.advance_secs(20);
    machine.change_visibility(QUEUE, receipts[0], 30).unwrap();
    machine.advance_secs(29);
    let (before, after) = (machine.now, machine.now.plus_secs(1));
    machine.now = after;
    assert_eq!(machine.delete(QUEUE, &receipts), [Err(Refusal::ReceiptExpired)]);
    machine.now = before;
    assert_eq!(machine.delete(QUEUE, &receipts), [Ok(())], "a lease that was extended still holds");
    assert_eq!(machine.delete(QUEUE, &receipts), [Ok(())], "what is gone is gone");
}

#[test]
fn the_delay_of_the_queue_counts_for_what_is_there_already() {
    let mut machine = Machine::with_settings(QUEUE, AttributePatch { delay_secs: Some(10), ..fifo() });
    send(&mut machine, &[1, 2]);
    assert_eq!(machine.counts(QUEUE), [0, 0, 2]);
    machine.set(QUEUE, AttributePatch { delay_secs: Some(100), ..AttributePatch::default() });
    machine.advance_secs(99);
    assert_eq!(receive(&mut machine).0, []);
    machine.set(QUEUE, AttributePatch { delay_secs: Some(99), ..AttributePatch::default() });
    assert_eq!(receive(&mut machine).0, [1, 2]);
}

#[test]
fn too_many_in_flight_is_no_error() {
    let mut machine = machine();
    for group in (0..).take(limits::IN_FLIGHT_MESSAGES / 10 + 1) {
        let messages: Vec<_> = (0..10).map(|_| of_group(&mut machine, group)).collect();
        machine.send_messages(QUEUE, messages);
    }
    machine.set(QUEUE, AttributePatch { visibility_timeout_secs: Some(43_200), ..AttributePatch::default() });
    for _ in 0..limits::IN_FLIGHT_MESSAGES / 10 {
        assert_eq!(machine.receive(QUEUE, 10).len(), 10);
    }
    assert_eq!(machine.counts(QUEUE), [10, limits::IN_FLIGHT_MESSAGES, 0]);
    assert_eq!(machine.receive(QUEUE, 10), []);
}

#[test]
fn a_purge_forgets_what_was_sent_too() {
    let mut machine = machine();
    let name = SendName::Given(DeduplicationKey(7));
    sent(&mut machine, named(1, 1, name));
    machine.run(Command::PurgeQueue { key: key(QUEUE) });
    assert_eq!(sent(&mut machine, named(2, 1, name)), (2, 2));
    let receipt = machine.receive_one(QUEUE);
    machine.delete(QUEUE, &[receipt]);
    machine.run(Command::PurgeQueue { key: key(QUEUE) });
    machine.restart();
    assert_eq!(sent(&mut machine, named(3, 1, name)), (3, 3), "also when no message was left");
}

#[test]
fn what_is_remembered_is_forgotten_in_bounded_steps() {
    let mut machine = machine();
    send(&mut machine, &[1; 30]);
    machine.advance_secs(limits::DEDUPLICATION_SECS + 60);
    send(&mut machine, &[1]);
    machine.expire(QUEUE);
    assert_eq!(machine.queue(QUEUE).deduplications.iter().count(), 1);
    machine.restart();
    assert_eq!(machine.queue(QUEUE).deduplications.iter().count(), 1);
}
