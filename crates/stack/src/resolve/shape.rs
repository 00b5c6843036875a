//! Holds values against the schema of their type: kinds, ranges, what is required.
//!
//! The result is JSON of exactly the schema's shape (numbers as numbers, truth values as truth values, text as text),
//! so that what comes after reads it without checking again.

use super::value::{TextValue, Value, ValueKind, describe};
use crate::resource::document::DOCUMENT;
use crate::template::diagnostic::{Position, Report};
use crate::template::node::Key;
use crate::template::schema::{Kind, PropertySchema};
use crate::text::Text;
use serde_json::{Map, json};

/// The entries of an object or of `Properties`, in schema shape; `owner` names it in messages.
pub(super) fn object(
    schema: &[PropertySchema],
    entries: &[(Key, Value)],
    owner: &str,
    position: Position,
    report: &mut Report,
) -> Option<Map<String, serde_json::Value>> {
    let mut shaped = Map::new();
    let mut complete = true;
    for (key, value) in entries {
        let property = schema.iter().find(|property| property.name == key.text);
        let property = property.expect("unknown properties are refused when the template is read");
        match shape(&property.kind, value, &key.text, report) {
            Some(value) => drop(shaped.insert(key.text.clone(), value)),
            None => complete = false,
        }
    }
    for property in schema.iter().filter(|property| property.required) {
        if !entries.iter().any(|(key, _)| key.text == property.name) {
            report.error(position, format!("{owner} needs the property {}", property.name));
            complete = false;
        }
    }
    complete.then_some(shaped)
}

fn shape(kind: &Kind, value: &Value, name: &str, report: &mut Report) -> Option<serde_json::Value> {
    let position = value.position;
    match (kind, &value.kind) {
        (Kind::List(item_kind, items_max), ValueKind::List(items)) => {
            if items.len() > *items_max {
                report.error(
                    position,
                    format!("{name} has {} items; at most {items_max} are allowed", items.len()),
                );
                return None;
            }
            let shaped: Vec<_> = items.iter().map(|item| shape(item_kind, item, name, report)).collect();
            shaped.into_iter().collect::<Option<Vec<_>>>().map(serde_json::Value::Array)
        }
        (Kind::Object(schema), ValueKind::Map(entries)) => {
            object(schema, entries, name, position, report).map(serde_json::Value::Object)
        }
        (Kind::OneOrList(kind), ValueKind::List(items)) => {
            let shaped: Vec<_> = items.iter().map(|item| shape(kind, item, name, report)).collect();
            shaped.into_iter().collect::<Option<Vec<_>>>().map(serde_json::Value::Array)
        }
        (Kind::OneOrList(kind), _) => shape(kind, value, name, report),
        (Kind::Policy, ValueKind::Map(entries)) => {
            object(DOCUMENT, entries, name, position, report).map(serde_json::Value::Object)
        }
        (Kind::Policy, ValueKind::Text(text)) => {
            let text = scalar(&Kind::Text, text, position, name, report)?;
            let document = serde_json::from_str(text.as_str().unwrap_or_default());
            let complain = |error| report.error(position, format!("{name} is a text, but no JSON: {error}"));
            document.map_err(complain).ok()
        }
        (Kind::Policy, other) => mismatch(position, name, "a policy document", other, report),
        (Kind::Json, value) => json_of(value, position, name, report),
        (Kind::List(..), other) => mismatch(position, name, "a list", other, report),
        (Kind::Object(_), other) => mismatch(position, name, "a map", other, report),
        (_, ValueKind::Text(text)) => scalar(kind, text, position, name, report),
        (_, other) => mismatch(position, name, "a text", other, report),
    }
}

/// Texts, lists and maps as they are.
fn json_of(
    value: &ValueKind,
    position: Position,
    name: &str,
    report: &mut Report,
) -> Option<serde_json::Value> {
    match value {
        ValueKind::Text(text) => scalar(&Kind::Text, text, position, name, report),
        ValueKind::List(items) => {
            let shaped: Vec<_> = items.iter().map(|item| shape(&Kind::Json, item, name, report)).collect();
            shaped.into_iter().collect::<Option<Vec<_>>>().map(serde_json::Value::Array)
        }
        ValueKind::Map(entries) => {
            let entry = |(key, value): &(Key, Value)| {
                Some((key.text.clone(), shape(&Kind::Json, value, &key.text, report)?))
            };
            let shaped: Vec<_> = entries.iter().map(entry).collect();
            shaped.into_iter().collect::<Option<Map<_, _>>>().map(serde_json::Value::Object)
        }
        // Taken out of lists and maps before.
        ValueKind::NoValue => Some(serde_json::Value::Null),
    }
}

fn mismatch<T>(
    position: Position,
    name: &str,
    wanted: &str,
    found: &ValueKind,
    report: &mut Report,
) -> Option<T> {
    report.error(position, format!("{name} must be {wanted}, not {}", describe(found)));
    None
}

fn scalar(
    kind: &Kind,
    value: &TextValue,
    position: Position,
    name: &str,
    report: &mut Report,
) -> Option<serde_json::Value> {
    let Some(text) = value.known() else {
        let message = format!("{name} can't use {}; use it in Outputs", value.what_is_unknown());
        report.error(position, message);
        return None;
    };
    if let (Some(parameter), false) = (&value.secret_of, matches!(kind, Kind::SecretText)) {
        let message = format!(
            "{name} can't use the NoEcho parameter {parameter}, because it is shown in lists; only DatabaseUrl can"
        );
        report.error(position, message);
        return None;
    }
    let result = match kind {
        Kind::Integer(min, max) => integer(&text, *min, *max),
        Kind::Boolean => match text.as_str() {
            "true" | "True" => Ok(json!(true)),
            "false" | "False" => Ok(json!(false)),
            _ => Err(format!("must be true or false, not \"{text}\"")),
        },
        Kind::OneOf(choices) if !choices.contains(&text.as_str()) => {
            Err(format!("must be one of {}, not \"{text}\"", choices.join(", ")))
        }
        Kind::SecretText if value.secret_of.is_some() => Ok(json!(Text::Secret { secret: text })),
        Kind::SecretText => Ok(json!(Text::Plain(text))),
        _ => Ok(json!(text)),
    };
    result.map_err(|reason| report.error(position, format!("{name} {reason}"))).ok()
}

fn integer(text: &str, min: i64, max: i64) -> Result<serde_json::Value, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
    match text.parse::<i64>() {
        Ok(number) if plain && (min..=max).contains(&number) => Ok(json!(number)),
        Ok(_) if plain => Err(format!("must be from {min} to {max}, not {text}")),
        _ => Err(format!("must be a whole number from {min} to {max}, not \"{text}\"")),
    }
}
