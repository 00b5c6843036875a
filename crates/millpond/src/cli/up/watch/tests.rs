//! What is told while workloads begin to wait and go on.

use serde_json::{Value, json};

use super::Watch;

fn backend(state: &str, reason: Option<&str>) -> [Value; 1] {
    [json!({ "name": "backend", "state": state, "reason": reason })]
}

#[test]
fn beginning_to_wait_and_going_on_are_told_once_each() {
    let mut watch = Watch::of(&backend("running", None));
    let nothing: [&str; 0] = [];
    assert_eq!(watch.changes(&backend("running", None)), nothing);
    assert_eq!(watch.changes(&backend("waiting", Some("no database"))), ["backend waits: no database"]);
    assert_eq!(watch.changes(&backend("waiting", Some("no database"))), nothing);
    assert_eq!(watch.changes(&backend("starting", None)), nothing, "it may soon wait again");
    assert_eq!(watch.changes(&backend("waiting to restart", Some("no database"))), nothing);
    assert_eq!(watch.changes(&backend("running", None)), ["backend no longer waits; it runs"]);
    assert_eq!(watch.changes(&backend("running", None)), nothing);
}

#[test]
fn what_the_summary_has_shown_is_not_told_again() {
    let mut watch = Watch::of(&backend("waiting", Some("no database")));
    assert!(watch.changes(&backend("waiting", Some("no database"))).is_empty());
    assert!(watch.changes(&backend("stopped", None)).is_empty(), "whoever stopped it knows");
}
