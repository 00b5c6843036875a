//! The canonical request: the one form in which client and service write down what a signature covers.
//!
//! What always holds: two requests with the same canonical form mean the same to whoever serves them; the work is bounded
//! by what the request holds, and one buffer takes it all.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>. What it leaves
//! open follows AWS's test vectors, which the tests hold.

use std::ops::Range;

use super::SignedParts;

/// What takes the place of a body's digest.
pub(super) enum Payload<'a> {
    Digest(&'a [u8; 64]),
    Unsigned,
}

/// A header that is said to be signed is not in the request.
pub(super) struct MissingHeader;

/// Writes the canonical request into an empty buffer. `service` decides how the path is written; `presigned` leaves the
/// signature out of the query.
pub(super) fn write(
    out: &mut Vec<u8>,
    parts: &SignedParts<'_>,
    service: &str,
    presigned: bool,
    signed_headers: &str,
    payload: &Payload<'_>,
) -> Result<(), MissingHeader> {
    out.extend_from_slice(parts.method.as_bytes());
    out.push(b'\n');
    // Amazon S3 takes the path of an object as it is.
    if service == "s3" {
        write_path_of_s3(out, parts.path)
    } else {
        write_path(out, parts.path)
    }
    out.push(b'\n');
    write_query(out, parts.query, presigned);
    out.push(b'\n');
    for name in signed_headers.split(';') {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        write_header(out, parts, name)?;
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.as_bytes());
    out.push(b'\n');
    match payload {
        Payload::Digest(digest) => out.extend_from_slice(*digest),
        Payload::Unsigned => out.extend_from_slice(super::UNSIGNED_PAYLOAD.as_bytes()),
    }
    Ok(())
}

/// A path without empty, `.` and `..` segments, percent-encoded as it was sent: an escape's `%` becomes `%25`.
fn write_path(out: &mut Vec<u8>, path: &str) {
    let start = out.len();
    out.push(b'/');
    let mut last = "";
    for segment in path.split('/') {
        last = segment;
        match segment {
            "" | "." => {}
            ".." => {
                let end = out[start..].iter().rposition(|byte| *byte == b'/').unwrap_or_default();
                let before =
                    out[start..start + end].iter().rposition(|byte| *byte == b'/').unwrap_or_default();
                out.truncate(start + before + 1);
            }
            name => {
                encode(out, name.as_bytes());
                out.push(b'/');
            }
        }
    }
    if out.len() > start + 1 && !matches!(last, "" | "." | "..") {
        out.pop();
    }
}

fn write_path_of_s3(out: &mut Vec<u8>, path: &str) {
    if !path.starts_with('/') {
        out.push(b'/');
    }
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push(b'/');
        }
        encode(out, &decode(segment.as_bytes(), false));
    }
}

fn write_query(out: &mut Vec<u8>, query: &str, presigned: bool) {
    if query.is_empty() {
        return;
    }
    let mut encoded = Vec::with_capacity(query.len() + 32);
    let mut pairs: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for piece in query.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let start = encoded.len();
        encode(&mut encoded, &decode(name.as_bytes(), true));
        let middle = encoded.len();
        if presigned && &encoded[start..] == b"X-Amz-Signature" {
            encoded.truncate(start);
            continue;
        }
        encode(&mut encoded, &decode(value.as_bytes(), true));
        pairs.push((start..middle, middle..encoded.len()));
    }
    let text = |range: &Range<usize>| &encoded[range.clone()];
    pairs.sort_by(|(name, value), (other, its)| text(name).cmp(text(other)).then(text(value).cmp(text(its))));
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(text(name));
        out.push(b'=');
        out.extend_from_slice(text(value));
    }
}

/// The values of a header, trimmed, with single spaces inside, joined by commas in the order they came.
fn write_header(out: &mut Vec<u8>, parts: &SignedParts<'_>, name: &str) -> Result<(), MissingHeader> {
    if let (Some(host), "host") = (parts.forwarded_host, name) {
        write_collapsed(out, host.as_bytes());
        return Ok(());
    }
    let mut values = parts.headers.iter().filter(|(its, _)| *its == name).map(|(_, value)| *value);
    write_collapsed(out, values.next().ok_or(MissingHeader)?);
    for value in values {
        out.push(b',');
        write_collapsed(out, value);
    }
    Ok(())
}

fn write_collapsed(out: &mut Vec<u8>, value: &[u8]) {
    let start = out.len();
    for word in value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        if out.len() > start {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

const HEX_UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn encode(out: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(*byte);
        } else {
            let digits = [HEX_UPPER[usize::from(byte >> 4)], HEX_UPPER[usize::from(byte & 15)]];
            out.extend_from_slice(&[b'%', digits[0], digits[1]]);
        }
    }
}

/// Undoes `%XX`, and in queries `+`, exactly as the parameters are read later: a `%` that begins no escape is itself.
pub(super) fn decode(text: &[u8], plus_is_space: bool) -> std::borrow::Cow<'_, [u8]> {
    if !text.iter().any(|byte| *byte == b'%' || (plus_is_space && *byte == b'+')) {
        return text.into();
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        let (byte, remaining) = match (escaped, first) {
            (Some((high, low)), _) => (16 * high + low, &after[2..]),
            (None, b'+') if plus_is_space => (b' ', after),
            (None, byte) => (*byte, after),
        };
        plain.push(byte);
        rest = remaining;
    }
    plain.into()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Lower-case hex digits.
pub(super) fn hex_of(bytes: &[u8]) -> [u8; 64] {
    const HEX_LOWER: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX_LOWER[usize::from(byte >> 4)];
        pair[1] = HEX_LOWER[usize::from(byte & 15)];
    }
    text
}

/// 64 lower-case hex digits; anything else is none.
pub(super) fn bytes_of_hex(text: &str) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.as_bytes().try_into().ok()?;
    if text.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = 16 * hex(pair[0])? + hex(pair[1])?;
    }
    Some(bytes)
}
