//! Bytes of a request into what was given for each field. Pure.
//!
//! It accepts `application/x-www-form-urlencoded` (WHATWG URL) and JSON objects, and keeps numbers as they are
//! written. It refuses what it would have to guess at: names that are no field, names given twice, text that is not
//! UTF-8. Whether a value is acceptable is not decided here.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::field::{Field, FieldKind, SUBMISSION_ID_FIELD};

/// What a request gives for one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing.
    Absent,
    /// Text, as it was written.
    Text(String),
    /// The state of a checkbox.
    Flag(bool),
    /// A JSON value of another type than the field takes; what it takes.
    WrongType(&'static str),
}

/// What a request gives: one input per field, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) inputs: Vec<Input>,
    /// The key in the page's hidden field; JSON clients give theirs in a header.
    pub(crate) key: Option<String>,
}

/// Reads the post of a page.
pub(crate) fn decode_urlencoded(fields: &[Field], body: &[u8]) -> Result<Given, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let mut reading = Reading::new(fields);
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (percent_decoded(name)?, percent_decoded(value)?);
        if name == SUBMISSION_ID_FIELD {
            reading.key = Some(value);
            continue;
        }
        let index = reading.index_of(&name)?;
        reading.give(index, posted_input(&fields[index].kind, value))?;
    }
    Ok(reading.finish())
}

/// Reads a JSON object whose keys are fields.
pub(crate) fn decode_json(fields: &[Field], body: &[u8]) -> Result<Given, String> {
    let Pairs(pairs) =
        serde_json::from_slice(body).map_err(|error| format!("the body is no JSON object: {error}"))?;
    let mut reading = Reading::new(fields);
    for (name, value) in pairs {
        let index = reading.index_of(&name)?;
        reading.give(index, json_input(&fields[index].kind, value.get()))?;
    }
    Ok(reading.finish())
}

struct Reading<'a> {
    fields: &'a [Field],
    inputs: Vec<Option<Input>>,
    key: Option<String>,
}

impl<'a> Reading<'a> {
    fn new(fields: &'a [Field]) -> Self {
        Self { fields, inputs: vec![None; fields.len()], key: None }
    }

    fn index_of(&self, name: &str) -> Result<usize, String> {
        self.fields.iter().position(|field| field.name == name).ok_or_else(|| {
            let names = self.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
            format!("{:?} is no field of this form; its fields are {names}", shortened(name))
        })
    }

    fn give(&mut self, index: usize, input: Input) -> Result<(), String> {
        if self.inputs[index].is_some() {
            return Err(format!("the field {} is given twice", self.fields[index].name));
        }
        self.inputs[index] = Some(input);
        Ok(())
    }

    fn finish(self) -> Given {
        let inputs = self.inputs.into_iter().map(|input| input.unwrap_or(Input::Absent)).collect();
        Given { inputs, key: self.key }
    }
}

fn posted_input(kind: &FieldKind, value: String) -> Input {
    if *kind != FieldKind::Checkbox {
        return Input::Text(value);
    }
    match value.as_str() {
        "on" | "true" | "1" => Input::Flag(true),
        "off" | "false" | "0" | "" => Input::Flag(false),
        _ => Input::WrongType("on or off"),
    }
}

fn json_input(kind: &FieldKind, json: &str) -> Input {
    match (kind, json.as_bytes().first()) {
        (_, Some(b'n')) => Input::Absent,
        (FieldKind::Checkbox, Some(b't')) => Input::Flag(true),
        (FieldKind::Checkbox, Some(b'f')) => Input::Flag(false),
        (FieldKind::Checkbox, _) => Input::WrongType("true or false"),
        (FieldKind::Number, Some(b'-' | b'0'..=b'9')) => Input::Text(json.to_owned()),
        (_, Some(b'"')) => match serde_json::from_str(json) {
            Ok(text) => Input::Text(text),
            Err(_) => Input::WrongType("text that is valid Unicode"),
        },
        (FieldKind::Number, _) => Input::WrongType("a number"),
        _ => Input::WrongType("text"),
    }
}

fn percent_decoded(text: &str) -> Result<String, String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| "a value is not UTF-8 once its %XX are undone".to_owned())
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The pairs of a JSON object as they are written, so that a name given twice shows.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object whose keys are the form's fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests;
