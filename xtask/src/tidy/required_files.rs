//! Rule: the files that everyone looks for are there, say something, and are known to git.

use super::Finding;
use super::tree::Tree;

const REQUIRED: [(&str, &str); 7] = [
    (".ci/run", "it runs the tests on a fresh machine"),
    ("ARCHITECTURE.md", "write the map of the code"),
    ("CHANGELOG.md", "write what changed for users"),
    ("Cargo.lock", "run `cargo generate-lockfile`"),
    ("LICENSE-APACHE", "add the licence text"),
    ("LICENSE-MIT", "add the licence text"),
    ("README.md", "write what it is and how to start"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, remedy) in REQUIRED {
        match tree.files().get(path) {
            None => findings.push(Finding::new(path, 1, "does not exist", remedy)),
            Some(text) if text.trim().is_empty() => findings.push(Finding::new(path, 1, "is empty", remedy)),
            Some(_) if !tree.is_tracked(path) => {
                findings.push(Finding::new(path, 1, "is not tracked", "add it with `git add`"));
            }
            Some(_) => {}
        }
    }
    findings
}

#[cfg(test)]
mod tests;
