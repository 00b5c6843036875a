//! A proof passes only by saying so, and a passed one is remembered for exactly its commit.

use super::{Code, ProofResult, State, claim, result};

fn code(commit: &str) -> Code {
    Code { commit: commit.to_owned(), changed: false }
}

#[test]
fn a_result_is_read_from_the_last_line() {
    let line = r#"{"passed": true, "figures": {"kills": 20, "note": "none lost"}}"#;
    let figures = vec![("kills".to_owned(), "20".to_owned()), ("note".to_owned(), "none lost".to_owned())];
    assert_eq!(result(line, true), ProofResult { passed: true, figures });
}

#[test]
fn a_proof_that_ends_badly_has_failed() {
    assert!(!result(r#"{"passed": true, "figures": {}}"#, false).passed);
    assert!(!result(r#"{"passed": false, "figures": {}}"#, true).passed);
    assert!(!result(r#"{"passed": "true"}"#, true).passed);
    assert!(!result("Traceback (most recent call last):", true).passed);
    assert!(!result("", true).passed);
}

#[test]
fn the_claim_is_the_first_line_of_the_docstring() {
    assert_eq!(claim("\"\"\"Nothing is lost.\n\nMore.\n\"\"\"\n"), Ok("Nothing is lost.".to_owned()));
    assert_eq!(claim("\"\"\"Nothing is lost.\"\"\"\n"), Ok("Nothing is lost.".to_owned()));
    assert!(claim("import os\n").is_err());
}

#[test]
fn what_passed_is_remembered_until_the_code_changes_or_it_fails() {
    let path = std::env::temp_dir().join(format!("millpond-prove-state-{}.json", std::process::id()));
    let mut state = State::read_from(path.clone()).unwrap();
    state.record("kill9", &code("one"), true).unwrap();
    let mut again = State::read_from(path.clone()).unwrap();
    assert!(again.has_passed("kill9", &code("one")));
    assert!(!again.has_passed("kill9", &code("two")));
    assert!(!again.has_passed("kill9", &Code { changed: true, ..code("one") }));
    again.record("kill9", &code("one"), false).unwrap();
    let last = State::read_from(path.clone()).unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(!last.has_passed("kill9", &code("one")));
}
