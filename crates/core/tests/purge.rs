//! Purging: one event, whatever is there, and nothing that comes after it.

use millpond_core::command::Command;
use millpond_core::event::Event;
use millpond_core::message::Sequence;
use millpond_core::outcome::Outcome;
use millpond_core::queue::AttributePatch;

use crate::support::{Machine, key, numbers};

fn purge(machine: &mut Machine) -> Vec<Event> {
    let queue = machine.queue("orders").record.id;
    let (events, outcome) = machine.run_unsettled(Command::PurgeQueue { key: key("orders") });
    assert_eq!(outcome, Outcome::Queue { queue, key: key("orders") });
    events
}

#[test]
fn visible_delayed_and_in_flight_messages_go_in_one_event() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 3);
    machine.send_with_delay("orders", 2, Some(60));
    let deliveries = machine.receive("orders", 1);
    let receipt = machine.receipt("orders", &deliveries[0]);
    let queue = machine.queue("orders").record.id;
    assert_eq!(purge(&mut machine), [Event::QueuePurged { queue, below: Sequence(6) }]);
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
    machine.advance_secs(1_000);
    assert_eq!(machine.receive("orders", 10), []);
    assert_eq!(machine.delete("orders", &[receipt]), [Ok(())]);
}

#[test]
fn messages_sent_afterwards_stay() {
    let mut machine = Machine::with_queue("orders");
    machine.send("orders", 2);
    purge(&mut machine);
    machine.send("orders", 2);
    machine.restart();
    assert_eq!(numbers(&machine.receive("orders", 10)), [3, 4]);
}

#[test]
fn an_empty_queue_is_purged_without_an_event() {
    let mut machine = Machine::with_queue("orders");
    assert_eq!(purge(&mut machine), []);
    machine.send("orders", 1);
    purge(&mut machine);
    assert_eq!(purge(&mut machine), []);
}

#[test]
fn other_queues_keep_theirs() {
    let mut machine = Machine::with_queue("orders");
    machine.create("other", AttributePatch::default());
    machine.send("orders", 2);
    machine.send("other", 2);
    purge(&mut machine);
    assert_eq!(machine.counts("other"), [2, 0, 0]);
}
