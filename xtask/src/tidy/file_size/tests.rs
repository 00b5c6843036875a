//! Long files are found, and the ratchet only turns down.

use super::super::tree::Tree;
use super::{RATCHET_PATH, check_with};

fn found(lengths: &[usize], allowed: usize) -> Vec<String> {
    let files: Vec<(String, String)> = lengths
        .iter()
        .enumerate()
        .map(|(index, lines)| (format!("{index}.rs"), "//!\n".repeat(*lines)))
        .collect();
    let borrowed: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    check_with(&Tree::of(&borrowed), allowed).into_iter().map(|finding| finding.path).collect()
}

#[test]
fn files_within_the_limits_pass() {
    assert!(found(&[10, 450], 0).is_empty());
    assert!(found(&[451, 800], 2).is_empty());
}

#[test]
fn a_file_over_the_hard_limit_is_found_whatever_the_ratchet_allows() {
    assert_eq!(found(&[10, 801], 1), ["1.rs"]);
}

#[test]
fn one_long_file_more_shows_all_of_them() {
    assert_eq!(found(&[451, 10, 452], 1), ["0.rs", "2.rs"]);
}

#[test]
fn a_long_file_less_asks_for_a_lower_ratchet() {
    assert_eq!(found(&[451], 2), [RATCHET_PATH]);
}
