//! A long function is found where it starts; tests may be long.

use super::super::tree::Tree;
use super::check;

const NONE: [usize; 0] = [];

fn function(lines: usize) -> String {
    format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
}

fn found(path: &str, text: &str) -> Vec<usize> {
    check(&Tree::of(&[(path, text)])).iter().map(|finding| finding.line).collect()
}

#[test]
fn the_limit_is_seventy_lines() {
    assert_eq!(found("crates/log/src/lib.rs", &function(70)), NONE);
    assert_eq!(found("crates/log/src/lib.rs", &format!("\n\n{}", function(71))), [3]);
}

#[test]
fn tests_may_be_long() {
    assert_eq!(found("crates/log/tests/recovery.rs", &function(71)), NONE);
    assert_eq!(found("crates/log/src/frame/tests.rs", &function(71)), NONE);
    let inline = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(71));
    assert_eq!(found("crates/log/src/lib.rs", &inline), NONE);
}
