//! Days as dates, in the Gregorian calendar and UTC.

/// Year, month and day of a number of days since 1970, as in <https://howardhinnant.github.io/date_algorithms.html>.
pub(crate) fn date(days: u64) -> (i32, u8, u8) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let fits = |number: u64| u8::try_from(number).unwrap_or(1);
    (i32::try_from(year).unwrap_or(i32::MAX), fits(month), fits(day))
}

/// Such as `2026-11-21T19:07:42.031Z`, of milliseconds since 1970.
pub(crate) fn timestamp(millis: u64) -> String {
    let (year, month, day) = date(millis / 86_400_000);
    let of_day = millis % 86_400_000;
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1_000 % 60, of_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use super::{date, timestamp};

    #[test]
    fn days_are_dates() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_778, (2026, 11, 21)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(days), expected, "{days}");
        }
    }

    #[test]
    fn a_moment_is_written_as_rfc_3339_has_it() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(951_868_799_999), "2000-02-29T23:59:59.999Z");
    }
}
