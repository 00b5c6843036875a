//! Damage, full disks, failing and lying syncs: what each may do to a log, and what it may not.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on stops.

mod support;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use millpond_log::{
    Disk, FaultyDisk, LockError, Log, LogConfig, OpenError, Position, Progress, ReadError, RealDisk,
    SegmentLog, SpaceCause, SubmitError, Waker,
};
use support::{LOG_ID, Promises, live, open, tiny};

const SUPERBLOCK: &str = "log.superblock";

/// A log of a dozen batches, the last a header-only one, closed.
fn a_closed_log(seed: u64) -> (FaultyDisk, Promises) {
    let disk = FaultyDisk::new(seed);
    let mut promises = Promises::default();
    let (mut log, _) = open(&disk).unwrap();
    for number in 1..12_u64 {
        promises.submit(&mut log, Bytes::from(vec![number as u8; 600])).unwrap();
        promises.poll(&mut log).unwrap();
    }
    promises.submit(&mut log, Bytes::new()).unwrap();
    promises.poll(&mut log).unwrap();
    (disk, promises)
}

fn segment_names(disk: &FaultyDisk) -> Vec<String> {
    disk.list().unwrap().into_iter().filter(|name| name.starts_with("segment-")).collect()
}

#[test]
fn a_flipped_bit_is_refused_or_reported_and_never_served() {
    let names = segment_names(&a_closed_log(1).0);
    assert!(names.len() > 2);
    let (mut refused, mut reported, mut harmless) = (0, 0, 0);
    for name in &names {
        for offset in (0..4096).step_by(13) {
            let (disk, promises) = a_closed_log(1);
            disk.flip_bit(name, offset, (offset % 8) as u8);
            match open(&disk) {
                Err(OpenError::Corrupt { file, hint, .. }) => {
                    assert_eq!((&file, hint.as_str()), (name, "run `repair DIR NEWDIR`"));
                    refused += 1;
                }
                Err(other) => panic!("{other}"),
                Ok((log, _)) => {
                    // The header-only batch at the end is the only one that nothing proves durable.
                    assert!(log.bounds().tail.0 >= promises.durable, "{name} at {offset}");
                    let reader = log.reader();
                    let mut is_harmless = true;
                    for position in (1..log.bounds().tail.0).map(Position) {
                        match reader.read(position) {
                            Ok(payload) => assert_eq!(payload, promises.submitted[&position.0]),
                            Err(ReadError::Damaged { file, .. }) => {
                                assert_eq!(&file, name);
                                is_harmless = false;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                    if is_harmless { harmless += 1 } else { reported += 1 }
                }
            }
        }
    }
    assert!(refused > 0 && reported > 0 && harmless > 0, "{refused} {reported} {harmless}");
}

#[test]
fn one_slot_of_the_superblock_is_enough_and_none_is_refused() {
    for (damaged, opens) in [(&[0][..], true), (&[4096], true), (&[0, 4096], false)] {
        let (disk, mut promises) = a_closed_log(2);
        for offset in damaged {
            disk.flip_bit(SUPERBLOCK, offset + 20, 3);
        }
        match open(&disk) {
            Ok((mut log, _)) => {
                assert!(opens);
                promises.check_opened(&mut log, "one slot");
            }
            Err(error) => {
                assert!(!opens, "{error}");
                assert!(matches!(error, OpenError::Corrupt { file, .. } if file == SUPERBLOCK));
            }
        }
    }
}

#[test]
fn a_missing_file_is_refused_by_name() {
    let (disk, _) = a_closed_log(3);
    let names = segment_names(&disk);
    for missing in names.iter().map(String::as_str).chain([SUPERBLOCK]) {
        let (disk, _) = a_closed_log(3);
        // An open proves durable what it finds, so that the loss of the newest segment is noticed too.
        drop(open(&disk).unwrap());
        disk.remove(missing).unwrap();
        match open(&disk) {
            Err(OpenError::Corrupt { file, .. }) if missing == names[names.len() - 1] => {
                assert_eq!(file, names[names.len() - 2], "the log stops short at the end of the one before");
            }
            Err(OpenError::Corrupt { file, .. }) => assert_eq!(file, missing),
            other => panic!("{missing}: {:?}", other.map(|(_, report)| report)),
        }
    }
}

#[test]
fn a_refused_log_is_not_changed() {
    let (disk, _) = a_closed_log(4);
    let names = segment_names(&disk);
    disk.flip_bit(&names[0], 512 + 3, 0);
    let before: Vec<_> = disk.list().unwrap().iter().map(|name| disk.content(name)).collect();
    let calls = disk.calls();
    assert!(matches!(open(&disk), Err(OpenError::Corrupt { .. })));
    let after: Vec<_> = disk.list().unwrap().iter().map(|name| disk.content(name)).collect();
    assert_eq!(before, after);
    assert_eq!(disk.calls(), calls);
}

#[test]
fn the_torn_end_is_reported_and_cut_for_ever() {
    let mut torn = 0;
    for seed in 0..40 {
        let (disk, mut promises) = a_closed_log(seed);
        let (mut log, _) = open(&disk).unwrap();
        promises.check_opened(&mut log, "clean");
        // The sync of a group of three does not happen.
        disk.cut_at_call(disk.calls() + 2);
        for filler in 1..4 {
            promises.submit(&mut log, Bytes::from(vec![filler; 700])).unwrap();
        }
        assert_eq!(promises.poll(&mut log), None);
        disk.power_cut();
        let Ok((mut log, report)) = open(&disk) else { panic!("seed {seed}: torn is not corrupt") };
        promises.check_opened(&mut log, "torn");
        if let Some(cut) = report.torn {
            assert_eq!(cut.position, report.bounds.tail);
            torn += 1;
        }
        drop(log);
        let (_, report_again) = open(&disk).unwrap();
        assert_eq!((report_again.bounds.tail, report_again.torn), (report.bounds.tail, None));
    }
    assert!(torn > 10, "only {torn} of 40 cuts tore the end");
}

#[test]
fn a_failed_sync_is_final_and_never_retried() {
    let (disk, mut promises) = a_closed_log(5);
    let (mut log, _) = open(&disk).unwrap();
    promises.check_opened(&mut log, "clean");
    assert_eq!(promises.poll(&mut log), Some(Position(12)), "and spares are ready");
    promises.submit(&mut log, Bytes::from_static(b"lost or not")).unwrap();
    disk.fail_call(disk.calls() + 2, std::io::ErrorKind::Other);
    let Progress::Failed(failure) = log.poll() else { panic!("the sync has failed") };
    assert_eq!(failure.operation, "sync");
    let calls = disk.calls();
    assert_eq!(log.poll(), Progress::Failed(failure.clone()));
    assert_eq!(log.submit(log.bounds().tail, Bytes::new()), Err(SubmitError::Dead));
    assert!(log.trim(Position(2)).is_err() && log.confirm().is_err());
    assert_eq!(log.reader().read(Position(1)), Ok(promises.submitted[&1].clone()), "reads go on");
    assert_eq!(disk.calls(), calls, "a dead log leaves the disk alone");
    drop(log);
    // The next process sees the batch in the page cache, clean and not on the medium. Once it has opened the
    // log, the batch must not vanish any more.
    disk.kill();
    let (mut log, _) = open(&disk).unwrap();
    promises.check_opened(&mut log, "after the failed sync");
    drop(log);
    disk.power_cut();
    promises.check_opened(&mut open(&disk).unwrap().0, "after the cut");
}

#[test]
fn a_trim_whose_sync_failed_survives_a_cut_in_the_next_start() {
    for (seed, calls) in (0..8).flat_map(|seed| (1..30).map(move |calls| (seed, calls))) {
        let context = format!("seed {seed}, call {calls}");
        let disk = FaultyDisk::new(seed);
        let mut promises = Promises::default();
        let (mut log, _) = open(&disk).unwrap();
        for number in 1..12_u64 {
            promises.submit(&mut log, Bytes::from(vec![number as u8; 600])).unwrap();
            promises.poll(&mut log).unwrap();
        }
        // The page cache shows what the superblock was to say, the medium may not have it.
        disk.fail_call(disk.calls() + 2, std::io::ErrorKind::Other);
        let before = promises.durable + 1;
        promises.trim(&mut log, before);
        assert!(promises.poll(&mut log).is_none(), "{context}: the log has died");
        drop(log);
        disk.kill();
        disk.cut_at_call(disk.calls() + calls);
        drop(open(&disk));
        disk.power_cut();
        let (mut log, _) = open(&disk).unwrap_or_else(|error| panic!("{context}: {error}"));
        promises.check_opened(&mut log, &context);
    }
}

#[test]
fn a_full_disk_refuses_and_resumes_without_damage() {
    let disk = FaultyDisk::new(6);
    let mut promises = Promises::default();
    let (mut log, _) = open(&disk).unwrap();
    promises.check_opened(&mut log, "new");
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    let refused = loop {
        match promises.submit(&mut log, Bytes::from(vec![1; 400])) {
            Ok(()) => promises.poll(&mut log).expect("a full disk does not kill"),
            Err(refused) => break refused,
        };
    };
    assert!(matches!(refused, SubmitError::OutOfSpace { cause: SpaceCause::Disk, .. }), "{refused}");
    assert!(log.reader().usage().disk_full);
    promises.check_content(&mut log, "full");
    disk.set_capacity_bytes(Some(disk.used_bytes() + 10_000));
    let more: u64 = (0..20)
        .take_while(|_| {
            promises.submit(&mut log, Bytes::from(vec![2; 400])).is_ok() && promises.poll(&mut log).is_some()
        })
        .count() as u64;
    assert!((14..20).contains(&more), "two more segments fit, not three: {more}");
    let before = promises.durable;
    promises.trim(&mut log, before);
    assert!(live(&mut promises, &mut log, &mut Rng::with_seed(1), 20), "what was trimmed is used again");
    drop(log);
    disk.power_cut();
    promises.check_opened(&mut open(&disk).unwrap().0, "after all");
}

#[test]
fn a_full_disk_is_asked_again_without_being_told() {
    let disk = FaultyDisk::new(7);
    let (wake, woken) = channel();
    let waker: Waker = Arc::new(move || wake.send(()).unwrap_or_default());
    let config = LogConfig { ready_segments: 4, ..tiny() };
    disk.set_capacity_bytes(Some(8192 + 2 * 4096));
    let (log, _) = SegmentLog::open_threaded(Arc::new(disk.clone()), config, LOG_ID, &waker).unwrap();
    let reader = log.reader();
    woken.recv_timeout(Duration::from_secs(30)).expect("the first spare fits");
    while !reader.usage().disk_full {
        std::thread::yield_now();
    }
    let ready_bytes = reader.usage().ready_bytes;
    disk.set_capacity_bytes(None);
    while reader.usage().disk_full || reader.usage().ready_bytes == ready_bytes {
        woken.recv_timeout(Duration::from_secs(30)).expect("a new spare is announced");
    }
}

#[test]
fn a_lying_sync_may_lose_an_end_but_never_changes_what_is_served() {
    for seed in 0..60 {
        let disk = FaultyDisk::new(seed);
        let mut promises = Promises::default();
        let (mut log, _) = open(&disk).unwrap();
        let mut rng = Rng::with_seed(seed);
        live(&mut promises, &mut log, &mut rng, 5);
        disk.set_lying_sync(true);
        live(&mut promises, &mut log, &mut rng, 5);
        drop(log);
        disk.set_lying_sync(false);
        disk.power_cut();
        if let Ok((log, _)) = open(&disk) {
            let bounds = log.bounds();
            for position in (bounds.first.0..bounds.tail.0).map(Position) {
                match log.reader().read(position) {
                    Ok(payload) => assert_eq!(payload, promises.submitted[&position.0], "seed {seed}"),
                    Err(error) => assert!(matches!(error, ReadError::Damaged { .. }), "seed {seed}: {error}"),
                }
            }
        }
    }
}

#[test]
fn a_medium_that_cannot_be_read_is_reported() {
    let (disk, promises) = a_closed_log(9);
    let names = segment_names(&disk);
    let (log, _) = open(&disk).unwrap();
    disk.fail_reads(Some(&names[0]));
    assert!(matches!(log.reader().read(Position(1)), Err(ReadError::Failed { position: Position(1), .. })));
    assert_eq!(log.reader().read(Position(11)), Ok(promises.submitted[&11].clone()));
    drop(log);
    assert!(matches!(open(&disk), Err(OpenError::Io { .. })));
}

#[test]
fn all_files_together_stay_within_the_budget() {
    let disk = FaultyDisk::new(10);
    let mut promises = Promises::default();
    let (mut log, _) = open(&disk).unwrap();
    let mut rng = Rng::with_seed(10);
    for _ in 0..100 {
        assert!(live(&mut promises, &mut log, &mut rng, 3));
        assert!(disk.used_bytes() <= tiny().budget_bytes + 8192, "{}", disk.used_bytes());
    }
    let stats = log.reader().stats();
    assert!(stats.rolls > 50 && stats.recycled_segments > 40, "{stats:?}");
    assert!(stats.recycled_segments > stats.zero_filled_segments, "{stats:?}");
}

#[test]
fn old_bytes_of_a_recycled_file_are_no_torn_end() {
    let disk = FaultyDisk::new(14);
    let mut promises = Promises::default();
    let mut rng = Rng::with_seed(14);
    let mut recycled = 0;
    for _ in 0..20 {
        let (mut log, report) = open(&disk).unwrap();
        assert_eq!(report.torn, None, "every close was clean");
        promises.check_opened(&mut log, "recycled");
        assert!(live(&mut promises, &mut log, &mut rng, 40), "long enough to use a file twice");
        recycled += log.reader().stats().recycled_segments;
    }
    assert!(recycled > 20);
}

#[test]
fn a_trim_is_carried_out_before_the_log_closes() {
    for seed in 0..20 {
        let (disk, promises) = a_closed_log(seed);
        let waker: Waker = Arc::new(|| {});
        let (mut log, _) = SegmentLog::open_threaded(Arc::new(disk.clone()), tiny(), LOG_ID, &waker).unwrap();
        log.trim(Position(promises.durable)).unwrap();
        let first = log.bounds().first;
        assert!(first > Position::FIRST);
        drop(log);
        disk.power_cut();
        assert_eq!(open(&disk).unwrap().1.bounds.first, first);
    }
}

#[test]
fn batches_that_wait_together_share_one_sync() {
    let disk = FaultyDisk::new(11);
    let (mut log, _) = open(&disk).unwrap();
    log.poll();
    for position in 1..=3 {
        log.submit(Position(position), Bytes::from_static(b"together")).unwrap();
    }
    let calls = disk.calls();
    assert_eq!(log.poll(), Progress::Durable(Position(3)));
    assert_eq!(disk.calls(), calls + 2, "one write, one sync");
    let stats = log.reader().stats();
    assert_eq!((stats.batches, stats.groups, stats.syncs), (3, 1, 1));
}

#[test]
fn sizes_may_change_from_one_open_to_the_next() {
    let (disk, mut promises) = a_closed_log(12);
    for (segment_bytes, block_bytes) in [(8192, 1024), (4096, 512), (16384, 4096)] {
        let config = LogConfig { segment_bytes, block_bytes, budget_bytes: 20 * segment_bytes, ..tiny() };
        let opened = SegmentLog::open_inline(Arc::new(disk.clone()), config, LOG_ID);
        let (mut log, _) = opened.unwrap();
        promises.check_opened(&mut log, "other sizes");
        for _ in 0..20 {
            promises.submit(&mut log, Bytes::from(vec![3; 900])).unwrap();
            promises.poll(&mut log).unwrap();
        }
        promises.check_content(&mut log, "other sizes");
    }
}

#[test]
fn wrong_sizes_are_refused() {
    let wrong = [
        LogConfig { block_bytes: 1000, ..tiny() },
        LogConfig { block_bytes: 256, ..tiny() },
        LogConfig { segment_bytes: 4000, ..tiny() },
        LogConfig { segment_bytes: 512, ..tiny() },
        LogConfig { budget_bytes: 4096, ..tiny() },
        LogConfig { ready_segments: 0, ..tiny() },
    ];
    for config in wrong {
        let opened = SegmentLog::open_inline(Arc::new(FaultyDisk::new(0)), config.clone(), LOG_ID);
        assert!(matches!(opened, Err(OpenError::Config(_))), "{config:?}");
    }
}

#[test]
fn a_directory_has_one_log_at_a_time() {
    let disk = FaultyDisk::new(13);
    let (log, _) = open(&disk).unwrap();
    assert!(matches!(open(&disk), Err(OpenError::Lock(LockError::Held { .. }))));
    drop(log);
    assert!(open(&disk).is_ok());

    let directory = tempfile::tempdir().unwrap();
    let lock = RealDisk::open(directory.path()).unwrap().lock().unwrap();
    let refused = RealDisk::open(directory.path()).unwrap().lock().unwrap_err().to_string();
    assert!(refused.contains(&format!("is held by process {}", std::process::id())), "{refused}");
    drop(lock);
    assert!(RealDisk::open(directory.path()).unwrap().lock().is_ok());
}

#[test]
fn a_fresh_directory_stays_small() {
    let directory = tempfile::tempdir().unwrap();
    let (wake, woken) = channel();
    let waker: Waker = Arc::new(move || wake.send(()).unwrap_or_default());
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    let (log, report) = SegmentLog::open_threaded(disk, LogConfig::default(), LOG_ID, &waker).unwrap();
    assert!(report.created);
    let ready = LogConfig::default().ready_segments as u64;
    while log.reader().stats().zero_filled_segments < ready {
        woken.recv_timeout(Duration::from_secs(60)).expect("spares are made ahead of use");
    }
    drop(log);
    let files = std::fs::read_dir(directory.path()).unwrap();
    let total: u64 = files.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(total < 100_000_000, "{total} bytes");
}

#[test]
fn what_lies_on_disk_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let disk = RealDisk::open(&data).unwrap();
    disk.create("file").unwrap();
    let _lock = disk.lock().unwrap();
    assert_eq!(mode(&data), 0o700);
    for name in ["file", "LOCK"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    assert!(!disk.close_to_others().unwrap());

    for (path, wide) in [(data.clone(), 0o755), (data.join("file"), 0o644), (data.join("LOCK"), 0o664)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(wide)).unwrap();
        assert!(disk.close_to_others().unwrap(), "{}", path.display());
        assert_eq!(mode(&path), wide & 0o700, "{}", path.display());
    }
}
