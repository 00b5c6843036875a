//! Units, and what is no amount.

use super::{bytes, count};

#[test]
fn bytes_may_have_a_unit() {
    let parsed = ["7", "2KiB", "3MiB", "1GiB", "1TiB"].map(|text| bytes(text).unwrap_or_default());
    assert_eq!(parsed, [7, 2_048, 3 << 20, 1 << 30, 1 << 40]);
    for wrong in ["", "GiB", "1 GiB", "1GB", "-1", "1.5GiB", "99999999999TiB", "0", "0KiB"] {
        assert!(bytes(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_quota_of_nothing_is_none() {
    assert_eq!(count("1"), Ok(1));
    assert!(count("0").is_err_and(|why| why.contains("leave it out")));
}
