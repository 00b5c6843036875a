//! Receipt handles: all of a reply, in order, and nothing that only looks like one.

use super::*;

fn all(reply: &str) -> Vec<&str> {
    receipt_handles(reply.as_bytes()).collect()
}

#[test]
fn handles_are_found_in_order_with_and_without_spaces() {
    assert_eq!(
        all(r#"{"Messages":[{"Body":"x","ReceiptHandle":"a-1"},{"ReceiptHandle" : "b=","MessageId":"7"}]}"#),
        ["a-1", "b="]
    );
    assert_eq!(all(r#"{"Messages":[]}"#), [""; 0]);
    assert_eq!(all("{}"), [""; 0]);
    assert_eq!(all(""), [""; 0]);
}

#[test]
fn a_body_that_holds_the_key_is_not_taken_for_a_message() {
    let body = serde_json::json!({"Body": r#"{"ReceiptHandle":"no"}"#, "ReceiptHandle": "yes"}).to_string();
    assert_eq!(all(&body), ["yes"]);
    let key_as_body = serde_json::json!({"Body": "ReceiptHandle", "ReceiptHandle": "yes"}).to_string();
    assert_eq!(all(&key_as_body), ["yes"]);
}

#[test]
fn a_reply_that_breaks_off_gives_no_half_handle() {
    assert_eq!(all(r#"{"ReceiptHandle":"abc"#), [""; 0]);
    assert_eq!(all(r#"{"ReceiptHandle""#), [""; 0]);
    assert!(receipt_handles(b"\xff\"ReceiptHandle\":\"x\"").next().is_none());
}
