//! A crash at any disk call leaves the old state or the new one, and the position says which.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::sync::Arc;

use millpond_log::{Disk, FaultyDisk, Position};
use millpond_store::conformance::script::Script;
use millpond_store::conformance::seen::Seen;
use millpond_store::{Changes, MemoryStore, RedbConfig, RedbStore, Store, StoreError};

/// A scripted run: what is applied at each position, and what is to be seen after it.
struct Run {
    changes: Vec<Changes>,
    states: Vec<Seen>,
}

impl Run {
    fn new(seed: u64, steps: usize) -> Self {
        let mut script = Script::new(seed);
        let mut model = MemoryStore::new();
        let mut run = Self { changes: Vec::new(), states: vec![Seen::of(&model)] };
        for position in 1..=steps {
            let changes = script.next_changes();
            model.apply(changes.clone(), Position(position as u64)).unwrap();
            run.changes.push(changes);
            run.states.push(Seen::of(&model));
        }
        run
    }

    /// Goes on from what the store reflects, until the end or the first error.
    fn go_on(&self, store: &mut dyn Store) -> Result<(), StoreError> {
        while let Some(changes) = self.changes.get(reflected(store)) {
            store.apply(changes.clone(), store.reflected().next())?;
            store.reclaim(3)?;
        }
        Ok(())
    }

    fn assert_whole(&self, store: &dyn Store) {
        assert_eq!(Seen::of(store), self.states[reflected(store)]);
    }
}

fn reflected(store: &dyn Store) -> usize {
    usize::try_from(store.reflected().0).unwrap()
}

/// So small a cache that pages are written before the commit.
fn open(disk: &FaultyDisk) -> Result<RedbStore, StoreError> {
    RedbStore::open(
        Arc::new(disk.clone()),
        RedbConfig { cache_bytes: 16 << 10, payload_file_bytes: 4 << 10, ..RedbConfig::default() },
    )
}

/// Runs to the end, or to the cut, and says what was acknowledged last.
fn run_to_the_cut(run: &Run, disk: &FaultyDisk) -> usize {
    let Ok(mut store) = open(disk) else { return 0 };
    let _ = run.go_on(&mut store);
    reflected(&store)
}

fn calls_of_a_whole_run(run: &Run, seed: u64) -> u64 {
    let disk = FaultyDisk::new(seed);
    assert_eq!(run_to_the_cut(run, &disk), run.changes.len());
    disk.calls()
}

fn every_cut(seed: u64, steps: usize, restart: impl Fn(&FaultyDisk)) {
    let run = Run::new(seed, steps);
    let calls = calls_of_a_whole_run(&run, seed);
    assert!(calls > 100, "the run is long enough to be cut: {calls}");
    for call in 1..=calls {
        let disk = FaultyDisk::new(seed ^ call << 8);
        disk.cut_at_call(call);
        let acknowledged = run_to_the_cut(&run, &disk);
        restart(&disk);
        let mut store = open(&disk).unwrap_or_else(|error| panic!("after a cut at call {call}: {error}"));
        let found = reflected(&store);
        assert!(
            (acknowledged..=acknowledged + 1).contains(&found),
            "a cut at call {call}: acknowledged {acknowledged}, found {found}"
        );
        run.assert_whole(&store);
        run.go_on(&mut store).unwrap();
        run.assert_whole(&store);
        assert_eq!(reflected(&store), steps);
    }
}

#[test]
fn a_power_cut_at_any_call_leaves_the_old_state_or_the_new() {
    for seed in 0..3 {
        every_cut(seed, 5, FaultyDisk::power_cut);
    }
}

#[test]
fn the_end_of_the_process_at_any_call_leaves_the_old_state_or_the_new() {
    every_cut(7, 5, FaultyDisk::kill);
}

#[test]
fn a_second_power_cut_while_the_store_recovers_changes_nothing() {
    let run = Run::new(11, 4);
    let calls = calls_of_a_whole_run(&run, 11);
    for call in (1..=calls).step_by(13) {
        for second in 1.. {
            let disk = FaultyDisk::new(call << 16 ^ second);
            disk.cut_at_call(call);
            let acknowledged = run_to_the_cut(&run, &disk);
            disk.power_cut();
            disk.cut_at_call(disk.calls() + second);
            drop(open(&disk));
            let recovered = !disk.is_down();
            disk.power_cut();
            let store = open(&disk).unwrap();
            assert!((acknowledged..=acknowledged + 1).contains(&reflected(&store)));
            run.assert_whole(&store);
            if recovered {
                break;
            }
        }
    }
}

#[test]
fn an_unfinished_new_store_never_becomes_the_store() {
    let begun = |seed| {
        let disk = FaultyDisk::new(seed);
        let file = disk.create("store.redb.new").unwrap();
        file.write_at(0, &[7; 10_000]).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir().unwrap();
        disk
    };
    let whole = begun(0);
    open(&whole).unwrap();
    for call in 5..=whole.calls() {
        for seed in 0..6 {
            let disk = begun(call << 8 ^ seed);
            disk.cut_at_call(call);
            let _ = open(&disk);
            disk.power_cut();
            let store = open(&disk).unwrap_or_else(|error| panic!("after a cut at call {call}: {error}"));
            assert_eq!(Seen::of(&store), Seen::default());
        }
    }
}
