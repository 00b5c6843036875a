//! Records decode to what was encoded, and any single flipped bit is noticed.

use super::*;

const LOG: LogId = LogId([7; 16]);

fn frame() -> FrameHeader {
    FrameHeader {
        log_id: LOG,
        generation: 3,
        epoch: 2,
        position: Position(1 << 40),
        durable_through: Position(17),
        payload_bytes: 4711,
        payload_crc: 0xdead_beef,
    }
}

fn segment() -> SegmentHeader {
    SegmentHeader {
        log_id: LOG,
        generation: 3,
        epoch: 2,
        first: Position(99),
        geometry: Geometry { segment_bytes: 1 << 24, block_bytes: 4096 },
    }
}

fn superblock() -> Superblock {
    Superblock {
        log_id: LOG,
        sequence: 12,
        epoch: 4,
        start: Position(100),
        durable_through: Position(120),
        first_generation: 7,
        first: Position(90),
        geometry: Geometry { segment_bytes: 1 << 24, block_bytes: 4096 },
    }
}

#[test]
fn records_come_back_as_they_were() {
    assert_eq!(FrameHeader::decode(&frame().encode()), Ok(frame()));
    assert_eq!(SegmentHeader::decode(&segment().encode()), Ok(segment()));
    assert_eq!(Superblock::decode(&superblock().encode()), Ok(superblock()));
}

#[test]
fn any_flipped_bit_is_noticed() {
    for bit in 0..HEADER_BYTES * 8 {
        let (mut in_frame, mut in_segment) = (frame().encode(), segment().encode());
        in_frame[bit / 8] ^= 1 << (bit % 8);
        in_segment[bit / 8] ^= 1 << (bit % 8);
        assert!(FrameHeader::decode(&in_frame).is_err(), "bit {bit}");
        assert!(SegmentHeader::decode(&in_segment).is_err(), "bit {bit}");
    }
    for bit in 0..SLOT_BYTES * 8 {
        let mut slot = superblock().encode();
        slot[bit / 8] ^= 1 << (bit % 8);
        assert!(Superblock::decode(&slot).is_err(), "bit {bit}");
    }
}

#[test]
fn a_record_of_a_later_version_is_known_as_such() {
    let mut bytes = frame().encode();
    bytes[3] = FORMAT_VERSION + 1;
    let crc = crc32c::crc32c(&bytes[..HEADER_BYTES - 4]);
    bytes[HEADER_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(FrameHeader::decode(&bytes), Err(RecordFault::Version(FORMAT_VERSION + 1)));
}

#[test]
fn zeros_and_other_records_are_absent() {
    assert_eq!(FrameHeader::decode(&[0; HEADER_BYTES]), Err(RecordFault::Absent));
    assert_eq!(FrameHeader::decode(&segment().encode()), Err(RecordFault::Absent));
}

#[test]
fn extents_are_whole_blocks() {
    let geometry = Geometry { segment_bytes: 16384, block_bytes: 4096 };
    assert_eq!(geometry.extent_bytes(0), 4096);
    assert_eq!(geometry.extent_bytes(4096 - HEADER_BYTES), 4096);
    assert_eq!(geometry.extent_bytes(4097 - HEADER_BYTES), 8192);
    assert_eq!(geometry.extent_bytes(geometry.payload_max_bytes()), 16384 - 4096);
}
