//! Torn or corrupt, decided on headers alone.

use super::*;
use crate::format::{Geometry, LogId};

const GEOMETRY: Geometry = Geometry { segment_bytes: 8192, block_bytes: 512 };

fn superblock(epoch: u64, start: u64, durable_through: u64) -> Superblock {
    Superblock {
        log_id: LogId([1; 16]),
        sequence: 2,
        epoch,
        start: Position(start),
        durable_through: Position(durable_through),
        first_generation: 1,
        first: Position(1),
        geometry: GEOMETRY,
    }
}

fn segment(generation: u64, epoch: u64, first: u64) -> FoundSegment {
    let header = SegmentHeader {
        log_id: LogId([1; 16]),
        generation,
        epoch,
        first: Position(first),
        geometry: GEOMETRY,
    };
    FoundSegment { generation, header: Ok(header) }
}

fn bad_segment(generation: u64) -> FoundSegment {
    FoundSegment { generation, header: Err(RecordFault::Damaged) }
}

/// A frame of one block at this block.
fn frame(block: u64, position: u64, epoch: u64, durable_through: u64) -> Sighting {
    let header = FrameHeader {
        log_id: LogId([1; 16]),
        generation: 1,
        epoch,
        position: Position(position),
        durable_through: Position(durable_through),
        payload_bytes: 100,
        payload_crc: 0,
    };
    Sighting { offset_bytes: block * 512, seen: Seen::Frame { header, payload: Payload::Whole } }
}

fn with_damaged_payload(mut sighting: Sighting) -> Sighting {
    if let Seen::Frame { payload, .. } = &mut sighting.seen {
        *payload = Payload::Damaged;
    }
    sighting
}

fn damaged_header(block: u64) -> Sighting {
    Sighting { offset_bytes: block * 512, seen: Seen::DamagedHeader }
}

enum Fed {
    Segment(FoundSegment),
    Next(SegmentHeader),
    Frame(Sighting),
}

use Fed::{Frame, Next, Segment};

fn decide(superblock: Superblock, fed: impl IntoIterator<Item = Fed>) -> Result<Decision, Corrupt> {
    let mut recovery = Recovery::new(&superblock);
    for item in fed {
        match item {
            Segment(found) => drop(recovery.segment(found)),
            Next(header) => recovery.followed_by(header),
            Frame(sighting) => drop(recovery.frame(sighting)),
        }
    }
    recovery.finish()
}

fn tail_of(decision: &Result<Decision, Corrupt>) -> u64 {
    decision.as_ref().expect("not corrupt").tail.0
}

#[test]
fn an_empty_segment_is_an_empty_log() {
    let decision = decide(superblock(1, 1, 0), [Segment(segment(1, 1, 1))]).unwrap();
    assert_eq!(decision.tail, Position(1));
    assert_eq!(decision.active, Some((1, 512)));
    assert_eq!(decision.torn, None);
}

#[test]
fn whole_frames_are_the_log() {
    let fed = [Segment(segment(1, 1, 1)), Frame(frame(1, 1, 1, 0)), Frame(frame(2, 2, 1, 1))];
    let decision = decide(superblock(1, 1, 0), fed).unwrap();
    assert_eq!((decision.tail, decision.active), (Position(3), Some((1, 1536))));
    assert_eq!((decision.proven, decision.torn), (Position(1), None));
}

#[test]
fn a_bad_frame_that_nothing_proves_durable_is_torn() {
    for bad in [with_damaged_payload(frame(2, 2, 1, 1)), damaged_header(2)] {
        let fed = [Segment(segment(1, 1, 1)), Frame(frame(1, 1, 1, 0)), Frame(bad), Frame(frame(3, 3, 1, 1))];
        let decision = decide(superblock(1, 1, 0), fed).unwrap();
        assert_eq!(decision.tail, Position(2));
        let torn = decision.torn.expect("the cut is reported");
        assert_eq!((torn.offset_bytes, torn.position, torn.frames), (1024, Position(2), 2));
    }
}

#[test]
fn a_missing_frame_in_front_of_others_is_torn_too() {
    let fed = [Segment(segment(1, 1, 1)), Frame(frame(2, 2, 1, 0))];
    let decision = decide(superblock(1, 1, 0), fed).unwrap();
    assert_eq!(decision.tail, Position(1));
    assert_eq!(decision.torn.map(|cut| (cut.offset_bytes, cut.frames)), Some((512, 1)));
}

#[test]
fn a_bad_frame_that_a_later_header_proves_durable_is_corrupt() {
    for bad in [with_damaged_payload(frame(2, 2, 1, 1)), damaged_header(2)] {
        let fed = [Segment(segment(1, 1, 1)), Frame(frame(1, 1, 1, 0)), Frame(bad), Frame(frame(5, 5, 1, 2))];
        let corrupt = decide(superblock(1, 1, 0), fed).unwrap_err();
        assert_eq!((corrupt.generation, corrupt.offset_bytes, corrupt.position), (1, 1024, Position(2)));
    }
}

#[test]
fn a_later_frame_with_a_damaged_payload_is_a_witness_still() {
    let fed =
        [Segment(segment(1, 1, 1)), Frame(damaged_header(1)), Frame(with_damaged_payload(frame(2, 2, 1, 1)))];
    assert_eq!(decide(superblock(1, 1, 0), fed).unwrap_err().position, Position(1));
}

#[test]
fn a_later_segment_proves_what_it_begins_behind() {
    let fed = [Segment(segment(1, 1, 1)), Frame(frame(1, 1, 1, 0)), Segment(segment(2, 1, 4))];
    let corrupt = decide(superblock(1, 1, 0), fed).unwrap_err();
    assert_eq!((corrupt.generation, corrupt.offset_bytes, corrupt.position), (1, 1024, Position(2)));
}

#[test]
fn the_superblock_proves_what_was_durable_at_the_last_open() {
    let fed = || [Segment(segment(1, 1, 1)), Frame(frame(1, 1, 1, 0)), Frame(damaged_header(2))];
    assert_eq!(decide(superblock(2, 3, 2), fed()).unwrap_err().position, Position(2));
    assert_eq!(tail_of(&decide(superblock(2, 2, 1), fed())), 2);
}

#[test]
fn a_log_goes_on_in_the_next_segment() {
    let fed = [
        Segment(segment(1, 1, 1)),
        Frame(frame(1, 1, 1, 0)),
        Segment(segment(2, 1, 2)),
        Frame(frame(1, 2, 1, 1)),
    ];
    let decision = decide(superblock(1, 1, 0), fed).unwrap();
    assert_eq!((decision.tail, decision.active), (Position(3), Some((2, 1024))));
}

#[test]
fn a_missing_segment_is_corrupt() {
    let middle = [Segment(segment(1, 1, 1)), Frame(frame(1, 1, 1, 0)), Segment(segment(3, 1, 9))];
    let corrupt = decide(superblock(1, 1, 0), middle).unwrap_err();
    assert_eq!((corrupt.generation, corrupt.position), (2, Position(2)));
    let front = decide(superblock(1, 1, 0), [Segment(segment(2, 1, 9))]).unwrap_err();
    assert_eq!((front.generation, front.position), (1, Position(1)));
    assert_eq!(decide(superblock(1, 1, 0), []).unwrap_err().generation, 1);
}

#[test]
fn a_segment_that_was_never_begun_is_discarded() {
    let fed = [Segment(segment(1, 1, 1)), Frame(frame(1, 1, 1, 0)), Segment(bad_segment(2))];
    let decision = decide(superblock(1, 1, 0), fed).unwrap();
    assert_eq!((decision.tail, decision.active), (Position(2), Some((1, 1024))));
    assert_eq!(decision.discarded, [2]);
}

#[test]
fn a_damaged_segment_header_in_front_of_durable_frames_is_corrupt() {
    let fed = [
        Segment(segment(1, 1, 1)),
        Frame(frame(1, 1, 1, 0)),
        Segment(bad_segment(2)),
        Frame(frame(2, 3, 1, 2)),
    ];
    let corrupt = decide(superblock(1, 1, 0), fed).unwrap_err();
    assert_eq!((corrupt.generation, corrupt.position), (2, Position(2)));
}

#[test]
fn the_first_segment_is_never_torn_once_the_log_was_open() {
    assert!(decide(superblock(1, 1, 0), [Segment(bad_segment(1))]).is_err());
    let unfinished_creation = decide(superblock(0, 1, 0), [Segment(bad_segment(1))]).unwrap();
    assert_eq!((unfinished_creation.active, unfinished_creation.discarded), (None, vec![1]));
}

#[test]
fn a_frame_that_an_open_has_cut_never_comes_back() {
    // Epoch 2 opened at position 2. Frame 2 was torn then; its sectors and frame 3 are whole now.
    let fed = [
        Segment(segment(1, 1, 1)),
        Frame(frame(1, 1, 1, 0)),
        Frame(frame(2, 2, 1, 1)),
        Frame(frame(3, 3, 1, 1)),
    ];
    let decision = decide(superblock(2, 2, 1), fed).unwrap();
    assert_eq!((decision.tail, decision.torn), (Position(2), None));
}

#[test]
fn a_stale_frame_behind_a_new_one_is_not_its_successor() {
    let fed = [
        Segment(segment(1, 1, 1)),
        Frame(frame(1, 1, 1, 0)),
        Frame(frame(2, 2, 2, 1)),
        Frame(frame(3, 3, 1, 1)),
    ];
    // Even if the superblock fell back to a slot that knows nothing of epoch 2.
    assert_eq!(tail_of(&decide(superblock(1, 1, 0), fed)), 3);
}

#[test]
fn a_cut_frame_is_a_witness_still() {
    let fed = [Segment(segment(1, 1, 1)), Frame(damaged_header(1)), Frame(frame(3, 3, 1, 1))];
    assert_eq!(decide(superblock(2, 2, 0), fed).unwrap_err().position, Position(1));
}

#[test]
fn a_stale_segment_header_does_not_continue_a_newer_epoch() {
    let fed = [
        Segment(segment(1, 1, 1)),
        Frame(frame(1, 1, 2, 0)),
        Segment(segment(2, 1, 2)),
        Frame(frame(1, 2, 1, 1)),
    ];
    let decision = decide(superblock(2, 1, 0), fed).unwrap();
    assert_eq!((decision.tail, decision.discarded), (Position(2), vec![2]));
}

#[test]
fn the_next_epoch_is_above_all_that_was_seen() {
    let fed = [Segment(segment(1, 1, 1)), Frame(frame(1, 1, 7, 0))];
    assert_eq!(decide(superblock(2, 1, 0), fed).unwrap().epoch, 7);
}

#[test]
fn the_next_segment_tells_what_an_open_has_cut_before_it() {
    // The superblock fell back to a slot that knows nothing of epoch 2, which began segment 2 at position 2.
    let next = segment(2, 2, 2);
    let fed = [
        Segment(segment(1, 1, 1)),
        Next(next.header.unwrap()),
        Frame(frame(1, 1, 1, 0)),
        Frame(frame(2, 2, 1, 1)),
        Segment(next),
        Frame(frame(1, 2, 2, 1)),
    ];
    let decision = decide(superblock(1, 1, 0), fed).unwrap();
    assert_eq!((decision.tail, decision.active), (Position(3), Some((2, 1024))));
}

#[test]
fn damage_is_told_with_what_is_wrong_there() {
    let reason = |bad| {
        let fed = [Segment(segment(1, 1, 1)), Frame(frame(1, 1, 2, 0)), Frame(bad), Frame(frame(6, 6, 2, 2))];
        let corrupt = decide(superblock(1, 1, 0), fed).unwrap_err();
        assert_eq!((corrupt.generation, corrupt.offset_bytes, corrupt.position), (1, 1024, Position(2)));
        corrupt.reason
    };
    assert_eq!(reason(with_damaged_payload(frame(2, 2, 2, 1))), "the payload does not match its checksum");
    assert_eq!(reason(damaged_header(2)), "the frame header does not match its checksum");
    assert_eq!(reason(frame(2, 2, 1, 1)), "no frame of this epoch");
    let missing = "the frame is missing";
    assert_eq!(reason(frame(2, 3, 2, 1)), missing, "another stands in its place");
    for further_on in [frame(3, 3, 2, 1), with_damaged_payload(frame(3, 3, 2, 1)), damaged_header(3)] {
        assert_eq!(reason(further_on), missing);
    }
}

#[test]
fn a_segment_of_an_older_epoch_in_front_of_durable_frames_is_where_the_damage_is() {
    let fed = [
        Segment(segment(1, 1, 1)),
        Frame(frame(1, 1, 2, 0)),
        Segment(segment(2, 1, 2)),
        Frame(frame(2, 3, 1, 2)),
    ];
    let corrupt = decide(superblock(2, 1, 0), fed).unwrap_err();
    assert_eq!((corrupt.generation, corrupt.offset_bytes, corrupt.position), (2, 0, Position(2)));
    assert_eq!(corrupt.reason, "the segment does not begin where the one before it ends");
}
