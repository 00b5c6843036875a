//! The decision table of the supervisor: every combination of what is wanted and what is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use millpond_stack::driver::{Launch, LaunchDigest, Session};
use millpond_stack::supervise::{Action, Observed, Policy, Restarts, Wanted, decide};
use std::collections::BTreeMap;
use std::time::Duration;

const POLICY: Policy =
    Policy { backoff_min: secs(1), backoff_max: secs(8), healthy_after: secs(60), stop_grace: secs(10) };

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn digest(program: &str) -> LaunchDigest {
    launch(program).digest()
}

fn launch(program: &str) -> Launch {
    Launch {
        program: program.into(),
        args: vec![],
        environment: BTreeMap::new(),
        configuration: vec![],
        session: Session::ProcessGroup,
    }
}

fn running(program: &str, terminated_at: Option<Duration>, killed: bool) -> Observed {
    Observed::Running { digest: digest(program), since: secs(1), restarts: 0, terminated_at, killed }
}

fn absent(not_before: Duration) -> Observed {
    Observed::Absent(Restarts { count: 1, not_before })
}

fn check(wanted: &Wanted, observed: &Observed, now: Duration, expected: &[Action]) {
    assert_eq!(decide(&POLICY, wanted, observed, now), expected, "{wanted:?} {observed:?} {now:?}");
}

#[test]
fn wanted_and_absent() {
    let wanted = Wanted::Running(digest("a"));
    check(&wanted, &absent(secs(0)), secs(0), &[Action::Spawn]);
    check(&wanted, &absent(secs(5)), secs(5), &[Action::Spawn]);
    check(&wanted, &absent(secs(5)), secs(4), &[Action::Wait(secs(5))]);
}

#[test]
fn wanted_and_running() {
    let wanted = Wanted::Running(digest("a"));
    check(&wanted, &running("a", None, false), secs(20), &[]);
    check(&wanted, &running("b", None, false), secs(20), &[Action::Terminate, Action::Wait(secs(30))]);
}

#[test]
fn wanted_again_while_it_ends() {
    let wanted = Wanted::Running(digest("a"));
    check(&wanted, &running("a", Some(secs(20)), false), secs(25), &[Action::Wait(secs(30))]);
}

#[test]
fn not_wanted() {
    check(&Wanted::Stopped, &absent(secs(0)), secs(9), &[]);
    check(
        &Wanted::Stopped,
        &running("a", None, false),
        secs(20),
        &[Action::Terminate, Action::Wait(secs(30))],
    );
    check(&Wanted::Stopped, &running("a", Some(secs(20)), false), secs(29), &[Action::Wait(secs(30))]);
    check(&Wanted::Stopped, &running("a", Some(secs(20)), false), secs(30), &[Action::Kill]);
    check(&Wanted::Stopped, &running("a", Some(secs(20)), true), secs(31), &[]);
}

#[test]
fn found() {
    let found = |program: &str| Observed::Found { digest: digest(program) };
    let wanted = Wanted::Running(digest("a"));
    let adopt_and_end = [Action::Adopt, Action::Terminate, Action::Wait(secs(12))];
    check(&wanted, &found("a"), secs(2), &[Action::Adopt]);
    check(&wanted, &found("b"), secs(2), &adopt_and_end);
    check(&Wanted::Stopped, &found("a"), secs(2), &adopt_and_end);
}

#[test]
fn waits_double_up_to_a_bound_and_begin_small_after_a_healthy_life() {
    let waits: Vec<u64> = (0..6)
        .map(|earlier| {
            (Restarts::after_end(&POLICY, earlier, secs(2), secs(100)).not_before - secs(100)).as_secs()
        })
        .collect();
    assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
    let after_healthy_life = Restarts::after_end(&POLICY, 5, secs(60), secs(100));
    assert_eq!(after_healthy_life, Restarts { count: 1, not_before: secs(101) });
    assert_eq!(Restarts::after_end(&POLICY, u32::MAX, secs(0), secs(0)).not_before, secs(8));
}

#[test]
fn every_part_of_a_launch_is_in_its_digest() {
    let base = launch("a");
    let others = [
        launch("b"),
        Launch { args: vec!["x".to_owned()], ..base.clone() },
        Launch { environment: BTreeMap::from([("A".to_owned(), "b".to_owned())]), ..base.clone() },
        Launch { configuration: b"x".to_vec(), ..base.clone() },
        Launch { session: Session::EnteredByProgram, ..base.clone() },
        Launch { args: vec!["xy".to_owned(), String::new()], ..base.clone() },
        Launch { args: vec!["x".to_owned(), "y".to_owned()], ..base.clone() },
    ];
    for (index, left) in others.iter().enumerate() {
        assert_ne!(left.digest(), base.digest());
        for right in &others[index + 1..] {
            assert_ne!(left.digest(), right.digest());
        }
    }
    assert_eq!(launch("a").digest(), base.digest());
}

#[test]
fn a_launch_shows_no_secret() {
    let secret = Launch {
        environment: BTreeMap::from([("KEY".to_owned(), "hunter2".to_owned())]),
        configuration: b"hunter2".to_vec(),
        ..launch("a")
    };
    assert!(!format!("{secret:?}").contains("hunter2"));
}
