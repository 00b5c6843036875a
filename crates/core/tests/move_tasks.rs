//! Move tasks: dead letters go back, or elsewhere, in bounded steps, at a rate, until there are none, or it is enough.

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::limits;
use millpond_core::message::{DeduplicationKey, GroupKey};
use millpond_core::outcome::{Delivery, Outcome, Refusal};
use millpond_core::queue::{
    AttributePatch, MoveEnd, MoveFailure, MoveRefusal, MoveStatus, MoveTask, MoveTaskId, RedrivePolicy,
};

use crate::support::{Machine, key, key_in, message, numbers};

const TASK: MoveTaskId = MoveTaskId::new(77);

fn redrive(target: &str) -> AttributePatch {
    let policy = RedrivePolicy { target: key(target), max_receive_count: 1 };
    AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() }
}

/// `jobs` and `more`, whose messages go to `dead` when they were received once, and `other`.
fn machine() -> Machine {
    let mut machine = Machine::with_queue("dead");
    machine.create("jobs", redrive("dead"));
    machine.create("more", redrive("dead"));
    machine.create("other", AttributePatch::default());
    machine
}

/// So many messages of a queue become dead letters.
fn kill(machine: &mut Machine, queue: &str, count: usize) {
    machine.send(queue, count);
    for _ in 0..count.div_ceil(10) {
        machine.receive_for(queue, 10, Some(1));
    }
    machine.advance_secs(1);
    assert_eq!(machine.receive(queue, 10), []);
}

fn start_with(
    machine: &mut Machine,
    id: MoveTaskId,
    destination: Option<&str>,
    messages_per_sec: Option<u32>,
) -> Outcome {
    let destination = destination.map(|name| key(name).into());
    machine.run(Command::StartMoveTask { key: key("dead"), id, destination, back_to: None, messages_per_sec })
}

fn start_of(queue: &str, destination: Option<&str>) -> Command {
    let destination = destination.map(|name| key(name).into());
    Command::StartMoveTask { key: key(queue), id: TASK, destination, back_to: None, messages_per_sec: None }
}

fn start(machine: &mut Machine, destination: Option<&str>) {
    assert_eq!(start_with(machine, TASK, destination, None), Outcome::MoveTaskStarted(TASK));
}

fn step(machine: &mut Machine) {
    let queue = machine.queue("dead").record.id;
    assert_eq!(machine.run(Command::StepMoveTask { queue }), Outcome::Done);
}

/// Lets a task go on until it has ended.
fn finish(machine: &mut Machine) -> MoveTask {
    while let Some((due_at, _)) = machine.state.next_move() {
        machine.now = machine.now.max(due_at);
        step(machine);
    }
    latest(machine)
}

fn tasks(machine: &mut Machine, limit: usize) -> Vec<MoveTask> {
    match machine.run_without_effect(Command::ListMoveTasks { key: key("dead"), limit }) {
        Outcome::MoveTasks(tasks) => tasks,
        other => panic!("no tasks: {other:?}"),
    }
}

fn latest(machine: &mut Machine) -> MoveTask {
    tasks(machine, 1).remove(0)
}

fn refused(refusal: MoveRefusal) -> Outcome {
    Outcome::Refused(Refusal::MoveTask(refusal))
}

#[test]
fn each_message_goes_back_to_where_it_came_from() {
    let mut machine = machine();
    kill(&mut machine, "jobs", 2);
    kill(&mut machine, "more", 1);
    kill(&mut machine, "jobs", 1);
    start(&mut machine, None);
    assert_eq!(latest(&mut machine).order.to_move, 4);
    machine.restart();
    let task = finish(&mut machine);
    assert_eq!((task.moved, task.status), (4, MoveStatus::Ended(MoveEnd::Completed)));
    assert_eq!(machine.counts("dead"), [0, 0, 0]);
    assert_eq!(numbers(&machine.receive("jobs", 10)), [4, 5, 6]);
    assert_eq!(numbers(&machine.receive("more", 10)), [2]);
}

#[test]
fn a_message_that_was_moved_is_new() {
    let mut machine = machine();
    machine.set("other", AttributePatch { retention_secs: Some(60), ..AttributePatch::default() });
    kill(&mut machine, "jobs", 2);
    machine.advance_secs(1_000);
    start(&mut machine, Some("other"));
    finish(&mut machine);
    machine.restart();
    assert_eq!(machine.expire("other"), 0, "its retention begins again");
    let sent_at = machine.now;
    let moved = machine.receive("other", 10);
    let of = |delivery: &Delivery| (delivery.sent_at, delivery.receive_count, delivery.source.clone());
    assert_eq!(of(&moved[0]), (sent_at, 1, None));
    let numbers: Vec<u64> =
        moved.iter().filter_map(|delivery| delivery.moved).map(|number| number.0.get()).collect();
    assert_eq!(numbers, [1, 2], "each has an id of its own");
    machine.advance_secs(60);
    assert_eq!(machine.expire("other"), 2);
}

#[test]
fn a_message_that_dies_again_keeps_its_new_id_until_it_is_moved_again() {
    let mut machine = machine();
    kill(&mut machine, "jobs", 1);
    start(&mut machine, None);
    finish(&mut machine);
    assert_eq!(machine.receive_for("jobs", 1, Some(0)).len(), 1);
    assert_eq!(machine.receive("jobs", 1), []);
    let dead = machine.receive_for("dead", 1, Some(0));
    assert_eq!(dead[0].moved.map(|number| number.0.get()), Some(1));
    assert_eq!(dead[0].source, Some(key("jobs")));
    assert_eq!(
        start_with(&mut machine, MoveTaskId::new(78), None, None),
        Outcome::MoveTaskStarted(MoveTaskId::new(78))
    );
    finish(&mut machine);
    machine.restart();
    assert_eq!(machine.receive("jobs", 1)[0].moved.map(|number| number.0.get()), Some(2));
}

#[test]
fn what_comes_after_the_start_is_left_alone() {
    let mut machine = machine();
    kill(&mut machine, "jobs", 1);
    start(&mut machine, None);
    machine.send("dead", 1);
    let task = finish(&mut machine);
    assert_eq!((task.moved, task.status), (1, MoveStatus::Ended(MoveEnd::Completed)));
    assert_eq!(numbers(&machine.receive("dead", 10)), [2]);
}

#[test]
fn messages_in_flight_and_delayed_ones_stay() {
    let mut machine = machine();
    kill(&mut machine, "jobs", 2);
    machine.send_with_delay("dead", 1, Some(900));
    assert_eq!(numbers(&machine.receive("dead", 1)), [1]);
    start(&mut machine, Some("other"));
    assert_eq!(latest(&mut machine).order.to_move, 1);
    assert_eq!(finish(&mut machine).moved, 1);
    assert_eq!((machine.counts("dead"), machine.counts("other")), ([0, 1, 1], [1, 0, 0]));
}

#[test]
fn a_delay_of_the_destination_holds_as_for_any_message() {
    let mut machine = machine();
    machine.set("other", AttributePatch { delay_secs: Some(10), ..AttributePatch::default() });
    kill(&mut machine, "jobs", 1);
    start(&mut machine, Some("other"));
    finish(&mut machine);
    assert_eq!(machine.counts("other"), [0, 0, 1]);
    machine.advance_secs(10);
    assert_eq!(machine.receive("other", 10).len(), 1);
}

#[test]
fn one_step_moves_a_bounded_number() {
    let mut machine = machine();
    machine.send("dead", limits::MOVE_STEP_MESSAGES + 1);
    start(&mut machine, Some("other"));
    step(&mut machine);
    assert_eq!(machine.counts("other")[0], limits::MOVE_STEP_MESSAGES);
    step(&mut machine);
    assert_eq!(machine.counts("dead")[0], 1, "the next step is not due yet");
    assert_eq!(finish(&mut machine).moved, limits::MOVE_STEP_MESSAGES as u64 + 1);
}

#[test]
fn one_step_looks_at_a_bounded_number() {
    let mut machine = machine();
    let hidden = limits::SETTLE_MESSAGES;
    machine.send_with_delay("dead", hidden, Some(900));
    machine.send("dead", 1);
    start(&mut machine, Some("other"));
    step(&mut machine);
    assert_eq!(machine.counts("dead")[0], 1);
    machine.advance_millis(1);
    step(&mut machine);
    assert_eq!(machine.counts("dead"), [0, 0, hidden]);
}

#[test]
fn large_payloads_make_short_steps() {
    let mut machine = machine();
    let payload_bytes = usize::try_from(limits::MOVE_STEP_BYTES / 2).unwrap();
    let large = |id| NewMessage { payload: vec![0; payload_bytes].into(), ..message(id, 10, None) };
    machine.send_messages("dead", (1..=3).map(large).collect());
    start(&mut machine, Some("other"));
    step(&mut machine);
    assert_eq!(machine.counts("other")[0], 2);
}

#[test]
fn a_rate_is_never_exceeded_and_nearly_reached() {
    for rate in [1, 3, 15, 25, 51, 499, 500] {
        let mut machine = machine();
        machine.send("dead", 2 * rate as usize + 1);
        assert_eq!(start_with(&mut machine, TASK, Some("other"), Some(rate)), Outcome::MoveTaskStarted(TASK));
        let mut moves: Vec<(u64, usize)> = Vec::new();
        while let Some((due_at, _)) = machine.state.next_move() {
            machine.now = machine.now.max(due_at);
            let before = machine.counts("other")[0];
            step(&mut machine);
            moves.push((machine.now.as_millis(), machine.counts("other")[0] - before));
        }
        for (from, _) in &moves {
            let in_a_second = moves.iter().filter(|(at, _)| (*from..from + 1_000).contains(at));
            let in_a_second: usize = in_a_second.map(|(_, count)| count).sum();
            assert!(in_a_second <= rate as usize, "{in_a_second} messages in a second instead of {rate}");
        }
        let took_millis = moves[moves.len() - 1].0 - moves[0].0;
        assert!((1_900..2_200).contains(&took_millis), "{took_millis} ms at {rate}");
    }
}

#[test]
fn time_in_which_no_step_was_made_does_not_count() {
    let mut machine = machine();
    machine.send("dead", 20);
    start_with(&mut machine, TASK, Some("other"), Some(1));
    step(&mut machine);
    machine.advance_secs(10);
    machine.restart();
    step(&mut machine);
    step(&mut machine);
    assert_eq!(machine.counts("other")[0], 2);
}

#[test]
fn a_message_without_a_source_ends_a_task_that_needs_one() {
    let mut machine = machine();
    kill(&mut machine, "jobs", 1);
    machine.send("dead", 1);
    kill(&mut machine, "jobs", 1);
    start(&mut machine, None);
    let task = finish(&mut machine);
    let failed = MoveStatus::Ended(MoveEnd::Failed(MoveFailure::SourceUnknown));
    assert_eq!((task.moved, task.status), (1, failed), "what stood before it is moved");
    assert_eq!(machine.counts("dead")[0], 2);
}

#[test]
fn a_destination_that_is_gone_ends_a_task() {
    for deleted in ["other", "jobs"] {
        let mut machine = machine();
        kill(&mut machine, "more", 1);
        kill(&mut machine, "jobs", 1);
        let destination = Some("other").filter(|name| *name == deleted);
        start_with(&mut machine, TASK, destination, Some(1));
        step(&mut machine);
        machine.run(Command::DeleteQueue { key: key(deleted) });
        let task = finish(&mut machine);
        let failed = MoveStatus::Ended(MoveEnd::Failed(MoveFailure::DestinationGone));
        assert_eq!((task.moved, task.status), (1, failed));
        assert_eq!(machine.counts("dead")[0], 1, "what was not moved is there");
    }
}

#[test]
fn a_deleted_queue_takes_its_task_along() {
    let mut machine = machine();
    machine.send("dead", 1);
    start(&mut machine, Some("other"));
    machine.run(Command::DeleteQueue { key: key("dead") });
    assert_eq!(machine.state.next_move(), None);
    machine.create("dead", AttributePatch::default());
    assert_eq!(tasks(&mut machine, 10), []);
}

#[test]
fn a_purged_queue_has_nothing_more_to_move() {
    let mut machine = machine();
    machine.send("dead", 2);
    start_with(&mut machine, TASK, Some("other"), Some(1));
    step(&mut machine);
    machine.run(Command::PurgeQueue { key: key("dead") });
    let task = finish(&mut machine);
    assert_eq!((task.moved, task.status), (1, MoveStatus::Ended(MoveEnd::Completed)));
}

#[test]
fn cancelled_it_moves_nothing_more() {
    let mut machine = machine();
    machine.send("dead", 3);
    start_with(&mut machine, TASK, Some("other"), Some(1));
    step(&mut machine);
    let cancel = |id| Command::CancelMoveTask { key: key("dead"), id };
    assert_eq!(machine.run_without_effect(cancel(MoveTaskId::new(1))), refused(MoveRefusal::NoSuchTask));
    assert_eq!(machine.run(cancel(TASK)), Outcome::MoveTaskCancelled { moved: 1 });
    assert_eq!(machine.run_without_effect(cancel(TASK)), refused(MoveRefusal::HasEnded));
    machine.restart();
    machine.advance_secs(10);
    step(&mut machine);
    assert_eq!((machine.counts("dead")[0], machine.counts("other")[0]), (2, 1));
    assert_eq!(latest(&mut machine).status, MoveStatus::Ended(MoveEnd::Cancelled));
    assert_eq!(
        start_with(&mut machine, MoveTaskId::new(78), Some("other"), None),
        Outcome::MoveTaskStarted(MoveTaskId::new(78))
    );
}

#[test]
fn one_task_of_a_queue_runs_and_the_latest_ten_are_remembered() {
    let mut machine = machine();
    for id in 1..=12 {
        start_with(&mut machine, MoveTaskId::new(id), Some("other"), None);
        assert_eq!(
            start_with(&mut machine, MoveTaskId::new(99), Some("other"), None),
            refused(MoveRefusal::AlreadyRunning)
        );
        finish(&mut machine);
    }
    machine.restart();
    let ids = |tasks: Vec<MoveTask>| tasks.iter().map(|task| task.order.id.bits()).collect::<Vec<_>>();
    assert_eq!(ids(tasks(&mut machine, 10)), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3], "newest first");
    assert_eq!(ids(tasks(&mut machine, 2)), [12, 11]);
    assert_eq!(machine.queue("dead").record.move_tasks.iter().len(), 10, "and no more");
}

#[test]
fn an_account_runs_a_hundred_tasks() {
    let mut machine = machine();
    let name = |number| format!("dead-{number}");
    for number in 0..limits::ACTIVE_MOVE_TASKS {
        machine.create(&name(number), AttributePatch::default());
        machine.create(&format!("jobs-{number}"), redrive(&name(number)));
        assert_eq!(machine.run(start_of(&name(number), None)), Outcome::MoveTaskStarted(TASK));
    }
    let limit = limits::ACTIVE_MOVE_TASKS;
    assert_eq!(start_with(&mut machine, TASK, None, None), refused(MoveRefusal::TooMany { limit }));
    machine.run(Command::CancelMoveTask { key: key("dead-0"), id: TASK });
    start(&mut machine, None);
}

#[test]
fn queues_that_do_not_fit_are_refused() {
    let fifo = AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() };
    let mut machine = machine();
    machine.create("other.fifo", fifo);
    let to = |machine: &mut Machine, destination| start_with(machine, TASK, destination, None);
    assert_eq!(to(&mut machine, Some("absent")), refused(MoveRefusal::NoDestination));
    assert_eq!(to(&mut machine, Some("dead")), refused(MoveRefusal::SameQueue));
    assert_eq!(to(&mut machine, Some("other.fifo")), refused(MoveRefusal::OtherType));
    let start = |queue: &str, destination| Command::StartMoveTask {
        key: key(queue),
        id: TASK,
        destination,
        back_to: None,
        messages_per_sec: None,
    };
    let elsewhere = key_in(7, "us-east-1", "other");
    machine.run(Command::CreateQueue {
        key: elsewhere.clone(),
        attributes: AttributePatch::default().into(),
        tags: millpond_core::queue::Tags::new(),
    });
    assert_eq!(machine.run(start("dead", Some(elsewhere.into()))), refused(MoveRefusal::NoDestination));
    assert_eq!(machine.run(start("jobs", None)), refused(MoveRefusal::NotDeadLetters));
    let absent = Outcome::Refused(Refusal::QueueDoesNotExist);
    assert_eq!(machine.run(start("absent", None)), absent);
    assert_eq!(machine.run(Command::ListMoveTasks { key: key("absent"), limit: 1 }), absent);
    assert_eq!(machine.run(Command::CancelMoveTask { key: key("absent"), id: TASK }), absent);
}

fn fifo_machine() -> Machine {
    let fifo = AttributePatch { fifo_queue: Some(true), ..AttributePatch::default() };
    let mut machine = Machine::with_settings("dead.fifo", fifo.clone());
    machine.create("jobs.fifo", AttributePatch { fifo_queue: Some(true), ..redrive("dead.fifo") });
    machine
}

fn send_in_group(machine: &mut Machine, queue: &str, group: u128, name: u128) {
    let message = NewMessage {
        group: Some(GroupKey::new(group)),
        deduplication: Some(SendName::Given(DeduplicationKey(name))),
        ..message(name, 10, None)
    };
    assert!(machine.send_messages(queue, vec![message])[0].is_ok());
}

fn move_fifo(machine: &mut Machine) -> MoveTask {
    assert_eq!(machine.run(start_of("dead.fifo", Some("jobs.fifo"))), Outcome::MoveTaskStarted(TASK));
    while let Some((due_at, queue)) = machine.state.next_move() {
        machine.now = machine.now.max(due_at);
        machine.run(Command::StepMoveTask { queue });
    }
    machine.queue("dead.fifo").record.move_tasks.iter().last().unwrap().clone()
}

#[test]
fn a_group_keeps_its_order_and_no_move_is_a_duplicate() {
    let mut machine = fifo_machine();
    for name in 1..=3 {
        send_in_group(&mut machine, "jobs.fifo", 7, name);
        machine.receive_for("jobs.fifo", 1, Some(0));
    }
    assert_eq!(machine.receive("jobs.fifo", 10), []);
    send_in_group(&mut machine, "dead.fifo", 7, 1);
    assert_eq!(move_fifo(&mut machine).moved, 4);
    machine.restart();
    let moved = machine.receive("jobs.fifo", 10);
    assert_eq!(numbers(&moved), [4, 5, 6, 7]);
    let moves: Vec<u64> = moved.iter().map(|delivery| delivery.moved.unwrap().0.get()).collect();
    assert_eq!(moves, [1, 2, 3, 4]);
    send_in_group(&mut machine, "jobs.fifo", 7, 1);
    assert_eq!(machine.counts("jobs.fifo"), [0, 4, 0], "a send is still told from a move");
}

#[test]
fn no_message_overtakes_one_of_its_group_that_stays() {
    let mut machine = fifo_machine();
    for (group, name) in [(7, 1), (8, 2), (7, 3), (8, 4)] {
        send_in_group(&mut machine, "dead.fifo", group, name);
    }
    assert_eq!(numbers(&machine.receive("dead.fifo", 1)), [1]);
    assert_eq!(move_fifo(&mut machine).moved, 2);
    assert_eq!(machine.counts("dead.fifo"), [1, 1, 0]);
    let moved = machine.receive("jobs.fifo", 10);
    assert_eq!(numbers(&moved), [1, 2]);
}
