//! Parameters, from a query string and a form.
//!
//! They are kept in the order of their paths, segment by segment, so that all below one path stand together. Their
//! number is bounded; a name that is longer than any known one, or no text, can't be known and is dropped.
//!
//! Source: <https://url.spec.whatwg.org/#urlencoded-parsing>.

use std::borrow::Cow;

use crate::error::{ApiError, MALFORMED_INPUT};

/// More than the largest batch has.
const MOST_PARAMETERS: usize = 4096;
const LONGEST_NAME_BYTES: usize = 256;

/// The parameters of one request.
#[derive(Debug, Default)]
pub struct Form<'a> {
    parameters: Vec<Parameter<'a>>,
}

/// One parameter. Its value is UTF-8 only if its sender made it so.
#[derive(Debug)]
pub(super) struct Parameter<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Cow<'a, [u8]>,
}

impl<'a> Form<'a> {
    /// Reads the parameters of a query string and of a form; either may be empty.
    ///
    /// # Errors
    /// `MalformedInput` when there are too many, or one is given twice.
    pub fn parse(query: &'a [u8], form: &'a [u8]) -> Result<Self, ApiError> {
        let pieces = query.split(is_ampersand).chain(form.split(is_ampersand));
        let mut parameters = Vec::new();
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            let Some(parameter) = parameter(piece) else { continue };
            if parameters.len() == MOST_PARAMETERS {
                let text = format!("The request has more than {MOST_PARAMETERS} parameters.");
                return Err(MALFORMED_INPUT.because(text));
            }
            parameters.push(parameter);
        }
        parameters.sort_by(|one, other| by_segment(&one.name).cmp(by_segment(&other.name)));
        if let Some(pair) = parameters.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(MALFORMED_INPUT.because(format!("The parameter {} is given twice.", pair[0].name)));
        }
        Ok(Self { parameters })
    }

    /// The value of a parameter, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|parameter| parameter.name == name)?;
        std::str::from_utf8(&found.value).ok()
    }

    pub(super) fn parameters(&self) -> &[Parameter<'a>] {
        &self.parameters
    }
}

fn is_ampersand(byte: &u8) -> bool {
    *byte == b'&'
}

fn parameter(piece: &[u8]) -> Option<Parameter<'_>> {
    let end_of_name = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
    let (name, rest) = piece.split_at(end_of_name);
    if name.len() > 3 * LONGEST_NAME_BYTES {
        return None;
    }
    let name = match unescape(name) {
        Cow::Borrowed(name) => Cow::Borrowed(std::str::from_utf8(name).ok()?),
        Cow::Owned(name) => Cow::Owned(String::from_utf8(name).ok()?),
    };
    if name.len() > LONGEST_NAME_BYTES {
        return None;
    }
    Some(Parameter { name, value: unescape(rest.get(1..).unwrap_or_default()) })
}

/// Undoes `+` and `%XX`; a `%` that begins no escape stands for itself.
fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        let (byte, remaining) = match escaped {
            Some((high, low)) => (16 * high + low, &after[2..]),
            None => (if *first == b'+' { b' ' } else { *first }, after),
        };
        plain.push(byte);
        rest = remaining;
    }
    Cow::Owned(plain)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Orders names so that a path stands before what is below it, and nothing else in between.
fn by_segment(name: &str) -> impl Iterator<Item = u16> {
    name.bytes().map(|byte| if byte == b'.' { 0 } else { u16::from(byte) + 1 })
}
