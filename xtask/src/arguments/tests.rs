//! Options are read as given, and an unknown one is refused.

use super::{Arguments, parse};

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn known_options_are_read() {
    let parsed = parse(&words("--yes --only rust --only tidy"), &["--yes", "--only"]);
    let expected = Arguments { yes: true, only: words("rust tidy"), ..Arguments::default() };
    assert_eq!(parsed, Ok(expected));
}

#[test]
fn names_are_read_where_a_task_takes_them() {
    assert_eq!(parse(&words("a b"), &["NAME"]).map(|parsed| parsed.names), Ok(words("a b")));
    assert!(parse(&words("a b"), &["--yes"]).is_err());
}

#[test]
fn unknown_and_incomplete_options_are_refused() {
    assert!(parse(&words("--verbose"), &["--yes"]).is_err());
    assert!(parse(&words("--only"), &["--only"]).is_err());
}
