//! The format, letter by letter.

use super::{Family, Kind, Number, Text, labels};

#[test]
fn a_family_stands_before_its_samples() {
    let family = Family { name: "m_total", kind: Kind::Counter, help: "back\\slash,\n\"line\"" };
    let mut text = Text::default();
    text.family(&family);
    text.sample(family.name, "", &labels(&[("a", "x\\y\"z\n"), ("b", "")]), Number::Whole(u64::MAX));
    text.sample(family.name, "", "", Number::Millis(1_500));
    let expected = "# HELP m_total back\\\\slash,\\n\"line\"\n# TYPE m_total counter\n\
                    m_total{a=\"x\\\\y\\\"z\\n\",b=\"\"} 18446744073709551615\nm_total 1.500\n";
    assert_eq!(text.take(), expected);
}

#[test]
fn buckets_are_cumulative_and_the_last_is_unbounded() {
    let mut text = Text::default();
    let bounds = [Number::Micros(500), Number::Micros(1_000_000)];
    text.histogram("h_seconds", "a=\"b\"", &[2, 0, 3], bounds, Some(Number::Micros(7)));
    let expected = "h_seconds_bucket{a=\"b\",le=\"0.000500\"} 2\nh_seconds_bucket{a=\"b\",le=\"1.000000\"} 2\n\
                    h_seconds_bucket{a=\"b\",le=\"+Inf\"} 5\nh_seconds_sum{a=\"b\"} 0.000007\nh_seconds_count{a=\"b\"} 5\n";
    assert_eq!(text.take(), expected);
    text.histogram("h", "", &[1, 1], [Number::Whole(4)], None);
    assert_eq!(text.take(), "h_bucket{le=\"4\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\n");
}

#[test]
fn numbers_are_never_rounded() {
    let shown =
        [Number::Whole(7), Number::Millis(1), Number::Micros(60_000_001)].map(|number| number.to_string());
    assert_eq!(shown, ["7", "0.001", "60.000001"]);
}
