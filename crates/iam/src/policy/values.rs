//! The values that conditions compare: numbers, dates, addresses.
//!
//! What always holds: numbers compare exactly, however long; a text that is no such value is `None`, never another value.

use std::cmp::Ordering;
use std::net::IpAddr;

/// A decimal number as its digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    /// Without zeros in front.
    whole: &'a str,
    /// Without zeros behind.
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// Reads an optional sign, digits, and a fraction.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }

    /// Compares.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        let size = |a: Self, b: Self| {
            let whole = a.whole.len().cmp(&b.whole.len()).then_with(|| a.whole.cmp(b.whole));
            whole.then_with(|| a.fraction.cmp(b.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

/// Nanoseconds since 1970 of a date of ISO 8601 (a year, a month, a day, or a day and a time) or of seconds since 1970.
/// A time without a zone is UTC.
pub(crate) fn instant(text: &str) -> Option<i128> {
    let text = text.trim();
    let body = text.strip_prefix('-').unwrap_or(text);
    if body.contains(['-', 'T', 't']) { iso_8601(text) } else { epoch(text) }
}

const NANOS: i128 = 1_000_000_000;

fn epoch(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let secs: i128 = number(whole, 1, 19)?.into();
    if !negative && secs > i128::from(i64::MAX) {
        return None;
    }
    let nanos = secs * NANOS + fraction_nanos(fraction)?;
    Some(if negative { -nanos } else { nanos })
}

fn iso_8601(text: &str) -> Option<i128> {
    let (date, time) = match text.find(['T', 't']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 1, 9)?;
    let month = parts.next().map_or(Some(1), |part| number(part, 1, 2))?;
    let day = parts.next().map_or(Some(1), |part| number(part, 1, 2))?;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let midnight = i128::from(days_since_1970(year, month, day)) * 86_400 * NANOS;
    Some(midnight + time.map_or(Some(0), time_of_day)?)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn time_of_day(text: &str) -> Option<i128> {
    if text.is_empty() {
        return Some(0);
    }
    let (clock, zone_secs) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => (&text[..at], zone(&text[at..])?),
        None => (text, 0),
    };
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 1, 2)?;
    let minute = parts.next().map_or(Some(0), |part| number(part, 1, 2))?;
    let (second, fraction) = match parts.next() {
        Some(part) => part.split_once('.').unwrap_or((part, "")),
        None => ("0", ""),
    };
    let second = number(second, 1, 2)?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let secs = i128::from(hour * 3600 + minute * 60 + second - zone_secs);
    Some(secs * NANOS + fraction_nanos(fraction)?)
}

/// Seconds that a zone is ahead of UTC.
fn zone(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = text.split_at(1);
    let (hours, minutes) = match rest.split_once(':') {
        Some(both) => both,
        None if rest.len() == 4 && rest.is_ascii() => rest.split_at(2),
        None => (rest, "00"),
    };
    let (hours, minutes) = (number(hours, 2, 2)?, number(minutes, 2, 2)?);
    let secs = hours * 3600 + minutes * 60;
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        "+" => Some(secs),
        "-" => Some(-secs),
        _ => None,
    }
}

fn fraction_nanos(digits: &str) -> Option<i128> {
    if digits.is_empty() {
        return Some(0);
    }
    let value = number(digits, 1, 9)?;
    let scale = 10_i64.pow(9 - u32::try_from(digits.len()).ok()?);
    Some(i128::from(value * scale))
}

fn number(text: &str, least_digits: usize, most_digits: usize) -> Option<i64> {
    let fits = (least_digits..=most_digits).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Days from 1970-01-01 in the Gregorian calendar, by years that begin in March so that the leap day is the last one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A range of addresses: `203.0.113.0/24`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

impl Network {
    /// Reads a range.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            None => most,
            Some(prefix) => u32::try_from(number(prefix, 1, 3)?).ok()?,
        };
        (prefix_bits <= most).then_some(Self { address, prefix_bits })
    }

    /// Whether an address is in it. An IPv4 address that is written as IPv6 counts as IPv4.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix_bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix_bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
