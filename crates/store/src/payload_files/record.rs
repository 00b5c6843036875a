//! The bytes of a payload file, as `docs/format/store.md` lists them: a head, then records, each a header and a payload.
//!
//! What always holds: a header is sealed with the place where it lies, so neither bytes of a payload nor what an earlier
//! file left in the same place is taken for one. It refuses to verify payloads: they carry a checksum of their own.

use bytes::Bytes;
use millpond_core::format::codec::{Put, Take};
use millpond_core::message::{MessageRef, QueueId, Sequence};

/// What a file begins with.
const MAGIC: [u8; 8] = *b"MPpayld\x01";
/// The bytes of a file's head.
pub(crate) const HEAD_BYTES: u64 = 20;
/// The most that a record's header takes: three varints and a checksum.
pub(crate) const HEADER_MAX_BYTES: usize = 10 + 10 + 5 + 4;

/// The head of a file.
pub(crate) fn head(file: u64) -> Vec<u8> {
    let mut head = [&MAGIC[..], &file.to_le_bytes()].concat();
    let checksum = crc32c::crc32c(&head);
    head.extend_from_slice(&checksum.to_le_bytes());
    head
}

/// A record, as its header tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) message: MessageRef,
    pub(crate) header_bytes: usize,
    pub(crate) len_bytes: u32,
}

impl Record {
    /// Header and payload.
    pub(crate) fn whole_bytes(&self) -> u64 {
        self.header_bytes as u64 + u64::from(self.len_bytes)
    }
}

/// What a message's record takes, header and payload.
pub(crate) fn whole_bytes(message: MessageRef, len_bytes: u32) -> u64 {
    let numbers = [u64::from(len_bytes), message.queue.0, message.sequence.0];
    let header: u64 = numbers.into_iter().map(varint_bytes).sum();
    header + 4 + u64::from(len_bytes)
}

fn varint_bytes(number: u64) -> u64 {
    u64::from(64 - (number | 1).leading_zeros()).div_ceil(7)
}

/// Writes the header of a record that begins at `offset_bytes` of a file behind what is in `out`.
pub(crate) fn put_header(
    out: &mut Vec<u8>,
    (file, offset_bytes): (u64, u64),
    message: MessageRef,
    len_bytes: u32,
) {
    let begin = out.len();
    for number in [u64::from(len_bytes), message.queue.0, message.sequence.0] {
        out.put_varint(number);
    }
    let checksum = checksum(file, offset_bytes, &out[begin..]);
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// The record that begins at `offset_bytes` of a file with these bytes, if one does.
pub(crate) fn read_header((file, offset_bytes): (u64, u64), bytes: &Bytes) -> Option<Record> {
    const WHAT: &str = "record";
    let bytes = bytes.slice(..bytes.len().min(HEADER_MAX_BYTES));
    let mut take = Take::new(bytes.clone());
    let len_bytes = take.varint_u32(WHAT).ok()?;
    let (queue, sequence) = (take.varint(WHAT).ok()?, take.varint(WHAT).ok()?);
    let numbers = bytes.len() - take.remaining();
    let stored = take.array::<4>(WHAT).ok()?;
    let sound = checksum(file, offset_bytes, &bytes[..numbers]) == u32::from_le_bytes(stored);
    let message = MessageRef { queue: QueueId(queue), sequence: Sequence(sequence) };
    sound.then_some(Record { message, header_bytes: numbers + 4, len_bytes })
}

fn checksum(file: u64, offset_bytes: u64, numbers: &[u8]) -> u32 {
    let mut place = [0; 16];
    place[..8].copy_from_slice(&file.to_le_bytes());
    place[8..].copy_from_slice(&offset_bytes.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&place), numbers)
}

#[cfg(test)]
mod tests;
