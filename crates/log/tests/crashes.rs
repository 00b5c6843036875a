//! A crash at every disk call, in a life and in the recovery after it: what was reported durable is there, in
//! order and unchanged, and the log goes on.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on stops.

mod support;

use fastrand::Rng;
use millpond_log::FaultyDisk;
use support::{Promises, live, open};

const STEPS: usize = 30;

/// A life that ends at changing call `cut`, if it gets that far.
fn first_life(disk: &FaultyDisk, promises: &mut Promises, script: u64) {
    let mut rng = Rng::with_seed(script);
    if let Ok((mut log, _)) = open(disk) {
        promises.check_opened(&mut log, "first open");
        live(promises, &mut log, &mut rng, STEPS);
    }
}

fn calls_of_a_whole_life(script: u64) -> u64 {
    let disk = FaultyDisk::new(0);
    first_life(&disk, &mut Promises::default(), script);
    assert!(!disk.is_down());
    disk.calls()
}

/// Opens after a crash, checks, lives on for a while, and checks once more after another power cut.
fn go_on(disk: &FaultyDisk, promises: &mut Promises, context: &str) {
    let (mut log, _) = open(disk).unwrap_or_else(|error| panic!("{context}: {error}"));
    promises.check_opened(&mut log, context);
    let mut rng = Rng::with_seed(77);
    assert!(live(promises, &mut log, &mut rng, 6), "{context}: the recovered log works");
    drop(log);
    disk.power_cut();
    let (mut log, _) = open(disk).unwrap_or_else(|error| panic!("{context}, again: {error}"));
    promises.check_opened(&mut log, context);
}

#[test]
fn a_power_cut_at_every_disk_call_loses_nothing_that_was_durable() {
    for script in 1..4 {
        for cut in 1..=calls_of_a_whole_life(script) {
            for seed in 0..4 {
                let disk = FaultyDisk::new(seed);
                let mut promises = Promises::default();
                disk.cut_at_call(cut);
                first_life(&disk, &mut promises, script);
                disk.power_cut();
                go_on(&disk, &mut promises, &format!("script {script}, cut at call {cut}, seed {seed}"));
            }
        }
    }
}

#[test]
fn a_kill_at_every_disk_call_loses_nothing_that_was_durable() {
    let script = 5;
    for cut in 1..=calls_of_a_whole_life(script) {
        let disk = FaultyDisk::new(cut);
        let mut promises = Promises::default();
        disk.cut_at_call(cut);
        first_life(&disk, &mut promises, script);
        disk.kill();
        go_on(&disk, &mut promises, &format!("killed at call {cut}"));
    }
}

#[test]
fn a_second_crash_at_every_call_of_the_recovery_changes_nothing() {
    let script = 6;
    for cut in 1..=calls_of_a_whole_life(script) {
        for in_recovery in 1.. {
            let disk = FaultyDisk::new(cut * 31 + in_recovery);
            let mut promises = Promises::default();
            disk.cut_at_call(cut);
            first_life(&disk, &mut promises, script);
            disk.power_cut();
            disk.cut_at_call(disk.calls() + in_recovery);
            let opened = open(&disk).is_ok();
            if opened && !disk.is_down() {
                break;
            }
            disk.power_cut();
            go_on(&disk, &mut promises, &format!("cut at call {cut}, then at {in_recovery} of the recovery"));
        }
    }
}

#[test]
fn many_lives_on_one_disk() {
    for seed in 0..60 {
        let disk = FaultyDisk::new(seed);
        let mut rng = Rng::with_seed(seed);
        let mut promises = Promises::default();
        for life in 0..40 {
            let context = format!("seed {seed}, life {life}");
            if rng.bool() {
                disk.cut_at_call(disk.calls() + rng.u64(1..80));
            } else if rng.bool() {
                disk.fail_call(disk.calls() + rng.u64(1..80), std::io::ErrorKind::Other);
            }
            match open(&disk) {
                Ok((mut log, _)) => {
                    promises.check_opened(&mut log, &context);
                    live(&mut promises, &mut log, &mut rng, 15);
                }
                Err(error) => assert!(
                    matches!(error, millpond_log::OpenError::Io { .. } | millpond_log::OpenError::Lock(_)),
                    "{context}: {error}"
                ),
            }
            if rng.u8(..4) == 0 { disk.kill() } else { disk.power_cut() }
        }
    }
}

#[test]
fn any_disk_call_may_fail() {
    let script = 8;
    for call in 1..=calls_of_a_whole_life(script) {
        for kind in [std::io::ErrorKind::Other, std::io::ErrorKind::StorageFull] {
            let disk = FaultyDisk::new(call);
            let mut promises = Promises::default();
            disk.fail_call(call, kind);
            first_life(&disk, &mut promises, script);
            // The next process sees the page cache as the failed sync has left it; only then comes the cut.
            disk.kill();
            go_on(&disk, &mut promises, &format!("call {call} failed with {kind}"));
        }
    }
}
