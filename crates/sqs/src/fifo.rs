//! What requests say to FIFO queues, and what only FIFO queues answer.
//!
//! A queue is a FIFO queue when its name says so, which its creation makes sure of; so what a request may say to it is
//! known before the state sees it.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html>.

use std::fmt;

use millpond_core::command::SendName;
use millpond_core::limits;
use millpond_core::message::{AttemptKey, DeduplicationKey, GroupKey, Sequence};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::error::SqsError;

/// What a message's group and deduplication mean to the state.
pub(crate) struct Send {
    pub(crate) group: Option<GroupKey>,
    pub(crate) name: Option<SendName>,
    /// The id that a receive shows: the given one, or else the one that follows from the body.
    pub(crate) deduplication_id: Option<String>,
}

/// Checks what a message says to a queue of this kind.
pub(crate) fn send(
    is_fifo: bool,
    group_id: Option<&str>,
    deduplication_id: Option<&str>,
    delay_secs: Option<u32>,
    body: &[u8],
) -> Result<Send, SqsError> {
    let group = group_id.map(|id| GroupKey::new(key(id)));
    if !is_fifo {
        return match deduplication_id {
            Some(id) => Err(SqsError::invalid(id, "MessageDeduplicationId", ONLY_FOR_FIFO)),
            None => Ok(Send { group, name: None, deduplication_id: None }),
        };
    }
    if group.is_none() {
        return Err(SqsError::GroupIdMissing);
    }
    if let Some(secs) = delay_secs.filter(|secs| *secs > 0) {
        return Err(SqsError::invalid(secs, "DelaySeconds", NOT_FOR_THIS_TYPE));
    }
    let (id, name): (String, fn(DeduplicationKey) -> SendName) = match deduplication_id {
        Some(id) => (id.to_owned(), SendName::Given),
        None => (hexadecimal(&Sha256::digest(body)), SendName::Content),
    };
    Ok(Send { group, name: Some(name(DeduplicationKey(key(&id)))), deduplication_id: Some(id) })
}

/// Checks the name that a receive gives itself.
pub(crate) fn attempt(is_fifo: bool, id: &str) -> Result<AttemptKey, SqsError> {
    const PARAMETER: &str = "ReceiveRequestAttemptId";
    if !is_fifo {
        return Err(SqsError::invalid(id, PARAMETER, NOT_FOR_THIS_TYPE));
    }
    if !limits::ATTEMPT_ID_CHARS.contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = format!(
            "{PARAMETER} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        );
        return Err(SqsError::invalid(id, PARAMETER, reason));
    }
    let digest: [u8; 32] = Sha256::digest(id).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    Ok(AttemptKey([a, b, c, d, e, f, g, h]))
}

const ONLY_FOR_FIFO: &str = "The request includes a parameter that is not valid for this queue type.";
/// The wording is that of Amazon SQS.
const NOT_FOR_THIS_TYPE: &str = "The request include parameter that is not valid for this queue type.";

/// The first 128 bits of the SHA-256.
fn key(id: &str) -> u128 {
    let digest: [u8; 32] = Sha256::digest(id).into();
    digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The `SequenceNumber` of a message: 20 digits, growing with every message of its queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SequenceNumber(pub(crate) Sequence);

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As large and as far apart as those of Amazon SQS, which its clients compare as text of 20 digits.
        const FIRST: u128 = 18_800_000_000_000_000_000;
        const STEP: u128 = 256;
        write!(f, "{:020}", FIRST + u128::from(self.0.0) * STEP)
    }
}

impl Serialize for SequenceNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
