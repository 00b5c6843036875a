//! One log batch: its time and its events.
//!
//! Layout: format version (1 byte), time in milliseconds (8 bytes), number of events (4 bytes), then each event as a tag
//! byte and its fields. The log's frame around it carries length and checksum.

use bytes::Bytes;

use super::Malformed;
use super::attributes::{put_attributes, take_attributes};
use super::codec::{Put, Take};
use super::fifo::{put_group, put_remembered, take_attempt_key, take_group, take_remembered};
use super::moves::{put_move_task, take_move_task};
use super::name::{put_queue_key, put_tags, take_queue_key, take_tags};
use super::outage::{put_hold, put_reading, take_hold, take_reading};
use super::pacing::{put_wait_change, take_wait_change};
use crate::document::DocumentKey;
use crate::event::{AttemptRemembered, Event, SendRemembered};
use crate::message::{GroupKey, QueueId, Sequence};
use crate::name::QueueKey;
use crate::pacing::WaitingRule;
use crate::time::Timestamp;

const VERSION: u8 = 1;
const WHAT: &str = "log batch";

const INITIALISED: u8 = 1;
const EXPIRY_HELD: u8 = 2;
const QUEUE_CREATED: u8 = 3;
const QUEUE_ATTRIBUTES_SET: u8 = 4;
const QUEUE_PURGED: u8 = 5;
const QUEUE_DELETED: u8 = 6;
const MESSAGE_SENT: u8 = 7;
const MESSAGES_RECEIVED: u8 = 8;
const LEASES_RETURNED: u8 = 9;
const VISIBILITY_CHANGED: u8 = 10;
const MESSAGES_DELETED: u8 = 11;
const MESSAGES_EXPIRED: u8 = 12;
const MESSAGE_QUARANTINED: u8 = 13;
const DOCUMENT_PUT: u8 = 14;
const DOCUMENT_REMOVED: u8 = 15;
const CLOCK_NOTED: u8 = 16;
const MESSAGE_SENT_IN_GROUP: u8 = 17;
const MESSAGES_RECEIVED_IN_ORDER: u8 = 18;
const DEDUPLICATIONS_FORGOTTEN: u8 = 19;
const QUEUE_TAGS_SET: u8 = 20;
const MESSAGES_MOVED: u8 = 21;
const MESSAGES_RECEIVED_IN_ATTEMPT: u8 = 22;
const RECEIVE_REPEATED: u8 = 23;
// 24 to 27 are those of `super::moves`.
const PACED: u8 = 31;

/// Version, time and count: fixed in size, so that a payload's place is known while the batch is collected.
const HEADER_BYTES: usize = 1 + 8 + 4;

/// The events that one sync makes durable together, while they are collected.
#[derive(Debug)]
pub struct BatchBuilder {
    at: Timestamp,
    count: u32,
    bytes: Vec<u8>,
}

impl BatchBuilder {
    /// An empty batch at a time.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self::with_capacity(at, 4096)
    }

    /// An empty batch that is likely to take so many bytes: as long as it takes no more, none is moved.
    #[must_use]
    pub fn with_capacity(at: Timestamp, capacity_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity_bytes.max(HEADER_BYTES));
        bytes.put_tag(VERSION);
        bytes.extend_from_slice(&at.as_millis().to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        Self { at, count: 0, bytes }
    }

    /// The time of all its events.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Bytes collected so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What was collected so far, at the offsets that [`BatchBuilder::push`] answers.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Events collected so far.
    #[must_use]
    pub fn events(&self) -> u32 {
        self.count
    }

    /// Whether it holds no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds an event. For a sent message, answers where in the finished batch its payload begins.
    pub fn push(&mut self, event: &Event) -> Option<u32> {
        put_event(&mut self.bytes, event);
        self.count += 1;
        let Event::MessageSent { payload, .. } = event else { return None };
        // A payload is the last field of its event.
        u32::try_from(self.bytes.len() - payload.len()).ok()
    }

    /// The bytes for the log.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        self.bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&self.count.to_le_bytes());
        Bytes::from(self.bytes)
    }
}

/// A batch read back from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The time of all its events.
    pub at: Timestamp,
    /// The events, in order; payloads share the bytes they were read from.
    pub events: Vec<Event>,
    /// Where the payload of each sent message begins in the batch, in the order of the events.
    pub payload_offsets: Vec<u32>,
}

impl Batch {
    /// Reads what [`BatchBuilder::finish`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are damaged or were written by a later version.
    pub fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        let total = bytes.len();
        let mut take = Take::new(bytes);
        let version = take.tag(WHAT)?;
        if version != VERSION {
            return Err(Malformed::UnknownTag { what: "log batch version", tag: version });
        }
        let at = Timestamp::from_millis(u64::from_le_bytes(take.array(WHAT)?));
        let count = u32::from_le_bytes(take.array(WHAT)?);
        let mut batch = Self { at, events: Vec::new(), payload_offsets: Vec::new() };
        for _ in 0..count {
            let event = take_event(&mut take)?;
            if let Event::MessageSent { payload, .. } = &event {
                let offset = total - take.remaining() - payload.len();
                batch.payload_offsets.push(u32::try_from(offset).map_err(|_| Malformed::Impossible(WHAT))?);
            }
            batch.events.push(event);
        }
        take.finish(WHAT)?;
        Ok(batch)
    }
}

fn put_event(out: &mut Vec<u8>, event: &Event) {
    match event {
        Event::Initialised { receipt_key } => {
            out.put_tag(INITIALISED);
            out.extend_from_slice(receipt_key);
        }
        Event::ClockNoted { reading } => {
            out.put_tag(CLOCK_NOTED);
            put_reading(out, reading);
        }
        Event::ExpiryHeld(hold) => {
            out.put_tag(EXPIRY_HELD);
            put_hold(out, Some(hold));
        }
        Event::QueueCreated { queue, key, attributes } => {
            put_queue_event(out, QUEUE_CREATED, *queue);
            put_queue_key(out, key);
            put_attributes(out, attributes);
        }
        Event::QueueAttributesSet { queue, attributes } => {
            put_queue_event(out, QUEUE_ATTRIBUTES_SET, *queue);
            put_attributes(out, attributes);
        }
        Event::QueueTagsSet { queue, tags } => {
            put_queue_event(out, QUEUE_TAGS_SET, *queue);
            put_tags(out, tags);
        }
        Event::QueuePurged { queue, below } => put_numbered(out, QUEUE_PURGED, *queue, *below),
        Event::QueueDeleted { queue } => put_queue_event(out, QUEUE_DELETED, *queue),
        Event::MessageSent { queue, sequence, visible_at, group, deduplication, payload } => {
            put_sent_head(out, *queue, *sequence, *visible_at, *group, deduplication.as_ref());
            out.put_byte_string(payload);
        }
        Event::MessagesReceived { queue, visible_at, sequences } => {
            put_received(out, MESSAGES_RECEIVED, *queue, *visible_at, sequences);
        }
        Event::MessagesReceivedInOrder { queue, visible_at, sequences, followers, attempt } => {
            put_in_order(out, (*queue, *visible_at), sequences, followers, attempt.as_ref());
        }
        Event::ReceiveRepeated { queue, visible_at, sequences } => {
            put_received(out, RECEIVE_REPEATED, *queue, *visible_at, sequences);
        }
        Event::MessagesMoved { from, from_key, to, in_order, moves } => {
            put_queue_event(out, MESSAGES_MOVED, *from);
            put_queue_key(out, from_key);
            put_moved_to(out, *to, *in_order, moves);
        }
        Event::MoveTask { queue, event } => put_move_task(out, *queue, event),
        Event::DeduplicationsForgotten { queue, below } => {
            put_numbered(out, DEDUPLICATIONS_FORGOTTEN, *queue, *below);
        }
        Event::LeasesReturned { queue, sequences } => put_listed(out, LEASES_RETURNED, *queue, sequences),
        Event::VisibilityChanged { queue, sequence, visible_at } => {
            put_numbered(out, VISIBILITY_CHANGED, *queue, *sequence);
            out.put_varint(visible_at.as_millis());
        }
        Event::MessagesDeleted { queue, sequences } => put_listed(out, MESSAGES_DELETED, *queue, sequences),
        Event::MessagesExpired { queue, sequences } => put_listed(out, MESSAGES_EXPIRED, *queue, sequences),
        Event::MessageQuarantined { queue, sequence } => {
            put_numbered(out, MESSAGE_QUARANTINED, *queue, *sequence);
        }
        Event::WaitBegun { rule, key } => put_paced(out, Some((*rule, key))),
        Event::WaitsForgotten => put_paced(out, None),
        Event::DocumentPut { key, revision, value } => put_document(out, key, *revision, value),
        Event::DocumentRemoved { key } => {
            out.put_tag(DOCUMENT_REMOVED);
            put_document_key(out, key);
        }
    }
}

fn take_event(take: &mut Take) -> Result<Event, Malformed> {
    Ok(match take.tag(WHAT)? {
        INITIALISED => Event::Initialised { receipt_key: take.array(WHAT)? },
        CLOCK_NOTED => Event::ClockNoted { reading: take_reading(take)? },
        EXPIRY_HELD => Event::ExpiryHeld(take_hold(take)?.ok_or(Malformed::Impossible(WHAT))?),
        QUEUE_CREATED => Event::QueueCreated {
            queue: take_queue(take)?,
            key: take_queue_key(take)?,
            attributes: take_attributes(take)?,
        },
        QUEUE_ATTRIBUTES_SET => {
            Event::QueueAttributesSet { queue: take_queue(take)?, attributes: take_attributes(take)? }
        }
        QUEUE_TAGS_SET => Event::QueueTagsSet { queue: take_queue(take)?, tags: take_tags(take)? },
        QUEUE_PURGED => Event::QueuePurged { queue: take_queue(take)?, below: take_sequence(take)? },
        QUEUE_DELETED => Event::QueueDeleted { queue: take_queue(take)? },
        tag @ (MESSAGE_SENT | MESSAGE_SENT_IN_GROUP) => take_sent(take, tag == MESSAGE_SENT_IN_GROUP)?,
        MESSAGES_RECEIVED_IN_ORDER => take_in_order(take, |_| Ok(None))?,
        MESSAGES_RECEIVED_IN_ATTEMPT => take_in_order(take, take_attempt)?,
        RECEIVE_REPEATED => Event::ReceiveRepeated {
            queue: take_queue(take)?,
            visible_at: take_time(take)?,
            sequences: take_sequences(take)?,
        },
        MESSAGES_MOVED => Event::MessagesMoved {
            from: take_queue(take)?,
            from_key: take_queue_key(take)?,
            to: take_queue(take)?,
            in_order: take.tag(WHAT)? != 0,
            moves: take_moves(take)?,
        },
        DEDUPLICATIONS_FORGOTTEN => {
            Event::DeduplicationsForgotten { queue: take_queue(take)?, below: take_sequence(take)? }
        }
        MESSAGES_RECEIVED => Event::MessagesReceived {
            queue: take_queue(take)?,
            visible_at: take_time(take)?,
            sequences: take_sequences(take)?,
        },
        LEASES_RETURNED => {
            Event::LeasesReturned { queue: take_queue(take)?, sequences: take_sequences(take)? }
        }
        VISIBILITY_CHANGED => Event::VisibilityChanged {
            queue: take_queue(take)?,
            sequence: take_sequence(take)?,
            visible_at: take_time(take)?,
        },
        MESSAGES_DELETED => {
            Event::MessagesDeleted { queue: take_queue(take)?, sequences: take_sequences(take)? }
        }
        MESSAGES_EXPIRED => {
            Event::MessagesExpired { queue: take_queue(take)?, sequences: take_sequences(take)? }
        }
        MESSAGE_QUARANTINED => {
            Event::MessageQuarantined { queue: take_queue(take)?, sequence: take_sequence(take)? }
        }
        PACED => take_wait_change(take)?,
        DOCUMENT_PUT => Event::DocumentPut {
            key: take_document_key(take)?,
            revision: take.varint(WHAT)?,
            value: take.byte_string(WHAT)?,
        },
        DOCUMENT_REMOVED => Event::DocumentRemoved { key: take_document_key(take)? },
        tag => take_move_task(take, tag)?,
    })
}

fn put_document(out: &mut Vec<u8>, key: &DocumentKey, revision: u64, value: &Bytes) {
    out.put_tag(DOCUMENT_PUT);
    put_document_key(out, key);
    out.put_varint(revision);
    out.put_byte_string(value);
}

fn put_paced(out: &mut Vec<u8>, begun: Option<(WaitingRule, &QueueKey)>) {
    out.put_tag(PACED);
    put_wait_change(out, begun);
}

fn put_queue_event(out: &mut Vec<u8>, tag: u8, queue: QueueId) {
    out.put_tag(tag);
    out.put_varint(queue.0);
}

fn put_numbered(out: &mut Vec<u8>, tag: u8, queue: QueueId, sequence: Sequence) {
    put_queue_event(out, tag, queue);
    out.put_varint(sequence.0);
}

fn put_listed(out: &mut Vec<u8>, tag: u8, queue: QueueId, sequences: &[Sequence]) {
    put_queue_event(out, tag, queue);
    put_sequences(out, sequences);
}

fn put_sent_head(
    out: &mut Vec<u8>,
    queue: QueueId,
    sequence: Sequence,
    visible_at: Timestamp,
    group: Option<GroupKey>,
    deduplication: Option<&SendRemembered>,
) {
    let plain = group.is_none() && deduplication.is_none();
    put_numbered(out, if plain { MESSAGE_SENT } else { MESSAGE_SENT_IN_GROUP }, queue, sequence);
    out.put_varint(visible_at.as_millis());
    if !plain {
        put_group(out, group);
        put_remembered(out, deduplication);
    }
}

fn put_received(out: &mut Vec<u8>, tag: u8, queue: QueueId, visible_at: Timestamp, sequences: &[Sequence]) {
    put_queue_event(out, tag, queue);
    out.put_varint(visible_at.as_millis());
    put_sequences(out, sequences);
}

/// A receive that can be tried again has a tag of its own.
fn put_in_order(
    out: &mut Vec<u8>,
    (queue, visible_at): (QueueId, Timestamp),
    sequences: &[Sequence],
    followers: &[Sequence],
    attempt: Option<&AttemptRemembered>,
) {
    let tag = attempt.map_or(MESSAGES_RECEIVED_IN_ORDER, |_| MESSAGES_RECEIVED_IN_ATTEMPT);
    put_received(out, tag, queue, visible_at, sequences);
    put_sequences(out, followers);
    if let Some(AttemptRemembered { key, superseded }) = attempt {
        out.extend_from_slice(&key.0);
        put_sequences(out, superseded);
    }
}

fn take_attempt(take: &mut Take) -> Result<Option<AttemptRemembered>, Malformed> {
    Ok(Some(AttemptRemembered { key: take_attempt_key(take, WHAT)?, superseded: take_sequences(take)? }))
}

fn take_in_order(
    take: &mut Take,
    attempt: fn(&mut Take) -> Result<Option<AttemptRemembered>, Malformed>,
) -> Result<Event, Malformed> {
    Ok(Event::MessagesReceivedInOrder {
        queue: take_queue(take)?,
        visible_at: take_time(take)?,
        sequences: take_sequences(take)?,
        followers: take_sequences(take)?,
        attempt: attempt(take)?,
    })
}

fn put_moved_to(out: &mut Vec<u8>, to: QueueId, in_order: bool, moves: &[(Sequence, Sequence)]) {
    out.put_varint(to.0);
    out.put_tag(u8::from(in_order));
    put_moves(out, moves);
}

pub(super) fn put_moves(out: &mut Vec<u8>, moves: &[(Sequence, Sequence)]) {
    out.put_varint(moves.len() as u64);
    for (before, after) in moves {
        out.put_varint(before.0);
        out.put_varint(after.0);
    }
}

pub(super) fn take_moves(take: &mut Take) -> Result<Vec<(Sequence, Sequence)>, Malformed> {
    let count = take.count(WHAT)?;
    (0..count).map(|_| Ok((take_sequence(take)?, take_sequence(take)?))).collect()
}

fn take_sent(take: &mut Take, in_group: bool) -> Result<Event, Malformed> {
    let (queue, sequence) = (take_queue(take)?, take_sequence(take)?);
    let visible_at = take_time(take)?;
    let group = if in_group { take_group(take, WHAT)? } else { None };
    let deduplication = if in_group { take_remembered(take, group)? } else { None };
    let payload = take.byte_string(WHAT)?;
    Ok(Event::MessageSent { queue, sequence, visible_at, group, deduplication, payload })
}

fn put_sequences(out: &mut Vec<u8>, sequences: &[Sequence]) {
    out.put_varint(sequences.len() as u64);
    for sequence in sequences {
        out.put_varint(sequence.0);
    }
}

fn put_document_key(out: &mut Vec<u8>, key: &DocumentKey) {
    out.put_byte_string(key.collection.as_bytes());
    out.put_byte_string(key.name.as_bytes());
}

fn take_queue(take: &mut Take) -> Result<QueueId, Malformed> {
    take.varint(WHAT).map(QueueId)
}

fn take_sequence(take: &mut Take) -> Result<Sequence, Malformed> {
    take.varint(WHAT).map(Sequence)
}

fn take_time(take: &mut Take) -> Result<Timestamp, Malformed> {
    take.varint(WHAT).map(Timestamp::from_millis)
}

fn take_sequences(take: &mut Take) -> Result<Vec<Sequence>, Malformed> {
    let count = take.count(WHAT)?;
    (0..count).map(|_| take_sequence(take)).collect()
}

fn take_document_key(take: &mut Take) -> Result<DocumentKey, Malformed> {
    Ok(DocumentKey { collection: take.text(WHAT)?, name: take.text(WHAT)? })
}
