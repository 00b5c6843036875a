//! Tallies: merging loses nothing, and every begun request is counted once.

use super::tally::ErrorText;
use super::*;

fn micros(us: u64) -> Duration {
    Duration::from_micros(us)
}

#[test]
fn merged_tallies_have_the_quantiles_of_all_requests_together() {
    let (mut odd, mut even, mut all) = (Tally::new(), Tally::new(), Tally::new());
    for us in 1..=2000 {
        let one = if us % 2 == 0 { &mut even } else { &mut odd };
        one.begin();
        one.accept(micros(us), 10);
        all.accept(micros(us), 10);
    }
    let mut merged = Tally::new();
    merged.add(&odd);
    merged.add(&even);
    assert_eq!((merged.accepted(), merged.messages()), (2000, 20_000));
    for quantile in [0.0, 0.5, 0.99, 0.999, 1.0] {
        assert_eq!(merged.latency_us(quantile), all.latency_us(quantile), "quantile {quantile}");
    }
    // Three significant digits.
    assert!(merged.latency_us(0.5).abs_diff(1000) <= 1);
    assert!(merged.latency_us(1.0).abs_diff(2000) <= 2);
}

#[test]
fn latencies_beyond_the_range_are_kept_as_its_ends() {
    let mut tally = Tally::new();
    tally.accept(Duration::ZERO, 1);
    tally.accept(Duration::from_secs(3600), 1);
    assert_eq!(tally.accepted(), 2);
    assert_eq!(tally.latency_us(0.0), 1);
    assert!(tally.latency_us(1.0) >= 119_000_000);
}

#[test]
fn the_first_distinct_error_texts_are_kept_and_every_error_counts() {
    let (mut one, mut other) = (Tally::new(), Tally::new());
    for text in ["a", "b", "c", "a"] {
        one.fail(text);
    }
    for text in ["a", "d", "e", "f", "f"] {
        other.fail(text);
    }
    one.add(&other);
    assert_eq!(one.errors(), 9);
    let kept: Vec<(&str, u64)> = one.error_texts().iter().map(|e| (e.text.as_str(), e.count)).collect();
    assert_eq!(kept, [("a", 3), ("b", 1), ("c", 1), ("d", 1), ("e", 1)]);
}

#[test]
fn a_request_still_under_way_at_the_end_is_one_error() {
    let mut tally = Tally::new();
    tally.begin();
    tally.end_unanswered(Duration::from_secs(10));
    tally.end_unanswered(Duration::from_secs(10));
    assert_eq!((tally.accepted(), tally.errors()), (0, 1));
    let text = "no reply within 10 s after the end".to_owned();
    assert_eq!(tally.error_texts(), [ErrorText { text, count: 1 }]);

    let mut answered = Tally::new();
    answered.begin();
    answered.accept(micros(5), 1);
    answered.end_unanswered(Duration::from_secs(10));
    assert_eq!((answered.accepted(), answered.errors()), (1, 0));
}
