//! Who fails often is answered late, then told to slow down; nobody else notices.

use std::net::IpAddr;
use std::time::Duration;

use super::{AT_ONCE, EVERY, HELD_BACK, PLACES, Pace, Table, WAYS};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Fails until it is refused, and returns the first failure after that many.
fn exhaust(table: &mut Table, source: IpAddr, now: Duration) {
    while table.failed(source, now) != Pace::Refuse {}
}

#[test]
fn some_failures_are_answered_at_once_then_one_a_second_then_none() {
    let mut table = Table::new();
    let source = ip("198.51.100.1");
    for _ in 0..AT_ONCE {
        assert_eq!(table.failed(source, Duration::ZERO), Pace::Now);
    }
    for late in 1..=HELD_BACK {
        assert_eq!(table.failed(source, Duration::ZERO), Pace::After(EVERY * late));
    }
    for _ in 0..1_000 {
        assert_eq!(table.failed(source, Duration::ZERO), Pace::Refuse);
    }
    // What was refused is not held against it.
    assert_eq!(table.failed(source, EVERY), Pace::After(EVERY * HELD_BACK));
    assert_eq!(table.failed(source, EVERY), Pace::Refuse);
    assert_eq!(table.failed(source, EVERY * 100), Pace::Now);
}

#[test]
fn a_client_that_fails_now_and_then_never_waits() {
    let mut table = Table::new();
    for second in 0..1_000 {
        assert_eq!(table.failed(ip("198.51.100.1"), EVERY * second), Pace::Now);
    }
}

#[test]
fn sources_are_addresses_or_the_networks_of_one_party() {
    let mut table = Table::new();
    exhaust(&mut table, ip("198.51.100.1"), Duration::ZERO);
    assert_eq!(table.failed(ip("198.51.100.2"), Duration::ZERO), Pace::Now);
    assert_eq!(table.failed(ip("::ffff:198.51.100.1"), Duration::ZERO), Pace::Refuse);
    exhaust(&mut table, ip("2001:db8:0:1::1"), Duration::ZERO);
    assert_eq!(table.failed(ip("2001:db8:0:1:ffff::2"), Duration::ZERO), Pace::Refuse);
    assert_eq!(table.failed(ip("2001:db8:0:2::1"), Duration::ZERO), Pace::Now);
}

#[test]
fn a_crowd_of_sources_takes_no_more_room_and_does_not_wash_away_the_worst() {
    let mut table = Table::new();
    let worst = ip("198.51.100.1");
    exhaust(&mut table, worst, Duration::ZERO);
    for other in 0..100_000_u32 {
        assert_eq!(
            table.failed(IpAddr::from((0x0a00_0000 + other).to_be_bytes()), Duration::ZERO),
            Pace::Now
        );
    }
    assert_eq!(table.places.len() * WAYS, PLACES * WAYS);
    assert_eq!(table.failed(worst, Duration::ZERO), Pace::Refuse);
}
