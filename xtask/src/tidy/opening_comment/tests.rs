//! A file without an opening sentence is found.

use super::super::tree::Tree;
use super::check;

fn passes(path: &str, text: &str) -> bool {
    check(&Tree::of(&[(path, text)])).is_empty()
}

#[test]
fn a_rust_file_opens_with_a_module_comment() {
    assert!(passes("a.rs", "//! What it is.\n"));
    assert!(!passes("a.rs", "// What it is.\n"));
    assert!(!passes("a.rs", "//!\n//! What it is.\n"));
    assert!(!passes("a.rs", "#![no_std]\n//! What it is.\n"));
    assert!(!passes("a.rs", ""));
}

#[test]
fn a_python_file_opens_with_a_docstring() {
    assert!(passes("a.py", "\"\"\"What it is.\"\"\"\n"));
    assert!(!passes("a.py", "import os\n"));
}

#[test]
fn other_files_open_as_they_like() {
    assert!(passes("a.toml", "[package]\n"));
}
