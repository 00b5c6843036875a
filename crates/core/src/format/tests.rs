//! Round trips of the primitives, and of every row and event with any value.

mod any;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use any::{byte_string, entry, event, instance, payload, record, time};

use super::Malformed;
use super::batch::{Batch, BatchBuilder};
use super::codec::{Put, Take};
use super::row::{
    decode_document, decode_entry, decode_instance, decode_queue, encode_document, encode_entry,
    encode_instance, encode_queue,
};
use crate::document::Document;
use crate::payload::Payload;

const WHAT: &str = "test";

fn varint(bytes: &[u8]) -> Result<u64, Malformed> {
    let mut take = Take::new(Bytes::copy_from_slice(bytes));
    let value = take.varint(WHAT)?;
    take.finish(WHAT)?;
    Ok(value)
}

#[test]
fn varints_are_as_short_as_they_can_be_and_end_with_64_bits() {
    let cases: [(u64, &[u8]); 6] = [
        (0, &[0]),
        (127, &[0x7f]),
        (128, &[0x80, 1]),
        (300, &[0xac, 2]),
        (1 << 63, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]),
        (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
    ];
    for (value, bytes) in cases {
        let mut out = Vec::new();
        out.put_varint(value);
        assert_eq!(out, bytes);
        assert_eq!(varint(bytes), Ok(value));
    }
    let beyond = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
    assert_eq!(varint(&beyond), Err(Malformed::Impossible(WHAT)));
    assert_eq!(varint(&[0x80; 11]), Err(Malformed::Impossible(WHAT)));
    assert_eq!(varint(&[0x80; 9]), Err(Malformed::Truncated(WHAT)));
    assert_eq!(varint(&[]), Err(Malformed::Truncated(WHAT)));
}

#[test]
fn a_number_beyond_32_bits_does_not_fit_32_bits() {
    let mut out = Vec::new();
    out.put_varint(u64::from(u32::MAX));
    assert_eq!(Take::new(out.into()).varint_u32(WHAT), Ok(u32::MAX));
    let mut out = Vec::new();
    out.put_varint(u64::from(u32::MAX) + 1);
    assert_eq!(Take::new(out.into()).varint_u32(WHAT), Err(Malformed::Impossible(WHAT)));
}

#[test]
fn a_count_never_exceeds_what_is_left() {
    assert_eq!(Take::new(Bytes::from_static(&[2, 0, 0])).count(WHAT), Ok(2));
    assert_eq!(Take::new(Bytes::from_static(&[3, 0, 0])).count(WHAT), Err(Malformed::Truncated(WHAT)));
}

#[test]
fn text_is_utf_8() {
    assert_eq!(Take::new(Bytes::from_static(&[2, 0xc3, 0xa9])).text(WHAT).unwrap(), "é");
    assert_eq!(Take::new(Bytes::from_static(&[1, 0xc3])).text(WHAT), Err(Malformed::Impossible(WHAT)));
}

#[test]
fn an_array_is_whole_or_not_there() {
    let mut take = Take::new(Bytes::from_static(&[1, 2, 3]));
    assert_eq!(take.array::<4>(WHAT), Err(Malformed::Truncated(WHAT)));
    assert_eq!(take.array::<2>(WHAT), Ok([1, 2]));
    assert_eq!(take.remaining(), 1);
    assert_eq!(take.finish(WHAT), Err(Malformed::TooLong(WHAT)));
}

#[test]
fn errors_say_where_and_what() {
    let later = Malformed::UnknownTag { what: "event", tag: 16 };
    assert_eq!(
        later.to_string(),
        "unknown event tag 16: the data was written by a later version, or is damaged"
    );
    assert_eq!(Malformed::Truncated("queue row").to_string(), "the bytes end inside queue row");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers(value: u64) {
        let mut out = Vec::new();
        out.put_varint(value);
        prop_assert!(out.len() <= 10);
        prop_assert_eq!(varint(&out), Ok(value));
    }

    #[test]
    fn rows(
        instance in instance(), record in record(), entry in entry(), revision: u64, value in byte_string()
    ) {
        prop_assert_eq!(decode_instance(encode_instance(&instance).into()), Ok(instance));
        prop_assert_eq!(decode_queue(encode_queue(&record).into()), Ok(record));
        prop_assert_eq!(decode_entry(encode_entry(&entry).into()), Ok(entry));
        let document = Document { revision, value };
        prop_assert_eq!(decode_document(encode_document(&document).into()), Ok(document));
    }

    #[test]
    fn batches(at in time(), events in vec(event(), 0..20)) {
        let mut builder = BatchBuilder::new(at);
        let payload_offsets: Vec<u32> = events.iter().filter_map(|event| builder.push(event)).collect();
        let length = builder.len();
        let bytes = builder.finish();
        prop_assert_eq!(bytes.len(), length);
        prop_assert_eq!(Batch::decode(bytes), Ok(Batch { at, events, payload_offsets }));
    }

    #[test]
    fn payloads(payload in payload()) {
        prop_assert_eq!(Payload::decode(&payload.encode()), Ok(payload));
    }
}
