//! Empty names are found in files, folders and inline modules.

use super::super::tree::Tree;
use super::check;

fn found(path: &str, text: &str) -> usize {
    check(&Tree::of(&[(path, text)])).len()
}

#[test]
fn files_and_folders_are_checked() {
    for path in ["crates/log/src/util.rs", "crates/log/tests/common/mod.rs", "conformance/test_utils.py"] {
        assert_eq!(found(path, ""), 1, "{path}");
    }
}

#[test]
fn inline_modules_are_checked() {
    assert_eq!(found("crates/log/src/lib.rs", "mod test_helpers {}\nuse crate::helper;\n"), 1);
}

#[test]
fn longer_words_are_fine() {
    assert_eq!(found("crates/log/src/commons.rs", "mod utility {}\n// mod util\n"), 0);
}
