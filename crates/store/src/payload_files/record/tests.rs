//! Headers are read where they were written, and nowhere else.

use super::*;

fn messages() -> impl Iterator<Item = MessageRef> {
    let numbers = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX];
    numbers.into_iter().flat_map(move |queue| {
        numbers.map(|sequence| MessageRef { queue: QueueId(queue), sequence: Sequence(sequence) })
    })
}

#[test]
fn a_header_is_as_long_as_is_counted_and_reads_as_it_was_written() {
    for message in messages() {
        for len_bytes in [0, 1, 127, 128, 1_100, u32::MAX] {
            let mut out = b"before".to_vec();
            put_header(&mut out, (7, 512), message, len_bytes);
            let header = Bytes::from(out.split_off(6));
            assert!(header.len() <= HEADER_MAX_BYTES);
            let record = read_header((7, 512), &header).unwrap();
            assert_eq!(record, Record { message, header_bytes: header.len(), len_bytes });
            assert_eq!(record.whole_bytes(), whole_bytes(message, len_bytes));
        }
    }
}

#[test]
fn a_header_counts_only_in_its_own_place() {
    let message = MessageRef { queue: QueueId(1), sequence: Sequence(300) };
    let mut out = Vec::new();
    put_header(&mut out, (7, 512), message, 1_100);
    assert_eq!(out.len(), 2 + 1 + 2 + 4, "a header is small");
    let header = Bytes::from(out.clone());
    assert_eq!(read_header((8, 512), &header), None);
    assert_eq!(read_header((7, 513), &header), None);
    assert_eq!(read_header((7, 512), &Bytes::from(vec![0; 40])), None);
    for at in 0..out.len() {
        let mut damaged = out.clone();
        damaged[at] ^= 4;
        assert_eq!(read_header((7, 512), &Bytes::from(damaged)), None, "byte {at}");
        assert_eq!(read_header((7, 512), &header.slice(..at)), None, "{at} bytes");
    }
}
