//! A path that does not exist is found; patterns, commands and fenced blocks are left alone.

use super::super::tree::Tree;
use super::check;

fn found(document: &str, text: &str) -> Vec<(usize, String)> {
    let tree = Tree::of(&[(document, text), ("crates/log/src/lib.rs", "")]);
    check(&tree).into_iter().map(|finding| (finding.line, finding.what)).collect()
}

#[test]
fn paths_that_exist_pass() {
    let text =
        "See `crates/log`, `crates/log/src/`, `crates/log/src/lib.rs:12` and `crates/log/src/lib.rs::f`.\n";
    assert_eq!(found("ARCHITECTURE.md", text), []);
}

#[test]
fn a_path_that_does_not_exist_is_found_in_every_document() {
    for document in ["ARCHITECTURE.md", "README.md", "docs/format.md", "conformance/README.md"] {
        let expected = [(2, "`crates/gone` does not exist".to_owned())];
        assert_eq!(found(document, "\nSee `crates/gone`.\n"), expected, "{document}");
    }
}

#[test]
fn what_is_no_path_of_ours_is_left_alone() {
    let text = "`docs/*.md` `crates/NAME/src` `cargo build` `/console/` `crates/<x>`\n\
                ```\n`crates/gone`\n```\ncrates/gone\n";
    assert_eq!(found("README.md", text), []);
}

#[test]
fn the_changelog_may_name_what_was() {
    assert_eq!(found("CHANGELOG.md", "`crates/gone`\n"), []);
}
