//! A receive from a FIFO queue that has a name can be tried again when its reply was lost.

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::limits;
use millpond_core::message::{AttemptKey, DeduplicationKey, GroupKey};
use millpond_core::outcome::Delivery;
use millpond_core::queue::{AttributePatch, RedrivePolicy};

use crate::support::{Machine, key, message, numbers};

const QUEUE: &str = "orders.fifo";
const AGAIN: Option<AttemptKey> = Some(AttemptKey(*b"again-42"));

/// Three messages of group 1, two of group 2.
fn machine() -> Machine {
    let attributes = AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() };
    let mut machine = Machine::with_settings(QUEUE, attributes);
    send(&mut machine, &[1, 1, 1, 2, 2]);
    machine
}

fn send(machine: &mut Machine, groups: &[u128]) {
    let new: Vec<NewMessage> = groups
        .iter()
        .map(|group| {
            let id = machine.new_id();
            NewMessage {
                group: Some(GroupKey::new(*group)),
                deduplication: Some(SendName::Given(DeduplicationKey(id))),
                ..message(id, 10, None)
            }
        })
        .collect();
    machine.send_messages(QUEUE, new);
}

fn receive(machine: &mut Machine, limit: usize) -> Vec<Delivery> {
    machine.receive_named(QUEUE, limit, None, AGAIN)
}

#[test]
fn the_same_deliveries_come_again_and_count_no_receive() {
    let mut machine = machine();
    let first = receive(&mut machine, 2);
    assert_eq!(numbers(&first), [1, 2]);
    machine.advance_secs(10);
    assert_eq!(receive(&mut machine, 10), first, "whatever the limit is now");
    assert_eq!(machine.counts(QUEUE), [3, 2, 0]);
    let receipts: Vec<_> = first.iter().map(|delivery| machine.receipt(QUEUE, delivery)).collect();
    assert_eq!(machine.delete(QUEUE, &receipts), [Ok(()), Ok(())], "the receipts of the first reply hold");
}

#[test]
fn another_name_or_none_is_another_receive() {
    let mut machine = machine();
    assert_eq!(numbers(&receive(&mut machine, 2)), [1, 2]);
    let other = machine.receive_named(QUEUE, 1, None, Some(AttemptKey(*b"another1")));
    assert_eq!(numbers(&other), [4]);
    assert_eq!(numbers(&machine.receive(QUEUE, 10)), [] as [u64; 0], "both groups are locked");
}

#[test]
fn trying_again_begins_the_lease_anew() {
    let mut machine = machine();
    let first = receive(&mut machine, 3);
    machine.advance_secs(29);
    receive(&mut machine, 3);
    machine.advance_secs(29);
    assert_eq!(numbers(&machine.receive(QUEUE, 10)), [4, 5], "group 1 is locked still");
    machine.advance_secs(1);
    assert_eq!(receive(&mut machine, 3), first, "its lease has ended, and nobody has taken them");
    assert_eq!(machine.receive(QUEUE, 10), [] as [Delivery; 0]);
}

#[test]
fn a_restart_forgets_nothing() {
    let mut machine = machine();
    let first = receive(&mut machine, 4);
    machine.restart();
    assert_eq!(receive(&mut machine, 4), first);
}

#[test]
fn after_five_minutes_it_is_a_receive_like_any_other() {
    let mut machine = machine();
    let first = machine.receive_named(QUEUE, 3, Some(1_000), AGAIN);
    machine.advance_secs(limits::ATTEMPT_SECS - 1);
    assert_eq!(machine.receive_named(QUEUE, 3, Some(1_000), AGAIN), first);
    machine.advance_secs(1);
    assert_eq!(numbers(&receive(&mut machine, 3)), [4, 5], "tries do not make it last longer");
}

#[test]
fn what_was_deleted_or_changed_is_not_given_again() {
    for touch in ["delete", "change", "give back", "receive"] {
        let mut machine = machine();
        let first = receive(&mut machine, 3);
        let receipt = machine.receipt(QUEUE, &first[0]);
        match touch {
            "delete" => drop(machine.delete(QUEUE, &[receipt])),
            "change" => machine.change_visibility(QUEUE, receipt, 30).unwrap(),
            "give back" => machine.give_back(&[receipt]),
            _ => {
                machine.advance_secs(30);
                assert_eq!(numbers(&machine.receive(QUEUE, 1)), [4]);
                assert_eq!(numbers(&machine.receive(QUEUE, 1)), [1]);
            }
        }
        let touched = machine.queue(QUEUE).messages.get(receipt.sequence);
        assert_eq!(touched.and_then(|entry| entry.attempt), None, "after {touch}");
        send(&mut machine, &[3]);
        let next = receive(&mut machine, 1);
        assert!(!first.contains(&next[0]), "after {touch}: {next:?}");
        assert_eq!(receive(&mut machine, 1), next, "the name stands for the later receive now");
    }
}

#[test]
fn what_expired_is_not_given_again() {
    let mut machine = machine();
    machine.set(QUEUE, AttributePatch { retention_secs: Some(60), ..AttributePatch::default() });
    receive(&mut machine, 3);
    machine.advance_secs(59);
    send(&mut machine, &[3]);
    assert_eq!(numbers(&receive(&mut machine, 3)), [1, 2, 3]);
    machine.advance_secs(1);
    assert_eq!(numbers(&receive(&mut machine, 3)), [6]);
}

#[test]
fn no_lease_reaches_further_than_twelve_hours_from_its_receive() {
    let mut machine = machine();
    let longest = Some(43_200);
    let first = machine.receive_named(QUEUE, 1, longest, AGAIN);
    machine.advance_secs(200);
    machine.receive_named(QUEUE, 1, longest, AGAIN);
    let entry = machine.queue(QUEUE).messages.get(first[0].sequence).unwrap();
    assert_eq!(entry.visible_at, entry.received_at.unwrap().plus_secs(43_200));
}

#[test]
fn a_receive_that_gave_nothing_is_not_remembered() {
    let mut machine = machine();
    machine.run(Command::PurgeQueue { key: key(QUEUE) });
    assert_eq!(receive(&mut machine, 1), [] as [Delivery; 0]);
    send(&mut machine, &[1]);
    assert_eq!(numbers(&receive(&mut machine, 1)), [6]);
}

#[test]
fn a_dead_letter_forgets_who_received_it() {
    let mut machine = machine();
    let dead = AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() };
    machine.create("dead.fifo", dead);
    let redrive = RedrivePolicy { target: key("dead.fifo"), max_receive_count: 1 };
    machine.set(QUEUE, AttributePatch { redrive: Some(Some(redrive)), ..AttributePatch::default() });
    let first = receive(&mut machine, 3);
    machine.advance_secs(30);
    assert_eq!(receive(&mut machine, 3), first, "no receive is counted");
    machine.advance_secs(30);
    assert_eq!(numbers(&machine.receive(QUEUE, 1)), [4]);
    machine.receive(QUEUE, 10);
    let letters = machine.queue("dead.fifo").messages.iter();
    assert_eq!(letters.map(|(_, entry)| entry.attempt).collect::<Vec<_>>(), [None; 3]);
    let from_dead = machine.receive_named("dead.fifo", 1, None, AGAIN);
    assert_eq!((from_dead[0].sequence.0, from_dead[0].delivery), (1, 1));
}

#[test]
fn a_message_that_is_dead_by_now_is_no_part_of_it() {
    let mut machine = Machine::with_settings("dead.fifo", fifo(None));
    machine.create(QUEUE, fifo(Some(("dead.fifo", 1))));
    send(&mut machine, &[1, 2, 3]);
    let first = receive(&mut machine, 2);
    let second = machine.receipt(QUEUE, &first[1]);
    assert_eq!(machine.delete(QUEUE, &[second]), [Ok(())]);
    machine.advance_secs(31);
    assert_eq!(numbers(&receive(&mut machine, 2)), [3], "the first is a dead letter now");
    assert_eq!(machine.counts("dead.fifo"), [1, 0, 0]);
}

#[test]
fn a_reply_that_was_lost_takes_nothing_from_the_one_that_came() {
    let mut machine = machine();
    let first = receive(&mut machine, 1);
    assert_eq!(receive(&mut machine, 1), first);
    let receipt = machine.receipt(QUEUE, &first[0]);
    machine.give_back(&[receipt]);
    assert_eq!(numbers(&machine.receive(QUEUE, 10)), [4, 5], "who has the second reply holds it");
    assert_eq!(machine.delete(QUEUE, &[receipt]), [Ok(())]);
}

#[test]
fn a_lost_reply_takes_nothing_from_who_has_gone_on_with_the_other() {
    for then in ["change", "try again in vain"] {
        let mut machine = machine();
        let first = receive(&mut machine, 2);
        assert_eq!(receive(&mut machine, 2), first);
        let [one, other] = [0, 1].map(|place| machine.receipt(QUEUE, &first[place]));
        match then {
            "change" => machine.change_visibility(QUEUE, one, 60).unwrap(),
            _ => {
                machine.delete(QUEUE, &[other]);
                assert_eq!(numbers(&receive(&mut machine, 1)), [4], "the name stands for another receive");
            }
        }
        machine.restart();
        machine.give_back(&[one]);
        let entry = machine.queue(QUEUE).messages.get(one.sequence).unwrap();
        assert_eq!((entry.attempt, entry.receive_count), (None, 1), "after {then}");
        assert_eq!(machine.delete(QUEUE, &[one]), [Ok(())], "after {then}");
    }
}

#[test]
fn a_later_receive_can_be_given_back() {
    let mut machine = machine();
    assert_eq!(receive(&mut machine, 1), receive(&mut machine, 1));
    machine.advance_secs(30);
    let later = machine.receive(QUEUE, 10).into_iter().find(|delivery| delivery.sequence.0 == 1).unwrap();
    let receipt = machine.receipt(QUEUE, &later);
    machine.give_back(&[receipt]);
    assert_eq!(numbers(&machine.receive(QUEUE, 1)), [1]);
}

fn fifo(target: Option<(&str, u32)>) -> AttributePatch {
    let redrive = |(queue, max_receive_count)| RedrivePolicy { target: key(queue), max_receive_count };
    AttributePatch {
        fifo_queue: Some(true),
        redrive: target.map(|target| Some(redrive(target))),
        ..AttributePatch::default()
    }
}
