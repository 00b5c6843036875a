//! The waiting rules of Amazon SQS: kept where they are asked for, remembered over a restart, bounded.

use millpond_core::command::Command;
use millpond_core::event::Event;
use millpond_core::limits::{PACED_NAMES, PACING_SECS};
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::pacing::WaitingRule;
use millpond_core::queue::{AttributePatch, Tags};

use crate::support::{Machine, key};

fn create_command(name: &str) -> Command {
    Command::CreateQueue { key: key(name), attributes: AttributePatch::default().into(), tags: Tags::new() }
}

fn paced(machine: &mut Machine, command: Command) -> Outcome {
    machine.run(Command::Paced(command.into()))
}

fn delete(machine: &mut Machine, name: &str) -> Outcome {
    paced(machine, Command::DeleteQueue { key: key(name) })
}

fn purge(machine: &mut Machine, name: &str) -> Outcome {
    paced(machine, Command::PurgeQueue { key: key(name) })
}

const RECENTLY: Outcome = Outcome::Refused(Refusal::QueueDeletedRecently);
const PURGED: Outcome = Outcome::Refused(Refusal::PurgeInProgress);

#[test]
fn a_deleted_name_waits_a_minute_over_a_restart() {
    let mut machine = Machine::with_queue("orders");
    assert_eq!(delete(&mut machine, "orders"), Outcome::QueueDeleted);
    machine.advance_secs(PACING_SECS - 1);
    machine.restart();
    assert_eq!(paced(&mut machine, create_command("orders")), RECENTLY);
    assert!(matches!(paced(&mut machine, create_command("others")), Outcome::Queue { .. }));
    machine.advance_secs(1);
    assert!(matches!(paced(&mut machine, create_command("orders")), Outcome::Queue { .. }));
}

#[test]
fn a_queue_is_purged_once_a_minute_even_when_it_is_empty() {
    let mut machine = Machine::with_queue("orders");
    machine.create("others", AttributePatch::default());
    assert!(matches!(purge(&mut machine, "orders"), Outcome::Queue { .. }));
    machine.send("orders", 2);
    machine.advance_secs(PACING_SECS - 1);
    machine.restart();
    assert_eq!(purge(&mut machine, "orders"), PURGED);
    assert_eq!(machine.counts("orders"), [2, 0, 0]);
    assert!(matches!(purge(&mut machine, "others"), Outcome::Queue { .. }));
    machine.advance_secs(1);
    assert!(matches!(purge(&mut machine, "orders"), Outcome::Queue { .. }));
    assert_eq!(machine.counts("orders"), [0, 0, 0]);
}

#[test]
fn a_refused_purge_does_not_prolong_the_wait() {
    let mut machine = Machine::with_queue("orders");
    purge(&mut machine, "orders");
    machine.advance_secs(PACING_SECS - 1);
    assert_eq!(purge(&mut machine, "orders"), PURGED);
    machine.advance_secs(1);
    assert!(matches!(purge(&mut machine, "orders"), Outcome::Queue { .. }));
}

#[test]
fn what_is_not_paced_begins_no_wait_and_waits_for_none() {
    let mut machine = Machine::with_queue("orders");
    machine.run(Command::DeleteQueue { key: key("orders") });
    assert!(matches!(paced(&mut machine, create_command("orders")), Outcome::Queue { .. }));
    delete(&mut machine, "orders");
    machine.create("orders", AttributePatch::default());
    assert!(matches!(paced(&mut machine, create_command("orders")), Outcome::Queue { .. }), "it is there");
}

#[test]
fn a_refused_command_begins_no_wait() {
    let mut machine = Machine::new();
    let refused = Outcome::Refused(Refusal::QueueDoesNotExist);
    assert_eq!(delete(&mut machine, "orders"), refused);
    assert_eq!(purge(&mut machine, "orders"), refused);
    assert!(machine.state.instance().waits.is_empty());
}

#[test]
fn the_wait_is_an_event_of_its_own() {
    let mut machine = Machine::with_queue("orders");
    let queue = machine.queue("orders").record.id;
    let command = Command::Paced(Command::DeleteQueue { key: key("orders") }.into());
    let wait = Event::WaitBegun { rule: WaitingRule::CreateAfterDelete, key: key("orders") };
    assert_eq!(machine.run_unsettled(command).0, [Event::QueueDeleted { queue }, wait]);
}

#[test]
fn what_is_remembered_is_bounded_and_forgotten_when_it_is_over() {
    let mut machine = Machine::new();
    for number in 0..=PACED_NAMES {
        let name = format!("q{number}");
        machine.create(&name, AttributePatch::default());
        machine.advance_millis(1);
        delete(&mut machine, &name);
    }
    assert_eq!(machine.state.instance().waits.iter().len(), PACED_NAMES);
    assert!(matches!(paced(&mut machine, create_command("q0")), Outcome::Queue { .. }), "the oldest went");
    assert_eq!(paced(&mut machine, create_command("q1")), RECENTLY);
    machine.advance_secs(PACING_SECS);
    delete(&mut machine, "q0");
    assert_eq!(machine.state.instance().waits.iter().len(), 1);
}
