//! A document with other names for its principals, as a service shows what it knows by unique id.
//!
//! What always holds: nothing but `AWS` principals changes; all else means the same, in the same order.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::json::{self, Json};

/// The document, with what `rename` gives in the place of an `AWS` principal. As it is when nothing is renamed, else
/// without white space.
pub(crate) fn with_principals<'a>(
    document: &'a str,
    rename: &dyn Fn(&str) -> Option<String>,
) -> Cow<'a, str> {
    let Ok(mut tree) = json::read(document) else { return Cow::Borrowed(document) };
    let mut renamed = false;
    for principals in principals(&mut tree) {
        each_text(principals, &mut |text| {
            if let Some(new) = rename(text) {
                *text = new;
                renamed = true;
            }
        });
    }
    if renamed { Cow::Owned(written(&tree)) } else { Cow::Borrowed(document) }
}

/// The names of the kind `AWS` in all statements.
fn principals(document: &mut Json) -> impl Iterator<Item = &mut Json> {
    let statements = members(document, "Statement").flat_map(|statement| match statement {
        Json::List(list) => list.as_mut_slice(),
        one => std::slice::from_mut(one),
    });
    statements
        .flat_map(|statement| members(statement, "Principal"))
        .flat_map(|principal| members(principal, "AWS"))
}

fn members<'a>(json: &'a mut Json, wanted: &'static str) -> impl Iterator<Item = &'a mut Json> {
    let all = match json {
        Json::Members(members) => members.as_mut_slice(),
        _ => &mut [],
    };
    all.iter_mut().filter(move |(name, _)| name == wanted).map(|(_, value)| value)
}

fn each_text(json: &mut Json, change: &mut dyn FnMut(&mut String)) {
    match json {
        Json::Text(text) => change(text),
        Json::List(list) => list.iter_mut().for_each(|one| each_text(one, change)),
        Json::Null | Json::Truth(_) | Json::Number(_) | Json::Members(_) => {}
    }
}

fn written(json: &Json) -> String {
    let mut text = String::new();
    write(json, &mut text);
    text
}

fn write(json: &Json, to: &mut String) {
    match json {
        Json::Null => to.push_str("null"),
        Json::Truth(truth) => {
            let _ = write!(to, "{truth}");
        }
        Json::Number(number) => to.push_str(number),
        Json::Text(text) => write_text(text, to),
        Json::List(list) => {
            to.push('[');
            for (index, one) in list.iter().enumerate() {
                to.push_str(if index == 0 { "" } else { "," });
                write(one, to);
            }
            to.push(']');
        }
        Json::Members(members) => {
            to.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                to.push_str(if index == 0 { "" } else { "," });
                write_text(name, to);
                to.push(':');
                write(value, to);
            }
            to.push('}');
        }
    }
}

fn write_text(text: &str, to: &mut String) {
    let _ = write!(to, "{}", serde_json::Value::from(text));
}
