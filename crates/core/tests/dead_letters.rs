//! Dead letters: a message received too often goes to another queue, whole, and tells where it comes from.

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::limits;
use millpond_core::message::{DeduplicationKey, GroupKey};
use millpond_core::outcome::Outcome;
use millpond_core::queue::{AttributePatch, RedrivePolicy};

use crate::support::{Machine, key, message, numbers};

fn redrive(target: &str, max_receive_count: u32) -> AttributePatch {
    let policy = RedrivePolicy { target: key(target), max_receive_count };
    AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() }
}

/// `jobs`, whose messages go to `dead` when they were received this often.
fn machine(max_receive_count: u32) -> Machine {
    let mut machine = Machine::with_queue("dead");
    machine.create("jobs", redrive("dead", max_receive_count));
    machine
}

/// Receives everything with a lease that ends at once.
fn look(machine: &mut Machine, queue: &str) -> Vec<u64> {
    numbers(&machine.receive_for(queue, 10, Some(0)))
}

#[test]
fn a_message_received_as_often_as_allowed_is_a_dead_letter() {
    let mut machine = machine(2);
    machine.send("jobs", 1);
    assert_eq!(look(&mut machine, "jobs"), [1]);
    assert_eq!(look(&mut machine, "jobs"), [1]);
    assert_eq!(machine.counts("dead"), [0, 0, 0]);
    assert_eq!(look(&mut machine, "jobs"), []);
    assert_eq!((machine.counts("jobs"), machine.counts("dead")), ([0, 0, 0], [1, 0, 0]));
    machine.restart();
    let dead = machine.receive("dead", 10);
    assert_eq!(dead[0].receive_count, 3, "its count goes on");
    assert_eq!(dead[0].source, Some(key("jobs")));
}

#[test]
fn what_stands_behind_dead_letters_is_handed_out_at_once() {
    let mut machine = machine(1);
    machine.send("jobs", 3);
    assert_eq!(look(&mut machine, "jobs"), [1, 2, 3]);
    machine.send("jobs", 1);
    assert_eq!(look(&mut machine, "jobs"), [4]);
    assert_eq!(look(&mut machine, "dead"), [1, 2, 3], "in the order they had");
}

#[test]
fn one_step_moves_a_bounded_number() {
    let mut machine = machine(1);
    let many = limits::SETTLE_MESSAGES + 5;
    machine.send("jobs", many);
    for _ in 0..many.div_ceil(10) {
        machine.receive_for("jobs", 10, Some(1));
    }
    machine.advance_secs(2);
    machine.run(Command::Expire { queue: machine.queue("jobs").record.id });
    assert_eq!(look(&mut machine, "jobs"), []);
    assert_eq!(machine.counts("dead")[0], limits::SETTLE_MESSAGES);
    assert_eq!(look(&mut machine, "jobs"), []);
    assert_eq!(machine.counts("dead")[0], many);
}

#[test]
fn the_source_is_told_when_it_is_gone() {
    let mut machine = machine(1);
    machine.send("jobs", 1);
    look(&mut machine, "jobs");
    look(&mut machine, "jobs");
    machine.run(Command::DeleteQueue { key: key("jobs") });
    machine.restart();
    assert_eq!(machine.receive("dead", 10)[0].source, Some(key("jobs")));
}

#[test]
fn without_its_dead_letter_queue_a_message_stays() {
    let mut machine = machine(1);
    machine.send("jobs", 1);
    machine.run(Command::DeleteQueue { key: key("dead") });
    for _ in 0..3 {
        assert_eq!(look(&mut machine, "jobs"), [1]);
    }
    machine.create("dead", AttributePatch::default());
    assert_eq!(look(&mut machine, "jobs"), []);
    assert_eq!(machine.counts("dead"), [1, 0, 0], "a queue of its name takes it");
}

#[test]
fn two_queues_that_name_each_other_hand_a_letter_out_before_they_pass_it_on() {
    let mut machine = machine(1);
    machine.set("dead", redrive("jobs", 1));
    machine.send("jobs", 1);
    look(&mut machine, "jobs");
    assert_eq!(look(&mut machine, "jobs"), []);
    assert_eq!(look(&mut machine, "dead"), [1]);
    assert_eq!(look(&mut machine, "dead"), []);
    assert_eq!(look(&mut machine, "jobs"), [2]);
}

#[test]
fn retention_goes_on_from_the_first_send() {
    let mut machine = machine(1);
    machine.set("dead", AttributePatch { retention_secs: Some(100), ..AttributePatch::default() });
    machine.send("dead", 1);
    machine.advance_secs(10);
    machine.send("jobs", 1);
    machine.advance_secs(50);
    machine.send("dead", 1);
    look(&mut machine, "jobs");
    look(&mut machine, "jobs");
    machine.advance_secs(40);
    assert_eq!(machine.expire("dead"), 1, "the one that was sent first");
    machine.advance_secs(9);
    assert_eq!(machine.expire("dead"), 0);
    machine.advance_secs(1);
    machine.restart();
    assert_eq!(machine.expire("dead"), 1, "the dead letter, though it came last");
    assert_eq!(numbers(&machine.receive("dead", 10)), [2]);
}

#[test]
fn a_receipt_from_before_fits_no_dead_letter() {
    let mut machine = machine(1);
    machine.send("jobs", 1);
    let delivery = machine.receive_for("jobs", 1, Some(0)).remove(0);
    let receipt = machine.receipt("jobs", &delivery);
    look(&mut machine, "jobs");
    assert_eq!(machine.delete("jobs", &[receipt]), [Ok(())], "it is gone from there");
    assert_eq!(machine.counts("dead"), [1, 0, 0]);
}

#[test]
fn a_dead_letter_unlocks_its_group() {
    let fifo = AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() };
    let mut machine = Machine::with_settings("dead.fifo", fifo.clone());
    machine.create("jobs.fifo", AttributePatch { fifo_queue: Some(true), ..redrive("dead.fifo", 1) });
    for name in 1..=3 {
        let message = NewMessage {
            group: Some(GroupKey::new(7)),
            deduplication: Some(SendName::Given(DeduplicationKey(name))),
            ..message(name, 10, None)
        };
        let outcome = machine.run(Command::Send { key: key("jobs.fifo"), messages: vec![message] });
        assert!(matches!(outcome, Outcome::Sent(_)));
    }
    assert_eq!(numbers(&machine.receive_for("jobs.fifo", 1, Some(0))), [1]);
    machine.advance_secs(10);
    assert_eq!(numbers(&machine.receive_for("jobs.fifo", 1, Some(0))), [2]);
    machine.restart();
    let dead = machine.receive("dead.fifo", 10);
    assert_eq!(dead[0].sent_at, machine.now, "it counts as sent when it came");
}

#[test]
fn a_dead_letter_behind_a_message_that_is_handed_out_is_no_follower_of_it() {
    let fifo = |redrive: AttributePatch| AttributePatch { fifo_queue: Some(true), ..redrive };
    let mut machine = Machine::with_settings("deader.fifo", fifo(AttributePatch::default()));
    machine.create("dead.fifo", fifo(redrive("deader.fifo", 3)));
    machine.create("jobs.fifo", fifo(redrive("dead.fifo", 3)));
    let send = |machine: &mut Machine, queue: &str, name: u128| {
        let message = NewMessage {
            group: Some(GroupKey::new(7)),
            deduplication: Some(SendName::Given(DeduplicationKey(name))),
            ..message(name, 10, None)
        };
        machine.send_messages(queue, vec![message]);
    };
    send(&mut machine, "jobs.fifo", 1);
    for _ in 0..3 {
        assert_eq!(machine.receive_for("jobs.fifo", 1, Some(0)).len(), 1);
    }
    send(&mut machine, "dead.fifo", 2);
    assert_eq!(machine.receive("jobs.fifo", 1), [], "it joins the group behind the other");
    send(&mut machine, "dead.fifo", 3);
    assert_eq!(machine.receive_for("dead.fifo", 10, Some(0)).len(), 3);
    // The second counts its receives on, and may not be received again.
    assert_eq!(numbers(&machine.receive_for("dead.fifo", 1, Some(0))), [1]);
    assert_eq!(numbers(&machine.receive_for("dead.fifo", 10, Some(0))), [1, 3]);
    assert_eq!(machine.counts("deader.fifo"), [1, 0, 0]);
}
