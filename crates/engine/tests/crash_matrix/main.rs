//! The crash matrix: a scripted run over engine, log and store is crashed in each of its disk calls, brought back, and
//! held against what had been acknowledged; then that recovery is crashed in each of its disk calls, too.
//!
//! What comes back must be the state after some batch that was submitted and not before the last durable one, by its
//! digest; and an oracle that knows only what clients asked and were answered must agree when everything is received
//! (`oracle.rs`). The run is the same each time up to the crash: no thread, no clock, one seed.
//!
//! A test run tries some of the crashes, spread evenly; `MILLPOND_CRASH_MATRIX=all` tries every one, with a second crash in
//! every call of each recovery.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]
#![allow(clippy::print_stdout, reason = "the long form tells how much it has tried")]

#[path = "../support/mod.rs"]
mod support;

mod oracle;
mod run;
mod script;

use std::collections::BTreeMap;

use millpond_engine::recovery::recover;
use millpond_log::{Log, Loss, MemoryConfig, MemoryLog, MemoryStorage, Position};
use millpond_store::MemoryStore;

use run::{Run, Submitted};
use script::script;

/// How the run ends in the middle of a disk call.
#[derive(Clone, Copy, Debug)]
enum Crash {
    /// The process is killed: what it wrote stays in the page cache.
    Kill,
    /// The power goes.
    Cut(Loss),
}

const CRASHES: [Crash; 4] =
    [Crash::Kill, Crash::Cut(Loss::Everything), Crash::Cut(Loss::LastWriteTorn), Crash::Cut(Loss::Drawn)];

/// What the run leaves when nothing crashes it.
struct Reference {
    calls: u64,
    /// The state's digest after each batch.
    digests: BTreeMap<Position, u64>,
}

impl Reference {
    fn new() -> Self {
        let mut run = Run::new(0);
        run.open().unwrap();
        script(&mut run).unwrap();
        let happened = run.service().happened;
        assert!(happened.trims > 2, "segments are turned and trimmed: {happened:?}");
        assert!(happened.checkpoints > 2, "the store follows: {happened:?}");
        assert!(happened.bodies_from_store > 0 && happened.bodies_from_log > 0, "{happened:?}");
        let moves = run.service().engine.state().instance().moves;
        assert!(moves > 5, "dead letters go, and come back: {moves} moves");
        let calls = run.disk.calls();
        run.check("the run without a crash");
        Self { calls, digests: digests(&run.submitted) }
    }
}

/// The digest of the state after each batch, by replay from the first on.
fn digests(submitted: &Submitted) -> BTreeMap<Position, u64> {
    let batches = submitted.lock().unwrap();
    let mut log = MemoryLog::open(MemoryStorage::default(), MemoryConfig::default());
    let mut digests = BTreeMap::new();
    for (position, payload) in batches.iter() {
        log.submit(*position, payload.clone()).unwrap();
        log.poll();
        let recovered = recover(&mut log, &MemoryStore::new()).unwrap();
        digests.insert(*position, recovered.state.digest());
    }
    digests
}

/// Plays the script into a crash of disk call `call`. Answers the run as it was when it died.
fn crashed(call: u64, crash: Crash) -> Run {
    let mut run = Run::new(call);
    run.disk.cut_at_call(call);
    if run.open().is_ok() {
        let _ = script(&mut run);
    }
    run.die(crash);
    run
}

impl Run {
    fn die(&mut self, crash: Crash) {
        self.end();
        match crash {
            Crash::Kill => self.disk.kill(),
            Crash::Cut(loss) => self.disk.power_cut_with(loss),
        }
    }
}

/// One crash: what comes back is the state after a batch that may be the last, and all promises are kept.
fn try_crash(reference: &Reference, call: u64, crash: Crash) {
    let context = format!("{crash:?} in disk call {call}");
    let mut run = crashed(call, crash);
    let (through, digest) = run.recovered(&context);
    assert!(run.durable <= through, "{context}: {} was durable, {through} came back", run.durable);
    match reference.digests.get(&through) {
        Some(expected) => {
            assert_eq!(digest, *expected, "{context}: not the state after batch {through}");
        }
        None => assert_eq!(through, Position::NONE, "{context}: more came back than was written"),
    }
    run.open().unwrap_or_else(|error| panic!("{context}: it can't be opened again: {error}"));
    run.check(&context);
}

/// Two crashes: the second in call `second` of the recovery. Answers whether the recovery got that far.
fn try_two_crashes(call: u64, crash: Crash, second: u64) -> bool {
    let context = format!("{crash:?} in disk call {call}, then in call {second} of the recovery");
    let mut run = crashed(call, crash);
    run.disk.cut_at_call(run.disk.calls() + second);
    let opened = run.open();
    let hit = run.disk.is_down();
    assert!(hit || opened.is_ok(), "{context}: {opened:?}");
    run.die(crash);
    run.open().unwrap_or_else(|error| panic!("{context}: it can't be opened again: {error}"));
    run.check(&context);
    hit
}

fn is_long() -> bool {
    std::env::var("MILLPOND_CRASH_MATRIX").is_ok_and(|value| value == "all")
}

/// Every call, or one of so many, beginning at another place for each crash.
fn calls_to_try(calls: u64, one_of: u64, crash: usize) -> impl Iterator<Item = u64> {
    let step = if is_long() { 1 } else { one_of };
    let first = if is_long() { 1 } else { 1 + crash as u64 % one_of };
    (first..=calls).step_by(usize::try_from(step).unwrap())
}

/// Tries each crash on a thread of its own.
fn for_each_crash(work: impl Fn(usize, Crash) -> u64 + Sync) {
    let work = &work;
    let tried: u64 = std::thread::scope(|scope| {
        let tried =
            CRASHES.iter().enumerate().map(|(number, crash)| scope.spawn(move || work(number, *crash)));
        tried
            .collect::<Vec<_>>()
            .into_iter()
            .map(|crash| crash.join().expect("a crash breaks no promise"))
            .sum()
    });
    println!("{tried} crashes");
}

#[test]
fn a_crash_in_any_disk_call_breaks_no_promise() {
    let reference = Reference::new();
    assert!(reference.calls > 300, "the run is long enough: {} calls", reference.calls);
    for_each_crash(|number, crash| {
        calls_to_try(reference.calls, 7, number).map(|call| try_crash(&reference, call, crash)).count() as u64
    });
}

#[test]
fn a_second_crash_in_any_disk_call_of_the_recovery_breaks_no_promise() {
    let calls = Reference::new().calls;
    for_each_crash(|number, crash| {
        let mut tried = 0;
        for call in calls_to_try(calls, 97, number) {
            let step = if is_long() { 1 } else { 5 };
            // Another place in each recovery.
            let mut second = 1 + call % step;
            while try_two_crashes(call, crash, second) {
                second += step;
                tried += 1;
            }
        }
        tried
    });
}
