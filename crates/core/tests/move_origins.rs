//! Move tasks that go back: to which queues, and to no others.

use millpond_core::command::Command;
use millpond_core::outcome::{Outcome, Refusal};
use millpond_core::queue::{AttributePatch, MoveRefusal, MoveTaskId, RedrivePolicy};

use crate::support::{Machine, key};

const TASK: MoveTaskId = MoveTaskId::new(77);

fn redrive(target: &str) -> AttributePatch {
    let policy = RedrivePolicy { target: key(target), max_receive_count: 1 };
    AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() }
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

#[test]
fn a_task_goes_back_to_no_other_queues_than_it_may() {
    let mut machine = Machine::with_queue("dead");
    for (queue, attributes) in
        [("jobs", redrive("dead")), ("more", redrive("dead")), ("other", AttributePatch::default())]
    {
        machine.create(queue, attributes);
    }
    let origins =
        |machine: &mut Machine| machine.run_without_effect(Command::ListOrigins { key: key("dead") });
    assert_eq!(origins(&mut machine), Outcome::Origins([].into()));
    kill(&mut machine, "jobs", 1);
    machine.set("jobs", AttributePatch { redrive: Some(None), ..AttributePatch::default() });
    assert_eq!(
        origins(&mut machine),
        Outcome::Origins([key("jobs")].into()),
        "also when it is no source now"
    );
    kill(&mut machine, "more", 1);
    assert_eq!(origins(&mut machine), Outcome::Origins([key("jobs"), key("more")].into()));
    let start = |destination: Option<&str>, back_to: &[&str]| Command::StartMoveTask {
        key: key("dead"),
        id: TASK,
        destination: destination.map(|name| key(name).into()),
        back_to: Some(std::sync::Arc::new(back_to.iter().map(|name| key(name)).collect())),
        messages_per_sec: None,
    };
    for too_few in [&[][..], &["more"], &["jobs", "other"]] {
        assert_eq!(
            machine.run(start(None, too_few)),
            Outcome::Refused(Refusal::MoveTask(MoveRefusal::OtherOrigins)),
            "{too_few:?}"
        );
    }
    assert_eq!(machine.run(start(None, &["jobs", "more"])), Outcome::MoveTaskStarted(TASK));
    // What comes later from elsewhere is not moved by it.
    machine.set("other", redrive("dead"));
    kill(&mut machine, "other", 1);
    let queue = machine.queue("dead").record.id;
    while let Some((due_at, _)) = machine.state.next_move() {
        machine.now = machine.now.max(due_at);
        machine.run(Command::StepMoveTask { queue });
    }
    assert_eq!(machine.counts("dead"), [1, 0, 0]);
    assert_eq!(machine.run(start(Some("jobs"), &[])), Outcome::MoveTaskStarted(TASK), "none goes back");
}
