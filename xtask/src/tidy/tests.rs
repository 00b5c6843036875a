//! The report has one line for each finding, in the form that editors can follow.

use super::{RULES, Tree, findings};

#[test]
fn a_finding_is_one_line_with_file_line_rule_and_remedy() {
    let tree = Tree::of(&[("crates/log/src/lib.rs", "//! The log.\nfn f() { todo!() }\n")]);
    let lines = findings(&tree);
    let expected = "crates/log/src/lib.rs:2: unfinished: `todo!` in code; finish it or take it out";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
}

#[test]
fn rule_names_are_unique() {
    let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
}
