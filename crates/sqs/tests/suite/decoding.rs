//! Hostile and broken requests: an answer or a refusal, never a panic, never unbounded memory or depth.

use millpond_sqs::catalogue::ACTIONS;
use proptest::prelude::*;
use serde_json::json;

use crate::service::{Service, shown, url};

fn valid_request() -> Vec<u8> {
    let attributes = json!({ "a": { "DataType": "Number", "StringValue": "5", "BinaryValue": "AA==" } });
    let mut request = json!({
        "QueueUrl": url("jobs"),
        "QueueName": "jobs",
        "QueueNamePrefix": "j",
        "MaxResults": 5,
        "MessageBody": "x\u{e9}\u{1f600}",
        "DelaySeconds": 5,
        "MessageAttributes": attributes,
        "MessageSystemAttributes": attributes,
        "AttributeNames": ["All", "x.*"],
        "MessageAttributeNames": ["All", "x.*"],
        "Attributes": { "DelaySeconds": "5" },
        "ReceiptHandle": "AQEAAAAAAAAAAgAAAAAAAAADAAAA",
        "VisibilityTimeout": 5,
        "tags": {}
    });
    let entry = json!({
        "Id": "1", "MessageBody": "x", "MessageAttributes": attributes, "ReceiptHandle": "x", "VisibilityTimeout": 1
    });
    request["Entries"] = json!([entry]);
    request.to_string().into_bytes()
}

/// Whatever comes in, an answer or an error with a message comes out.
fn survives(body: &[u8]) {
    for action in &ACTIONS {
        if let Err(error) = Service::with_queue().call(action.name, body) {
            assert!(!error.message().is_empty());
            assert_eq!(error.status() / 100, 4, "{} {error}", action.name);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        survives(&body);
    }

    #[test]
    fn a_request_with_changed_bytes(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut body = valid_request();
        for (position, byte) in changes {
            let position = position.index(body.len());
            body[position] = byte;
        }
        survives(&body);
    }

    #[test]
    fn a_request_with_a_piece_cut_out(start in any::<prop::sample::Index>(), length in 0_usize..40) {
        let mut body = valid_request();
        let start = start.index(body.len());
        let end = (start + length).min(body.len());
        body.drain(start..end);
        survives(&body);
    }

    #[test]
    fn a_request_with_another_value(
        member in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            "null", "true", "false", "0", "-1", "1.5", "1e400", "18446744073709551616", "\"\"", "\"x\"", "[]", "{}",
            "[null]", "[[]]", "{\"a\":null}", "{\"a\":[]}", "[{}]", "\"\\ud800\"", "\"\\u0000\"",
        ]),
    ) {
        let request: serde_json::Map<_, _> = serde_json::from_slice(&valid_request()).unwrap();
        let chosen = member.index(request.len());
        let members: Vec<_> = request
            .iter()
            .enumerate()
            .map(|(index, (name, kept))| {
                format!("\"{name}\":{}", if index == chosen { value.to_owned() } else { kept.to_string() })
            })
            .collect();
        survives(format!("{{{}}}", members.join(",")).as_bytes());
    }
}

#[test]
fn the_request_that_is_changed_is_a_valid_one() {
    let attributes = json!({ "Attributes": { "DelaySeconds": "0" } });
    let mut request: serde_json::Value = serde_json::from_slice(&valid_request()).unwrap();
    request.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    for action in ["CreateQueue", "GetQueueUrl", "ReceiveMessage", "DeleteMessageBatch", "SetQueueAttributes"]
    {
        Service::with_queue().ok(action, request.clone());
    }
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"QueueUrl\":{}1{}}}", open.repeat(100_000), close.repeat(100_000));
        survives(deep.as_bytes());
        let ignored = format!("{{\"Unknown\":{}1{}}}", open.repeat(100_000), close.repeat(100_000));
        survives(ignored.as_bytes());
    }
}

#[test]
fn a_batch_of_many_entries_is_counted_and_not_kept() {
    let body = format!("{{\"QueueUrl\":\"jobs\",\"Entries\":[{}{{}}]}}", "{},".repeat(200_000));
    let error = Service::with_queue().call("SendMessageBatch", body.as_bytes()).unwrap_err();
    let text = "Maximum number of entries per request are 10. You have sent 200001.".to_owned();
    assert_eq!(shown(&error), ("TooManyEntriesInBatchRequest", 400, text));
}

#[test]
fn a_structure_is_no_list() {
    let error = Service::with_queue().call("SendMessage", br#"["jobs","x"]"#).unwrap_err();
    let text = "Start of list found where not expected".to_owned();
    assert_eq!(shown(&error), ("SerializationException", 400, text));
    let entries = r#"{"QueueUrl":"jobs","Entries":[["1","x"]]}"#;
    let error = Service::with_queue().call("SendMessageBatch", entries.as_bytes()).unwrap_err();
    assert_eq!(shown(&error).0, "SerializationException");
}

#[test]
fn wrong_types_are_refused_in_the_words_of_aws() {
    let cases = [
        (r#""MessageBody":0"#, "NUMBER_VALUE can not be converted to a String"),
        (r#""MessageBody":1.5"#, "NUMBER_VALUE can not be converted to a String"),
        (r#""MessageBody":true"#, "TRUE_VALUE can not be converted to a String"),
        (r#""MessageBody":{}"#, "Start of structure or map found where not expected."),
        (r#""MessageBody":["x"]"#, "Start of list found where not expected"),
        (r#""MessageGroupId":0"#, "NUMBER_VALUE can not be converted to a String"),
        (r#""MessageGroupId":false"#, "FALSE_VALUE can not be converted to a String"),
        (r#""MessageGroupId":[]"#, "Start of list found where not expected"),
        (r#""DelaySeconds":"5""#, "STRING_VALUE can not be converted to an Integer"),
        (r#""DelaySeconds":true"#, "TRUE_VALUE can not be converted to an Integer"),
        (r#""DelaySeconds":1.5"#, "NUMBER_VALUE can not be converted to an Integer"),
        (r#""DelaySeconds":{}"#, "Start of structure or map found where not expected."),
        (r#""DelaySeconds":[]"#, "Start of list found where not expected"),
        (r#""MessageAttributes":[]"#, "Start of list found where not expected"),
        (r#""MessageAttributes":"x""#, "Expected map or null"),
        (r#""MessageAttributes":{"a":5}"#, "Expected structure or null"),
    ];
    for (member, text) in cases {
        let body = format!("{{\"QueueUrl\":\"jobs\",{member}}}");
        let error = Service::with_queue().call("SendMessage", body.as_bytes()).unwrap_err();
        assert_eq!(shown(&error), ("SerializationException", 400, text.to_owned()), "{member}");
    }
}
