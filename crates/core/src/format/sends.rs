//! Remembered sends of one queue, many in a row of the store, as bytes.
//!
//! What always holds: numbers grow along a row, and the first one is the number in the row's key, which is not repeated.
//! No row is longer than [`ROW_BYTES`], unless a single send is.

use bytes::Bytes;

use super::Malformed;
use super::codec::{Put, Take};
use super::fifo::{put_group, take_group, take_u128};
use crate::message::{DeduplicationKey, MessageId, Sequence};
use crate::queue::Deduplication;
use crate::time::Timestamp;

/// Three rows of this length fill a page of 4 KiB.
pub const ROW_BYTES: usize = 1_320;

const ROW_VERSION: u8 = 1;
const WHAT: &str = "row of remembered sends";

/// A row while it is written.
#[derive(Debug)]
pub struct SendsRow {
    /// The number in its key.
    pub first: Sequence,
    last: (Sequence, Timestamp),
    bytes: Vec<u8>,
}

impl SendsRow {
    /// A row that begins with this send.
    #[must_use]
    pub fn new(first: Sequence, row: &Deduplication) -> Self {
        let mut sends = Self { first, last: (first, Timestamp::EPOCH), bytes: vec![ROW_VERSION] };
        sends.put(first, row);
        sends
    }

    /// Adds a send with a larger number; `false` when it does not fit.
    #[must_use]
    pub fn push(&mut self, sequence: Sequence, row: &Deduplication) -> bool {
        let before = self.bytes.len();
        let last = self.last;
        self.put(sequence, row);
        let fits = self.bytes.len() <= ROW_BYTES;
        if !fits {
            self.bytes.truncate(before);
            self.last = last;
        }
        fits
    }

    /// Its bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn put(&mut self, sequence: Sequence, row: &Deduplication) {
        let Deduplication { group, key, message_id, sent_at } = row;
        let (last, last_sent_at) = self.last;
        self.bytes.put_varint(sequence.0.saturating_sub(last.0));
        // Time hardly ever goes back; where it does, the difference goes round.
        self.bytes.put_varint(sent_at.as_millis().wrapping_sub(last_sent_at.as_millis()));
        put_group(&mut self.bytes, *group);
        self.bytes.extend_from_slice(&key.0.to_le_bytes());
        self.bytes.extend_from_slice(&message_id.0.to_le_bytes());
        self.last = (sequence, *sent_at);
    }
}

/// Reads a row, whose first number is in its key.
///
/// # Errors
/// [`Malformed`] when the bytes are damaged or were written by a later version.
pub fn decode_sends(first: Sequence, bytes: Bytes) -> Result<Vec<(Sequence, Deduplication)>, Malformed> {
    let mut take = Take::new(bytes);
    match take.tag(WHAT)? {
        ROW_VERSION => {}
        tag => return Err(Malformed::UnknownTag { what: WHAT, tag }),
    }
    let (mut sends, mut last): (Vec<(Sequence, Deduplication)>, _) = (Vec::new(), (first, Timestamp::EPOCH));
    while !take.is_empty() {
        let step = take.varint(WHAT)?;
        if (step == 0) != sends.is_empty() {
            return Err(Malformed::Impossible("the number of a remembered send"));
        }
        let number =
            last.0.0.checked_add(step).ok_or(Malformed::Impossible("the number of a remembered send"))?;
        let millis = last.1.as_millis().wrapping_add(take.varint(WHAT)?);
        last = (Sequence(number), Timestamp::from_millis(millis));
        let row = Deduplication {
            group: take_group(&mut take, WHAT)?,
            key: DeduplicationKey(take_u128(&mut take, WHAT)?),
            message_id: MessageId(take_u128(&mut take, WHAT)?),
            sent_at: last.1,
        };
        sends.push((last.0, row));
    }
    if sends.is_empty() { Err(Malformed::Truncated(WHAT)) } else { Ok(sends) }
}
