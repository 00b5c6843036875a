//! The id of a request, as `x-amzn-RequestId` shows it.

use std::fmt;

/// 128 random bits that name one request, written as a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub u128);

impl RequestId {
    /// The header that carries it.
    pub const HEADER: &'static str = "x-amzn-RequestId";
}

impl RequestId {
    /// The text, without the cost of a formatter: every reply carries one.
    #[must_use]
    pub fn to_text(self) -> [u8; 36] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let places = (0..36).filter(|place| ![8, 13, 18, 23].contains(place));
        for (place, digit) in places.zip((0..32).rev()) {
            let bits = (self.0 >> (4 * digit)) & 0xf;
            text[place] = DIGITS[usize::try_from(bits).unwrap_or_default()];
        }
        text
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_text()).unwrap_or_default())
    }
}
