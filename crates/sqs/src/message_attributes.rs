//! Message attributes: their rules, their digest, and how replies write them.
//!
//! The digest is one that every SDK computes again: over the names in order, each with its full data type, a byte for
//! the kind of value, and the value; all but the byte with their length as four bytes, big-endian.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>.

use std::borrow::Cow;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest, Md5 as Hasher};
use millpond_core::limits;
use millpond_core::payload::{AttributeValue, MessageAttribute};
use millpond_wire::shape::{Blob, List, Map, RawText, Structure, Text};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::characters::allowed_text;
use crate::error::{MessageAttributeError as Wrong, SqsError};
use crate::wire_text::{Md5, Shown};

/// The attributes of a request, by name.
pub(crate) type GivenAttributes<'a> = Map<'a, Structure<GivenValue<'a>>, { limits::MESSAGE_ATTRIBUTES + 1 }>;

/// The value of an attribute, as a request gives it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GivenValue<'a> {
    #[serde(borrow)]
    data_type: Option<Text<'a>>,
    #[serde(borrow)]
    string_value: Option<RawText<'a>>,
    binary_value: Option<Blob>,
    #[serde(borrow)]
    string_list_values: Option<List<Text<'a>, 1>>,
    binary_list_values: Option<List<Blob, 1>>,
}

/// Bytes of an attribute as message sizes count them: name, data type and value.
pub(crate) fn given_bytes(attributes: &GivenAttributes<'_>) -> u64 {
    let bytes = |(name, Structure(value)): (&Cow<'_, str>, &Structure<GivenValue<'_>>)| {
        let data_type = value.data_type.as_ref().map_or(0, |text| text.as_str().len());
        let text = value.string_value.as_ref().map_or(0, |text| text.0.len());
        let binary = value.binary_value.as_ref().map_or(0, |blob| blob.0.len());
        (name.len() + data_type + text + binary) as u64
    };
    attributes.entries.iter().map(bytes).sum()
}

/// Checks the attributes of a message.
pub(crate) fn check(attributes: GivenAttributes<'_>) -> Result<Vec<MessageAttribute>, SqsError> {
    if attributes.sent > limits::MESSAGE_ATTRIBUTES {
        return Err(Wrong::TooMany { sent: attributes.sent }.into());
    }
    attributes
        .entries
        .into_iter()
        .map(|(name, Structure(value))| {
            check_name(&name)?;
            check_value(name.into_owned(), value)
        })
        .collect()
}

/// Checks the system attributes of a message: the trace header, if it is there.
pub(crate) fn check_system(attributes: GivenAttributes<'_>) -> Result<Option<MessageAttribute>, SqsError> {
    const TRACE_HEADER: &str = "AWSTraceHeader";
    if let Some(unknown) = attributes.entries.keys().find(|name| *name != TRACE_HEADER) {
        return Err(Wrong::UnknownSystemAttribute(unknown.to_string()).into());
    }
    let Some((name, Structure(value))) = attributes.entries.into_iter().next() else { return Ok(None) };
    let attribute = check_value(name.into_owned(), value)?;
    if attribute.data_type != "String" {
        return Err(Wrong::UnknownType(TRACE_HEADER.to_owned()).into());
    }
    Ok(Some(attribute))
}

fn check_name(name: &str) -> Result<(), Wrong> {
    // AWS also lets Latin letters pass that its documents do not list.
    let is_latin = |letter: char| letter.is_alphabetic() && letter <= '\u{24f}';
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter) || is_latin(letter);
    let begins_with =
        |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    match name {
        "" => Err(Wrong::EmptyName),
        _ if name.len() > limits::MESSAGE_ATTRIBUTE_NAME_CHARS => Err(Wrong::NameTooLong),
        _ if !name.chars().all(allowed) => Err(Wrong::NameLetters),
        _ if begins_with("AWS.") || begins_with("Amazon.") => Err(Wrong::ReservedName),
        _ if name.starts_with('.') || name.ends_with('.') => Err(Wrong::ReservedName),
        _ => Ok(()),
    }
}

fn check_value(name: String, value: GivenValue<'_>) -> Result<MessageAttribute, SqsError> {
    if value.string_list_values.is_some_and(|list| list.sent > 0)
        || value.binary_list_values.is_some_and(|list| list.sent > 0)
    {
        return Err(Wrong::ListValues.into());
    }
    let text = value.string_value.filter(|text| !text.0.is_empty());
    let binary = value.binary_value.filter(|blob| !blob.0.is_empty());
    let data_type = match value.data_type {
        Some(data_type) if !data_type.as_str().is_empty() => data_type.0.into_owned(),
        _ if text.is_none() && binary.is_none() => return Err(Wrong::Empty(name).into()),
        _ => return Err(Wrong::NoType(name).into()),
    };
    if data_type.len() > limits::MESSAGE_ATTRIBUTE_TYPE_CHARS {
        return Err(Wrong::TypeTooLong.into());
    }
    allowed_text(data_type.as_bytes()).ok_or(SqsError::InvalidAttributeContents)?;
    if text.is_some() && binary.is_some() {
        return Err(Wrong::TwoValues(name).into());
    }
    let value = match data_type.split_once('.').map_or(&*data_type, |(base, _)| base) {
        "String" => text_value(&name, text, "String")?,
        "Number" => match text_value(&name, text, "Number")? {
            AttributeValue::Text(number) if !is_number(&number) => return Err(Wrong::NotANumber(name).into()),
            number => number,
        },
        "Binary" => match binary {
            Some(Blob(bytes)) => AttributeValue::Binary(Bytes::from(bytes)),
            None => return Err(Wrong::EmptyValue { name, of_type: "Binary" }.into()),
        },
        _ => return Err(Wrong::UnknownType(name).into()),
    };
    Ok(MessageAttribute { name, data_type, value })
}

fn text_value(
    name: &str,
    text: Option<RawText<'_>>,
    of_type: &'static str,
) -> Result<AttributeValue, SqsError> {
    let text = text.ok_or_else(|| Wrong::EmptyValue { name: name.to_owned(), of_type })?;
    let text = allowed_text(&text.0).ok_or(SqsError::InvalidAttributeContents)?;
    Ok(AttributeValue::Text(text.to_owned()))
}

/// A decimal number: a sign, digits with or without a fraction, an exponent.
fn is_number(text: &str) -> bool {
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).map_or(text.to_owned(), str::to_owned);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let mantissa = unsigned(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let exponent_fits = exponent.map(unsigned).is_none_or(|text| !text.is_empty() && digits(&text));
    let some_digit = !(whole.is_empty() && fraction.is_empty());
    some_digit && digits(whole) && digits(fraction) && exponent_fits
}

/// The digest of attributes that are in the order of their names; `None` when there are none.
pub(crate) fn digest<'a>(attributes: impl IntoIterator<Item = &'a MessageAttribute>) -> Option<Md5> {
    const TEXT: u8 = 1;
    const BINARY: u8 = 2;
    let mut hasher = Hasher::new();
    let mut any = false;
    for attribute in attributes {
        any = true;
        let (kind, value) = match &attribute.value {
            AttributeValue::Text(text) => (TEXT, text.as_bytes()),
            AttributeValue::Binary(bytes) => (BINARY, &bytes[..]),
        };
        put(&mut hasher, attribute.name.as_bytes());
        put(&mut hasher, attribute.data_type.as_bytes());
        hasher.update([kind]);
        put(&mut hasher, value);
    }
    any.then(|| Md5(hasher.finalize().into()))
}

fn put(hasher: &mut Hasher, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    hasher.update(length.to_be_bytes());
    hasher.update(bytes);
}

/// Attributes as a reply writes them: a map from their names.
pub(crate) struct AttributesReply<'a>(pub(crate) &'a [MessageAttribute]);

impl Serialize for AttributesReply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|attribute| (&attribute.name, ValueReply(attribute))))
    }
}

struct ValueReply<'a>(&'a MessageAttribute);

impl Serialize for ValueReply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(2))?;
        match &self.0.value {
            AttributeValue::Text(text) => members.serialize_entry("StringValue", text)?,
            AttributeValue::Binary(bytes) => {
                members.serialize_entry("BinaryValue", &Shown(Base64Display::new(bytes, &STANDARD)))?;
            }
        }
        members.serialize_entry("DataType", &self.0.data_type)?;
        members.end()
    }
}

#[cfg(test)]
mod tests;
