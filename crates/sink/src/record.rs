//! The body of a message as a row of named columns. Pure.
//!
//! Bytes are kept exactly, but for one line ending at the very end of a CSV body, which most programs that write
//! lines add. A body is one record: it refuses to guess at more, fewer or differently shaped values.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use thiserror::Error;

use crate::{config::Format, identifier::Identifier};

/// One value per column, in the order of the columns; `None` is SQL's NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<Option<String>>);

impl Row {
    /// The bytes of text in the row.
    pub fn bytes(&self) -> usize {
        self.0.iter().flatten().map(String::len).sum()
    }
}

/// Why a body is no record. The texts name what was found and what is expected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The body has another number of CSV fields than there are columns.
    #[error("the CSV record has {found} field(s), the columns are {expected} ({columns})")]
    FieldCount {
        /// Fields in the body.
        found: usize,
        /// Columns of the sink.
        expected: usize,
        /// The columns' names.
        columns: String,
    },
    /// The body holds a second record.
    #[error("the body holds more than one CSV record; send one record in each message")]
    SeveralRecords,
    /// A quoted field is never closed, or text follows its closing quote.
    #[error("the CSV quoting is broken: {0}")]
    Quoting(&'static str),
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// The body is JSON, but no object.
    #[error("the body is a JSON {0}; an object whose keys are the columns is expected")]
    NotAnObject(&'static str),
    /// None of the columns is a key of the object.
    #[error("the JSON object has none of the columns ({0}) as a key")]
    NoColumn(String),
    /// A string holds U+0000, which no target stores in text.
    #[error("the value of {0} holds the character U+0000, which databases don't store in text")]
    Nul(String),
}

/// Reads the body of one message as a row of `columns`.
///
/// - CSV: exactly one record with one field per column, in their order; RFC 4180 quoting.
/// - JSON: an object; a key that is missing or null becomes NULL, keys that are no column are ignored, strings are
///   taken as they are, everything else exactly as it is written. An object that
///   has none of the columns is an error: it is a message meant for something else.
pub fn parse(format: Format, columns: &[Identifier], body: &str) -> Result<Row, RecordError> {
    let row = match format {
        Format::Csv => csv_row(columns, body)?,
        Format::Json => json_row(columns, body)?,
    };
    match row.0.iter().position(|cell| cell.as_ref().is_some_and(|text| text.contains('\0'))) {
        Some(index) => Err(RecordError::Nul(columns[index].to_string())),
        None => Ok(row),
    }
}

fn csv_row(columns: &[Identifier], body: &str) -> Result<Row, RecordError> {
    let record = body.strip_suffix('\n').map_or(body, |line| line.strip_suffix('\r').unwrap_or(line));
    let fields = csv_fields(record)?;
    if fields.len() == columns.len() {
        return Ok(Row(fields.into_iter().map(Some).collect()));
    }
    Err(RecordError::FieldCount { found: fields.len(), expected: columns.len(), columns: names(columns) })
}

/// The fields of one record. A parser of our own, because the lenient ones of libraries accept broken quoting and
/// would land text that nobody sent.
fn csv_fields(record: &str) -> Result<Vec<String>, RecordError> {
    let mut fields = Vec::new();
    let mut rest = record;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => plain_field(rest)?,
        };
        fields.push(field);
        match after.chars().next() {
            None => return Ok(fields),
            Some(',') => rest = &after[1..],
            Some('\n' | '\r') => return Err(RecordError::SeveralRecords),
            Some(_) => return Err(RecordError::Quoting("text follows a closing quote")),
        }
    }
}

/// The text up to the closing quote, doubled quotes undone, and what follows it.
fn quoted_field(text: &str) -> Result<(String, &str), RecordError> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"').ok_or(RecordError::Quoting("a quoted field is never closed"))?;
        field.push_str(&rest[..end]);
        let after = &rest[end + 1..];
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field, after)),
        }
    }
}

fn plain_field(text: &str) -> Result<(String, &str), RecordError> {
    let end = text.find([',', '\n', '\r']).unwrap_or(text.len());
    if text[..end].contains('"') {
        return Err(RecordError::Quoting("a quote stands inside an unquoted field"));
    }
    Ok((text[..end].to_owned(), &text[end..]))
}

fn json_row(columns: &[Identifier], body: &str) -> Result<Row, RecordError> {
    let value: &RawValue = serde_json::from_str(body).map_err(not_json)?;
    if let Some(kind) = kind_other_than_object(value.get()) {
        return Err(RecordError::NotAnObject(kind));
    }
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(value.get()).map_err(not_json)?;
    if !columns.iter().any(|column| object.contains_key(column.as_str())) {
        return Err(RecordError::NoColumn(names(columns)));
    }
    let cell = |column: &Identifier| object.get(column.as_str()).map_or(Ok(None), |raw| json_text(raw.get()));
    Ok(Row(columns.iter().map(cell).collect::<Result<_, _>>()?))
}

/// What a JSON value is when it is no object; its first character tells.
fn kind_other_than_object(json: &str) -> Option<&'static str> {
    match json.as_bytes().first() {
        Some(b'{') => None,
        Some(b'[') => Some("array"),
        Some(b'"') => Some("string"),
        Some(b't' | b'f') => Some("boolean"),
        Some(b'n') => Some("null"),
        _ => Some("number"),
    }
}

/// The text of one JSON value. Numbers are never read as numbers: `12345678901234567890.10` keeps every digit.
fn json_text(json: &str) -> Result<Option<String>, RecordError> {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map(Some).map_err(not_json),
        Some(b'n') => Ok(None),
        _ => Ok(Some(json.to_owned())),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn not_json(error: serde_json::Error) -> RecordError {
    RecordError::NotJson(error.to_string())
}

fn names(columns: &[Identifier]) -> String {
    columns.iter().map(Identifier::as_str).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
