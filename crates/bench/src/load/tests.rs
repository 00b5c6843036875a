//! Tallies: merging loses nothing, and every begun operation is counted once. Schedules: every moment once, in time.

use super::tally::ErrorText;
use super::*;

const NOW: Duration = Duration::ZERO;

fn micros(us: u64) -> Duration {
    Duration::from_micros(us)
}

#[test]
fn merged_tallies_have_the_quantiles_of_all_operations_together() {
    let (mut odd, mut even, mut all) = (Tally::new(None), Tally::new(None), Tally::new(None));
    for us in 1..=2000 {
        let one = if us % 2 == 0 { &mut even } else { &mut odd };
        one.begin(None);
        one.accept(NOW, micros(us), 10);
        all.accept(NOW, micros(us), 10);
    }
    let mut merged = Tally::new(None);
    merged.add(&odd);
    merged.add(&even);
    assert_eq!((merged.operations().count(), merged.messages()), (2000, 20_000));
    for quantile in [0.0, 0.5, 0.99, 0.999, 1.0] {
        assert_eq!(merged.operations().us(quantile), all.operations().us(quantile), "quantile {quantile}");
    }
    // Three significant digits.
    assert!(merged.operations().us(0.5).abs_diff(1000) <= 1);
    assert!(merged.operations().us(1.0).abs_diff(2000) <= 2);
    assert_eq!(merged.operations().buckets().map(|(_, count)| count).sum::<u64>(), 2000);
}

#[test]
fn latencies_beyond_the_range_are_kept_as_its_ends() {
    let mut tally = Tally::new(None);
    tally.accept(NOW, Duration::ZERO, 1);
    tally.accept(NOW, Duration::from_secs(3600), 1);
    assert_eq!(tally.operations().count(), 2);
    assert_eq!(tally.operations().us(0.0), 1);
    assert!(tally.operations().us(1.0) >= 119_000_000);
}

#[test]
fn the_first_distinct_error_texts_are_kept_and_every_error_counts() {
    let (mut one, mut other) = (Tally::new(None), Tally::new(None));
    for text in ["a", "b", "c", "a"] {
        one.fail(NOW, text);
    }
    for text in ["a", "d", "e", "f", "f"] {
        other.fail(NOW, text);
    }
    one.add(&other);
    assert_eq!(one.errors(), 9);
    let kept: Vec<(&str, u64)> = one.error_texts().iter().map(|e| (e.text.as_str(), e.count)).collect();
    assert_eq!(kept, [("a", 3), ("b", 1), ("c", 1), ("d", 1), ("e", 1)]);
}

#[test]
fn every_operation_under_way_at_the_end_and_every_one_that_never_began_is_an_error() {
    let mut tally = Tally::new(None);
    (0..5).for_each(|_| tally.begin(None));
    tally.accept(NOW, micros(5), 1);
    tally.end_empty();
    tally.fail(NOW, "refused");
    tally.end_unanswered(Duration::from_secs(10), 7);
    tally.end_unanswered(Duration::from_secs(10), 0);
    assert_eq!((tally.operations().count(), tally.empty_receives(), tally.errors()), (1, 1, 10));
    let texts = [
        ("refused", 1),
        ("no reply within 10 s after the end", 2),
        ("not begun within 10 s after the end", 7),
    ];
    let expected = texts.map(|(text, count)| ErrorText { text: text.to_owned(), count });
    assert_eq!(tally.error_texts(), expected);
}

#[test]
fn an_operation_belongs_to_the_part_of_the_window_in_which_it_began() {
    let mut tally = Tally::new(Some(Duration::from_secs(60)));
    tally.accept(Duration::from_millis(59_999), Duration::from_secs(90), 10);
    tally.accept(Duration::from_secs(120), micros(7), 3);
    tally.fail(Duration::from_secs(121), "refused");
    let parts: Vec<_> =
        tally.intervals().iter().map(|part| (part.operations.count(), part.messages, part.errors)).collect();
    assert_eq!(parts, [(1, 10, 0), (0, 0, 0), (1, 3, 1)]);
    assert!(tally.intervals()[0].operations.us(1.0) >= 89_000_000);
}

#[test]
fn a_generator_that_was_late_is_told_apart_from_a_server_that_was_busy() {
    let mut tally = Tally::new(None);
    tally.begin(Some(Some(micros(40))));
    tally.begin(Some(None));
    assert_eq!((tally.late().count(), tally.waited()), (1, 1));
    assert_eq!(tally.late().us(1.0), 40);
}

fn on_a_runtime(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

#[test]
fn every_moment_is_taken_once_in_order_and_not_before_it_has_come() {
    on_a_runtime(async {
        let began = Instant::now();
        let schedule = Schedule::new(began, began + Duration::from_millis(50), 1000.0);
        let take_all = async {
            let mut taken = Vec::new();
            while let Some(arrival) = schedule.take().await {
                assert!(Instant::now() >= arrival.at, "it has come");
                taken.push((arrival.at - began).as_micros());
            }
            taken
        };
        let let_go = async {
            schedule.let_go().await.unwrap();
            schedule.end(1);
        };
        let (taken, ()) = tokio::join!(take_all, let_go);
        assert_eq!(taken, (0..50).map(|index| index * 1000).collect::<Vec<u128>>());
        assert_eq!(schedule.not_taken_since(began), 0);
    });
}

#[test]
fn a_moment_that_nobody_took_in_time_keeps_its_time_and_is_not_the_generators_fault() {
    on_a_runtime(async {
        let began = Instant::now();
        let schedule = Schedule::new(began, began + Duration::from_millis(3), 1000.0);
        schedule.let_go().await.unwrap();
        let first = schedule.take().await.unwrap();
        assert_eq!((first.at, first.late), (began, None));
        assert_eq!(schedule.not_taken_since(began), 2);
        assert_eq!(schedule.not_taken_since(began + Duration::from_millis(2)), 1);
    });
}
