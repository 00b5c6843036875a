//! Absolute paths of a machine are found; URLs and relative paths are not.

use super::super::tree::Tree;
use super::check;

const NONE: [usize; 0] = [];

fn found(text: &str) -> Vec<usize> {
    check(&Tree::of(&[("a.md", text)])).iter().map(|finding| finding.line).collect()
}

#[test]
fn absolute_paths_are_found() {
    for folder in ["home", "root", "work"] {
        assert_eq!(found(&format!("fine\nsee `/{folder}/x`\n")), [2], "{folder}");
        assert_eq!(found(&format!("DIR=/{folder}/x\n")), [1], "{folder}");
    }
}

#[test]
fn urls_and_relative_paths_are_fine() {
    for folder in ["home", "root", "work"] {
        assert_eq!(found(&format!("http://host/{folder}/x and ./{folder}/x and a/{folder}/x\n")), NONE);
    }
    assert_eq!(found("homework and /roots/ and /homes\n"), NONE);
}
