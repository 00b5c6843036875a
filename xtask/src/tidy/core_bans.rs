//! Rule: the pure core names no clock, no randomness, no unordered map, no thread, no IO and no async. Its
//! clippy.toml bans the calls; this also bans importing the modules, in the core's tests inside `src` too.

use super::Finding;
use super::rust_source::{line_of, words};
use super::tree::Tree;

const CORE: &str = "crates/core/src/";

const TIME: &str = "take time as an argument";
const ENTROPY: &str = "take entropy as an argument";
const ORDER: &str = "iteration order must be fixed: use BTreeMap or BTreeSet";
const SHELL: &str = "this belongs to a shell around the core";

const BANS: [(&str, &str); 13] = [
    ("SystemTime", TIME),
    ("Instant::now", TIME),
    ("time::Instant", TIME),
    ("rand", ENTROPY),
    ("fastrand", ENTROPY),
    ("getrandom", ENTROPY),
    ("RandomState", ENTROPY),
    ("HashMap", ORDER),
    ("HashSet", ORDER),
    ("async", SHELL),
    ("await", SHELL),
    ("tokio", SHELL),
    ("static mut", SHELL),
];

/// Modules of the standard library that the core may not name, imported one by one or in braces.
const BANNED_MODULES: [&str; 5] = ["env", "fs", "net", "process", "thread"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files().filter(|file| file.path.starts_with(CORE)) {
        let code = &file.source.code;
        for (word, remedy) in BANS {
            for start in words(code, word) {
                let what = format!("`{word}` in the core");
                findings.push(Finding::new(file.path, line_of(code, start), what, remedy));
            }
        }
        for (offset, module) in std_modules(code) {
            if BANNED_MODULES.contains(&module) {
                let what = format!("`std::{module}` in the core");
                findings.push(Finding::new(file.path, line_of(code, offset), what, SHELL));
            }
        }
    }
    findings
}

/// The modules named right after `std::`, and those inside its braces.
fn std_modules(code: &str) -> Vec<(usize, &str)> {
    let mut modules = Vec::new();
    for start in words(code, "std") {
        let Some(rest) = code[start..].strip_prefix("std::") else { continue };
        let end =
            if rest.starts_with('{') { rest.find(';') } else { rest.find(|c: char| !c.is_alphanumeric()) };
        let rest = &rest[..end.unwrap_or(rest.len())];
        modules.extend(rest.split(['{', '}', ',', ':', ' ', '\n']).map(|module| (start, module)));
    }
    modules
}

#[cfg(test)]
mod tests;
