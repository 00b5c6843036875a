//! Condition operators, and the values of condition keys.

use std::net::IpAddr;

use millpond_iam::arn::Arn;
use millpond_iam::caller::Caller;
use serde_json::Value;

use super::Request;
use super::matching::{expanded, glob, plain};
use super::statement::listed;

/// The values of a key: of the caller, or of the request.
pub(crate) fn values_of(key: &str, request: &Request<'_>) -> Option<Vec<String>> {
    let key = key.to_ascii_lowercase();
    if let Some(value) = of_caller(&key, request.caller) {
        return Some(vec![value]);
    }
    let (_, value) = request.context.iter().find(|(name, _)| name.to_ascii_lowercase() == key)?;
    let values: Vec<String> =
        listed(value).into_iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect();
    // A key without any value is as good as absent.
    (!values.is_empty()).then_some(values)
}

fn of_caller(key: &str, caller: &Caller) -> Option<String> {
    let is_service = matches!(caller, Caller::Service { .. });
    let tags = match caller {
        Caller::User(user) => Some(&user.tags),
        Caller::Role(role) => Some(&role.tags),
        _ => None,
    };
    if let Some(tag) = key.strip_prefix("aws:principaltag/") {
        return tags?.iter().find(|(name, _)| name.eq_ignore_ascii_case(tag)).map(|(_, value)| value.clone());
    }
    match (key, caller) {
        ("aws:username", Caller::User(user)) => Some(user.name.clone()),
        ("aws:userid", _) => caller.user_id(),
        ("aws:principalarn", _) => caller.principal_arn(),
        // "Anonymous requests return anonymous."
        ("aws:principalaccount", Caller::Anonymous) => Some("anonymous".into()),
        ("aws:principalaccount", _) => caller.account().map(|account| account.to_string()),
        ("aws:principaltype", Caller::User(_)) => Some("User".into()),
        ("aws:principaltype", Caller::Role(_)) => Some("AssumedRole".into()),
        ("aws:principaltype", Caller::Root { .. }) => Some("Account".into()),
        ("aws:principaltype", Caller::Anonymous) => Some("Anonymous".into()),
        ("aws:principalisawsservice", Caller::Anonymous) => None,
        ("aws:principalisawsservice", _) => Some(is_service.to_string()),
        ("aws:tokenissuetime", Caller::Role(role)) => Some(role.issued_at_secs.to_string()),
        ("aws:tokenissuetime", Caller::User(user)) => {
            user.session_issued_at_secs.map(|secs| secs.to_string())
        }
        _ => None,
    }
}

/// Whether one key meets one operator.
pub(crate) fn holds(
    operator: &str,
    key: &str,
    wanted: &Value,
    request: &Request<'_>,
    variables: bool,
    denies: bool,
) -> bool {
    let (set, operator) = match operator.split_once(':') {
        Some((set, operator)) => (Some(set), operator),
        None => (None, operator),
    };
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let wanted: Vec<String> = listed(wanted).into_iter().map(as_text).collect();
    let given = values_of(key, request);
    if operator == "Null" {
        let is_null = given.is_none();
        return wanted.iter().any(|value| (value == "true") == is_null);
    }
    let (positive, negated) = positive(operator);
    let one = |value: &str| -> bool {
        let met =
            wanted.iter().any(|pattern| meets(positive, pattern, value, request, variables).unwrap_or(false));
        // A variable without a value voids an allow; a deny stands.
        let void = !denies
            && wanted.iter().any(|pattern| meets(positive, pattern, value, request, variables).is_none());
        if negated { !met && !void } else { met }
    };
    match (set, given) {
        (Some("ForAllValues"), None) => true,
        (Some(_), None) => false,
        (None, None) => if_exists || negated,
        (Some("ForAllValues"), Some(values)) => values.iter().all(|value| one(value)),
        (Some(_), Some(values)) => values.iter().any(|value| one(value)),
        (None, Some(values)) if negated => values.iter().all(|value| one(value)),
        (None, Some(values)) => values.iter().any(|value| one(value)),
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The operator without its negation.
fn positive(operator: &str) -> (&str, bool) {
    match operator {
        "StringNotEquals" => ("StringEquals", true),
        "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", true),
        "StringNotLike" => ("StringLike", true),
        "NumericNotEquals" => ("NumericEquals", true),
        "DateNotEquals" => ("DateEquals", true),
        "NotIpAddress" => ("IpAddress", true),
        "ArnNotEquals" | "ArnNotLike" => ("ArnLike", true),
        "ArnEquals" => ("ArnLike", false),
        operator => (operator, false),
    }
}

/// Whether a value meets one value of the policy; nothing when that has a variable without a value.
fn meets(operator: &str, pattern: &str, value: &str, request: &Request<'_>, variables: bool) -> Option<bool> {
    let literal = || -> Option<String> {
        if !variables {
            return Some(pattern.to_owned());
        }
        // Wildcards mean nothing here, so they are put back.
        let back = |letter| match letter {
            '\u{1}' => '*',
            '\u{2}' => '?',
            letter => letter,
        };
        Some(expanded(pattern, request, true)?.into_iter().map(back).collect())
    };
    Some(match operator {
        "StringEquals" => literal()? == value,
        "StringEqualsIgnoreCase" => literal()?.to_lowercase() == value.to_lowercase(),
        "StringLike" => glob(&expanded(pattern, request, variables)?, value),
        "ArnLike" => arn_like(&expanded(pattern, request, variables)?, value),
        "Bool" => pattern.eq_ignore_ascii_case(value),
        "BinaryEquals" => pattern == value,
        "IpAddress" => in_range(pattern, value),
        _ => compared(operator, pattern, value),
    })
}

fn arn_like(pattern: &[char], value: &str) -> bool {
    let Some(arn) = Arn::parse(value) else { return false };
    let parts: Vec<&[char]> = pattern.splitn(6, |letter| *letter == ':').collect();
    let [scheme, partition, service, region, account, resource] = parts[..] else { return false };
    scheme == plain("arn")
        && glob(partition, arn.partition)
        && glob(service, arn.service)
        && glob(region, arn.region)
        && glob(account, arn.account)
        && glob(resource, arn.resource)
}

fn in_range(range: &str, value: &str) -> bool {
    let (network, prefix) = match range.split_once('/') {
        Some((network, prefix)) => (network, prefix.parse::<u32>().ok()),
        None => (range, None),
    };
    let bits = |text: &str| -> Option<(u128, u32)> {
        Some(match text.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        })
    };
    let (Some((network, size)), Some((address, other))) = (bits(network), bits(value)) else { return false };
    let host_bits = size - prefix.unwrap_or(size).min(size);
    size == other && (host_bits >= 128 || network >> host_bits == address >> host_bits)
}

fn compared(operator: &str, pattern: &str, value: &str) -> bool {
    let read = |text: &str| -> Option<f64> {
        if operator.starts_with("Date") { seconds(text) } else { text.parse().ok() }
    };
    let (Some(wanted), Some(given)) = (read(pattern), read(value)) else { return false };
    match operator.trim_start_matches("Numeric").trim_start_matches("Date") {
        "Equals" => (given - wanted).abs() < f64::EPSILON,
        "LessThan" => given < wanted,
        "LessThanEquals" => given <= wanted,
        "GreaterThan" => given > wanted,
        "GreaterThanEquals" => given >= wanted,
        _ => false,
    }
}

/// Seconds since 1970 of a date in ISO 8601, or of a number.
#[expect(clippy::cast_precision_loss, reason = "dates are far below 2^52 seconds")]
fn seconds(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return Some(number);
    }
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let numbers = |text: &str, separator| -> Option<Vec<i64>> {
        text.split(separator).map(|part| part.parse().ok()).collect()
    };
    let (clock, offset_secs) = match time.find(['Z', '+', '-']) {
        Some(at) if &time[at..] == "Z" => (&time[..at], 0),
        Some(at) => {
            let zone = numbers(&time[at + 1..], ':')?;
            let secs = zone.first()? * 3_600 + zone.get(1).unwrap_or(&0) * 60;
            (&time[..at], if time.as_bytes()[at] == b'-' { -secs } else { secs })
        }
        None => (time, 0),
    };
    let (date, clock) = (numbers(date, '-')?, numbers(clock, ':')?);
    let [year, month, day] = date[..] else { return None };
    // Howard Hinnant's count of days, https://howardhinnant.github.io/date_algorithms.html
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_year * 365 + of_year / 4 - of_year / 100 + day_of_year - 719_468;
    let of_day = clock.first()? * 3_600 + clock.get(1).unwrap_or(&0) * 60 + clock.get(2).unwrap_or(&0);
    Some((days * 86_400 + of_day - offset_secs) as f64)
}
