//! What groups, deduplication and named receives add to events and rows, as bytes.

use std::num::NonZeroU8;

use bytes::Bytes;

use super::Malformed;
use super::codec::{Put, Take};
use crate::event::SendRemembered;
use crate::message::{Attempt, AttemptKey, DeduplicationKey, GroupKey, MessageId};
use crate::queue::Deduplication;
use crate::time::Timestamp;

const ROW_VERSION: u8 = 1;
const NOTHING: u8 = 0;
const PRESENT: u8 = 1;
/// The same key in another group is another send.
const PRESENT_IN_GROUP: u8 = 2;

/// An absent group is 0, a present one is 1 and its key.
pub(super) fn put_group(out: &mut Vec<u8>, group: Option<GroupKey>) {
    match group {
        None => out.put_tag(NOTHING),
        Some(key) => {
            out.put_tag(PRESENT);
            out.extend_from_slice(&key.bits().to_le_bytes());
        }
    }
}

pub(super) fn take_group(take: &mut Take, what: &'static str) -> Result<Option<GroupKey>, Malformed> {
    match take.tag(what)? {
        NOTHING => Ok(None),
        PRESENT => Ok(Some(GroupKey::new(take_u128(take, what)?))),
        tag => Err(Malformed::UnknownTag { what, tag }),
    }
}

pub(super) fn put_remembered(out: &mut Vec<u8>, remembered: Option<&SendRemembered>) {
    let Some(SendRemembered { group, key, message_id }) = remembered else { return out.put_tag(NOTHING) };
    out.put_tag(if group.is_some() { PRESENT_IN_GROUP } else { PRESENT });
    out.extend_from_slice(&key.0.to_le_bytes());
    out.extend_from_slice(&message_id.0.to_le_bytes());
}

/// `group` is the one of the message, which a key that counts in its group alone shares.
pub(super) fn take_remembered(
    take: &mut Take,
    group: Option<GroupKey>,
) -> Result<Option<SendRemembered>, Malformed> {
    const WHAT: &str = "remembered send";
    let group = match take.tag(WHAT)? {
        NOTHING => return Ok(None),
        PRESENT => None,
        PRESENT_IN_GROUP if group.is_some() => group,
        tag => return Err(Malformed::UnknownTag { what: WHAT, tag }),
    };
    let key = DeduplicationKey(take_u128(take, WHAT)?);
    Ok(Some(SendRemembered { group, key, message_id: MessageId(take_u128(take, WHAT)?) }))
}

pub(super) fn take_attempt_key(take: &mut Take, what: &'static str) -> Result<AttemptKey, Malformed> {
    take.array(what).map(AttemptKey)
}

/// Beside the place of a message in an attempt, or in place of one: the receive was repeated.
const REPEATED: u8 = 0x80;

/// No attempt is 0, or [`REPEATED`]; another one is the number of its messages, the place among them, and its key.
pub(super) fn put_attempt(out: &mut Vec<u8>, attempt: Option<Attempt>, repeated: bool) {
    let Some(Attempt { key, place, count }) = attempt else {
        return out.put_tag(if repeated { REPEATED } else { NOTHING });
    };
    out.extend_from_slice(&[count.get(), if repeated { place | REPEATED } else { place }]);
    out.extend_from_slice(&key.0);
}

/// The attempt, and whether the receive was repeated.
pub(super) fn take_attempt(
    take: &mut Take,
    what: &'static str,
) -> Result<(Option<Attempt>, bool), Malformed> {
    let count = match take.tag(what)? {
        REPEATED => return Ok((None, true)),
        count => count,
    };
    let Some(count) = NonZeroU8::new(count) else { return Ok((None, false)) };
    let tag = take.tag(what)?;
    let (place, repeated) = (tag & !REPEATED, tag & REPEATED != 0);
    if place >= count.get() {
        return Err(Malformed::Impossible(what));
    }
    Ok((Some(Attempt { key: take_attempt_key(take, what)?, place, count }), repeated))
}

/// The row of a remembered send.
#[must_use]
pub fn encode_deduplication(row: &Deduplication) -> Vec<u8> {
    let Deduplication { group, key, message_id, sent_at } = row;
    let mut out = vec![ROW_VERSION];
    put_group(&mut out, *group);
    out.extend_from_slice(&key.0.to_le_bytes());
    out.extend_from_slice(&message_id.0.to_le_bytes());
    out.put_varint(sent_at.as_millis());
    out
}

/// Reads the row of a remembered send.
///
/// # Errors
/// [`Malformed`] when the bytes are damaged or were written by a later version.
pub fn decode_deduplication(bytes: Bytes) -> Result<Deduplication, Malformed> {
    const WHAT: &str = "deduplication row";
    let mut take = Take::new(bytes);
    match take.tag(WHAT)? {
        ROW_VERSION => {}
        tag => return Err(Malformed::UnknownTag { what: WHAT, tag }),
    }
    let row = Deduplication {
        group: take_group(&mut take, WHAT)?,
        key: DeduplicationKey(take_u128(&mut take, WHAT)?),
        message_id: MessageId(take_u128(&mut take, WHAT)?),
        sent_at: Timestamp::from_millis(take.varint(WHAT)?),
    };
    take.finish(WHAT)?;
    Ok(row)
}

pub(super) fn take_u128(take: &mut Take, what: &'static str) -> Result<u128, Malformed> {
    take.array(what).map(u128::from_le_bytes)
}
