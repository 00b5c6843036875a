//! Rule: a path that the documents name in backticks exists. What no test reads, rots.

use super::Finding;
use super::tree::Tree;

/// The folders whose paths are checked.
const ROOTS: [&str; 8] =
    [".ci/", "benches/", "conformance/", "crates/", "docs/", "examples/", "fuzz/", "xtask/"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (document, text) in tree.files().iter().filter(|(path, _)| is_document(path)) {
        for (line, span) in code_spans(text) {
            let Some(path) = named_path(span) else { continue };
            if !tree.has(path) {
                let what = format!("`{path}` does not exist");
                findings.push(Finding::new(document, line, what, "name the path as it is now"));
            }
        }
    }
    findings
}

fn is_document(path: &str) -> bool {
    let prose = path.ends_with(".md");
    // The changelog speaks of what was.
    prose && path != "CHANGELOG.md"
}

/// The contents of `…` spans with their lines, outside fenced blocks.
fn code_spans(text: &str) -> Vec<(usize, &str)> {
    let mut spans = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            spans.extend(line.split('`').skip(1).step_by(2).map(|span| (index + 1, span)));
        }
    }
    spans
}

/// The path in a span, without a line number, a Rust item or an anchor; none if it is a pattern or a command.
fn named_path(span: &str) -> Option<&str> {
    let path = span.split([':', '#']).next().unwrap_or_default();
    let pattern =
        path.contains(|c: char| c.is_whitespace() || "*<>{}…$".contains(c)) || path.contains("NAME");
    (!pattern && ROOTS.iter().any(|root| path.starts_with(root))).then_some(path)
}

#[cfg(test)]
mod tests;
