//! What is salvaged of a log is what a log holds: nothing that was cut or trimmed, nothing that was changed.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on stops.

mod support;

use bytes::Bytes;
use fastrand::Rng;
use millpond_log::{Disk, FaultyDisk, Log, Position, SalvagedLog, SegmentLog};
use support::{Promises, live, open};

/// Every batch that is salvaged.
fn salvaged(disk: &FaultyDisk) -> (SalvagedLog, Vec<(u64, Bytes)>) {
    let salvaged = SalvagedLog::read(disk).unwrap();
    let batches = salvaged.positions().map(|position| (position.0, salvaged.payload(position).unwrap()));
    let batches = batches.collect();
    (salvaged, batches)
}

/// Every batch of an open log.
fn held(promises: &Promises, log: &SegmentLog) -> Vec<(u64, Bytes)> {
    let (first, tail) = (log.bounds().first.0, log.bounds().tail.0);
    let batches = promises.submitted.range(first..tail);
    batches.map(|(position, payload)| (*position, payload.clone())).collect()
}

fn first_life(disk: &FaultyDisk, promises: &mut Promises, script: u64) {
    if let Ok((mut log, _)) = open(disk) {
        promises.check_opened(&mut log, "first open");
        live(promises, &mut log, &mut Rng::with_seed(script), 30);
    }
}

#[test]
fn after_any_power_cut_exactly_what_the_log_holds_is_salvaged() {
    for script in 1..4 {
        for cut in (1..400).step_by(3) {
            let disk = FaultyDisk::new(cut);
            let mut promises = Promises::default();
            disk.cut_at_call(cut);
            first_life(&disk, &mut promises, script);
            disk.power_cut();
            let context = format!("script {script}, cut at call {cut}");
            for life in 0..3 {
                let (mut log, _) = open(&disk).unwrap();
                promises.check_opened(&mut log, &context);
                let expected = held(&promises, &log);
                drop(log);
                let (found, batches) = salvaged(&disk);
                assert_eq!(batches, expected, "{context}, life {life}");
                assert_eq!(found.damage, [], "{context}, life {life}");
                let (mut log, _) = open(&disk).unwrap();
                promises.check_opened(&mut log, &context);
                assert!(live(&mut promises, &mut log, &mut Rng::with_seed(life), 7));
                drop(log);
                disk.power_cut();
            }
        }
    }
}

#[test]
fn a_flip_costs_its_batch_alone_and_is_told() {
    let disk = FaultyDisk::new(3);
    let mut promises = Promises::default();
    let (mut log, _) = open(&disk).unwrap();
    promises.check_opened(&mut log, "open");
    live(&mut promises, &mut log, &mut Rng::with_seed(8), 40);
    let expected = held(&promises, &log);
    drop(log);
    assert!(expected.len() > 8);
    let segments = disk.list().unwrap().into_iter().filter(|name| name.starts_with("segment-"));
    let mut lost = 0;
    for name in segments {
        let content = disk.content(&name).unwrap();
        for offset in (0..content.len() as u64).step_by(61) {
            disk.flip_bit(&name, offset, 3);
            let (found, batches) = salvaged(&disk);
            let missing = expected.iter().filter(|batch| !batches.contains(batch)).count();
            assert!(batches.iter().all(|batch| expected.contains(batch)), "{name} at {offset}: changed");
            assert!(missing <= 1, "{name} at {offset}: {missing} are missing");
            // One that does not even begin like a batch is told by the positions around it, or was never proven.
            let dense = batches.len() as u64 == batches.last().unwrap().0 + 1 - batches[0].0;
            let ends = batches.last().unwrap().0 >= found.durable.0 && batches[0] == expected[0];
            assert!(
                missing == 0
                    || !found.damage.is_empty()
                    || !dense
                    || !ends
                    || last_is_missing(&batches, &expected),
                "{name} at {offset}: not told"
            );
            lost += missing;
            disk.flip_bit(&name, offset, 3);
        }
    }
    assert!(lost > 8, "{lost}");
}

/// Nothing that was written later says that the last batch had been durable.
fn last_is_missing(batches: &[(u64, Bytes)], expected: &[(u64, Bytes)]) -> bool {
    batches.last() != expected.last()
}

#[test]
fn without_a_superblock_the_log_is_known_by_its_segments() {
    let disk = FaultyDisk::new(4);
    let mut promises = Promises::default();
    let (mut log, _) = open(&disk).unwrap();
    promises.check_opened(&mut log, "open");
    live(&mut promises, &mut log, &mut Rng::with_seed(9), 20);
    let expected = held(&promises, &log);
    drop(log);
    disk.remove("log.superblock").unwrap();
    let (found, batches) = salvaged(&disk);
    assert_eq!((batches, found.damage.len()), (expected, 1));
    assert!(found.durable > Position::NONE);
}
