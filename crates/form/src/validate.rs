//! Whether what was given for a field is a value of its kind, and what the visitor is told when it is not. Pure.
//!
//! Values are kept as they were written, but for these: line endings of text areas become `\n`; spaces around
//! emails, numbers, telephone numbers, URLs and dates are dropped; numbers lose zeros in front; spaces alone
//! are nothing. Every accepted text holds only characters that SQS takes in a message.

use crate::{
    decode::Input,
    field::{Field, FieldKind},
};

/// An accepted value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// The field was left empty.
    Missing,
    /// Text.
    Text(String),
    /// A number in JSON's notation, with all its digits.
    Number(String),
    /// Yes or no.
    Flag(bool),
}

/// Checks one field. The error is a sentence for the visitor.
pub(crate) fn validate(field: &Field, input: &Input) -> Result<Value, String> {
    if field.kind == FieldKind::Checkbox {
        return checkbox(field, input);
    }
    let text = match input {
        Input::Absent | Input::Flag(_) => "",
        Input::Text(text) => text,
        Input::WrongType(wanted) => return Err(format!("Give {wanted}.")),
    };
    if text.trim().is_empty() {
        return missing(field);
    }
    storable(text)?;
    let value = value_of_kind(&field.kind, text)?;
    within_length(field, &value)?;
    Ok(value)
}

/// Whether `text` is one that a browser shows in an input of this kind; it empties inputs with other values.
pub(crate) fn shows_in_input(kind: &FieldKind, text: &str) -> bool {
    match kind {
        FieldKind::Number => text.is_empty() || number(text).is_some(),
        FieldKind::Date => text.is_empty() || is_date(text),
        _ => true,
    }
}

fn checkbox(field: &Field, input: &Input) -> Result<Value, String> {
    match input {
        Input::Flag(true) => Ok(Value::Flag(true)),
        Input::WrongType(wanted) => Err(format!("Give {wanted}.")),
        _ if field.required => Err("Tick this box to go on.".to_owned()),
        _ => Ok(Value::Flag(false)),
    }
}

fn missing(field: &Field) -> Result<Value, String> {
    match (&field.kind, field.required) {
        (_, false) => Ok(Value::Missing),
        (FieldKind::Select { .. }, true) => Err("Choose one of the options.".to_owned()),
        (_, true) => Err("Fill in this field.".to_owned()),
    }
}

fn value_of_kind(kind: &FieldKind, text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    let checked = |valid: bool, problem: &str| {
        if valid { Ok(Value::Text(trimmed.to_owned())) } else { Err(problem.to_owned()) }
    };
    match kind {
        FieldKind::TextArea => Ok(Value::Text(text.replace("\r\n", "\n").replace('\r', "\n"))),
        FieldKind::Text if text.contains(['\r', '\n']) => Err("Write it on one line.".to_owned()),
        // A checkbox has no text; `validate` has decided it before.
        FieldKind::Text | FieldKind::Checkbox => Ok(Value::Text(text.to_owned())),
        FieldKind::Email => checked(is_email(trimmed), "Write an email address such as name@example.com."),
        FieldKind::Number => {
            number(trimmed).map(Value::Number).ok_or_else(|| "Write a number such as 12 or 3.5.".to_owned())
        }
        FieldKind::Tel => checked(is_tel(trimmed), "Write a telephone number such as +44 20 7946 0000."),
        FieldKind::Url => {
            checked(is_url(trimmed), "Write a web address that begins with https:// or http://.")
        }
        FieldKind::Date => checked(is_date(trimmed), "Write a date as year-month-day, such as 2026-03-31."),
        FieldKind::Select { options } => {
            checked(options.iter().any(|option| option == trimmed), "Choose one of the options.")
        }
    }
}

fn within_length(field: &Field, value: &Value) -> Result<(), String> {
    let (Value::Text(text) | Value::Number(text)) = value else {
        return Ok(());
    };
    let Some(limit) = field.length_limit() else {
        return Ok(());
    };
    match text.chars().count() {
        length if length <= limit => Ok(()),
        length => Err(format!("Use {limit} characters at most; these are {length}.")),
    }
}

/// SQS takes U+0009, U+000A, U+000D, U+0020 to U+D7FF, U+E000 to U+FFFD and everything above U+FFFF.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.
fn storable(text: &str) -> Result<(), String> {
    let refused = |character: &char| match character {
        '\t' | '\n' | '\r' => false,
        '\u{fffe}' | '\u{ffff}' => true,
        other => *other < ' ',
    };
    match text.chars().find(refused) {
        None => Ok(()),
        Some(character) => Err(format!(
            "Remove the invisible character U+{:04X}, which can't be stored.",
            u32::from(character)
        )),
    }
}

/// The number in JSON's notation. Zeros in front and a bare leading point, which browsers let pass, are put right.
fn number(text: &str) -> Option<String> {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let valid_whole = digits(whole) || (whole.is_empty() && fraction.is_some());
    let valid_exponent = |text: &str| digits(text.strip_prefix(['+', '-']).unwrap_or(text));
    if !valid_whole || !fraction.is_none_or(digits) || !exponent.is_none_or(valid_exponent) {
        return None;
    }
    let significant = whole.trim_start_matches('0');
    let whole = if significant.is_empty() { "0" } else { significant };
    let fraction = fraction.map_or(String::new(), |digits| format!(".{digits}"));
    let exponent = exponent.map_or(String::new(), |digits| format!("e{digits}"));
    Some(format!("{sign}{whole}{fraction}{exponent}"))
}

/// Source: <https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address>.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let local_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    !local.is_empty() && local.bytes().all(local_byte) && domain.split('.').all(label)
}

fn is_tel(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && !text.contains(char::is_control)
}

fn is_url(text: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty())
        && !text.contains(|character: char| {
            character.is_whitespace() || character.is_control() || matches!(character, '<' | '>' | '"')
        })
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let part = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u32>().ok())?
    };
    let (Some(year), Some(month), Some(day)) = (part(0..4), part(5..7), part(8..10)) else {
        return false;
    };
    year >= 1 && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day)
}

fn days_in_month(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests;
