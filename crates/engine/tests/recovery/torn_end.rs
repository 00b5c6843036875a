//! A log whose end a power cut has torn: what was durable comes back, what was not is there as a whole or not at all.

use std::sync::Arc;

use bytes::Bytes;
use millpond_engine::recovery::recover;
use millpond_engine::step::{EngineConfig, Input, RequestId, Wait};
use millpond_log::{FaultyDisk, Log, LogConfig, LogId, Progress, SegmentLog, TornEnd};
use millpond_store::MemoryStore;

use crate::support::service::Service;
use crate::support::{START, create, send_sized};

fn open(disk: &FaultyDisk) -> (SegmentLog, Option<TornEnd>) {
    let config = LogConfig {
        segment_bytes: 16 << 10,
        budget_bytes: 128 << 10,
        block_bytes: 512,
        ready_segments: 1,
        ..LogConfig::default()
    };
    let (log, report) = SegmentLog::open_inline(Arc::new(disk.clone()), config, LogId([3; 16])).unwrap();
    (log, report.torn)
}

#[test]
fn a_torn_end_is_cut_and_the_engine_goes_on() {
    let mut torn_ends = 0;
    let mut survivals = 0;
    for seed in 0..40 {
        let disk = FaultyDisk::new(seed);
        let store = MemoryStore::new();
        let mut service =
            Service::open(Box::new(open(&disk).0), Box::new(store.clone()), EngineConfig::default(), START)
                .unwrap();
        let ask = |service: &mut Service, number: u64, command| {
            let request = RequestId(number);
            service.take(START, Input::Request { request, command, wait: Wait::Secs(0) }).unwrap();
        };
        ask(&mut service, 1, create("q", Default::default()));
        for id in 2..6 {
            ask(&mut service, id, send_sized("q", u128::from(id), 900));
            service.settle(START).unwrap();
        }
        let durable = service.engine.state().digest();
        ask(&mut service, 6, send_sized("q", 6, 3_000));
        service.take(START, Input::TurnEnded).unwrap();
        let unknown = service.engine.state().digest();
        // The write of the last batch happens, its sync does not.
        disk.cut_at_call(disk.calls() + 2);
        assert!(service.turn(START, false).is_err());
        assert!(service.take_reply(RequestId(6)).is_none(), "no reply for what is not durable");
        drop(service);
        disk.power_cut();
        let (mut log, torn) = open(&disk);
        torn_ends += usize::from(torn.is_some());
        let recovered = recover(&mut log, &store).unwrap();
        let digest = recovered.state.digest();
        assert!(digest == durable || digest == unknown, "seed {seed}: half of a batch came back");
        survivals += usize::from(digest == unknown);
        let mut service =
            Service::open(Box::new(log), Box::new(store), EngineConfig::default(), START).unwrap();
        ask(&mut service, 7, send_sized("q", 7, 10));
        service.settle(START).unwrap();
        assert!(service.take_reply(RequestId(7)).is_some());
    }
    assert!(torn_ends > 5, "only {torn_ends} of 40 ends were torn");
    assert!(survivals < 40);
}

/// A frame is torn at the end of a segment and cut; what takes its position next is larger and begins a new segment;
/// the log is opened twice more. The torn frame must not count again.
#[test]
fn a_frame_that_was_cut_stays_cut_when_its_position_goes_on_in_another_segment() {
    for seed in 0..40 {
        let disk = FaultyDisk::new(seed);
        let mut log = open(&disk).0;
        let append = |log: &mut SegmentLog, bytes: usize| {
            let tail = log.bounds().tail;
            log.submit(tail, Bytes::from(vec![1; bytes])).unwrap();
            log.poll()
        };
        // Leaves 2 KiB of 16 KiB.
        for _ in 0..27 {
            append(&mut log, 400);
        }
        disk.fail_call(disk.calls() + 1, std::io::ErrorKind::Other);
        assert!(matches!(append(&mut log, 1_500), Progress::Failed(_)));
        drop(log);
        disk.kill();
        let mut log = open(&disk).0;
        append(&mut log, 4_000);
        append(&mut log, 400);
        drop(log);
        let tail = open(&disk).0.bounds().tail;
        assert_eq!(open(&disk).0.bounds().tail, tail, "seed {seed}");
    }
}
