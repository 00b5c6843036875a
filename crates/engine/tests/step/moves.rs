//! Move tasks: steps between requests, bounded, with room, and never in the way.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::outcome::Outcome;
use millpond_core::queue::{AttributePatch, MoveStatus, MoveTask, MoveTaskId, RedrivePolicy};
use millpond_engine::admission::Load;
use millpond_engine::step::Input;

use crate::support::{Stage, create, ids, key, message, reading, receive, send};

/// `dead`, which takes the dead letters of `jobs` and holds so many messages, and `other`.
fn stage(messages: usize) -> Stage {
    let mut stage = Stage::new();
    stage.carry(create("dead", AttributePatch::default()));
    stage.carry(create("other", AttributePatch::default()));
    let policy = RedrivePolicy { target: key("dead"), max_receive_count: 1 };
    stage.carry(create("jobs", AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() }));
    let messages = (1..=messages as u128).map(|id| message(id, b"dead", None)).collect();
    stage.carry(Command::Send { key: key("dead"), messages });
    stage
}

fn start(messages_per_sec: Option<u32>) -> Command {
    let destination = Some(key("other").into());
    Command::StartMoveTask {
        key: key("dead"),
        id: MoveTaskId::new(7),
        destination,
        back_to: None,
        messages_per_sec,
    }
}

fn moved(stage: &Stage) -> usize {
    stage.engine.state().queue(stage.queue_id("other")).unwrap().messages.len()
}

fn task(stage: &Stage) -> MoveTask {
    let queue = stage.engine.state().queue(stage.queue_id("dead")).unwrap();
    queue.record.move_tasks.iter().last().unwrap().clone()
}

#[test]
fn whoever_waits_at_the_destination_is_served_in_the_same_turn() {
    let mut stage = stage(1);
    let waiting = stage.ask_waiting(receive("other", 10), 20);
    stage.ask(start(None));
    stage.end_turn();
    stage.sync();
    assert_eq!(ids(&stage.take(waiting)), [1]);
    assert_eq!(stage.engine.next_due(), None, "nobody waits any more");
    assert_eq!(stage.engine.next_move_due(), None);
}

#[test]
fn a_batch_holds_one_step_and_the_next_step_has_the_next_batch() {
    let most = limits::MOVE_STEP_MESSAGES;
    let mut stage = stage(3 * most);
    stage.carry(start(None));
    assert_eq!(moved(&stage), most, "the batch of the start");
    let asked = stage.ask(send("q", 9));
    for _ in 0..5 {
        stage.end_turn();
        stage.pass_millis(50);
    }
    assert!(!stage.has_left(asked), "the sync takes its time");
    assert_eq!(moved(&stage), 2 * most, "another step in the batch that fills meanwhile, and no more");
    stage.settle();
    assert!(stage.has_left(asked));
    stage.pass_millis(50);
    stage.settle();
    assert_eq!(moved(&stage), 3 * most);
    assert!(matches!(task(&stage).status, MoveStatus::Ended(_)));
}

#[test]
fn requests_are_answered_while_a_task_goes_on() {
    let mut stage = stage(5 * limits::MOVE_STEP_MESSAGES);
    stage.carry(start(None));
    for id in 1_001..1_004 {
        stage.pass_millis(2);
        let send = Command::Send { key: key("q"), messages: vec![message(id, b"live", None)] };
        assert!(matches!(stage.carry(send), Outcome::Sent(_)));
        assert!(matches!(task(&stage).status, MoveStatus::Running { .. }));
    }
}

#[test]
fn a_rate_is_a_time_to_wake_up() {
    let mut stage = stage(3);
    stage.carry(start(Some(2)));
    assert_eq!(moved(&stage), 1);
    assert_eq!(stage.engine.next_move_due(), Some(stage.now.plus_millis(500)));
    stage.pass_millis(499);
    stage.end_turn();
    assert_eq!(moved(&stage), 1);
    stage.pass_millis(1);
    stage.settle();
    assert_eq!(moved(&stage), 2);
}

#[test]
fn a_log_without_room_holds_a_task_back() {
    let mut stage = stage(1);
    let crowded = Load { budget_bytes: 1_000, free_bytes: 100, ..Load::default() };
    stage.ask(start(None));
    stage.step(Input::Space(crowded));
    stage.settle();
    assert_eq!(moved(&stage), 0);
    assert_eq!(stage.engine.next_move_due(), Some(stage.now.plus_millis(20)), "it looks again soon");
    stage.step(Input::Space(Load { free_bytes: 1_000, ..crowded }));
    stage.pass_millis(20);
    stage.settle();
    assert_eq!(moved(&stage), 1);
}

#[test]
fn a_service_that_stops_does_not_wait_for_its_tasks() {
    let mut stage = stage(2 * limits::MOVE_STEP_MESSAGES);
    stage.carry(start(None));
    stage.step(Input::Stopping(reading(stage.now)));
    stage.pass_millis(5);
    stage.settle();
    assert!(stage.engine.is_settled());
    assert_eq!(stage.engine.next_move_due(), None);
    assert_eq!(moved(&stage), limits::MOVE_STEP_MESSAGES);
}

#[test]
fn an_idle_task_costs_no_tick() {
    let mut stage = stage(2);
    stage.carry(start(Some(1)));
    assert_eq!(stage.engine.next_due(), None);
    let before = stage.appended.len();
    for _ in 0..3 {
        stage.pass_millis(100);
        stage.end_turn();
    }
    assert_eq!(stage.appended.len(), before);
}
