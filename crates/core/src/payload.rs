//! A message's content: what its sender gave, encoded once and never changed.
//!
//! The encoding is the same in the log and in the store and carries a checksum of its own, so a damaged body is
//! found at the moment it is read, and found alone. Encoding and decoding happen outside the engine's thread; the
//! state machine handles the encoded bytes without looking inside.
//!
//! Layout: crc32c of all that follows (4 bytes, little-endian), message id (16 bytes, little-endian), MD5 of the body
//! (16 bytes), then fields of one tag byte, a varint length and so many bytes; the body's field is last.

use bytes::Bytes;

use crate::format::Malformed;
use crate::format::codec::{Put, Take};
use crate::message::MessageId;

const TAG_BODY: u8 = 0;
const TAG_SENDER_ID: u8 = 1;
const TAG_TRACE_HEADER: u8 = 2;
const TAG_TEXT_ATTRIBUTE: u8 = 3;
const TAG_BINARY_ATTRIBUTE: u8 = 4;
const TAG_GROUP_ID: u8 = 5;
const TAG_DEDUPLICATION_ID: u8 = 6;

const WHAT: &str = "message payload";

/// The value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// A `String` or `Number`.
    Text(String),
    /// A `Binary`.
    Binary(Bytes),
}

/// A message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageAttribute {
    /// Its name.
    pub name: String,
    /// Its data type, with the custom label: `String`, `Number.float`, `Binary.png`.
    pub data_type: String,
    /// Its value.
    pub value: AttributeValue,
}

/// A message's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The message's id.
    pub message_id: MessageId,
    /// The MD5 of the body, as the sender was told.
    pub body_md5: [u8; 16],
    /// Who sent it, as `SenderId` shows it.
    pub sender_id: String,
    /// The `AWSTraceHeader` system attribute.
    pub trace_header: Option<String>,
    /// The `MessageGroupId`.
    pub group_id: Option<String>,
    /// The `MessageDeduplicationId`, of a FIFO queue.
    pub deduplication_id: Option<String>,
    /// The message attributes, by name.
    pub attributes: Vec<MessageAttribute>,
    /// The body: UTF-8 text.
    pub body: Bytes,
}

impl Payload {
    /// The bytes that rest in log and store.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        self.encode_around(&self.body)
    }

    /// As [`Payload::encode`], with `body` in place of its own, so that a body which lies elsewhere is copied once.
    #[must_use]
    pub fn encode_around(&self, body: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(body.len() + self.sender_id.len() + 64);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.message_id.0.to_le_bytes());
        out.extend_from_slice(&self.body_md5);
        put_field(&mut out, TAG_SENDER_ID, self.sender_id.as_bytes());
        if let Some(trace_header) = &self.trace_header {
            put_field(&mut out, TAG_TRACE_HEADER, trace_header.as_bytes());
        }
        if let Some(group_id) = &self.group_id {
            put_field(&mut out, TAG_GROUP_ID, group_id.as_bytes());
        }
        if let Some(deduplication_id) = &self.deduplication_id {
            put_field(&mut out, TAG_DEDUPLICATION_ID, deduplication_id.as_bytes());
        }
        for attribute in &self.attributes {
            put_attribute(&mut out, attribute);
        }
        put_field(&mut out, TAG_BODY, body);
        let checksum = crc32c::crc32c(&out[4..]);
        out[..4].copy_from_slice(&checksum.to_le_bytes());
        Bytes::from(out)
    }

    /// Reads what [`Payload::encode`] wrote, the body shared with `encoded`.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are damaged or were written by a later version.
    pub fn decode(encoded: &Bytes) -> Result<Self, Malformed> {
        verify(encoded)?;
        let mut take = Take::new(encoded.slice(4..));
        let mut payload = Self {
            message_id: MessageId(u128::from_le_bytes(take.array(WHAT)?)),
            body_md5: take.array(WHAT)?,
            sender_id: String::new(),
            trace_header: None,
            group_id: None,
            deduplication_id: None,
            attributes: Vec::new(),
            body: Bytes::new(),
        };
        loop {
            match take.tag(WHAT)? {
                TAG_BODY => {
                    payload.body = take.byte_string(WHAT)?;
                    take.finish(WHAT)?;
                    return Ok(payload);
                }
                TAG_SENDER_ID => payload.sender_id = take.text(WHAT)?,
                TAG_TRACE_HEADER => payload.trace_header = Some(take.text(WHAT)?),
                TAG_GROUP_ID => payload.group_id = Some(take.text(WHAT)?),
                TAG_DEDUPLICATION_ID => payload.deduplication_id = Some(take.text(WHAT)?),
                tag @ (TAG_TEXT_ATTRIBUTE | TAG_BINARY_ATTRIBUTE) => {
                    payload.attributes.push(take_attribute(&mut take, tag)?);
                }
                tag => return Err(Malformed::UnknownTag { what: WHAT, tag }),
            }
        }
    }
}

/// Checks that encoded bytes are as they were written, without decoding them.
///
/// # Errors
/// [`Malformed`] when they are not.
pub fn verify(encoded: &[u8]) -> Result<(), Malformed> {
    let Some((checksum, content)) = encoded.split_first_chunk::<4>() else {
        return Err(Malformed::Truncated(WHAT));
    };
    if crc32c::crc32c(content) == u32::from_le_bytes(*checksum) {
        Ok(())
    } else {
        Err(Malformed::Checksum(WHAT))
    }
}

fn put_field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.put_tag(tag);
    out.put_byte_string(bytes);
}

fn put_attribute(out: &mut Vec<u8>, attribute: &MessageAttribute) {
    let (tag, value) = match &attribute.value {
        AttributeValue::Text(text) => (TAG_TEXT_ATTRIBUTE, text.as_bytes()),
        AttributeValue::Binary(bytes) => (TAG_BINARY_ATTRIBUTE, &bytes[..]),
    };
    let mut field = Vec::with_capacity(attribute.name.len() + attribute.data_type.len() + value.len() + 8);
    field.put_byte_string(attribute.name.as_bytes());
    field.put_byte_string(attribute.data_type.as_bytes());
    field.extend_from_slice(value);
    put_field(out, tag, &field);
}

fn take_attribute(take: &mut Take, tag: u8) -> Result<MessageAttribute, Malformed> {
    let mut field = Take::new(take.byte_string(WHAT)?);
    let name = field.text(WHAT)?;
    let data_type = field.text(WHAT)?;
    let rest = field.into_rest();
    let value = if tag == TAG_BINARY_ATTRIBUTE {
        AttributeValue::Binary(rest)
    } else {
        AttributeValue::Text(String::from_utf8(rest.into()).map_err(|_| Malformed::Impossible(WHAT))?)
    };
    Ok(MessageAttribute { name, data_type, value })
}
