//! Rows of the store, as bytes: instance, queue, message entry, document.
//!
//! Each row begins with a format version of its own (1 byte), so that a later version can tell what it reads. Keys
//! and tables are the store's affair; message payloads are stored as [`crate::payload`] encodes them.

use bytes::Bytes;

use super::Malformed;
use super::codec::{Put, Take};
use super::outage::{put_hold, put_noted, take_hold, take_noted};
use crate::document::Document;
use crate::evolve::Instance;
use crate::message::{Entry, QueueId, Sequence};
use crate::name::{AccountId, QueueKey, QueueName, Region};
use crate::queue::{QueueAttributes, QueueRecord};
use crate::time::Timestamp;

const VERSION: u8 = 1;

/// The instance row.
#[must_use]
pub fn encode_instance(instance: &Instance) -> Vec<u8> {
    let Instance { receipt_key, clock, next_queue, next_revision, expiry_hold, noted_reading } = instance;
    let mut out = vec![VERSION];
    out.put_byte_string(receipt_key.as_ref().map_or(&[][..], |key| &key[..]));
    out.put_varint(clock.as_millis());
    out.put_varint(*next_queue);
    out.put_varint(*next_revision);
    put_hold(&mut out, expiry_hold.as_ref());
    put_noted(&mut out, noted_reading.as_ref());
    out
}

/// Reads an instance row.
///
/// # Errors
/// [`Malformed`] when the bytes are damaged or were written by a later version.
pub fn decode_instance(bytes: Bytes) -> Result<Instance, Malformed> {
    const WHAT: &str = "instance row";
    let mut take = versioned(bytes, WHAT)?;
    let key = take.byte_string(WHAT)?;
    let receipt_key = match key.len() {
        0 => None,
        _ => Some(key[..].try_into().map_err(|_| Malformed::Impossible(WHAT))?),
    };
    let clock = Timestamp::from_millis(take.varint(WHAT)?);
    let next_queue = take.varint(WHAT)?;
    let next_revision = take.varint(WHAT)?;
    let expiry_hold = take_hold(&mut take)?;
    let noted_reading = take_noted(&mut take)?;
    take.finish(WHAT)?;
    Ok(Instance { receipt_key, clock, next_queue, next_revision, expiry_hold, noted_reading })
}

/// A queue's row.
#[must_use]
pub fn encode_queue(record: &QueueRecord) -> Vec<u8> {
    let QueueRecord { id, key, attributes, created_at, modified_at, next_sequence } = record;
    let mut out = vec![VERSION];
    out.put_varint(id.0);
    put_queue_key(&mut out, key);
    put_attributes(&mut out, attributes);
    out.put_varint(created_at.as_millis());
    out.put_varint(modified_at.as_millis());
    out.put_varint(next_sequence.0);
    out
}

/// Reads a queue's row.
///
/// # Errors
/// [`Malformed`] when the bytes are damaged or were written by a later version.
pub fn decode_queue(bytes: Bytes) -> Result<QueueRecord, Malformed> {
    const WHAT: &str = "queue row";
    let mut take = versioned(bytes, WHAT)?;
    let record = QueueRecord {
        id: QueueId(take.varint(WHAT)?),
        key: take_queue_key(&mut take)?,
        attributes: take_attributes(&mut take)?,
        created_at: Timestamp::from_millis(take.varint(WHAT)?),
        modified_at: Timestamp::from_millis(take.varint(WHAT)?),
        next_sequence: Sequence(take.varint(WHAT)?),
    };
    take.finish(WHAT)?;
    Ok(record)
}

/// A message entry's row.
#[must_use]
pub fn encode_entry(entry: &Entry) -> Vec<u8> {
    let Entry {
        sent_at,
        visible_at,
        received_at,
        first_received_at,
        receive_count,
        delivery,
        rank,
        payload_bytes,
    } = entry;
    let mut out = vec![VERSION];
    out.put_varint(sent_at.as_millis());
    out.put_varint(visible_at.as_millis());
    put_optional(&mut out, *received_at);
    put_optional(&mut out, *first_received_at);
    out.put_varint(u64::from(*receive_count));
    out.put_varint(u64::from(*delivery));
    out.put_varint(*rank);
    out.put_varint(u64::from(*payload_bytes));
    out
}

/// Reads a message entry's row.
///
/// # Errors
/// [`Malformed`] when the bytes are damaged or were written by a later version.
pub fn decode_entry(bytes: Bytes) -> Result<Entry, Malformed> {
    const WHAT: &str = "message row";
    let mut take = versioned(bytes, WHAT)?;
    let entry = Entry {
        sent_at: Timestamp::from_millis(take.varint(WHAT)?),
        visible_at: Timestamp::from_millis(take.varint(WHAT)?),
        received_at: take_optional(&mut take, WHAT)?,
        first_received_at: take_optional(&mut take, WHAT)?,
        receive_count: take.varint_u32(WHAT)?,
        delivery: take.varint_u32(WHAT)?,
        rank: take.varint(WHAT)?,
        payload_bytes: take.varint_u32(WHAT)?,
    };
    take.finish(WHAT)?;
    Ok(entry)
}

/// A document's row.
#[must_use]
pub fn encode_document(document: &Document) -> Vec<u8> {
    let Document { revision, value } = document;
    let mut out = vec![VERSION];
    out.put_varint(*revision);
    out.put_byte_string(value);
    out
}

/// Reads a document's row.
///
/// # Errors
/// [`Malformed`] when the bytes are damaged or were written by a later version.
pub fn decode_document(bytes: Bytes) -> Result<Document, Malformed> {
    const WHAT: &str = "document row";
    let mut take = versioned(bytes, WHAT)?;
    let document = Document { revision: take.varint(WHAT)?, value: take.byte_string(WHAT)? };
    take.finish(WHAT)?;
    Ok(document)
}

pub(super) fn put_queue_key(out: &mut Vec<u8>, key: &QueueKey) {
    out.put_varint(key.account.as_number());
    out.put_byte_string(key.region.as_str().as_bytes());
    out.put_byte_string(key.name.as_str().as_bytes());
}

pub(super) fn take_queue_key(take: &mut Take) -> Result<QueueKey, Malformed> {
    const WHAT: &str = "queue name";
    let account = AccountId::from_number(take.varint(WHAT)?).ok_or(Malformed::Impossible(WHAT))?;
    let region = Region::parse(&take.text(WHAT)?).ok_or(Malformed::Impossible(WHAT))?;
    let name = QueueName::parse(&take.text(WHAT)?).ok_or(Malformed::Impossible(WHAT))?;
    Ok(QueueKey { account, region, name })
}

const DELAY_SECS: u8 = 1;
const MAXIMUM_MESSAGE_BYTES: u8 = 2;
const RETENTION_SECS: u8 = 3;
const RECEIVE_WAIT_SECS: u8 = 4;
const VISIBILITY_TIMEOUT_SECS: u8 = 5;
const MANAGED_SSE_ENABLED: u8 = 6;

/// Settings are tagged one by one, so that a later version can add some without rewriting rows.
pub(super) fn put_attributes(out: &mut Vec<u8>, attributes: &QueueAttributes) {
    let QueueAttributes {
        delay_secs,
        maximum_message_bytes,
        retention_secs,
        receive_wait_secs,
        visibility_timeout_secs,
        managed_sse_enabled,
    } = attributes;
    let settings = [
        (DELAY_SECS, *delay_secs),
        (MAXIMUM_MESSAGE_BYTES, *maximum_message_bytes),
        (RETENTION_SECS, *retention_secs),
        (RECEIVE_WAIT_SECS, *receive_wait_secs),
        (VISIBILITY_TIMEOUT_SECS, *visibility_timeout_secs),
        (MANAGED_SSE_ENABLED, u32::from(*managed_sse_enabled)),
    ];
    out.put_varint(settings.len() as u64);
    for (tag, value) in settings {
        out.put_tag(tag);
        out.put_varint(u64::from(value));
    }
}

pub(super) fn take_attributes(take: &mut Take) -> Result<QueueAttributes, Malformed> {
    const WHAT: &str = "queue setting";
    let mut attributes = QueueAttributes::default();
    for _ in 0..take.count(WHAT)? {
        let tag = take.tag(WHAT)?;
        let value = take.varint_u32(WHAT)?;
        match tag {
            DELAY_SECS => attributes.delay_secs = value,
            MAXIMUM_MESSAGE_BYTES => attributes.maximum_message_bytes = value,
            RETENTION_SECS => attributes.retention_secs = value,
            RECEIVE_WAIT_SECS => attributes.receive_wait_secs = value,
            VISIBILITY_TIMEOUT_SECS => attributes.visibility_timeout_secs = value,
            MANAGED_SSE_ENABLED => attributes.managed_sse_enabled = value != 0,
            tag => return Err(Malformed::UnknownTag { what: WHAT, tag }),
        }
    }
    Ok(attributes)
}

/// An absent time is 0, a present one is its milliseconds plus 1.
fn put_optional(out: &mut Vec<u8>, time: Option<Timestamp>) {
    out.put_varint(time.map_or(0, |time| time.as_millis().saturating_add(1)));
}

fn take_optional(take: &mut Take, what: &'static str) -> Result<Option<Timestamp>, Malformed> {
    Ok(take.varint(what)?.checked_sub(1).map(Timestamp::from_millis))
}

fn versioned(bytes: Bytes, what: &'static str) -> Result<Take, Malformed> {
    let mut take = Take::new(bytes);
    match take.tag(what)? {
        VERSION => Ok(take),
        tag => Err(Malformed::UnknownTag { what, tag }),
    }
}
