//! Reading and writing of the primitives: varints, fixed numbers, byte strings.

use bytes::{Buf, Bytes};

use super::Malformed;

/// Appends primitives to a buffer.
pub trait Put {
    /// One byte.
    fn put_tag(&mut self, tag: u8);
    /// An unsigned LEB128 number, 1 to 10 bytes.
    fn put_varint(&mut self, value: u64);
    /// A varint length and the bytes.
    fn put_byte_string(&mut self, bytes: &[u8]);
}

impl Put for Vec<u8> {
    fn put_tag(&mut self, tag: u8) {
        self.push(tag);
    }

    fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.push((value & 0x7f) as u8);
    }

    fn put_byte_string(&mut self, bytes: &[u8]) {
        self.put_varint(bytes.len() as u64);
        self.extend_from_slice(bytes);
    }
}

/// Takes primitives from the front of shared bytes, without copying.
#[derive(Clone, Debug)]
pub struct Take {
    rest: Bytes,
}

impl Take {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What is left.
    #[must_use]
    pub fn into_rest(self) -> Bytes {
        self.rest
    }

    /// One byte.
    ///
    /// # Errors
    /// [`Malformed::Truncated`] when nothing is left. `what` names the field in every error of this type.
    pub fn tag(&mut self, what: &'static str) -> Result<u8, Malformed> {
        if self.rest.is_empty() {
            return Err(Malformed::Truncated(what));
        }
        Ok(self.rest.get_u8())
    }

    /// An unsigned LEB128 number.
    ///
    /// # Errors
    /// [`Malformed`] when it ends early or does not fit 64 bits.
    pub fn varint(&mut self, what: &'static str) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.tag(what)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed::Impossible(what));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed::Impossible(what))
    }

    /// A varint that fits 32 bits.
    ///
    /// # Errors
    /// [`Malformed`] when it ends early or does not fit.
    pub fn varint_u32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        u32::try_from(self.varint(what)?).map_err(|_| Malformed::Impossible(what))
    }

    /// A count of items that each take at least one byte, so that no count asks for more memory than there are bytes.
    ///
    /// # Errors
    /// [`Malformed`] when it ends early or exceeds what is left.
    pub fn count(&mut self, what: &'static str) -> Result<usize, Malformed> {
        let count = usize::try_from(self.varint(what)?).map_err(|_| Malformed::Impossible(what))?;
        if count > self.rest.len() { Err(Malformed::Truncated(what)) } else { Ok(count) }
    }

    /// Exactly `N` bytes.
    ///
    /// # Errors
    /// [`Malformed::Truncated`] when fewer are left.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        let Some((head, _)) = self.rest.split_first_chunk::<N>() else {
            return Err(Malformed::Truncated(what));
        };
        let array = *head;
        self.rest.advance(N);
        Ok(array)
    }

    /// A varint length and so many bytes.
    ///
    /// # Errors
    /// [`Malformed`] when it ends early.
    pub fn byte_string(&mut self, what: &'static str) -> Result<Bytes, Malformed> {
        let length = usize::try_from(self.varint(what)?).map_err(|_| Malformed::Impossible(what))?;
        if length > self.rest.len() {
            return Err(Malformed::Truncated(what));
        }
        Ok(self.rest.split_to(length))
    }

    /// A byte string that is UTF-8.
    ///
    /// # Errors
    /// [`Malformed`] when it ends early or is no UTF-8.
    pub fn text(&mut self, what: &'static str) -> Result<String, Malformed> {
        String::from_utf8(self.byte_string(what)?.into()).map_err(|_| Malformed::Impossible(what))
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`Malformed::TooLong`] when something is.
    pub fn finish(self, what: &'static str) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::TooLong(what)) }
    }
}
