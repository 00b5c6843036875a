//! The messages of a backlog, as the server would make them of requests. All have the same body.

use bytes::Bytes;
use md5::{Digest, Md5};
use millpond_core::command::{NewMessage, SendName};
use millpond_core::message::{DeduplicationKey, GroupKey, MessageId};
use millpond_core::name::AccountId;
use millpond_core::payload::Payload;
use sha2::Sha256;

/// What a message says beside its body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// It has a group, the next of so many.
    pub(super) groups: Option<u64>,
    /// It has a deduplication id of its own.
    pub(super) deduplicated: bool,
    /// It has a delay of its own.
    pub(super) delayed: bool,
}

/// Makes messages by their number.
pub(super) struct Messages {
    body: Bytes,
    body_md5: [u8; 16],
    size_bytes: u32,
    sender_id: String,
}

impl Messages {
    pub(super) fn new(size_bytes: u32) -> Self {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let letter = |index: u32| LETTERS[(scattered(u64::from(index)) % LETTERS.len() as u64) as usize];
        let body: Bytes = (0..size_bytes).map(letter).collect();
        let body_md5 = Md5::digest(&body).into();
        Self { body, body_md5, size_bytes, sender_id: AccountId::DEFAULT.to_string() }
    }

    /// The message of this number.
    pub(super) fn message(&self, number: u64, manner: Manner) -> NewMessage {
        let group_id = manner.groups.map(|groups| format!("group-{}", number % groups));
        let deduplication_id = manner.deduplicated.then(|| format!("fill-{number}"));
        let id = MessageId(u128::from(scattered(number)) << 64 | u128::from(scattered(!number)));
        let group = group_id.as_deref().map(|id| GroupKey::new(key(id)));
        let deduplication = deduplication_id.as_deref().map(|id| SendName::Given(DeduplicationKey(key(id))));
        let payload = Payload {
            message_id: id,
            body_md5: self.body_md5,
            sender_id: self.sender_id.clone(),
            trace_header: None,
            group_id,
            deduplication_id,
            attributes: Vec::new(),
            body: self.body.clone(),
        };
        NewMessage {
            id,
            payload: payload.encode(),
            size_bytes: self.size_bytes,
            delay_secs: manner.delayed.then(|| 1 + (scattered(number) % 900) as u32),
            group,
            deduplication,
        }
    }
}

/// The first 128 bits of the SHA-256, which name groups and deduplication ids to the state.
fn key(id: &str) -> u128 {
    let digest: [u8; 32] = Sha256::digest(id).into();
    digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

/// Different for different numbers, and in no order. Source: the finalizer of `SplitMix64`, Steele et al., OOPSLA 2014.
fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
