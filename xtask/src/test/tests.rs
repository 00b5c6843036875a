//! Steps are chosen as asked, and a step that ran nothing or failed silently is a failure.

use std::time::Duration;

use super::{Report, chosen, run_tests, table, verdict};
use crate::counts::Counts;
use crate::descendants;
use crate::workspace;

fn names(only: &[&str]) -> Result<Vec<&'static str>, String> {
    let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
    chosen(&only).map(|steps| steps.iter().map(|step| step.name).collect())
}

fn shell(script: &str) -> Counts {
    run_tests(workspace::command("sh").args(["-c", script]), super::SILENCE_MAX).unwrap()
}

#[test]
fn all_steps_run_unless_some_are_named() {
    assert_eq!(names(&[]).unwrap(), ["tidy", "fmt", "clippy", "planted", "build", "rust", "conformance"]);
    assert_eq!(names(&["fmt", "tidy"]).unwrap(), ["tidy", "fmt"]);
}

#[test]
fn tests_bring_the_build_with_them() {
    assert_eq!(names(&["conformance"]).unwrap(), ["build", "conformance"]);
}

#[test]
fn an_unknown_step_is_refused() {
    assert!(names(&["tydi"]).unwrap_err().contains("`tydi`"));
}

#[test]
fn counts_come_from_what_the_command_printed() {
    let counts = shell("echo 'test result: ok. 3 passed; 0 failed; 0 ignored'; echo '2 passed in 0.1s'");
    assert_eq!(counts, Counts { passed: 5, ..Counts::default() });
}

#[test]
fn a_command_that_ran_no_test_has_failed() {
    assert_eq!(shell("echo nothing").failed, 1);
}

#[test]
fn a_command_that_fails_without_a_failed_test_has_failed() {
    assert_eq!(shell("echo '2 passed in 0.1s'; exit 3"), Counts { passed: 2, failed: 1, skipped: 0 });
}

#[test]
fn a_failed_test_is_counted_once() {
    let counts = Counts { passed: 2, failed: 1, skipped: 0 };
    assert_eq!(verdict(counts, false), counts);
}

#[test]
fn the_table_shows_what_did_not_run() {
    let counts = Counts { passed: 0, failed: 1, skipped: 0 };
    let text = table(&[Report { name: "rust", counts, took: Duration::ZERO, ran: false }]);
    assert!(text.lines().any(|line| line.starts_with("rust") && line.ends_with("not run")), "{text}");
}

#[test]
fn a_command_that_hangs_is_ended_with_all_below_it() {
    let mut hanging = workspace::command("sh");
    hanging.args(["-c", "echo begun; sleep 1000; echo never"]);
    let outcome = run_tests(&mut hanging, Duration::from_millis(200));
    assert!(outcome.unwrap_err().contains("said nothing"));
}

#[test]
fn what_runs_below_a_process_is_found() {
    let mut shell = workspace::command("sh").args(["-c", "sleep 1000 & wait"]).spawn().unwrap();
    let sleeps = |shown: &str| shown.contains("sleep 1000");
    while descendants::of(shell.id()).iter().filter(|one| sleeps(&one.shown)).count() < 2 {
        std::thread::yield_now();
    }
    descendants::kill(&descendants::of(shell.id()));
    assert!(!shell.wait().unwrap().success());
}
