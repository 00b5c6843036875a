//! Rule: a Rust file has at most 800 lines, and the number of files over 450 never grows: it is a ratchet,
//! lowered here whenever a file is taken apart.

use super::Finding;
use super::tree::Tree;

const HARD_LIMIT_LINES: usize = 800;
const SOFT_LIMIT_LINES: usize = 450;

/// How many files may be longer than the soft limit today.
const LONG_FILES_ALLOWED: usize = 0;

const RATCHET_PATH: &str = "xtask/src/tidy/file_size.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    check_with(tree, LONG_FILES_ALLOWED)
}

fn check_with(tree: &Tree, long_files_allowed: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut long_files = Vec::new();
    for file in tree.rust_files() {
        let lines = file.text.lines().count();
        if lines > HARD_LIMIT_LINES {
            let what = format!("{lines} lines, over the limit of {HARD_LIMIT_LINES}");
            findings.push(Finding::new(file.path, lines, what, "split it by behaviour"));
        }
        if lines > SOFT_LIMIT_LINES {
            long_files.push((file.path, lines));
        }
    }
    let found = long_files.len();
    if found > long_files_allowed {
        for (path, lines) in long_files {
            let what = format!(
                "{lines} lines; {found} files are over {SOFT_LIMIT_LINES} and {long_files_allowed} may be"
            );
            findings.push(Finding::new(path, lines, what, "split this file or another of them by behaviour"));
        }
    } else if found < long_files_allowed {
        let what = format!("{found} files are over {SOFT_LIMIT_LINES} lines, the ratchet allows more");
        findings.push(Finding::new(RATCHET_PATH, 1, what, "lower LONG_FILES_ALLOWED to that number"));
    }
    findings
}

#[cfg(test)]
mod tests;
