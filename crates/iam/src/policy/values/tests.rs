//! Numbers, dates and addresses: what they are, what is none, and how they compare.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{Decimal, Network, instant};
use crate::date;

fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(Decimal::parse(a)?.compare(Decimal::parse(b)?))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_date_is_read_as_it_is_written(secs in 0..253_402_300_800_u64) {
        prop_assert_eq!(instant(&date::extended(secs)), Some(i128::from(secs) * 1_000_000_000));
    }

    #[test]
    fn numbers_compare_as_numbers(a in -1_000_000..1_000_000_i64, b in -1_000_000..1_000_000_i64) {
        let text = |number: i64| format!("{}{}.{:03}00", if number < 0 { "-00" } else { "0" }, number.abs() / 1000, number.abs() % 1000);
        prop_assert_eq!(compare(&text(a), &text(b)), Some(a.cmp(&b)));
    }

    #[test]
    fn an_address_is_in_a_network_when_the_first_bits_are_alike(network in any::<u32>(), prefix_bits in 0..=32_u32, address in any::<u32>()) {
        let show = std::net::Ipv4Addr::from_bits;
        let parsed = Network::parse(&format!("{}/{prefix_bits}", show(network))).expect("a network");
        let alike = (network ^ address).leading_zeros() >= prefix_bits;
        prop_assert_eq!(parsed.contains(show(address).into()), alike);
    }
}

#[test]
fn known_dates() {
    assert_eq!(instant("1969-12-31"), Some(-86_400_000_000_000));
    assert_eq!(instant("0000-03-01"), Some(-62_162_035_200_000_000_000));
}

#[test]
fn what_is_no_value_is_none() {
    for text in ["", ".", "-", "1e3", "0x1", "1.2.3", "١"] {
        assert!(Decimal::parse(text).is_none(), "{text}");
    }
    for text in [
        "",
        "-",
        "T",
        "2026-13",
        "2026-11-31",
        "2026-11-21T24:00Z",
        "2026-11-21T07:00:00+1",
        "2026-11-21T07:00:00ZZ",
    ] {
        assert!(instant(text).is_none(), "{text}");
    }
    for text in ["", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "a"] {
        assert!(Network::parse(text).is_none(), "{text}");
    }
    assert!(Network::parse("::/0").is_some_and(|network| network.contains([0_u16; 8].into())));
}
