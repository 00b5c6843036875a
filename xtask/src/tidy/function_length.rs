//! Rule: a function outside tests has at most 70 lines, from its `fn` to its closing brace.

use super::Finding;
use super::tree::Tree;

const LIMIT_LINES: usize = 70;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files().filter(|file| !file.is_test()) {
        for function in file.source.functions() {
            if function.lines > LIMIT_LINES && !function.in_test {
                let what = format!("`{}` has {} lines, over {LIMIT_LINES}", function.name, function.lines);
                findings.push(Finding::new(
                    file.path,
                    function.line,
                    what,
                    "give its parts names of their own",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
