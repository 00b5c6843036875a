//! Taking a damaged message out: it alone, wherever it is.

use millpond_core::command::Command;
use millpond_core::message::{QueueId, Sequence};
use millpond_core::outcome::Outcome;

use crate::support::{Machine, numbers};

#[test]
fn the_damaged_message_goes_and_its_neighbours_stay() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 3);
    let queue = machine.queue("orders").record.id;
    let outcome = machine.run(Command::Quarantine { queue, sequence: Sequence(2) });
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(numbers(&machine.receive("orders", 10)), [1, 3]);
}

#[test]
fn a_message_in_flight_goes_too() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 1);
    let receipt = machine.receive_one("orders");
    machine.run(Command::Quarantine { queue: receipt.queue, sequence: receipt.sequence });
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
    assert_eq!(machine.delete("orders", &[receipt]), [Ok(())]);
}

#[test]
fn what_is_not_there_is_not_taken_out() {
    let mut machine = Machine::with_queue("orders");
    let queue = machine.queue("orders").record.id;
    for (queue, sequence) in [(queue, Sequence(1)), (QueueId(99), Sequence(1))] {
        let outcome = machine.run_without_effect(Command::Quarantine { queue, sequence });
        assert_eq!(outcome, Outcome::Done);
    }
}
