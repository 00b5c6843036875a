//! Fills of spares that fail: what the log survives, and what it does not.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on stops.

mod support;

use std::io::ErrorKind;

use fastrand::Rng;
use millpond_log::{Disk, FaultyDisk, Log, Progress, SegmentLog};
use support::{Promises, live, open};

const FILLING: &str = "spare-filling";

/// A new log without a spare: its next poll creates a file, writes it and syncs it. Answers how many calls its disk has had.
fn new_log(disk: &FaultyDisk) -> (SegmentLog, Promises, u64) {
    let (mut log, _) = open(disk).unwrap();
    let mut promises = Promises::default();
    promises.check_opened(&mut log, "new");
    assert!(!disk.list().unwrap().iter().any(|name| name.starts_with("spare")));
    let calls = disk.calls();
    (log, promises, calls)
}

fn has_filling(disk: &FaultyDisk) -> bool {
    disk.list().unwrap().iter().any(|name| name == FILLING)
}

#[test]
fn a_file_that_a_failed_fill_could_not_remove_is_replaced() {
    for failing in [2, 3] {
        let disk = FaultyDisk::new(1);
        let (mut log, mut promises, calls) = new_log(&disk);
        disk.fail_call(calls + failing, ErrorKind::StorageFull);
        // Removing it needs room as well, where files are never written over.
        disk.fail_call(calls + failing + 1, ErrorKind::StorageFull);
        promises.poll(&mut log).expect("a full disk does not kill");
        assert!(has_filling(&disk) && log.reader().usage().disk_full);
        // It still can't be removed.
        disk.fail_call(disk.calls() + 2, ErrorKind::StorageFull);
        promises.poll(&mut log).expect("a full disk does not kill");
        assert!(has_filling(&disk) && log.reader().usage().disk_full);
        promises.poll(&mut log).expect("what was left behind is no harm");
        assert!(!has_filling(&disk) && !log.reader().usage().disk_full);
        assert!(live(&mut promises, &mut log, &mut Rng::with_seed(1), 20));
        drop(log);
        disk.power_cut();
        promises.check_opened(&mut open(&disk).unwrap().0, "after a cut");
    }
}

#[test]
fn a_fill_that_fails_for_another_reason_ends_the_log() {
    let disk = FaultyDisk::new(1);
    let (mut log, _, calls) = new_log(&disk);
    disk.fail_call(calls + 1, ErrorKind::PermissionDenied);
    let Progress::Failed(failure) = log.poll() else { panic!("it goes on") };
    assert_eq!(failure.operation, "preparation of a segment");
    assert_eq!(failure.error, "permission denied", "as it was, and not what came of mending it");
}
