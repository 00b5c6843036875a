//! Rule: a crate depends only on the crates below it. What ships follows the table to the letter; tests may
//! also use crates beside theirs, but never one that is built on the crate they test.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

/// Which of our crates each folder may depend on. A folder that is not listed may not depend on any.
const ALLOWED: [(&str, &[&str]); 16] = [
    ("crates/core", &[]),
    ("crates/log", &[]),
    ("crates/store", &["core", "log"]),
    ("crates/engine", &["core", "log", "store"]),
    ("crates/keep", &["core", "log", "store", "engine"]),
    ("crates/wire", &[]),
    ("crates/sqs", &["core", "wire"]),
    ("crates/iam", &["core", "wire"]),
    ("crates/server", &["core", "engine", "keep", "wire", "sqs", "iam"]),
    ("crates/sink", &[]),
    ("crates/form", &[]),
    ("crates/stack", &[]),
    ("crates/bench", &[]),
    ("crates/embed", &["core", "log", "store", "engine", "iam", "server"]),
    (
        "crates/millpond",
        &[
            "core", "log", "store", "engine", "keep", "wire", "sqs", "iam", "server", "sink", "form",
            "stack", "bench", "embed",
        ],
    ),
    ("xtask", &[]),
];

const PREFIX: &str = "millpond-";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Shipped,
    Tests,
    Other,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let allowed: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    let mut findings = Vec::new();
    for (path, text) in tree.files() {
        let Some(folder) = path.strip_suffix("/Cargo.toml") else { continue };
        let Some(may_use) = allowed.get(folder) else {
            findings.push(unlisted(path));
            continue;
        };
        for (line, section, used) in edges(text) {
            let ships = section == Section::Shipped;
            if ships && !may_use.contains(&used.as_str()) {
                findings.push(forbidden(path, line, &used, may_use));
            } else if !ships && uses(&allowed, &used, folder.trim_start_matches("crates/")) {
                findings.push(upward(path, line, &used));
            }
        }
    }
    findings
}

fn unlisted(path: &str) -> Finding {
    Finding::new(path, 1, "a crate without a place in the layers", "name its place in the table of this rule")
}

fn forbidden(path: &str, line: usize, used: &str, may_use: &[&str]) -> Finding {
    let what = format!("depends on `{used}`; of our crates it may use only {may_use:?}");
    Finding::new(path, line, what, "move the shared part down, or pass it in as a value or trait")
}

fn upward(path: &str, line: usize, used: &str) -> Finding {
    let what = format!("its tests depend on `{used}`, which is built on this crate");
    Finding::new(path, line, what, "move the test to the upper crate")
}

/// Our crates named in the dependency sections of a manifest, with their lines.
fn edges(manifest: &str) -> Vec<(usize, Section, String)> {
    let mut section = Section::Other;
    let mut edges = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let named = if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            section = section_of(header);
            // `[dependencies.millpond-core]` names its crate in the header.
            header.rsplit('.').next().unwrap_or_default()
        } else {
            line
        };
        let name: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
        // A renamed crate still names its package.
        let name = line.split_once("package = \"").map_or(name.as_str(), |(_, rest)| rest);
        let name = name.split('"').next().unwrap_or_default();
        if let (Some(ours), true) = (name.strip_prefix(PREFIX), section != Section::Other) {
            edges.push((index + 1, section, ours.to_owned()));
        }
    }
    edges
}

fn section_of(header: &str) -> Section {
    let parts: Vec<&str> = header.split('.').collect();
    if parts.contains(&"dev-dependencies") {
        Section::Tests
    } else if parts.contains(&"dependencies") || parts.contains(&"build-dependencies") {
        Section::Shipped
    } else {
        Section::Other
    }
}

/// Whether `upper` is `lower` or is built on it, directly or not.
fn uses(allowed: &BTreeMap<&str, &[&str]>, upper: &str, lower: &str) -> bool {
    let below = allowed.get(format!("crates/{upper}").as_str()).copied().unwrap_or_default();
    upper == lower || below.iter().any(|next| uses(allowed, next, lower))
}

#[cfg(test)]
mod tests;
