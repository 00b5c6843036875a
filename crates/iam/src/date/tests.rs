//! Dates there and back.

use super::{BasicDate, extended, extended_millis, of_day};

#[test]
fn known_moments_are_read_and_written() {
    let known = [
        ("19700101T000000Z", 0, "1970-01-01T00:00:00Z"),
        ("20000229T235959Z", 951_868_799, "2000-02-29T23:59:59Z"),
        ("20150830T123600Z", 1_440_938_160, "2015-08-30T12:36:00Z"),
        ("20000229T000000Z", 951_782_400, "2000-02-29T00:00:00Z"),
        ("20240229T235959Z", 1_709_251_199, "2024-02-29T23:59:59Z"),
        ("20240301T000000Z", 1_709_251_200, "2024-03-01T00:00:00Z"),
        ("20261121T070000Z", 1_795_244_400, "2026-11-21T07:00:00Z"),
        ("20261121T190000Z", 1_795_287_600, "2026-11-21T19:00:00Z"),
        ("21000301T000000Z", 4_107_542_400, "2100-03-01T00:00:00Z"),
    ];
    for (text, secs, long) in known {
        let date = BasicDate::parse(text).unwrap();
        assert_eq!((date.secs(), date.as_str(), date.day()), (secs, text, &text[..8]));
        assert_eq!(BasicDate::of(secs), Some(date));
        assert_eq!(extended(secs), long);
    }
}

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
        assert_eq!(of_day(days), expected, "{days}");
    }
}

#[test]
fn a_moment_is_written_as_rfc_3339_has_it() {
    assert_eq!(extended_millis(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(extended_millis(951_868_799_999), "2000-02-29T23:59:59.999Z");
    assert!(!extended(u64::MAX).is_empty());
}

#[test]
fn every_day_of_four_centuries_survives_the_way_there_and_back() {
    for day in 0..146_097_u64 {
        let date = BasicDate::of(day * 86_400 + 3_661).unwrap();
        assert_eq!(BasicDate::parse(date.as_str()), Some(date));
    }
}

#[test]
fn a_text_that_names_no_moment_is_no_date() {
    let wrong = [
        "",
        "20150830T123600",
        "20150830 123600Z",
        "20150830T123600z",
        "20150230T000000Z",
        "20150431T000000Z",
        "21000229T000000Z",
        "20151301T000000Z",
        "20150001T000000Z",
        "20150100T000000Z",
        "20150830T243600Z",
        "20150830T126000Z",
        "20150830T123661Z",
        "19690830T123600Z",
        "+0150830T123600Z",
        "2015é830T123600Z",
        "2015-08-30T12:36:00Z",
    ];
    for text in wrong {
        assert_eq!(BasicDate::parse(text), None, "{text}");
    }
}

#[test]
fn the_date_header_is_read_in_both_its_forms() {
    let expected = BasicDate::parse("20110909T233600Z");
    assert_eq!(BasicDate::parse_http("Fri, 09 Sep 2011 23:36:00 GMT"), expected);
    assert_eq!(BasicDate::parse_http("20110909T233600Z"), expected);
    for wrong in [
        "Fri, 09 Sep 2011 23:36:00",
        "Fri, 09 Sep 2011 23:36:00 UTC",
        "Fri, 9 Sep 2011 23:36:00 GMT",
        "Fri, 09 Xxx 2011 23:36:00 GMT",
        "Fri, 31 Sep 2011 23:36:00 GMT",
        "Friday, 09-Sep-11 23:36:00 GMT",
        "ééé 09 Sep 2011 23:36:00 GMT",
    ] {
        assert_eq!(BasicDate::parse_http(wrong), None, "{wrong}");
    }
}
