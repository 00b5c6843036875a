//! Receipt handles: a delivery as text that only this service can make; and the ids of messages that were moved.
//!
//! A handle is the base64url of a version byte, queue, sequence and delivery (little-endian: 8, 8 and 4 bytes), and
//! their SipHash-2-4-128 under the directory's key (16 bytes). One delivery has one spelling. Any other text is
//! refused, so nobody can name a delivery that was not made to them.
//!
//! The id of a message that a move task has moved follows in the same way from the number of its move: no two moves of a
//! directory have the same id, and nobody can tell it from one that was drawn.
//!
//! Source: <https://www.aumasson.jp/siphash/siphash.pdf>.

use std::fmt;
use std::hash::Hasher;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millpond_core::message::{MessageId, MoveNumber, QueueId, Receipt, Sequence};
use siphasher::sip128::{Hasher128, SipHasher24};

const VERSION: u8 = 1;
const CLAIM_BYTES: usize = 21;
const HANDLE_BYTES: usize = CLAIM_BYTES + 16;

/// Writes and reads receipt handles under one key.
#[derive(Clone)]
pub struct ReceiptCodec {
    key: [u8; 16],
}

impl fmt::Debug for ReceiptCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptCodec { key: *** }")
    }
}

impl ReceiptCodec {
    /// A codec under the directory's key.
    #[must_use]
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// The handle of a delivery: 50 letters of `A-Z a-z 0-9 - _`.
    #[must_use]
    pub fn encode(&self, receipt: Receipt) -> String {
        let mut handle = [0; HANDLE_BYTES];
        handle[0] = VERSION;
        handle[1..9].copy_from_slice(&receipt.queue.0.to_le_bytes());
        handle[9..17].copy_from_slice(&receipt.sequence.0.to_le_bytes());
        handle[17..21].copy_from_slice(&receipt.delivery.to_le_bytes());
        let (claim, mark) = handle.split_at_mut(CLAIM_BYTES);
        mark.copy_from_slice(&self.mark(claim).to_le_bytes());
        URL_SAFE_NO_PAD.encode(handle)
    }

    /// The delivery that a handle names; `None` for text that [`ReceiptCodec::encode`] did not write under this key.
    #[must_use]
    pub fn decode(&self, handle: &str) -> Option<Receipt> {
        let mut bytes = [0; HANDLE_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(handle, &mut bytes).ok()?;
        if length != HANDLE_BYTES || bytes[0] != VERSION {
            return None;
        }
        let (claim, mark) = bytes.split_at(CLAIM_BYTES);
        if self.mark(claim) != u128::from_le_bytes(mark.try_into().ok()?) {
            return None;
        }
        Some(Receipt {
            queue: QueueId(u64::from_le_bytes(claim[1..9].try_into().ok()?)),
            sequence: Sequence(u64::from_le_bytes(claim[9..17].try_into().ok()?)),
            delivery: u32::from_le_bytes(claim[17..21].try_into().ok()?),
        })
    }

    /// The id that a move gave its message.
    #[must_use]
    pub fn moved_id(&self, number: MoveNumber) -> MessageId {
        // Shorter than what a handle says, so the mark of no handle is an id.
        MessageId(self.mark(&number.0.get().to_le_bytes()))
    }

    fn mark(&self, claim: &[u8]) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(claim);
        hasher.finish128().as_u128()
    }
}
