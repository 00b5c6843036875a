//! Which failures of a piece are an outage and which are poison.

use super::is_outage;

#[test]
fn unclear_failures_are_poison_when_neighbours_landed() {
    assert!(!is_outage(1, 1, 0));
    assert!(!is_outage(7, 1, 0));
}

#[test]
fn unclear_failures_of_several_records_are_an_outage_for_as_long_as_it_lasts() {
    assert!(is_outage(2, 0, 0));
    assert!(is_outage(2, 0, 10_000));
}

#[test]
fn a_lone_unclear_failure_is_poison_after_a_few_rounds() {
    let rounds: Vec<_> = (0..6).map(|round| is_outage(1, 0, round)).collect();
    assert_eq!(rounds, [true, true, true, true, false, false]);
}
