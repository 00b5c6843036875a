//! Rule: nothing unfinished or switched off lands: no placeholder macros, no ignored or skipped tests, no
//! notes to come back later.

use super::Finding;
use super::rust_source::{line_of, words};
use super::tree::Tree;

const RUST_CODE: [&str; 3] = ["todo!", "unimplemented!", "#[ignore"];
const PYTHON_CODE: [&str; 4] = ["mark.skip", "pytest.skip", "mark.xfail", "NotImplementedError"];
const NOTES: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

const REMEDY: &str = "finish it or take it out";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files() {
        let code = &file.source.code;
        for mark in RUST_CODE {
            for (start, _) in code.match_indices(mark) {
                let what = format!("`{mark}` in code");
                findings.push(Finding::new(file.path, line_of(code, start), what, REMEDY));
            }
        }
        findings.extend(notes(file.path, &file.source.comments));
    }
    for (path, text) in tree.files().iter().filter(|(path, _)| path.ends_with(".py")) {
        for mark in PYTHON_CODE {
            for (start, _) in text.match_indices(mark) {
                findings.push(Finding::new(path, line_of(text, start), format!("`{mark}` in code"), REMEDY));
            }
        }
        findings.extend(notes(path, text));
    }
    findings
}

fn notes(path: &str, text: &str) -> Vec<Finding> {
    let found = NOTES.iter().flat_map(|note| words(text, note).map(move |start| (*note, start)));
    found
        .map(|(note, start)| Finding::new(path, line_of(text, start), format!("a note `{note}`"), REMEDY))
        .collect()
}

#[cfg(test)]
mod tests;
