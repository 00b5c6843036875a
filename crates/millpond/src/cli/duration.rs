//! Spans of time on the command line: a number of seconds, or a number with a unit such as `90s`, `5m`, `12h`, `14d`.

/// Reads a span and checks that it is from `least_secs` to `most_secs`. Returns seconds.
pub(super) fn up_to(text: &str, least_secs: i32, most_secs: i32) -> Result<i32, String> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_secs: Option<i64> = match unit.trim() {
        "" | "s" => Some(1),
        "m" | "min" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    };
    let secs = unit_secs.zip(number.parse::<i64>().ok()).and_then(|(unit, number)| number.checked_mul(unit));
    secs.and_then(|secs| i32::try_from(secs).ok())
        .filter(|secs| (least_secs..=most_secs).contains(secs))
        .ok_or_else(|| {
            let (least, most) = (shown(least_secs), shown(most_secs));
            format!(
                "{least} to {most} are possible, as a number of seconds or with a unit: 90s, 5m, 12h, 14d"
            )
        })
}

/// Reads a span that may be put together, `1h30m`, of any length. Returns seconds.
pub(super) fn sum(text: &str) -> Result<u64, String> {
    let wrong = || format!("a span of time looks like 15m, 90s, 1h30m or 4d, not `{text}`");
    if let Ok(secs) = text.parse() {
        return Ok(secs);
    }
    let mut rest = text;
    let mut secs: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit_secs = match rest[digits..].chars().next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            _ => return Err(wrong()),
        };
        secs = number.checked_mul(unit_secs).and_then(|part| secs.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[digits + 1..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(secs) }
}

fn shown(secs: i32) -> String {
    match secs {
        secs if secs >= 86_400 && secs % 86_400 == 0 => format!("{}d", secs / 86_400),
        secs if secs >= 3_600 && secs % 3_600 == 0 => format!("{}h", secs / 3_600),
        secs if secs >= 60 && secs % 60 == 0 => format!("{}m", secs / 60),
        secs => format!("{secs}s"),
    }
}

/// How long a message waits before it can be received.
pub(super) fn delay(text: &str) -> Result<i32, String> {
    up_to(text, 0, 900)
}

/// How long a receive waits for a message.
pub(super) fn receive_wait(text: &str) -> Result<i32, String> {
    up_to(text, 0, 20)
}

/// How long it is waited for rows.
pub(super) fn rows_wait(text: &str) -> Result<i32, String> {
    up_to(text, 0, 3_600)
}

/// How long a message that was received is hidden.
pub(super) fn visibility_timeout(text: &str) -> Result<i32, String> {
    up_to(text, 0, 43_200)
}

/// How long a message is kept.
pub(super) fn retention(text: &str) -> Result<i32, String> {
    up_to(text, 60, 1_209_600)
}

#[cfg(test)]
mod tests {
    use super::{delay, retention, sum, up_to};

    #[test]
    fn a_span_is_seconds_or_has_a_unit() {
        assert_eq!(
            ["90", "90s", "5m", "5min", "12h"].map(|text| up_to(text, 0, 43_200).unwrap()),
            [90, 90, 300, 300, 43_200]
        );
        assert_eq!(retention("14d"), Ok(1_209_600));
    }

    #[test]
    fn what_is_no_span_or_outside_is_refused_with_what_is_possible() {
        for bad in
            ["", "s", "-5", "-5s", "1.5m", "5 weeks", "901", "16m", "99999999999999999999", "9999999999d"]
        {
            let text = delay(bad).unwrap_err();
            assert!(text.starts_with("0s to 15m are possible"), "{bad}: {text}");
        }
    }

    #[test]
    fn spans_are_read() {
        let read = ["0", "90", "90s", "15m", "1h30m", "4d", "1d1h1m1s"].map(sum);
        assert_eq!(read, [0, 90, 90, 900, 5_400, 345_600, 90_061].map(Ok));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "m", "15", "15m ", "-1", "1.5h", "15 m", "15min", "99999999999999999999d", "1é"] {
            assert_eq!(sum(text).is_ok(), text == "15", "{text}");
        }
    }
}
