//! Dates as AWS writes them: ISO 8601 in its basic and its extended form, and the `Date` header. UTC only.
//!
//! What always holds: a text that names no moment, such as the 30th of February, is no date.

/// A moment in ISO 8601's basic form, `20261121T190000Z`, and in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicDate {
    text: [u8; 16],
    secs: u64,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECS_PER_DAY: u64 = 86_400;

impl BasicDate {
    /// Reads `20261121T190000Z`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: [u8; 16] = text.as_bytes().try_into().ok()?;
        if text[8] != b'T' || text[15] != b'Z' {
            return None;
        }
        let part = |from: usize, to: usize| number(&text[from..to]);
        let date = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
        let secs = moment(date, (part(9, 11)?, part(11, 13)?, part(13, 15)?))?;
        Some(Self { text, secs })
    }

    /// Reads the value of a `Date` header: the basic form, or `Sat, 21 Nov 2026 19:00:00 GMT`.
    #[must_use]
    pub fn parse_http(text: &str) -> Option<Self> {
        if let Some(date) = Self::parse(text) {
            return Some(date);
        }
        let bytes = text.strip_suffix(" GMT")?.as_bytes();
        let separators = [(3, b','), (4, b' '), (7, b' '), (11, b' '), (16, b' '), (19, b':'), (22, b':')];
        if bytes.len() != 25 || separators.iter().any(|(at, byte)| bytes[*at] != *byte) {
            return None;
        }
        let part = |from: usize, to: usize| number(&bytes[from..to]);
        let month = MONTHS.iter().zip(1..).find(|(name, _)| name.as_bytes() == &bytes[8..11])?.1;
        let date = (part(12, 16)?, month, part(5, 7)?);
        Self::of(moment(date, (part(17, 19)?, part(20, 22)?, part(23, 25)?))?)
    }

    /// The moment of so many seconds since 1970; `None` after the year 9999.
    #[must_use]
    pub fn of(secs: u64) -> Option<Self> {
        let ((year, month, day), (hour, minute, second)) = civil(secs);
        let text = format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
        Some(Self { text: text.as_bytes().try_into().ok()?, secs })
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Its first eight digits.
    #[must_use]
    pub fn day(&self) -> &str {
        &self.as_str()[..8]
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn secs(&self) -> u64 {
        self.secs
    }
}

/// A moment in ISO 8601's extended form: `2026-11-21T19:00:00Z`.
#[must_use]
pub fn extended(secs: u64) -> String {
    let ((year, month, day), (hour, minute, second)) = civil(secs);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// As [`extended`], of milliseconds since 1970: `2026-11-21T19:00:00.031Z`.
#[must_use]
pub fn extended_millis(millis: u64) -> String {
    let mut text = extended(millis / 1_000);
    text.truncate(text.len() - 1);
    text + &format!(".{:03}Z", millis % 1_000)
}

/// Year, month and day of a number of days since 1970.
#[must_use]
pub fn of_day(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| 10 * sum + u64::from(digit - b'0')))
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

fn moment((year, month, day): (u64, u64, u64), (hour, minute, second): (u64, u64, u64)) -> Option<u64> {
    let is_date = year >= 1970 && (1..=12).contains(&month) && day >= 1 && day <= days_of_month(year, month);
    // A leap second counts as the one before it, as it does for Unix time.
    let is_time = hour < 24 && minute < 60 && second <= 60;
    (is_date && is_time).then(|| {
        days_since_1970(year, month, day) * SECS_PER_DAY + hour * 3600 + minute * 60 + second.min(59)
    })
}

/// Days of the proleptic Gregorian calendar, counted in years that begin with March so that the leap day comes last.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn civil(secs: u64) -> ((u64, u64, u64), (u64, u64, u64)) {
    let rest = secs % SECS_PER_DAY;
    (of_day(secs / SECS_PER_DAY), (rest / 3600, rest / 60 % 60, rest % 60))
}

#[cfg(test)]
mod tests;
