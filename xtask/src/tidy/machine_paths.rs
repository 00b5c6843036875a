//! Rule: no file names a folder of the machine it was written on.

use super::Finding;
use super::rust_source::line_of;
use super::tree::Tree;

/// First folders of absolute paths that exist on one machine only. Their slashes are added in the search, so
/// that this file passes its own rule.
const FOLDERS: [&str; 3] = ["home", "root", "work"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files() {
        for folder in FOLDERS.map(|name| format!("/{name}/")) {
            for (start, _) in text.match_indices(&folder) {
                if starts_a_path(&text[..start]) {
                    let what = format!("an absolute path below `{folder}`");
                    let remedy = "make it relative, or a temporary folder made at run time";
                    findings.push(Finding::new(path, line_of(text, start), what, remedy));
                }
            }
        }
    }
    findings
}

/// Whether a `/` right after this text is the first of a path, not one inside a URL or a longer path.
fn starts_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || "._-~}/>*".contains(c))
}

#[cfg(test)]
mod tests;
