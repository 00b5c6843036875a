//! Fading sums against sums of whole numbers, as far as those reach.

use proptest::collection::vec;
use proptest::prelude::*;

use super::ProcessingTime;
use crate::time::Timestamp;

const MINUTE: u64 = 60_000;

fn lease(millis: u64, minute: u64) -> ProcessingTime {
    let ended_at = 1_700_000_040_000 + minute * MINUTE;
    ProcessingTime::of(Timestamp::from_millis(ended_at - millis), Timestamp::from_millis(ended_at))
}

fn sum(leases: &[(u64, u64)]) -> ProcessingTime {
    leases.iter().fold(ProcessingTime::ZERO, |sum, (millis, minute)| sum.plus(lease(*millis, *minute)))
}

/// The same, from a first minute on.
fn plain(leases: &[(u64, u64)]) -> u128 {
    leases.iter().map(|(millis, minute)| u128::from(*millis) << minute).sum()
}

#[test]
fn a_lease_weighs_half_as_much_as_one_that_ended_a_minute_later() {
    assert_eq!(sum(&[(500, 3), (500, 3)]), lease(500, 4));
    assert!(lease(999, 3) < lease(500, 4));
    assert_eq!(lease(0, 5), ProcessingTime::ZERO);
}

#[test]
fn after_hours_nothing_is_left_of_it() {
    assert_eq!(lease(43_200_000, 0).plus(lease(1, 200)), lease(1, 200));
    assert!(!lease(43_200_000, 0).exceeds_tenth_of(lease(1, 200)));
    assert!(lease(1, 200).exceeds_tenth_of(lease(43_200_000, 0)));
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let longest = ProcessingTime::of(Timestamp::EPOCH, Timestamp::MAX);
    assert!(longest.plus(longest) > longest);
    assert_eq!(ProcessingTime::of(Timestamp::MAX, Timestamp::EPOCH), ProcessingTime::ZERO);
    assert!(!ProcessingTime::ZERO.exceeds_tenth_of(ProcessingTime::ZERO));
}

proptest! {
    #[test]
    fn sums_compare_as_those_of_whole_numbers(
        one in vec((0..50_000_u64, 0..30_u64), 0..20),
        other in vec((0..50_000_u64, 0..30_u64), 0..20),
    ) {
        prop_assert_eq!(sum(&one).cmp(&sum(&other)), plain(&one).cmp(&plain(&other)));
        let both: Vec<_> = one.iter().chain(&other).copied().collect();
        prop_assert_eq!(sum(&one).exceeds_tenth_of(sum(&both)), plain(&one) * 10 > plain(&both));
    }
}
