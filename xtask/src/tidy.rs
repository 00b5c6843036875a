//! `cargo xtask tidy`: the rules of the code base that neither compiler nor clippy checks, as a table.
//!
//! A rule is a pure function from the files of the repository to findings, in a file of its own with tests
//! that show it going red. Rules read text, never the file system, and change nothing.

use std::process::ExitCode;

use crate::{arguments, workspace};

mod core_bans;
mod crate_edges;
mod doc_paths;
mod file_size;
mod fixed_ports;
mod function_length;
mod machine_paths;
mod names;
mod opening_comment;
mod required_files;
mod rust_source;
mod tree;
mod unfinished;

use tree::Tree;

/// One rule of the code base.
struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; a finding about a whole file stands at its first line.
    line: usize,
    what: String,
    remedy: &'static str,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, remedy: &'static str) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), remedy }
    }
}

const RULES: [Rule; 11] = [
    Rule { name: "crate-edges", check: crate_edges::check },
    Rule { name: "file-size", check: file_size::check },
    Rule { name: "function-length", check: function_length::check },
    Rule { name: "opening-comment", check: opening_comment::check },
    Rule { name: "core-bans", check: core_bans::check },
    Rule { name: "unfinished", check: unfinished::check },
    Rule { name: "doc-paths", check: doc_paths::check },
    Rule { name: "names", check: names::check },
    Rule { name: "machine-paths", check: machine_paths::check },
    Rule { name: "fixed-ports", check: fixed_ports::check },
    Rule { name: "required-files", check: required_files::check },
];

/// Runs the task: prints every finding as `file:line: rule: what is wrong; what to do`.
pub(crate) fn run(options: &[String]) -> Result<ExitCode, String> {
    arguments::parse(options, &[])?;
    Ok(if check()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks every rule, prints the findings, and returns whether there were none.
pub(crate) fn check() -> Result<bool, String> {
    let tree = Tree::read(&workspace::root())?;
    let lines = findings(&tree);
    for line in &lines {
        println!("{line}");
    }
    println!("tidy: {} rules, {} files, {} findings", RULES.len(), tree.files().len(), lines.len());
    Ok(lines.is_empty())
}

fn findings(tree: &Tree) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in &RULES {
        for Finding { path, line, what, remedy } in (rule.check)(tree) {
            lines.push(format!("{path}:{line}: {}: {what}; {remedy}", rule.name));
        }
    }
    lines
}

#[cfg(test)]
mod tests;
