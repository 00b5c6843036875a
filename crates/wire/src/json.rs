//! AWS JSON: bytes to requests and replies to bytes.
//!
//! What always holds: decoding never panics and never recurses deeper than a fixed limit; members that a request
//! does not have are ignored; `null` is the same as absent; no bytes at all are an empty structure.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>.

use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::error::{ApiError, INTERNAL_FAILURE, SERIALIZATION};
use crate::shape::Structure;

mod write;

/// Decodes a request.
///
/// # Errors
/// `SerializationException` when the bytes are no JSON structure, or a member is of the wrong type.
pub fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        refuse(format!("The request is not UTF-8: byte {} is invalid.", error.valid_up_to()))
    })?;
    let text = if text.trim_ascii().is_empty() { "{}" } else { text };
    if let Some(position) = raw_control_character(text.as_bytes()) {
        return Err(refuse(format!(
            "The request is not valid JSON: the control character at byte {position} must be escaped."
        )));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let Structure(request) = Structure::deserialize(&mut deserializer).map_err(|error| explain(&error))?;
    deserializer.end().map_err(|error| explain(&error))?;
    Ok(request)
}

/// Encodes a reply.
///
/// # Errors
/// `InternalFailure` when the reply can't be written as JSON.
pub fn encode<T: Serialize>(reply: &T) -> Result<Vec<u8>, ApiError> {
    write::to_vec(reply)
        .map_err(|error| INTERNAL_FAILURE.because(format!("The reply could not be written: {error}.")))
}

fn refuse(message: String) -> ApiError {
    SERIALIZATION.because(message)
}

fn explain(error: &serde_json::Error) -> ApiError {
    match error.classify() {
        Category::Data => refuse(in_aws_words(&without_position(error))),
        Category::Syntax | Category::Eof | Category::Io => {
            refuse(format!("The request is not valid JSON: {error}."))
        }
    }
}

/// What the shapes said, without the position that the codec adds: AWS's texts have none.
fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&position).map(str::to_owned).unwrap_or(message)
}

/// The codec refuses a value of the wrong type by itself where raw text is wanted; its words become AWS's.
fn in_aws_words(message: &str) -> String {
    let Some(found) = message.strip_prefix("invalid type: ") else { return message.to_owned() };
    let kinds = [
        ("integer", "NUMBER_VALUE can not be converted to a String"),
        ("floating point", "NUMBER_VALUE can not be converted to a String"),
        ("boolean `true`", "TRUE_VALUE can not be converted to a String"),
        ("boolean `false`", "FALSE_VALUE can not be converted to a String"),
        ("map", "Start of structure or map found where not expected."),
    ];
    let words = kinds.iter().find_map(|(kind, words)| found.starts_with(kind).then_some(*words));
    words.unwrap_or(message).to_owned()
}

/// The first control character inside a string, which JSON only allows as an escape. The codec does not look for
/// them in raw text.
fn raw_control_character(json: &[u8]) -> Option<usize> {
    // Nearly no request has any. The chunks, which are looked at whole, let the compiler look at many bytes at once.
    let (chunks, rest) = json.as_chunks::<64>();
    let has_any = |bytes: &[u8]| bytes.iter().fold(false, |found, byte| found | (*byte < 0x20));
    if !chunks.iter().any(|chunk| has_any(chunk)) && !has_any(rest) {
        return None;
    }
    let mut in_string = false;
    let mut bytes = json.iter().enumerate();
    while let Some((position, byte)) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => drop(bytes.next()),
            0..0x20 if in_string => return Some(position),
            _ => {}
        }
    }
    None
}
