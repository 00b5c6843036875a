//! Actions, resources with wildcards and variables, and principals.

use millpond_iam::caller::Caller;
use serde_json::Value;

use super::Request;
use super::condition::values_of;
use super::statement::listed;

/// In patterns, what stands for any text and for any letter; as these, a star or question mark of the text itself can't
/// be mistaken for one.
const ANY: char = '\u{1}';
const ONE: char = '\u{2}';

/// Whether a pattern covers a text.
pub(crate) fn glob(pattern: &[char], text: &str) -> bool {
    fn covers(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((&ANY, rest)) => (0..=text.len()).any(|skipped| covers(rest, &text[skipped..])),
            Some((&ONE, rest)) => !text.is_empty() && covers(rest, &text[1..]),
            Some((letter, rest)) => text.first() == Some(letter) && covers(rest, &text[1..]),
        }
    }
    covers(pattern, &text.chars().collect::<Vec<_>>())
}

/// A pattern without variables.
pub(crate) fn plain(pattern: &str) -> Vec<char> {
    let wild = |letter| match letter {
        '*' => ANY,
        '?' => ONE,
        letter => letter,
    };
    pattern.chars().map(wild).collect()
}

pub(crate) fn action_matches(pattern: &str, action: &str) -> bool {
    glob(&plain(&pattern.to_ascii_lowercase()), &action.to_ascii_lowercase())
}

/// A pattern with its variables replaced; nothing when one has no value.
pub(crate) fn expanded(pattern: &str, request: &Request<'_>, variables: bool) -> Option<Vec<char>> {
    if !variables {
        return Some(plain(pattern));
    }
    let mut out = Vec::new();
    let mut rest = pattern;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        out.extend(plain(&rest[..start]));
        let name = &rest[start + 2..start + length];
        out.extend(value_of(name, request)?.chars());
        rest = &rest[start + length + 1..];
    }
    out.extend(plain(rest));
    Some(out)
}

fn value_of(name: &str, request: &Request<'_>) -> Option<String> {
    if matches!(name, "*" | "?" | "$") {
        return Some(name.to_owned());
    }
    let (key, default) = match name.split_once(", '") {
        Some((key, default)) => (key, Some(default.trim_end_matches('\''))),
        None => (name, None),
    };
    match values_of(key, request) {
        Some(values) if values.len() == 1 => Some(values[0].clone()),
        _ => default.map(str::to_owned),
    }
}

/// How a statement's principal meets the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearing {
    None,
    Direct,
    Role,
    Account,
}

pub(crate) fn principal(statement: &Value, caller: &Caller) -> Bearing {
    if let Some(others) = statement.get("NotPrincipal") {
        // The account of a principal that is named stands beside it and stands for its root alone.
        let named = met(others, caller);
        let is_named = match named {
            Bearing::None => false,
            Bearing::Account => matches!(caller, Caller::Root { .. }),
            Bearing::Direct | Bearing::Role => true,
        };
        return if is_named { Bearing::None } else { Bearing::Direct };
    }
    met(&statement["Principal"], caller)
}

fn met(principal: &Value, caller: &Caller) -> Bearing {
    if principal == "*" {
        return Bearing::Direct;
    }
    let mut found = Bearing::None;
    for (kind, names) in principal.as_object().into_iter().flatten() {
        for name in listed(names) {
            let bearing = match kind.as_str() {
                "AWS" => met_aws(name.as_str().unwrap_or_default(), caller),
                "Service" if matches!(caller, Caller::Service { name: own } if name == own.as_str()) => {
                    Bearing::Direct
                }
                _ => Bearing::None,
            };
            found = stronger(found, bearing);
        }
    }
    found
}

fn stronger(one: Bearing, other: Bearing) -> Bearing {
    let rank = |bearing| match bearing {
        Bearing::None => 0,
        Bearing::Account => 1,
        Bearing::Role => 2,
        Bearing::Direct => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn met_aws(name: &str, caller: &Caller) -> Bearing {
    if name == "*" {
        return Bearing::Direct;
    }
    let Some(account) = caller.account() else { return Bearing::None };
    if name == account.to_string() || name == format!("arn:aws:iam::{account}:root") {
        return Bearing::Account;
    }
    match caller {
        Caller::User(user) if name == caller.arn() || name == user.id => Bearing::Direct,
        Caller::Role(_) if name == caller.arn() => Bearing::Direct,
        Caller::Role(role) if Some(name) == caller.principal_arn().as_deref() || name == role.id => {
            Bearing::Role
        }
        _ => Bearing::None,
    }
}
