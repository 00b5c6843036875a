//! A section is written whole, replaces its older self, and leaves the others alone.

use super::{Section, with_section};

fn section(name: &str, commit: &str) -> Section {
    Section {
        name: name.to_owned(),
        claim: format!("The claim of {name}."),
        passed: true,
        commit: commit.to_owned(),
        date: "2026-11-21".to_owned(),
        machine: "2 cores, 24 GiB".to_owned(),
        duration_secs: 61,
        figures: vec![("kills".to_owned(), "20".to_owned())],
    }
}

#[test]
fn a_section_names_commit_date_machine_and_figures() {
    let text = with_section("", &section("kill9", "abc"));
    let expected = "## kill9\n\nThe claim of kill9.\n\n| figure | value |\n|---|---|\n| result | passed |\n\
                    | commit | abc |\n| date | 2026-11-21 |\n| machine | 2 cores, 24 GiB |\n| duration | 61 s |\n\
                    | kills | 20 |\n";
    assert!(text.starts_with("# Proof\n"), "{text}");
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_proof_that_ran_again_replaces_its_section_only() {
    let first = with_section(&with_section("", &section("strace", "old")), &section("kill9", "old"));
    let text = with_section(&first, &section("strace", "new"));
    let headings: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(headings, ["## kill9", "## strace"]);
    assert_eq!(text.matches("| commit | old |").count(), 1);
    assert_eq!(text.matches("| commit | new |").count(), 1);
}

#[test]
fn the_same_result_gives_the_same_text() {
    let once = with_section("", &section("kill9", "abc"));
    assert_eq!(with_section(&once, &section("kill9", "abc")), once);
}

#[test]
fn a_failure_is_plain_to_see_and_a_cell_stays_a_cell() {
    let mut failed = section("kill9", "abc");
    failed.passed = false;
    failed.figures = vec![("lost".to_owned(), "a|b\nc".to_owned())];
    let text = with_section("", &failed);
    assert!(text.contains("| result | **failed** |"), "{text}");
    assert!(text.contains("| lost | a\\|b c |"), "{text}");
}
