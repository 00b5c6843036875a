//! The shape of a document: which elements there are and of which types, before anything is looked at closer.
//!
//! What always holds: an element that there is not is refused, as is one of the wrong type. Names are spelled exactly.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use super::json::{self, Json, Unread};
use super::{INVALID_JSON, LEGACY, PolicyError, SYNTAX, Version};

/// A document in its shape.
pub(super) struct RawDocument {
    pub(super) version: Option<Version>,
    pub(super) statements: Vec<RawStatement>,
}

/// A statement in its shape.
#[derive(Default)]
pub(super) struct RawStatement {
    /// Where it stands, for people: `statement 2 (Sid "Read")`.
    pub(super) place: String,
    pub(super) sid: Option<String>,
    pub(super) denies: bool,
    pub(super) principal: Option<Listed<(String, String)>>,
    pub(super) action: Option<Listed<String>>,
    pub(super) resource: Option<Listed<String>>,
    pub(super) conditions: Vec<RawCondition>,
}

/// An element and its `Not…`, of which a statement has one.
pub(super) struct Listed<T> {
    pub(super) negated: bool,
    pub(super) values: Vec<T>,
}

/// One key of one operator.
pub(super) struct RawCondition {
    pub(super) place: String,
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

fn syntax(what: impl Into<String>) -> PolicyError {
    PolicyError::new(SYNTAX, what)
}

/// Reads the shape of a document.
pub(super) fn read(text: &str) -> Result<RawDocument, PolicyError> {
    let json = json::read(text).map_err(|unread| match unread {
        Unread::Invalid(why) => PolicyError::new(INVALID_JSON, why),
        Unread::Twice(what) => syntax(what),
    })?;
    let Json::Members(members) = json else { return Err(syntax("the document is no JSON object")) };
    let mut version = None;
    let mut statements = None;
    for (name, value) in members {
        match (name.as_str(), value) {
            ("Version", Json::Text(text)) => {
                let known = Version::parse(&text);
                version = Some(known.ok_or_else(|| syntax(format!("there is no Version \"{text}\"")))?);
            }
            ("Id", Json::Text(_)) => {}
            ("Statement", Json::List(list)) => statements = Some(list),
            ("Statement", one @ Json::Members(_)) => statements = Some(vec![one]),
            ("Version" | "Id" | "Statement", _) => return Err(syntax(format!("{name} has the wrong type"))),
            _ => return Err(syntax(format!("there is no element {name} outside of statements"))),
        }
    }
    let statements = statements.filter(|list| !list.is_empty());
    let statements = statements.ok_or_else(|| syntax("there is no Statement"))?;
    let statements = statements.into_iter().enumerate().map(|(index, json)| statement(index, json));
    Ok(RawDocument { version, statements: statements.collect::<Result<_, _>>()? })
}

fn statement(index: usize, json: Json) -> Result<RawStatement, PolicyError> {
    let mut place = format!("statement {}", index + 1);
    let Json::Members(members) = json else { return Err(syntax(format!("{place} is no JSON object"))) };
    let mut statement = RawStatement::default();
    let mut effect = None;
    if let Some((_, Json::Text(sid))) = members.iter().find(|(name, _)| name == "Sid") {
        place = format!("{place} (Sid \"{sid}\")");
    }
    for (name, value) in members {
        let wrong = || syntax(format!("{place}: {name} has the wrong type"));
        match name.as_str() {
            "Sid" => statement.sid = Some(as_text(value).ok_or_else(wrong)?),
            "Effect" => effect = Some(as_text(value).ok_or_else(wrong)?),
            "Principal" | "NotPrincipal" => {
                let values = principals(value).ok_or_else(wrong)?;
                put(&mut statement.principal, &name, values, &place)?;
            }
            "Action" | "NotAction" => {
                put(&mut statement.action, &name, texts(value).ok_or_else(wrong)?, &place)?;
            }
            "Resource" | "NotResource" => {
                put(&mut statement.resource, &name, texts(value).ok_or_else(wrong)?, &place)?;
            }
            "Condition" => statement.conditions = conditions(value, &place).ok_or_else(wrong)?,
            _ => return Err(syntax(format!("{place}: there is no element {name}"))),
        }
    }
    statement.denies = denies(effect.as_deref(), &place)?;
    statement.place = place;
    Ok(statement)
}

fn denies(effect: Option<&str>, place: &str) -> Result<bool, PolicyError> {
    match effect {
        Some("Allow") => Ok(false),
        Some("Deny") => Ok(true),
        Some(other) if other.eq_ignore_ascii_case("allow") || other.eq_ignore_ascii_case("deny") => {
            Err(PolicyError::new(LEGACY, format!("{place}: Effect is spelled Allow or Deny, not {other}")))
        }
        Some(other) => Err(syntax(format!("{place}: Effect is Allow or Deny, not \"{other}\""))),
        None => Err(syntax(format!("{place}: there is no Effect"))),
    }
}

fn put<T>(slot: &mut Option<Listed<T>>, name: &str, values: Vec<T>, place: &str) -> Result<(), PolicyError> {
    if slot.is_some() {
        let name = name.trim_start_matches("Not");
        return Err(syntax(format!("{place}: {name} and Not{name} exclude each other")));
    }
    *slot = Some(Listed { negated: name.starts_with("Not"), values });
    Ok(())
}

fn as_text(json: Json) -> Option<String> {
    match json {
        Json::Text(text) => Some(text),
        _ => None,
    }
}

fn texts(json: Json) -> Option<Vec<String>> {
    match json {
        Json::List(list) => list.into_iter().map(as_text).collect(),
        one => Some(vec![as_text(one)?]),
    }
}

/// Pairs of a kind and a name. `"*"` is the same as `{"AWS": "*"}`.
fn principals(json: Json) -> Option<Vec<(String, String)>> {
    let members = match json {
        Json::Text(text) if text == "*" => return Some(vec![("AWS".to_owned(), text)]),
        Json::Members(members) => members,
        _ => return None,
    };
    let mut pairs = Vec::new();
    for (kind, names) in members {
        pairs.extend(texts(names)?.into_iter().map(|name| (kind.clone(), name)));
    }
    Some(pairs)
}

fn conditions(json: Json, place: &str) -> Option<Vec<RawCondition>> {
    let Json::Members(operators) = json else { return None };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Json::Members(keys) = keys else { return None };
        if keys.is_empty() && super::operator::Operator::parse(&operator).is_none() {
            return None;
        }
        for (key, values) in keys {
            let values = match values {
                Json::List(list) => list.into_iter().map(scalar).collect::<Option<_>>()?,
                one => vec![scalar(one)?],
            };
            conditions.push(RawCondition {
                place: place.to_owned(),
                operator: operator.clone(),
                key,
                values,
            });
        }
    }
    Some(conditions)
}

fn scalar(json: Json) -> Option<String> {
    match json {
        Json::Text(text) | Json::Number(text) => Some(text),
        Json::Truth(truth) => Some(truth.to_string()),
        Json::Null | Json::List(_) | Json::Members(_) => None,
    }
}
