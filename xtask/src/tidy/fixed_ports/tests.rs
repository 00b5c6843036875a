//! Fixed ports are found in tests that use them; the documented defaults are fine elsewhere.

use super::super::tree::Tree;
use super::check;

fn found(path: &str, port: &str) -> usize {
    check(&Tree::of(&[(path, &format!("connect(\"127.0.0.1:{port}\")"))])).len()
}

#[test]
fn tests_choose_no_port() {
    for path in
        ["crates/server/tests/limits.rs", "crates/server/src/limits/tests.rs", "conformance/test_batch.py"]
    {
        assert_eq!(found(path, "4566"), 1);
        assert_eq!(found(path, "9999/path"), 1);
        assert_eq!(found(path, "0"), 0);
        assert_eq!(found(path, "{port}"), 0);
    }
}

#[test]
fn code_may_use_the_documented_defaults_only() {
    assert_eq!(found("crates/millpond/src/main.rs", "4566"), 0);
    assert_eq!(found("crates/millpond/src/main.rs", "8080"), 0);
    assert_eq!(found("crates/millpond/src/main.rs", "5000"), 1);
}

#[test]
fn an_address_that_is_only_text_is_fine() {
    let text = "assert_eq!(url, \"http://127.0.0.1:4566/000000000000/orders\");\n";
    assert_eq!(check(&Tree::of(&[("crates/sqs/tests/url.rs", text)])).len(), 0);
}

#[test]
fn an_address_for_a_command_line_is_used() {
    let text = format!("let arguments = [\"serve\", \"--listen\", \"127.0.0.1:{}\"];\n", 4566);
    assert_eq!(check(&Tree::of(&[("crates/millpond/tests/serve.rs", &text)])).len(), 1);
}

#[test]
fn every_way_to_name_this_machine_is_checked() {
    for address in ["127.0.0.1", "[::1]", "localhost"] {
        let text = format!("TcpListener::bind(\"{address}:9999\")");
        assert_eq!(check(&Tree::of(&[("crates/server/tests/limits.rs", &text)])).len(), 1, "{address}");
    }
}
