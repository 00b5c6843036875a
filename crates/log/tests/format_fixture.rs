//! The committed log of format 1 opens, and the bytes written today are the same.
//!
//! After a deliberate change of the format: keep the old fixture, add a directory for the new one, and write it
//! with `MILLPOND_WRITE_FIXTURE=1 cargo test -p millpond-log --test format_fixture`.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on stops.

mod support;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use millpond_log::{Disk, FaultyDisk, Log, Position, Progress, RealDisk, SegmentLog};
use support::{LOG_ID, open, tiny};

fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1")
}

fn payload(number: u64) -> Bytes {
    Bytes::from(format!("batch {number} ").repeat(usize::try_from(number * 9 % 80).unwrap()))
}

/// Two epochs, a trimmed and recycled segment, header-only batches.
fn write(disk: &FaultyDisk) {
    for (from, to) in [(1, 20), (21, 30)] {
        let (mut log, _) = open(disk).unwrap();
        for number in from..=to {
            log.submit(Position(number), payload(number)).unwrap();
            assert_eq!(log.poll(), Progress::Durable(Position(number)));
        }
        log.trim(Position(11)).unwrap();
    }
}

fn files(disk: &dyn Disk) -> Vec<String> {
    disk.list().unwrap().into_iter().filter(|name| !name.starts_with("spare-")).collect()
}

#[test]
fn the_bytes_written_today_are_those_of_the_fixture() {
    let disk = FaultyDisk::new(1);
    write(&disk);
    if std::env::var_os("MILLPOND_WRITE_FIXTURE").is_some() {
        std::fs::create_dir_all(fixture()).unwrap();
        for name in files(&disk) {
            std::fs::write(fixture().join(&name), disk.content(&name).unwrap()).unwrap();
        }
    }
    assert_eq!(files(&disk), files(&RealDisk::open(fixture()).unwrap()));
    for name in files(&disk) {
        let committed = std::fs::read(fixture().join(&name)).unwrap();
        assert!(disk.content(&name).unwrap() == committed, "{name} differs from the committed file");
    }
}

#[test]
fn the_committed_log_opens_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(fixture()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), directory.path().join(entry.file_name())).unwrap();
    }
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    let (mut log, report) = SegmentLog::open_inline(disk, tiny(), LOG_ID).unwrap();
    assert!(!report.created && report.torn.is_none());
    assert_eq!((report.log_id, report.bounds.epoch, report.bounds.tail), (LOG_ID, 3, Position(31)));
    let first = report.bounds.first;
    assert!(first > Position::FIRST && first <= Position(11));
    let mut next = first;
    let end = log.replay(first, &mut |position, content| {
        assert_eq!((position, content), (next, payload(next.0)));
        next = next.next();
        ControlFlow::Continue(())
    });
    assert_eq!(end, Ok(Position(31)));
    log.submit(Position(31), payload(31)).unwrap();
    assert_eq!(log.poll(), Progress::Durable(Position(31)));
}
