//! A file that is missing, empty or untracked is found.

use super::super::tree::Tree;
use super::{REQUIRED, check};

fn complete() -> Vec<(&'static str, &'static str)> {
    REQUIRED.iter().map(|(path, _)| (*path, "text")).collect()
}

fn found(tree: &Tree) -> Vec<(String, String)> {
    check(tree).into_iter().map(|finding| (finding.path, finding.what)).collect()
}

#[test]
fn a_complete_tree_passes() {
    assert_eq!(found(&Tree::of(&complete())), []);
}

#[test]
fn a_missing_file_is_found() {
    let mut files = complete();
    files.retain(|(path, _)| *path != "CHANGELOG.md");
    let expected = [("CHANGELOG.md".to_owned(), "does not exist".to_owned())];
    assert_eq!(found(&Tree::of(&files)), expected);
}

#[test]
fn an_empty_file_is_found() {
    let mut files = complete();
    files.retain(|(path, _)| *path != "README.md");
    files.push(("README.md", "\n"));
    assert_eq!(found(&Tree::of(&files)), [("README.md".to_owned(), "is empty".to_owned())]);
}

#[test]
fn an_untracked_lock_file_is_found() {
    let tree = Tree::of(&complete()).with_untracked("Cargo.lock");
    assert_eq!(found(&tree), [("Cargo.lock".to_owned(), "is not tracked".to_owned())]);
}
