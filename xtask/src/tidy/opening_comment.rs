//! Rule: a Rust file opens with `//!`, and a Python file with a docstring, that says what the file is.

use super::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files() {
        let opening = match path.rsplit_once('.') {
            Some((_, "rs")) => "//!",
            Some((_, "py")) => "\"\"\"",
            _ => continue,
        };
        let said = text.lines().next().and_then(|first| first.strip_prefix(opening));
        if said.is_none_or(|said| said.trim().is_empty()) {
            let what = format!("does not open with `{opening}` and a sentence");
            let remedy = "say what the file is, what always holds and what it refuses to do";
            findings.push(Finding::new(path, 1, what, remedy));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
