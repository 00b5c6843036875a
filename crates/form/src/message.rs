//! Accepted values into the body of a message. Pure.
//!
//! Every body is at least one character long (SQS takes no empty message) and reads back as exactly these values.

use crate::{config::Format, field::Field, validate::Value};

/// The body of the message for `values`, which stand in the order of `fields`.
pub(crate) fn body(format: Format, fields: &[Field], values: &[Value]) -> String {
    match format {
        Format::Csv => csv_record(values),
        Format::Json => json_object(fields, values),
    }
}

/// One record by RFC 4180, without a line ending. A checkbox is `1` or `0`, which columns of any type take.
fn csv_record(values: &[Value]) -> String {
    if let [Value::Missing] = values {
        // An empty line would be no record at all.
        return "\"\"".to_owned();
    }
    values.iter().map(csv_field).collect::<Vec<_>>().join(",")
}

fn csv_field(value: &Value) -> String {
    match value {
        Value::Missing => String::new(),
        Value::Text(text) if needs_quotes(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        Value::Text(text) | Value::Number(text) => text.clone(),
        Value::Flag(flag) => u8::from(*flag).to_string(),
    }
}

/// Spaces at the ends and a byte order mark are quoted too: many readers drop them from plain fields.
fn needs_quotes(text: &str) -> bool {
    text.contains([',', '"', '\n', '\r', '\u{feff}']) || text.trim() != text
}

/// One object with a key per field. What was left empty is null, a number has all its digits.
fn json_object(fields: &[Field], values: &[Value]) -> String {
    let pairs =
        fields.iter().zip(values).map(|(field, value)| format!("\"{}\":{}", field.name, json_value(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn json_value(value: &Value) -> String {
    match value {
        Value::Missing => "null".to_owned(),
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Number(digits) => digits.clone(),
        Value::Flag(flag) => flag.to_string(),
    }
}

#[cfg(test)]
mod tests;
