//! Reads that meet another life of a file: one that begins while they read, and frames that are not theirs.

use std::io;
use std::sync::{Mutex, Weak};

use super::*;
use crate::disk::Disk;
use crate::faulty_disk::FaultyDisk;

const LOG_ID: LogId = LogId([1; 16]);
const GEOMETRY: Geometry = Geometry { segment_bytes: 4096, block_bytes: 512 };

fn segment(generation: u64, first: u64, file: Arc<dyn DiskFile>) -> LiveSegment {
    let name = format!("segment {generation}");
    let first = Position(first);
    LiveSegment { name, generation, geometry: GEOMETRY, file, first, blocks: vec![1], end_bytes: 1024 }
}

fn new_file() -> Arc<dyn DiskFile> {
    FaultyDisk::new(1).create("file").unwrap()
}

/// The segment is trimmed while its file is read.
#[derive(Default)]
struct TrimmedWhileRead(Mutex<Weak<Index>>);

impl DiskFile for TrimmedWhileRead {
    fn len(&self) -> io::Result<u64> {
        Ok(GEOMETRY.segment_bytes)
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        let index = self.0.lock().unwrap().upgrade().unwrap();
        index.take_trimmed(Position(2));
        Ok(())
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_trimmed_while_it_is_read_is_not_served() {
    for in_part in [false, true] {
        let file = Arc::new(TrimmedWhileRead::default());
        let segments = [segment(1, 1, file.clone()), segment(2, 2, new_file())];
        let index = Arc::new(Index::new(LOG_ID, VecDeque::from(segments)));
        *file.0.lock().unwrap() = Arc::downgrade(&index);
        let read = if in_part { index.read_range(Position(1), 0..9) } else { index.read(Position(1)) };
        assert_eq!(read, Err(ReadError::Trimmed { first: Position(2) }));
    }
}

#[test]
fn a_whole_frame_of_another_log_life_or_place_is_damage() {
    let payload = b"whole";
    let own = FrameHeader {
        log_id: LOG_ID,
        generation: 1,
        epoch: 1,
        position: Position(1),
        durable_through: Position(0),
        payload_bytes: 5,
        payload_crc: crc32c::crc32c(payload),
    };
    let read = |header: FrameHeader| {
        let file = new_file();
        file.write_at(512, &[0; 512]).unwrap();
        file.write_at(512, &[&header.encode()[..], payload].concat()).unwrap();
        Index::new(LOG_ID, VecDeque::from([segment(1, 1, file)])).read(Position(1))
    };
    assert_eq!(read(own).unwrap(), &payload[..]);
    for other in [
        FrameHeader { log_id: LogId([2; 16]), ..own },
        FrameHeader { generation: 2, ..own },
        FrameHeader { position: Position(2), ..own },
    ] {
        let damaged = read(other).unwrap_err();
        let reason = "the frame is not the one that was written there";
        assert!(matches!(damaged, ReadError::Damaged { reason: told, .. } if told == reason), "{damaged}");
    }
}
