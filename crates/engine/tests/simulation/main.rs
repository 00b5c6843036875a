//! Deterministic simulation: seeded clients and faults on virtual time, an oracle that knows what each client was
//! promised, and planted bugs that it must catch.
//!
//! A failing seed names itself; `MILLPOND_SIM_SEED=<seed>` runs that one alone, `MILLPOND_SIM_SEEDS=<count>` so many.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]
#![allow(clippy::print_stdout, reason = "a failing seed names itself")]

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod marks;
mod oracle;
mod planted;
mod world;

use marks::Marks;
use planted::Bug;
use world::run;

/// Seeds of a CI run, in two halves side by side.
const SEEDS: u64 = 300;
/// The first of them.
const FIRST_SEED: u64 = 0;

/// A number from the environment.
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} holds no number")))
}

fn seeds(half: u64) -> Vec<u64> {
    let count = given("MILLPOND_SIM_SEEDS").unwrap_or(SEEDS).div_ceil(2);
    let of_half = || (half * count..(half + 1) * count).map(|number| FIRST_SEED + number).collect();
    given("MILLPOND_SIM_SEED").map_or_else(of_half, |seed| vec![seed])
}

/// All seeds of one half: their marks, and what was broken, each with the command that shows it again.
fn run_half(half: u64) -> (Marks, Vec<String>) {
    let mut marks = Marks::default();
    let mut broken = Vec::new();
    for seed in seeds(half) {
        let report = run(seed, None);
        marks.merge(&report.marks);
        broken.extend(report.broken.map(|broken| {
            let command =
                format!("MILLPOND_SIM_SEED={seed} cargo test -p millpond-engine --test simulation promise");
            format!("seed {seed}: {broken}\n  replay: {command}")
        }));
    }
    (marks, broken)
}

#[test]
fn every_promise_is_kept_and_every_mark_fires() {
    let halves: Vec<(Marks, Vec<String>)> = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| scope.spawn(move || run_half(half)));
        halves.into_iter().map(|half| half.join().expect("a half runs to its end")).collect()
    });
    let mut marks = Marks::default();
    halves.iter().for_each(|(of_half, _)| marks.merge(of_half));
    let broken: Vec<&String> = halves.iter().flat_map(|(_, broken)| broken).collect();
    for text in &broken {
        println!("{text}");
    }
    assert!(broken.is_empty(), "{} seeds have broken promises", broken.len());
    println!("{marks:#?}");
    if given("MILLPOND_SIM_SEED").is_none() {
        assert_eq!(marks.missing(), [""; 0], "these never happened");
    }
}

#[test]
fn a_seed_run_twice_leaves_the_same_trace() {
    for seed in 0..10 {
        let (first, second) = (run(seed, None), run(seed, None));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.marks, second.marks, "seed {seed}");
    }
    assert_ne!(run(0, None).trace, run(1, None).trace);
}

/// The oracle catches a planted bug within the seeds of a CI run.
fn is_caught(bug: Bug) {
    let caught = (FIRST_SEED..FIRST_SEED + SEEDS)
        .find_map(|seed| run(seed, Some(bug)).broken.map(|broken| (seed, broken)));
    let (seed, broken) = caught.unwrap_or_else(|| panic!("{bug:?} was not caught within {SEEDS} seeds"));
    println!("{bug:?} was caught by seed {seed}: {broken}");
}

#[test]
fn a_batch_reported_before_its_sync_is_caught() {
    is_caught(Bug::ReportedBeforeSync);
}

#[test]
fn a_reply_without_events_that_does_not_wait_is_caught() {
    is_caught(Bug::EventlessReplyNotHeld);
}

#[test]
fn a_checkpoint_ahead_of_what_is_durable_is_caught() {
    is_caught(Bug::CheckpointAheadOfDurable);
}

#[test]
fn a_trim_before_the_checkpoint_is_caught() {
    is_caught(Bug::TrimmedBeforeCheckpoint);
}

#[test]
fn a_lease_that_is_not_logged_is_caught() {
    is_caught(Bug::LeaseNotLogged);
}

#[test]
fn a_delete_that_is_not_logged_is_caught() {
    is_caught(Bug::DeleteNotLogged);
}

#[test]
fn a_visibility_change_that_is_not_logged_is_caught() {
    is_caught(Bug::VisibilityChangeNotLogged);
}

#[test]
fn a_purge_that_is_not_logged_is_caught() {
    is_caught(Bug::PurgeNotLogged);
}

#[test]
fn a_last_batch_that_is_not_replayed_is_caught() {
    is_caught(Bug::LastBatchNotReplayed);
}

#[test]
fn a_directory_that_is_not_synced_is_caught() {
    is_caught(Bug::DirectoryNotSynced);
}

#[test]
fn a_failed_sync_that_is_tried_again_is_caught() {
    is_caught(Bug::FailedSyncRetried);
}
