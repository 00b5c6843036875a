//! Rule: no file, folder or module is named after nothing in particular. Such a name gathers what belongs
//! elsewhere.

use super::Finding;
use super::rust_source::{line_of, words};
use super::tree::Tree;

const BANNED: [&str; 8] = ["common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"];

const REMEDY: &str = "name it after the behaviour in it";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.files().keys() {
        if let Some(word) = path.split('/').find_map(banned_word) {
            findings.push(Finding::new(path, 1, format!("`{word}` in its path"), REMEDY));
        }
    }
    for file in tree.rust_files() {
        let code = &file.source.code;
        for start in words(code, "mod") {
            let name: String = code[start + 3..]
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if let Some(word) = banned_word(&name) {
                let what = format!("`{word}` in the name of module `{name}`");
                findings.push(Finding::new(file.path, line_of(code, start), what, REMEDY));
            }
        }
    }
    findings
}

fn banned_word(name: &str) -> Option<&'static str> {
    let stem = name.split('.').next().unwrap_or_default();
    let mut words = stem.split(['_', '-']);
    words.find_map(|word| BANNED.into_iter().find(|banned| *banned == word))
}

#[cfg(test)]
mod tests;
