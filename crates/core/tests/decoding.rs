//! Decoders of persisted bytes: any bytes are read or refused, and cost no more memory than they are worth.

use bytes::Bytes;
use millpond_core::event::Event;
use millpond_core::format::Malformed;
use millpond_core::format::batch::{Batch, BatchBuilder};
use millpond_core::format::fifo::decode_deduplication;
use millpond_core::format::row::{decode_document, decode_entry, decode_instance, decode_queue};
use millpond_core::message::{QueueId, Sequence};
use millpond_core::payload::{Payload, verify};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::format_fixture::{
    batch_value, deduplication_value, document_value, entry_value, fixture, instance_value, payload_value,
    queue_value,
};

/// Reads bytes as everything there is; what comes out may not be larger than what went in allows.
fn decode_all(bytes: &Bytes) {
    if let Ok(batch) = Batch::decode(bytes.clone()) {
        // The smallest event is a tag and a number.
        assert!(batch.events.len() * 2 <= bytes.len());
        let sequences: usize = batch.events.iter().map(named_messages).sum();
        assert!(sequences <= bytes.len());
    }
    let _ = decode_instance(bytes.clone());
    let _ = decode_queue(bytes.clone());
    let _ = decode_entry(bytes.clone());
    let _ = decode_document(bytes.clone());
    let _ = decode_deduplication(bytes.clone());
    let _ = Payload::decode(bytes);
}

fn named_messages(event: &Event) -> usize {
    match event {
        Event::MessagesReceived { sequences, .. }
        | Event::MessagesReceivedInOrder { sequences, .. }
        | Event::ReceiveRepeated { sequences, .. }
        | Event::LeasesReturned { sequences, .. }
        | Event::MessagesDeleted { sequences, .. }
        | Event::MessagesExpired { sequences, .. } => sequences.len(),
        _ => 0,
    }
}

fn mutated(bytes: &Bytes, changes: &[(Index, u8)], length: Index) -> Bytes {
    let mut bytes = bytes.to_vec();
    for (index, value) in changes {
        let index = index.index(bytes.len());
        bytes[index] = *value;
    }
    bytes.truncate(length.index(bytes.len() + 1));
    bytes.into()
}

/// A payload with its checksum made right again, so that what is behind the checksum is read too.
fn checksummed(mut bytes: Vec<u8>) -> Bytes {
    if let Some((checksum, content)) = bytes.split_first_chunk_mut::<4>() {
        *checksum = crc32c(content).to_le_bytes();
    }
    bytes.into()
}

/// CRC-32C bit by bit, so that the tests do not depend on the code they test.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in vec(any::<u8>(), 0..300)) {
        decode_all(&bytes.clone().into());
        decode_all(&checksummed(bytes));
    }

    #[test]
    fn arbitrary_bytes_behind_a_right_version(mut bytes in vec(any::<u8>(), 1..300), count in 0..9u8) {
        bytes[0] = 1;
        if bytes.len() > 13 {
            bytes[9..13].copy_from_slice(&[count, 0, 0, 0]);
        }
        decode_all(&bytes.into());
    }

    #[test]
    fn changed_bytes(changes in vec((any::<Index>(), any::<u8>()), 0..6), length in any::<Index>()) {
        for name in
            ["batch", "batch-of-attempts", "instance-row", "queue-row", "message-row", "deduplication-row", "document-row", "payload"]
         {
            let bytes = mutated(&fixture(name), &changes, length);
            decode_all(&bytes);
            decode_all(&checksummed(bytes.to_vec()));
        }
    }

    #[test]
    fn a_payload_with_any_change_is_found(index in any::<Index>(), flip in 1..=255u8) {
        let mut bytes = fixture("payload").to_vec();
        let index = index.index(bytes.len());
        bytes[index] ^= flip;
        let bytes = Bytes::from(bytes);
        prop_assert_eq!(verify(&bytes), Err(Malformed::Checksum("message payload")));
        prop_assert!(Payload::decode(&bytes).is_err());
    }
}

#[test]
fn every_shortened_encoding_is_refused() {
    let refuses = |name: &str, decode: fn(Bytes) -> bool| {
        let whole = fixture(name);
        assert!(decode(whole.clone()), "{name}");
        for length in 0..whole.len() {
            assert!(!decode(whole.slice(..length)), "{name} cut to {length} bytes");
        }
        assert!(!decode([&whole[..], &[0]].concat().into()), "{name} with a byte more");
    };
    refuses("batch", |bytes| Batch::decode(bytes).is_ok_and(|batch| batch == batch_value()));
    refuses("instance-row", |bytes| decode_instance(bytes).is_ok_and(|value| value == instance_value()));
    refuses("queue-row", |bytes| decode_queue(bytes).is_ok_and(|value| value == queue_value()));
    refuses("message-row", |bytes| decode_entry(bytes).is_ok_and(|value| value == entry_value()));
    refuses("document-row", |bytes| decode_document(bytes).is_ok_and(|value| value == document_value()));
    refuses("deduplication-row", |bytes| {
        decode_deduplication(bytes).is_ok_and(|value| value == deduplication_value())
    });
    refuses("payload", |bytes| {
        Payload::decode(&checksummed(bytes.to_vec())).is_ok_and(|value| value == payload_value())
    });
}

#[test]
fn a_later_version_is_told_from_damage() {
    type Decode = fn(Bytes) -> Option<Malformed>;
    let decoders: [(&str, Decode); 6] = [
        ("batch", |bytes| Batch::decode(bytes).err()),
        ("instance-row", |bytes| decode_instance(bytes).err()),
        ("queue-row", |bytes| decode_queue(bytes).err()),
        ("message-row", |bytes| decode_entry(bytes).err()),
        ("document-row", |bytes| decode_document(bytes).err()),
        ("deduplication-row", |bytes| decode_deduplication(bytes).err()),
    ];
    for (name, decode) in decoders {
        for version in [0, 3, 255] {
            let mut bytes = fixture(name).to_vec();
            bytes[0] = version;
            let error = decode(bytes.into());
            assert!(
                matches!(error, Some(Malformed::UnknownTag { tag, .. }) if tag == version),
                "{name}: {error:?}"
            );
        }
    }
}

#[test]
fn unknown_tags_are_refused() {
    let batch = |tag: u8| {
        let mut bytes = BatchBuilder::new(batch_value().at).finish().to_vec();
        bytes[9..13].copy_from_slice(&1u32.to_le_bytes());
        bytes.extend([tag, 0, 0, 0]);
        Batch::decode(bytes.into()).unwrap_err()
    };
    for tag in [0, 28, 255] {
        assert_eq!(batch(tag), Malformed::UnknownTag { what: "event", tag });
    }
    let payload = |tag: u8| {
        let mut bytes = vec![0; 36];
        bytes.extend([tag, 0]);
        Payload::decode(&checksummed(bytes)).unwrap_err()
    };
    for tag in [7, 255] {
        assert_eq!(payload(tag), Malformed::UnknownTag { what: "message payload", tag });
    }
}

/// The most address space that this process ever had, in KiB: memory that was asked for counts even when it was never
/// touched.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_count_or_length_beyond_the_bytes_asks_for_no_memory() {
    let batch = |count: u32, events: &[u8]| {
        let mut bytes = BatchBuilder::new(batch_value().at).finish().to_vec();
        bytes[9..13].copy_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(events);
        Batch::decode(bytes.into())
    };
    let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let cases: [&[u8]; 4] = [
        &[],
        // Deleted messages, a payload, a document's name: each with the largest length.
        &[&[11, 0], &largest[..]].concat(),
        &[&[7, 0, 1, 0], &largest[..]].concat(),
        &[&[15], &largest[..]].concat(),
    ];
    for events in cases {
        assert_eq!(batch(u32::MAX, events), Err(Malformed::Truncated("log batch")));
    }
    // All tests of this program together need a small part of this, 2³² events a hundred times as much.
    let peak_kib = peak_kib();
    assert!(peak_kib < 8 << 20, "a few bytes asked for {peak_kib} KiB");
}

#[test]
fn an_unknown_hold_or_reading_is_refused() {
    let hold = [1, 0, 0, 0, 0, 3];
    let unknown = |what, tag| Err(Malformed::UnknownTag { what, tag });
    assert_eq!(decode_instance(hold.to_vec().into()), unknown("expiry hold", 3));
    let reading = [1, 0, 0, 0, 0, 0, 2];
    assert_eq!(decode_instance(reading.to_vec().into()), unknown("noted reading", 2));
    let mut held_for_nothing = BatchBuilder::new(batch_value().at).finish().to_vec();
    held_for_nothing[9..13].copy_from_slice(&1u32.to_le_bytes());
    held_for_nothing.extend([2, 0]);
    assert_eq!(Batch::decode(held_for_nothing.into()), Err(Malformed::Impossible("log batch")));
}

#[test]
fn an_empty_batch_is_a_batch() {
    let builder = BatchBuilder::new(batch_value().at);
    assert!(builder.is_empty());
    assert_eq!(builder.len(), 13);
    let batch = Batch::decode(builder.finish()).unwrap();
    assert_eq!((batch.at, batch.events), (batch_value().at, Vec::new()));
}

#[test]
fn a_builder_tells_where_each_payload_will_be() {
    let mut builder = BatchBuilder::new(batch_value().at);
    let offsets: Vec<u32> = [0, 1, 127, 128, 20_000]
        .map(|length| {
            builder.push(&Event::QueueDeleted { queue: QueueId(1) });
            let payload = Bytes::from(vec![b'p'; length]);
            let (queue, sequence) = (QueueId(1), Sequence(300));
            let event = Event::MessageSent {
                queue,
                sequence,
                visible_at: batch_value().at,
                group: None,
                deduplication: None,
                payload,
            };
            builder.push(&event).unwrap()
        })
        .to_vec();
    assert_eq!(Batch::decode(builder.finish()).unwrap().payload_offsets, offsets);
}
