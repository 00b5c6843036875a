//! What a fill does to the disk, call by call.

use std::io;

use super::{Geometry, is_out_of_space, zero_fill};
use crate::disk::Disk;
use crate::faulty_disk::FaultyDisk;
use crate::segment_log::names::FILLING_FILE;

const MIB: u64 = 1 << 20;

fn geometry(segment_bytes: u64) -> Geometry {
    Geometry { segment_bytes, block_bytes: 512 }
}

#[test]
fn a_filled_file_has_all_its_bytes_and_is_synced_in_pieces() {
    // The last piece is a short one.
    let segment_bytes = 9 * MIB + 512;
    let disk = FaultyDisk::new(1);
    zero_fill(&disk, geometry(segment_bytes)).unwrap();
    let content = disk.content(FILLING_FILE).unwrap();
    assert_eq!(content.len() as u64, segment_bytes);
    assert_eq!(disk.used_bytes(), segment_bytes, "none of it is a hole");
    assert!(content.iter().all(|byte| *byte == 0));
    let (creates, writes, syncs) = (1, 10, 2 + 1);
    assert_eq!(
        disk.calls(),
        creates + writes + syncs,
        "a sync after four pieces, after eight, and at the end"
    );
}

#[test]
fn a_file_shorter_than_a_piece_is_filled_at_once() {
    let disk = FaultyDisk::new(1);
    zero_fill(&disk, geometry(4096)).unwrap();
    assert_eq!(disk.content(FILLING_FILE), Some(vec![0; 4096]));
    assert_eq!(disk.calls(), 3, "create, write, sync");
}

#[test]
fn a_fill_that_fails_leaves_no_file() {
    let disk = FaultyDisk::new(1);
    disk.set_capacity_bytes(Some(MIB));
    let error = zero_fill(&disk, geometry(2 * MIB)).err().unwrap();
    assert!(is_out_of_space(&error), "{error}");
    assert_eq!(disk.list().unwrap(), [""; 0]);
}

#[test]
fn what_an_earlier_fill_left_behind_is_replaced() {
    let disk = FaultyDisk::new(1);
    disk.create(FILLING_FILE).unwrap().write_at(0, &[1; 8192]).unwrap();
    zero_fill(&disk, geometry(4096)).unwrap();
    assert_eq!(disk.content(FILLING_FILE), Some(vec![0; 4096]), "neither its bytes nor its length");
}

#[test]
fn only_a_full_disk_or_a_used_up_quota_is_out_of_space() {
    use io::ErrorKind::{AlreadyExists, Other, PermissionDenied, QuotaExceeded, StorageFull};
    let of = |kind: io::ErrorKind| is_out_of_space(&kind.into());
    assert!(of(StorageFull) && of(QuotaExceeded));
    assert!(!of(Other) && !of(AlreadyExists) && !of(PermissionDenied));
}
