//! A tree knows files, folders and what is tracked; reading one leaves out what git ignores.

use super::Tree;
use crate::workspace;

#[test]
fn folders_exist_when_something_is_in_them() {
    let tree = Tree::of(&[("crates/log/src/lib.rs", ""), ("docs.md", "")]);
    assert!(tree.has("crates/log"));
    assert!(tree.has("crates/log/"));
    assert!(tree.has("docs.md"));
    assert!(!tree.has("crates/lo"));
    assert!(!tree.has("docs"));
}

#[test]
fn untracked_files_are_read_but_not_tracked() {
    let tree = Tree::of(&[("a.md", "")]).with_untracked("a.md");
    assert!(tree.has("a.md"));
    assert!(!tree.is_tracked("a.md"));
    assert!(!tree.is_tracked("absent.md"));
}

#[test]
fn the_real_tree_has_this_file_and_no_build_output() {
    let tree = Tree::read(&workspace::root()).unwrap();
    assert!(tree.has("xtask/src/tidy/tree/tests.rs"));
    assert!(!tree.has("target"));
}
