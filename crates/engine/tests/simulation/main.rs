//! Deterministic simulation: seeded clients and faults on virtual time, an oracle that knows what each client was
//! promised, and planted bugs that it must catch.
//!
//! `cargo xtask sim` drives this binary; what it is worth and how to extend it is told in `docs/simulation.md`. A failing
//! seed prints the command that shows it again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]
#![allow(clippy::print_stdout, reason = "a failing seed names itself")]

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod driver;
mod invariants;
mod marks;
mod oracle;
mod planted;
mod topology;
mod trace;
mod world;

use std::time::Duration;

use driver::{End, Plan, Total, run_all, run_seed};
use world::{FAULTS, Watch, run};

/// Seeds of a CI run.
const SEEDS: u64 = 400;

/// Seeds that have found a bug of the product, with what it was.
const FOUND: [(u64, &str); 3] = [
    (606, "a trim whose sync failed, and a power cut in the next start, made the log look damaged"),
    (2_496, "confirming the clock took the grace of a later outage away"),
    (4_863, "confirming the clock took the grace of a later outage away"),
];

/// A number from the environment.
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} holds no number")))
}

fn show_broken(total: &Total) {
    for (seed, broken) in &total.broken {
        println!("seed {seed}: {broken}\n  replay: cargo xtask sim {seed} --trace");
    }
}

/// One seed, with its trace when that is asked for.
fn run_one(seed: u64) {
    let watch = Watch { trace: given("MILLPOND_SIM_TRACE").is_some(), ..Watch::default() };
    let report = run_seed(seed, watch);
    println!("seed {seed}: {} operations, trace {:016x}", report.operations, report.trace);
    assert!(report.broken.is_none(), "seed {seed}: {}", report.broken.unwrap_or_default());
}

#[test]
fn every_promise_is_kept_and_every_mark_fires() {
    if let Some(seed) = given("MILLPOND_SIM_SEED") {
        return run_one(seed);
    }
    let seconds = given("MILLPOND_SIM_SECONDS");
    let seeds = given("MILLPOND_SIM_SEEDS").unwrap_or(SEEDS);
    let end = seconds.map_or(End::Seeds(seeds), |seconds| End::After(Duration::from_secs(seconds)));
    let first_seed = given("MILLPOND_SIM_FIRST").unwrap_or(0);
    let total = run_all(Plan { is_shown: seconds.is_some(), ..Plan::new(first_seed, end) });
    println!("{}{}", total.marks.table(), total.line(total.took));
    show_broken(&total);
    assert!(total.broken.is_empty(), "{} seeds have broken promises", total.broken.len());
    assert_eq!(total.marks.missing(), [""; 0], "these never happened");
}

#[test]
fn a_seed_run_twice_leaves_the_same_trace() {
    for seed in 0..10 {
        let (first, second) = (run(seed, Watch::default()), run(seed, Watch::default()));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.marks, second.marks, "seed {seed}");
    }
    assert_ne!(run(0, Watch::default()).trace, run(1, Watch::default()).trace);
}

#[test]
fn seeds_that_have_found_bugs_stay_quiet() {
    for (seed, bug) in FOUND {
        assert_eq!(run(seed, Watch::default()).broken, None, "seed {seed} once found: {bug}");
    }
}

#[test]
fn the_page_lists_every_fault_with_what_it_may_lead_to() {
    let page = include_str!("../../../../docs/simulation.md");
    for fault in FAULTS {
        let row = format!("| {} | {} | {} |", fault.name, fault.what, fault.allowed);
        assert!(page.contains(&row), "docs/simulation.md lacks this row:\n{row}");
    }
}

/// Tests of the tests: the same oracle and workload must catch every planted bug. Only what clients see counts.
#[cfg(feature = "simulation")]
#[test]
fn every_planted_bug_is_caught() {
    use millpond_log::planted::{Bug, plant};
    let longest = Duration::from_secs(given("MILLPOND_SIM_SECONDS").unwrap_or(60));
    let mut missed = Vec::new();
    println!("{:<48} {:>8} {:>8}  what the oracle says", "bug", "seed", "seconds");
    for (number, bug) in Bug::ALL.into_iter().enumerate() {
        let total = run_all(Plan {
            watch: Watch { oracle_only: true, trace: false },
            broken_max: 1,
            prepare: |number| plant(Some(Bug::ALL[usize::try_from(number).unwrap_or(0)])),
            argument: number as u64,
            ..Plan::new(0, End::After(longest))
        });
        let seconds = total.took.as_secs_f64();
        match total.broken.first() {
            Some((seed, broken)) => {
                let shown: String = broken.chars().take(160).collect();
                println!("{:<48} {seed:>8} {seconds:>8.2}  {shown}", bug.name());
            }
            None => {
                println!("{:<48} {:>8} {seconds:>8.2}  nothing, in {} seeds", bug.name(), "-", total.seeds);
                missed.push(bug.name());
            }
        }
    }
    assert_eq!(missed, [""; 0], "these were not caught");
}
