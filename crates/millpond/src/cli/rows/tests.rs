//! What is said below the rows.

use serde_json::json;

use super::{OnTheWay, counted};

#[test]
fn it_is_said_how_many_rows_there_are_and_which() {
    let body = |more: bool, first: bool| json!({ "more": more, "first": first });
    assert_eq!(counted(0, &body(false, false)), "no rows yet");
    assert_eq!(counted(1, &body(false, false)), "1 row");
    assert_eq!(counted(2, &body(false, false)), "2 rows");
    assert!(counted(100, &body(true, false)).starts_with("the last 100 rows; there are more"));
    assert!(counted(100, &body(true, true)).starts_with("the first 100 rows"));
}

#[test]
fn what_has_not_landed_is_said_with_its_reason() {
    let told = |state: &str, reason: Option<&str>, messages: u64| {
        let (sink, queue) = ("backend".to_owned(), "orders".to_owned());
        OnTheWay { sink, queue, state: state.into(), reason: reason.map(Into::into), messages }.remaining()
    };
    assert_eq!(told("running", None, 0), None);
    assert_eq!(told("running", None, 1).as_deref(), Some("1 message is still in the queue orders"));
    assert_eq!(
        told("stopped", None, 2).as_deref(),
        Some(
            "2 messages are still in the queue orders; backend is stopped; to go on: millpond start backend"
        )
    );
    assert_eq!(told("waiting", Some("no database"), 0).as_deref(), Some("backend waits: no database"));
}
