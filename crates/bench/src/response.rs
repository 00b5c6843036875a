//! The least of HTTP/1.1 that reading a reply takes: status, `Content-Length`, body, whether the connection stays.
//!
//! A reply is complete when all its bytes are there, never before, and no byte of the next one is taken for it. It
//! refuses what it can't delimit (no `Content-Length`, chunked coding, more bytes than announced): the connection is
//! of no use afterwards.

use std::ops::Range;

/// Largest reply that is read; a batch reply has about 2 KiB.
const REPLY_MAX_BYTES: usize = 1 << 20;

/// What the bytes received so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// More bytes must come.
    Incomplete,
    /// Exactly one reply.
    Complete(Reply),
}

/// One complete reply; `body` is its place in the parsed bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Range<usize>,
    /// The server closes the connection after this reply.
    pub(crate) closes: bool,
}

/// Why bytes can't be read as a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplyError {
    #[error("the reply is not HTTP/1.x")]
    NotHttp,
    #[error("the reply has no usable Content-Length, and the generator reads no other kind")]
    NoLength,
    #[error("the reply is larger than 1 MiB")]
    TooLarge,
    #[error("the reply goes on after its Content-Length")]
    Surplus,
}

/// Reads `bytes`, all that has come since the request was sent.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ReplyError> {
    let Some(first) = line_at(bytes, 0) else { return incomplete(bytes) };
    let (status, mut closes) = status_of(first.text)?;
    let mut length = None;
    let mut at = first.next;
    loop {
        let Some(line) = line_at(bytes, at) else { return incomplete(bytes) };
        at = line.next;
        if line.text.is_empty() {
            break;
        }
        let Some(colon) = line.text.iter().position(|byte| *byte == b':') else {
            return Err(ReplyError::NotHttp);
        };
        let (name, value) = (&line.text[..colon], line.text[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            length = Some(decimal(value).ok_or(ReplyError::NoLength)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Err(ReplyError::NoLength);
        } else if name.eq_ignore_ascii_case(b"connection") {
            closes = closes_by(value, closes);
        }
    }
    let end = at + length.ok_or(ReplyError::NoLength)?;
    if end > REPLY_MAX_BYTES {
        return Err(ReplyError::TooLarge);
    }
    match bytes.len() {
        len if len < end => Ok(Parsed::Incomplete),
        len if len > end => Err(ReplyError::Surplus),
        _ => Ok(Parsed::Complete(Reply { status, body: at..end, closes })),
    }
}

fn incomplete(bytes: &[u8]) -> Result<Parsed, ReplyError> {
    const START: &[u8] = b"HTTP/1.";
    let seen = bytes.len().min(START.len());
    match bytes.len() {
        len if len > REPLY_MAX_BYTES => Err(ReplyError::TooLarge),
        _ if bytes[..seen] != START[..seen] => Err(ReplyError::NotHttp),
        _ => Ok(Parsed::Incomplete),
    }
}

struct Line<'a> {
    text: &'a [u8],
    next: usize,
}

fn line_at(bytes: &[u8], start: usize) -> Option<Line<'_>> {
    let rest = &bytes[start..];
    let length = rest.iter().position(|byte| *byte == b'\n')?;
    let text = &rest[..length];
    Some(Line { text: text.strip_suffix(b"\r").unwrap_or(text), next: start + length + 1 })
}

/// Status, and whether the version closes unless told otherwise.
fn status_of(line: &[u8]) -> Result<(u16, bool), ReplyError> {
    let closes = match line.get(..9) {
        Some(b"HTTP/1.1 ") => false,
        Some(b"HTTP/1.0 ") => true,
        _ => return Err(ReplyError::NotHttp),
    };
    let digits = line.get(9..12).filter(|_| matches!(line.get(12), None | Some(b' ')));
    let status = digits.and_then(decimal).and_then(|status| u16::try_from(status).ok());
    status.map(|status| (status, closes)).ok_or(ReplyError::NotHttp)
}

fn closes_by(value: &[u8], otherwise: bool) -> bool {
    let has = |wanted: &[u8]| {
        value.split(|b| *b == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(wanted))
    };
    has(b"close") || (otherwise && !has(b"keep-alive"))
}

fn decimal(digits: &[u8]) -> Option<usize> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |value, digit| value * 10 + usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests;
