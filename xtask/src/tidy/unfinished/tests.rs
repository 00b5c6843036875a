//! Unfinished code, switched-off tests and notes are found; their names in strings are not.

use super::super::tree::Tree;
use super::check;

const NONE: [usize; 0] = [];

fn found(path: &str, text: &str) -> Vec<usize> {
    check(&Tree::of(&[(path, text)])).iter().map(|finding| finding.line).collect()
}

#[test]
fn rust_code_and_comments_are_searched() {
    assert_eq!(found("a.rs", "//! A.\nfn f() {\n    todo!()\n}\n"), [3]);
    assert_eq!(found("a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}\n"), [2]);
    assert_eq!(found("a.rs", "//! A.\n// FIXME: later\n"), [2]);
}

#[test]
fn python_is_searched() {
    assert_eq!(found("a.py", "import pytest\n@pytest.mark.skip\ndef test(): pass\n"), [2]);
    assert_eq!(found("a.py", "x = 1  # HACK\n"), [1]);
}

#[test]
fn strings_and_longer_words_are_fine() {
    assert_eq!(
        found("a.rs", "const MARKS: [&str; 2] = [\"todo!\", \"FIXME\"];\nlet hackney = HACKNEY;\n"),
        NONE
    );
}
