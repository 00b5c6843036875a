//! The state of a workload in a word, by what its process does and what it says.

use millpond_stack::driver::{Condition, ExitKind};
use millpond_stack::supervise::{WorkloadState, WorkloadStatus};
use millpond_stack::{Desired, WorkloadName};
use serde_json::Value;

use super::shown;

const NOW: u64 = 1_700_000_000_000;

fn status(state: WorkloadState, condition: Option<Condition>) -> WorkloadStatus {
    WorkloadStatus {
        name: WorkloadName::new("backend").expect("a name"),
        kind: "sink",
        desired: Desired::Running,
        state,
        url: None,
        condition,
        log_path: "backend.log".into(),
    }
}

fn state_and_reason(state: WorkloadState, condition: Option<Condition>) -> (String, Option<String>) {
    let shown = shown(&status(state, condition), None, None, NOW);
    let text = |name: &str| shown.get(name).and_then(Value::as_str).map(str::to_owned);
    (text("state").expect("a state"), text("reason"))
}

fn running() -> WorkloadState {
    WorkloadState::Running { pid: 1, since_unix_ms: 2, restarts: 0 }
}

fn backoff(last_exit: ExitKind, last_error: Option<&str>) -> WorkloadState {
    WorkloadState::Backoff {
        until_unix_ms: 3,
        restarts: 1,
        last_exit,
        last_error: last_error.map(Into::into),
    }
}

#[test]
fn a_process_alone_is_not_taken_for_a_workload_that_works() {
    assert_eq!(state_and_reason(running(), None), ("starting".into(), None));
    assert_eq!(state_and_reason(running(), Some(Condition::Ready)), ("running".into(), None));
    for (until_unix_ms, told) in [(NOW + 1, Some("message 7 can't become a row".into())), (NOW, None)] {
        let except = Condition::ReadyExcept { reason: "message 7 can't become a row".into(), until_unix_ms };
        assert_eq!(state_and_reason(running(), Some(except)), ("running".into(), told));
    }
    let waiting = Condition::Waiting { reason: "no database".into() };
    assert_eq!(state_and_reason(running(), Some(waiting)), ("waiting".into(), Some("no database".into())));
}

#[test]
fn what_ended_says_why() {
    let told = |state, condition| state_and_reason(state, condition).1.expect("a reason");
    let failed = Condition::Failed { reason: "no column country".into() };
    assert_eq!(told(backoff(ExitKind::Code(1), None), Some(failed.clone())), "no column country");
    assert_eq!(told(backoff(ExitKind::NotStarted, Some("no program")), Some(failed.clone())), "no program");
    assert_eq!(told(backoff(ExitKind::Signal(9), None), Some(Condition::Ready)), "it was ended by signal 9");
    assert_eq!(state_and_reason(WorkloadState::Stopped, Some(failed)), ("stopped".into(), None));
}
