//! Rows of the store, as bytes: instance, queue, message entry, document.
//!
//! Each row begins with a format version of its own (1 byte), so that a later version can tell what it reads. Keys
//! and tables are the store's affair; message payloads are stored as [`crate::payload`] encodes them.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Malformed;
use super::attributes::{put_attributes, take_attributes};
use super::codec::{Put, Take};
use super::fifo::{put_attempt, put_group, take_attempt, take_group};
use super::moves::{put_move_number, put_move_tasks, take_move_number, take_move_tasks};
use super::name::{put_queue_key, put_tags, take_queue_key, take_tags};
use super::outage::{put_hold, put_noted, take_hold, take_noted};
use super::pacing::{put_waits, take_waits};
use crate::document::Document;
use crate::evolve::Instance;
use crate::limits;
use crate::message::{Entry, QueueId, Sequence};
use crate::name::QueueKey;
use crate::queue::QueueRecord;
use crate::time::Timestamp;

const VERSION: u8 = 1;
/// Of a message's row: a rank is a time from this version on.
const ENTRY_VERSION: u8 = 2;

/// The instance row.
#[must_use]
pub fn encode_instance(instance: &Instance) -> Vec<u8> {
    let Instance { receipt_key, clock, next_queue, next_revision, expiry_hold, moves, noted_reading, waits } =
        instance;
    let mut out = vec![VERSION];
    out.put_byte_string(receipt_key.as_ref().map_or(&[][..], |key| &key[..]));
    out.put_varint(clock.as_millis());
    out.put_varint(*next_queue);
    out.put_varint(*next_revision);
    put_hold(&mut out, expiry_hold.as_ref());
    put_noted(&mut out, noted_reading.as_ref());
    out.put_varint(*moves);
    put_waits(&mut out, waits);
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
    let moves = take.varint(WHAT)?;
    let waits = take_waits(&mut take)?;
    take.finish(WHAT)?;
    Ok(Instance { receipt_key, clock, next_queue, next_revision, expiry_hold, moves, noted_reading, waits })
}

/// A queue's row.
#[must_use]
pub fn encode_queue(record: &QueueRecord) -> Vec<u8> {
    let QueueRecord {
        id,
        key,
        attributes,
        tags,
        sources,
        move_tasks,
        created_at,
        modified_at,
        next_sequence,
        expired,
    } = record;
    let mut out = vec![VERSION];
    out.put_varint(id.0);
    put_queue_key(&mut out, key);
    put_attributes(&mut out, attributes);
    put_tags(&mut out, tags);
    put_sources(&mut out, sources);
    put_move_tasks(&mut out, move_tasks);
    out.put_varint(created_at.as_millis());
    out.put_varint(modified_at.as_millis());
    out.put_varint(next_sequence.0);
    out.put_varint(*expired);
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
        tags: take_tags(&mut take)?,
        sources: take_sources(&mut take)?,
        move_tasks: take_move_tasks(&mut take)?,
        created_at: Timestamp::from_millis(take.varint(WHAT)?),
        modified_at: Timestamp::from_millis(take.varint(WHAT)?),
        next_sequence: Sequence(take.varint(WHAT)?),
        expired: take.varint(WHAT)?,
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
        group,
        source,
        moved,
        attempt,
        repeated,
    } = entry;
    let mut out = vec![ENTRY_VERSION];
    out.put_varint(sent_at.as_millis());
    out.put_varint(visible_at.as_millis());
    put_optional(&mut out, *received_at);
    put_optional(&mut out, *first_received_at);
    out.put_varint(u64::from(*receive_count));
    out.put_varint(u64::from(*delivery));
    out.put_varint(rank.as_millis());
    out.put_varint(u64::from(*payload_bytes));
    put_group(&mut out, *group);
    // An absent queue is 0; numbers of queues are far from the end of their range.
    out.put_varint(source.map_or(0, |queue| queue.0.saturating_add(1)));
    put_move_number(&mut out, *moved);
    put_attempt(&mut out, *attempt, *repeated);
    out
}

/// Reads a message entry's row.
///
/// # Errors
/// [`Malformed`] when the bytes are damaged or were written by a later version.
pub fn decode_entry(bytes: Bytes) -> Result<Entry, Malformed> {
    const WHAT: &str = "message row";
    let mut take = Take::new(bytes);
    let version = match take.tag(WHAT)? {
        version @ (VERSION | ENTRY_VERSION) => version,
        tag => return Err(Malformed::UnknownTag { what: WHAT, tag }),
    };
    let mut entry = Entry {
        sent_at: Timestamp::from_millis(take.varint(WHAT)?),
        visible_at: Timestamp::from_millis(take.varint(WHAT)?),
        received_at: take_optional(&mut take, WHAT)?,
        first_received_at: take_optional(&mut take, WHAT)?,
        receive_count: take.varint_u32(WHAT)?,
        delivery: take.varint_u32(WHAT)?,
        rank: Timestamp::from_millis(take.varint(WHAT)?),
        payload_bytes: take.varint_u32(WHAT)?,
        group: take_group(&mut take, WHAT)?,
        source: take.varint(WHAT)?.checked_sub(1).map(QueueId),
        moved: take_move_number(&mut take, WHAT)?,
        attempt: None,
        repeated: false,
    };
    (entry.attempt, entry.repeated) = take_attempt(&mut take, WHAT)?;
    take.finish(WHAT)?;
    if version == VERSION {
        entry.rank = rank_of_version_1(&entry);
    }
    Ok(entry)
}

/// Version 1 kept a rank among the numbers of the queue, which says no time. What the message went through does, as closely
/// as anyone could tell.
fn rank_of_version_1(entry: &Entry) -> Timestamp {
    let at_back = entry.receive_count >= limits::RECEIVES_BEFORE_BACK_OF_QUEUE;
    match entry.received_at {
        Some(received_at) if at_back => received_at,
        _ if entry.never_delivered() => entry.visible_at,
        _ => entry.sent_at,
    }
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

fn put_sources(out: &mut Vec<u8>, sources: &BTreeMap<QueueId, QueueKey>) {
    out.put_varint(sources.len() as u64);
    for (queue, key) in sources {
        out.put_varint(queue.0);
        put_queue_key(out, key);
    }
}

fn take_sources(take: &mut Take) -> Result<BTreeMap<QueueId, QueueKey>, Malformed> {
    const WHAT: &str = "sources of dead letters";
    let count = take.count(WHAT)?;
    (0..count).map(|_| Ok((QueueId(take.varint(WHAT)?), take_queue_key(take)?))).collect()
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
