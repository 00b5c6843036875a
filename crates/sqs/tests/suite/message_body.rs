//! The characters of a body.

use proptest::prelude::*;
use serde_json::json;

use crate::service::{Service, shown, url};

const TEXT: &str = "Invalid characters found. Valid unicode characters are \
    #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";

/// Whether SQS lists the character as allowed.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_taken(body: &str) -> bool {
    let request = json!({ "QueueUrl": url("jobs"), "MessageBody": body }).to_string();
    match Service::with_queue().call("SendMessage", request.as_bytes()) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(shown(&error), ("InvalidMessageContents", 400, TEXT.to_owned()));
            false
        }
    }
}

#[test]
fn the_edges_of_unicode() {
    for character in ['\u{0}', '\u{1}', '\u{8}', '\u{b}', '\u{c}', '\u{e}', '\u{1f}', '\u{fffe}', '\u{ffff}']
    {
        assert!(!is_taken(&character.to_string()), "{character:?}");
        assert!(!is_taken(&format!("{}{character}", "a".repeat(100))), "{character:?} far behind");
    }
    let allowed = [
        '\t',
        '\n',
        '\r',
        ' ',
        '\u{7f}',
        '\u{d7ff}',
        '\u{e000}',
        '\u{fffd}',
        '\u{10000}',
        '\u{1fffe}',
        '\u{10ffff}',
    ];
    for character in allowed {
        assert!(is_taken(&character.to_string()), "{character:?}");
    }
}

#[test]
fn half_of_a_surrogate_pair_is_no_character() {
    for body in [r"\ud800", r"\udfff", r"ok \ud83d", r"\udc00\ud800", r"\ud800a"] {
        let request = format!(r#"{{"QueueUrl":"{}","MessageBody":"{body}"}}"#, url("jobs"));
        let error = Service::with_queue().call("SendMessage", request.as_bytes()).unwrap_err();
        assert_eq!(shown(&error), ("InvalidMessageContents", 400, TEXT.to_owned()), "{body}");
    }
}

#[test]
fn an_escaped_surrogate_pair_is_one_character() {
    let mut service = Service::with_queue();
    let request = format!(r#"{{"QueueUrl":"{}","MessageBody":"\ud83d\ude00"}}"#, url("jobs"));
    service.call("SendMessage", request.as_bytes()).unwrap();
    let reply = service.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs") }));
    assert_eq!(reply["Messages"][0]["Body"], "😀");
}

proptest! {
    #[test]
    fn what_is_allowed_comes_back_as_it_was_sent(body in any::<String>().prop_filter("not empty", |body| !body.is_empty())) {
        prop_assert_eq!(is_taken(&body), body.chars().all(is_allowed));
        let body: String = body.chars().filter(|character| is_allowed(*character)).collect();
        if !body.is_empty() {
            let mut service = Service::with_queue();
            service.send(&body);
            let reply = service.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs") }));
            prop_assert_eq!(reply["Messages"][0]["Body"].as_str(), Some(&*body));
        }
    }
}
