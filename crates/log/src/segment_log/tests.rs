//! Room, counted exactly: what may be in flight, what is free, and why a batch has no place.

use std::sync::Arc;

use super::*;
use crate::faulty_disk::FaultyDisk;

const SEGMENT_BYTES: u64 = 4096;
const BLOCK_BYTES: usize = 512;

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: SEGMENT_BYTES,
        budget_bytes: 6 * SEGMENT_BYTES,
        block_bytes: BLOCK_BYTES as u32,
        ready_segments: 2,
        ..LogConfig::default()
    }
}

fn open(config: LogConfig) -> SegmentLog {
    SegmentLog::open_inline(Arc::new(FaultyDisk::new(1)), config, LogId([1; 16])).unwrap().0
}

fn submit(log: &mut SegmentLog, payload_bytes: usize) -> Result<(), SubmitError> {
    log.submit(log.tail, Bytes::from(vec![1; payload_bytes]))
}

#[test]
fn what_is_in_flight_stays_within_its_limit_and_one_batch_always_may() {
    let mut log = open(LogConfig { in_flight_max_bytes: BLOCK_BYTES + 88, ..config() });
    submit(&mut log, 400).unwrap();
    submit(&mut log, 88).expect("this fills it exactly");
    assert!(matches!(submit(&mut log, 1), Err(SubmitError::Full(_))));
    assert_eq!(log.poll(), Progress::Durable(Position(2)));
    submit(&mut log, 2_000).expect("larger than the limit, and alone");
    assert!(matches!(submit(&mut log, 0), Err(SubmitError::Full(_))));
    log.poll();
    submit(&mut log, 0).unwrap();
}

#[test]
fn used_and_ready_bytes_are_exact() {
    let mut log = open(config());
    log.poll();
    let of_a_segment = SEGMENT_BYTES - BLOCK_BYTES as u64;
    let usage = log.reader().usage();
    let block_bytes = BLOCK_BYTES as u64;
    assert_eq!(usage.used_bytes, block_bytes, "a segment's header takes a block");
    assert_eq!(usage.ready_bytes, 3 * of_a_segment, "one is written, two are ready");
    submit(&mut log, 400).unwrap();
    submit(&mut log, 400).unwrap();
    assert_eq!(
        log.reader().usage().ready_bytes,
        3 * of_a_segment - 2 * block_bytes,
        "what is in flight counts"
    );
    log.poll();
    // Seven blocks fill a segment; the eighth begins another.
    for _ in 3..=8 {
        submit(&mut log, 400).unwrap();
    }
    log.poll();
    let usage = log.reader().usage();
    assert_eq!(usage.sealed.iter().map(|segment| segment.bytes).collect::<Vec<_>>(), [SEGMENT_BYTES]);
    assert_eq!(usage.used_bytes, SEGMENT_BYTES + 2 * block_bytes);
    assert_eq!(usage.ready_bytes, 6 * block_bytes + 2 * of_a_segment);
}

#[test]
fn without_a_spare_the_budget_is_the_reason_then_the_disk_then_time() {
    let why = |segments: u64, disk_full| {
        let state = State { segments_bytes: segments * SEGMENT_BYTES, disk_full, ..State::default() };
        state.why_no_spare(&config())
    };
    assert!(matches!(why(6, true), Refusal::OutOfSpace(SpaceCause::Budget)));
    assert!(matches!(why(5, true), Refusal::OutOfSpace(SpaceCause::Disk)), "one more fits into the budget");
    assert!(matches!(why(5, false), Refusal::Full));
}

#[test]
fn a_part_of_a_batch_is_read_within_its_blocks_and_not_beyond() {
    let mut log = open(config());
    let filling = BLOCK_BYTES - crate::format::HEADER_BYTES;
    submit(&mut log, filling).unwrap();
    submit(&mut log, filling).unwrap();
    log.poll();
    let (reader, end) = (log.reader(), u32::try_from(filling).unwrap());
    let read = |range| reader.read_range(Position(1), range);
    assert_eq!(read(0..end).unwrap(), vec![1; filling]);
    assert_eq!(read(end..end).unwrap(), Bytes::new());
    let refused = |range| matches!(read(range), Err(ReadError::Failed { .. }));
    assert!(refused(0..end + 1), "that is of the next batch");
    assert!(refused(end..end + 1));
    assert!(refused(Range { start: 5, end: 3 }));
}
