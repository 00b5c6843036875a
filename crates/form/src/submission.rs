//! What makes two posts the same submission, and the names that the queue gives to messages.
//!
//! A submission is a key, given out with each page view or chosen by a client, together with its content. Its id
//! travels with its message (attribute `SubmissionId`), so that whoever lands messages can tell a repeated one.
//! The content is part of it because a visitor can go back, change the entry and send it from the same page view:
//! under the same id that would be taken for a repetition and be lost. Entropy comes in from outside. Pure.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Longest id of a submission, in bytes: short enough for a key column of any database.
const ID_BYTES_MAX: usize = 128;
/// Bytes of the content's SHA-256 in an id. Nobody gains by two contents under one key that meet in them.
const CONTENT_MARK_BYTES: usize = 8;
/// Longest key, in bytes: the rest of the id is `-` and the mark of the content.
const KEY_BYTES_MAX: usize = ID_BYTES_MAX - 1 - 2 * CONTENT_MARK_BYTES;

/// What a page view or a client calls its submission: 1 to 111 characters of `A-Z a-z 0-9 - _ . : ~ + / =`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SubmissionKey(String);

impl SubmissionKey {
    /// A new key from 128 random bits, as 32 hexadecimal digits.
    pub fn from_entropy(entropy: [u8; 16]) -> Self {
        Self(hexadecimal(&entropy))
    }

    /// Takes the key that came with a request; `None` when it is no key.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() <= KEY_BYTES_MAX && is_id(text)).then(|| Self(text.to_owned()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubmissionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The id of a submission: its key, `-`, and 16 hexadecimal digits that depend on its content; 128 characters at most.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubmissionId(String);

impl SubmissionId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubmissionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One entry on its way to the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    id: SubmissionId,
    body: String,
}

impl Submission {
    /// The entry with this content under this key.
    pub fn new(key: &SubmissionKey, body: String) -> Self {
        let mark = hexadecimal(&Sha256::digest(body.as_bytes())[..CONTENT_MARK_BYTES]);
        Self { id: SubmissionId(format!("{key}-{mark}")), body }
    }

    /// Its id, which has to travel with the message.
    pub fn id(&self) -> &SubmissionId {
        &self.id
    }

    /// The body of its message.
    pub fn body(&self) -> &str {
        &self.body
    }
}

/// The id that the queue gave to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct MessageId(pub String);

impl MessageId {
    /// Takes a message id back from a visitor; `None` when it does not look like one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        is_id(text).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:~+/=".contains(&byte);
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
