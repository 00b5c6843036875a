//! Rule: no test binds or calls a port of its own choice: it binds port 0 and asks which one it became. Port 1
//! may stand for a port where nothing listens. Other code may use the documented defaults.
//!
//! An address that is only text, such as an expected URL, is not looked at: a line counts when it also binds,
//! connects, or passes `--listen`.

use super::Finding;
use super::tree::Tree;

const ADDRESSES: [&str; 3] = ["127.0.0.1:", "[::1]:", "localhost:"];
const USES: [&str; 4] = ["bind(", "connect(", "connection(", "--listen"];
const NOBODY: [&str; 2] = ["0", "1"];
const DEFAULTS: [&str; 2] = ["4566", "8080"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files() {
        if !(path.ends_with(".rs") || path.ends_with(".py")) {
            continue;
        }
        let is_test =
            path.contains("/tests/") || path.ends_with("/tests.rs") || path.starts_with("conformance/");
        for (index, line) in text.lines().enumerate() {
            let lower_case = line.to_lowercase();
            if !USES.iter().any(|word| lower_case.contains(word)) {
                continue;
            }
            for port in ports(line) {
                if !(NOBODY.contains(&port) || (!is_test && DEFAULTS.contains(&port))) {
                    let what = format!("uses the fixed port {port}");
                    findings.push(Finding::new(path, index + 1, what, "bind port 0 and ask for the address"));
                }
            }
        }
    }
    findings
}

/// The port numbers of loopback addresses in a line.
fn ports(line: &str) -> impl Iterator<Item = &str> {
    let ends =
        ADDRESSES.iter().flat_map(|address| line.match_indices(address).map(|(at, _)| at + address.len()));
    let ports = ends.map(|end| {
        let rest = &line[end..];
        &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())]
    });
    ports.filter(|port| !port.is_empty())
}

#[cfg(test)]
mod tests;
