//! A reset takes away what callers have put in, in one decision, and nothing else.

use millpond_core::command::Command;
use millpond_core::event::Event;
use millpond_core::outcome::Outcome;
use millpond_core::queue::AttributePatch;

use crate::support::{Machine, key, reading};

#[test]
fn queues_messages_and_waits_go_and_the_rest_stays() {
    let mut machine = Machine::new();
    machine.begin(reading(machine.now));
    for name in ["one", "two", "gone"] {
        machine.create(name, AttributePatch::default());
    }
    machine.send("one", 3);
    machine.receive("one", 1);
    machine.send_with_delay("two", 2, Some(60));
    machine.run(Command::Paced(Command::DeleteQueue { key: key("gone") }.into()));
    let before = machine.state.instance().clone();
    let (events, outcome) = machine.run_unsettled(Command::Reset);
    assert_eq!(outcome, Outcome::Reset { queues: 2, messages: 5 });
    assert_eq!(events.last(), Some(&Event::WaitsForgotten));
    assert_eq!(machine.state.queues().count(), 0);
    assert!(!machine.state.holds_messages());
    let after = machine.state.instance();
    assert_eq!((after.receipt_key, after.next_queue), (before.receipt_key, before.next_queue));
}

#[test]
fn a_handle_from_before_names_nothing_afterwards() {
    let mut machine = Machine::with_queue("one");
    machine.send("one", 1);
    let deliveries = machine.receive("one", 1);
    let receipt = machine.receipt("one", &deliveries[0]);
    machine.run(Command::Reset);
    machine.create("one", AttributePatch::default());
    machine.send("one", 1);
    assert!(machine.delete("one", &[receipt])[0].is_err());
    assert_eq!(machine.counts("one"), [1, 0, 0]);
}

#[test]
fn there_is_nothing_to_take_away_from_nothing() {
    let mut machine = Machine::new();
    assert_eq!(machine.run_without_effect(Command::Reset), Outcome::Reset { queues: 0, messages: 0 });
}
