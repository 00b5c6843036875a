//! Runs many seeds on all cores, for so many seeds or so long, and tells how it goes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use crate::marks::Marks;
use crate::oracle::Broken;
use crate::world::{Report, Watch, run};

/// Each so many seeds one is run twice, and must leave the same trace.
const TWICE_EVERY: u64 = 50;
/// A run ends when so many seeds have broken promises.
const BROKEN_MAX: usize = 3;
const PROGRESS: Duration = Duration::from_secs(10);

/// When a run ends, unless it fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Seeds(u64),
    After(Duration),
}

/// What to run.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) first_seed: u64,
    pub(crate) end: End,
    pub(crate) watch: Watch,
    /// How many broken seeds end it.
    pub(crate) broken_max: usize,
    /// Progress is printed.
    pub(crate) is_shown: bool,
    /// Called on each thread before it runs seeds.
    pub(crate) prepare: fn(u64),
    pub(crate) argument: u64,
}

impl Plan {
    pub(crate) fn new(first_seed: u64, end: End) -> Self {
        let watch = Watch::default();
        Self { first_seed, end, watch, broken_max: BROKEN_MAX, is_shown: false, prepare: |_| {}, argument: 0 }
    }
}

/// What all seeds have come to.
#[derive(Debug, Default)]
pub(crate) struct Total {
    pub(crate) seeds: u64,
    pub(crate) operations: u64,
    pub(crate) marks: Marks,
    pub(crate) broken: Vec<(u64, Broken)>,
    pub(crate) took: Duration,
}

impl Total {
    fn add(&mut self, seed: u64, report: Report) {
        self.seeds += 1;
        self.operations += report.operations;
        self.marks.merge(&report.marks);
        self.broken.extend(report.broken.map(|broken| (seed, broken)));
    }

    /// One line for people.
    pub(crate) fn line(&self, took: Duration) -> String {
        let Self { seeds, operations, .. } = self;
        let rate = *operations as f64 / took.as_secs_f64().max(0.001);
        let missing = self.marks.missing();
        let marks =
            if missing.is_empty() { "all marks fired".to_owned() } else { format!("missing: {missing:?}") };
        format!(
            "{:>6.0} s  {seeds} seeds  {operations} operations  {rate:.0} operations/s  {marks}",
            took.as_secs_f64()
        )
    }
}

/// One seed, through panics.
pub(crate) fn run_seed(seed: u64, watch: Watch) -> Report {
    catch_unwind(AssertUnwindSafe(|| run(seed, watch))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let broken = Some(format!("it panicked: {}", text.unwrap_or_default()));
        Report { marks: Marks::default(), trace: 0, operations: 0, broken }
    })
}

fn run_seed_sampled(seed: u64, plan: &Plan) -> Report {
    let mut report = run_seed(seed, plan.watch);
    if seed.is_multiple_of(TWICE_EVERY) && report.broken.is_none() {
        let again = run_seed(seed, plan.watch);
        if again.trace != report.trace || again.marks != report.marks {
            report.broken = Some("two runs of this seed have left different traces".to_owned());
        }
    }
    report
}

/// The storage engine panics on what a lying disk has left, and the store makes a refusal of it: nothing to be told.
fn hush_storage_engine() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let shown = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !panic.location().is_some_and(|location| location.file().contains("redb-")) {
                shown(panic);
            }
        }));
    });
}

/// Runs a plan to its end.
pub(crate) fn run_all(plan: Plan) -> Total {
    hush_storage_engine();
    let begun = Instant::now();
    let next = AtomicU64::new(plan.first_seed);
    let is_over = AtomicBool::new(false);
    let total = Mutex::new(Total::default());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        (plan.prepare)(plan.argument);
        while !is_over.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let ended = match plan.end {
                End::Seeds(seeds) => seed - plan.first_seed >= seeds,
                End::After(time) => begun.elapsed() >= time,
            };
            if ended {
                return;
            }
            let report = run_seed_sampled(seed, &plan);
            let mut total = total.lock().expect("no worker panics while it counts");
            total.add(seed, report);
            if total.broken.len() >= plan.broken_max {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut shown = begun;
        while plan.is_shown && workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::park_timeout(Duration::from_millis(100));
            if shown.elapsed() >= PROGRESS {
                shown = Instant::now();
                println!("{}", total.lock().expect("no worker panics while it counts").line(begun.elapsed()));
            }
        }
    });
    let mut total = total.into_inner().expect("no worker panics while it counts");
    total.took = begun.elapsed();
    total.broken.sort();
    total
}
