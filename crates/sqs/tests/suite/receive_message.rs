//! `ReceiveMessage`.

use bytes::Bytes;
use millpond_core::outcome::Outcome;
use millpond_sqs::{Endpoint, WaitTime};
use millpond_wire::protocol::Protocol;
use serde_json::{Value, json};

use crate::service::{BASE_URL, Service, envelope, shown, text, url};

fn receive(service: &mut Service, members: Value) -> Value {
    let mut body = json!({ "QueueUrl": url("jobs") });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    service.ok("ReceiveMessage", body)
}

fn error(members: Value) -> (&'static str, u16, String) {
    let mut body = json!({ "QueueUrl": url("jobs") });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Service::with_queue().error("ReceiveMessage", body)
}

fn with_attributes(names: &[&str]) -> Service {
    let mut service = Service::with_queue();
    let attributes: Value = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "DataType": "String", "StringValue": format!("{name}!") })))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let body = json!({ "QueueUrl": url("jobs"), "MessageBody": "x", "MessageAttributes": attributes });
    service.ok("SendMessage", body);
    service
}

#[test]
fn an_empty_queue_has_no_key() {
    let body = json!({ "QueueUrl": url("jobs") }).to_string();
    assert_eq!(text(&Service::with_queue().call("ReceiveMessage", body.as_bytes()).unwrap()), "{}");
}

#[test]
fn a_bare_message_has_four_members() {
    let mut service = Service::with_queue();
    service.send("0");
    let body = json!({ "QueueUrl": url("jobs") }).to_string();
    let reply = service.call("ReceiveMessage", body.as_bytes()).unwrap();
    let handle = service.receipts.encode(millpond_core::message::Receipt {
        queue: service.queue_id(),
        sequence: millpond_core::message::Sequence::FIRST,
        delivery: 1,
    });
    let expected = format!(
        r#"{{"Messages":[{{"MessageId":"00000000-0000-4000-8000-000000000001","ReceiptHandle":"{handle}","#
    ) + r#""MD5OfBody":"cfcd208495d565ef66e7dff9f98764da","Body":"0"}]}"#;
    assert_eq!(text(&reply), expected);
}

#[test]
fn all_attributes_of_both_kinds() {
    let mut service = Service::with_queue();
    let body = json!({
        "QueueUrl": url("jobs"),
        "MessageBody": "0",
        "MessageGroupId": "tenant",
        "MessageAttributes": {
            "png": { "DataType": "Binary.png", "BinaryValue": "AAECAw==" },
            "n": { "DataType": "Number.int", "StringValue": "5" }
        },
        "MessageSystemAttributes": { "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=1" } }
    });
    let sent = service.ok("SendMessage", body);
    service.wait_secs(1);
    let names = json!({ "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"] });
    let reply = receive(&mut service, names);
    let message = &reply["Messages"][0];
    let system = json!({
        "SenderId": "AIDAEXAMPLE",
        "SentTimestamp": "1700000000123",
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": "1700000001123",
        "MessageGroupId": "tenant",
        "AWSTraceHeader": "Root=1"
    });
    assert_eq!(message["Attributes"], system);
    let attributes = json!({
        "n": { "StringValue": "5", "DataType": "Number.int" },
        "png": { "BinaryValue": "AAECAw==", "DataType": "Binary.png" }
    });
    assert_eq!(message["MessageAttributes"], attributes);
    assert_eq!(message["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
}

#[test]
fn system_attributes_are_told_by_name_and_unknown_names_ignored() {
    let mut service = Service::with_queue();
    service.send("x");
    let names = json!({ "AttributeNames": ["SenderId", "Foobar", "MessageGroupId"], "VisibilityTimeout": 0 });
    let reply = receive(&mut service, names);
    assert_eq!(reply["Messages"][0]["Attributes"], json!({ "SenderId": "AIDAEXAMPLE" }));
    let none = receive(&mut service, json!({ "AttributeNames": ["Foobar", "AWSTraceHeader"] }));
    assert_eq!(none["Messages"][0].get("Attributes"), None);
}

#[test]
fn the_newer_parameter_wins() {
    let mut service = Service::with_queue();
    service.send("x");
    let names = json!({ "AttributeNames": ["All"], "MessageSystemAttributeNames": ["SentTimestamp"] });
    let reply = receive(&mut service, names);
    assert_eq!(reply["Messages"][0]["Attributes"], json!({ "SentTimestamp": "1700000000123" }));
}

#[test]
fn message_attributes_are_told_by_name_prefix_or_all() {
    let told = |names: Value| {
        let mut service = with_attributes(&["General", "Hello", "Help.Me"]);
        let reply = receive(&mut service, json!({ "MessageAttributeNames": names }));
        let attributes = reply["Messages"][0]["MessageAttributes"].as_object().cloned().unwrap_or_default();
        attributes.keys().cloned().collect::<Vec<_>>()
    };
    for all in ["All", ".*", "*"] {
        assert_eq!(told(json!([all])), ["General", "Hello", "Help.Me"]);
    }
    assert_eq!(told(json!(["Hel.*"])), ["Hello", "Help.Me"]);
    assert_eq!(told(json!(["Hello", "Foo"])), ["Hello"]);
    assert_eq!(told(json!(["hello", "AWS.", ".Hello", "Hel"])), Vec::<String>::new());
}

#[test]
fn the_digest_is_over_what_is_told() {
    let mut service = Service::with_queue();
    // Recorded on the real service.
    let attributes = json!({
        "Help.Me": { "DataType": "String", "StringValue": "Me" },
        "Hello": { "DataType": "String", "StringValue": "There" },
        "General": { "DataType": "String", "StringValue": "Kenobi" }
    });
    let body = json!({ "QueueUrl": url("jobs"), "MessageBody": "msg", "MessageAttributes": attributes });
    let sent = service.ok("SendMessage", body);
    assert_eq!(sent["MD5OfMessageAttributes"], "4c360f3fdafd970e05fae2f149d997f5");
    let mut digest = |names: Value| {
        let reply = receive(&mut service, json!({ "MessageAttributeNames": names, "VisibilityTimeout": 0 }));
        reply["Messages"][0].get("MD5OfMessageAttributes").cloned()
    };
    assert_eq!(digest(json!(["All"])).unwrap(), "4c360f3fdafd970e05fae2f149d997f5");
    assert_eq!(digest(json!(["Hello", "General"])).unwrap(), "fca026605781cb4126a1e9044df24232");
    assert_eq!(digest(json!(["Hel.*"])).unwrap(), "83fee93c1bcd8b9a5a923ffacdc636c7");
    assert_eq!(digest(json!(["Foo"])), None);
}

#[test]
fn one_message_is_handed_out_unless_more_are_asked_for() {
    let mut service = Service::with_queue();
    for body in ["a", "b", "c"] {
        service.send(body);
    }
    assert_eq!(receive(&mut service, json!({}))["Messages"].as_array().unwrap().len(), 1);
    let reply = receive(&mut service, json!({ "MaxNumberOfMessages": 10 }));
    assert_eq!(reply["Messages"].as_array().unwrap().len(), 2);
}

#[test]
fn numbers_outside_their_range_are_refused() {
    let cases = [
        ("MaxNumberOfMessages", 11, "Must be between 1 and 10, if provided."),
        ("MaxNumberOfMessages", 0, "Must be between 1 and 10, if provided."),
        ("WaitTimeSeconds", 21, "Must be >= 0 and <= 20, if provided."),
        ("WaitTimeSeconds", -1, "Must be >= 0 and <= 20, if provided."),
        ("VisibilityTimeout", 43201, "Must be >= 0 and <= 43200, if provided."),
        ("VisibilityTimeout", -1, "Must be >= 0 and <= 43200, if provided."),
    ];
    for (name, number, reason) in cases {
        let text = format!("Value {number} for parameter {name} is invalid. Reason: {reason}");
        assert_eq!(error(json!({ name: number })), ("InvalidParameterValueException", 400, text));
    }
}

#[test]
fn the_wait_is_the_requests_or_else_the_queues() {
    let mut service = Service::with_queue();
    let body = |wait: Value| json!({ "QueueUrl": url("jobs"), "WaitTimeSeconds": wait });
    assert_eq!(service.wait_of(body(Value::Null)), WaitTime::QueueDefault);
    assert_eq!(service.wait_of(body(json!(0))), WaitTime::Secs(0));
    assert_eq!(service.wait_of(body(json!(20))), WaitTime::Secs(20));
    assert_eq!(service.prepare("ListQueues", b"").unwrap().wait, WaitTime::NotReceive);
}

#[test]
fn a_visibility_timeout_of_the_request_replaces_that_of_the_queue() {
    let mut service = Service::with_queue();
    service.send("x");
    receive(&mut service, json!({ "VisibilityTimeout": 5 }));
    service.wait_secs(4);
    assert_eq!(receive(&mut service, json!({})), json!({}));
    service.wait_secs(1);
    let again = receive(&mut service, json!({ "AttributeNames": ["ApproximateReceiveCount"] }));
    assert_eq!(again["Messages"][0]["Attributes"]["ApproximateReceiveCount"], "2");
}

#[test]
fn an_attempt_id_is_for_fifo_queues() {
    let text = "Value a for parameter ReceiveRequestAttemptId is invalid. \
                Reason: The request include parameter that is not valid for this queue type.";
    let expected = ("InvalidParameterValueException", 400, text.to_owned());
    assert_eq!(error(json!({ "ReceiveRequestAttemptId": "a" })), expected);
}

fn fifo() -> Service {
    let mut service = Service::new();
    let attributes = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
    service.ok("CreateQueue", json!({ "QueueName": "jobs.fifo", "Attributes": attributes }));
    for body in ["1", "2"] {
        let message = json!({ "QueueUrl": url("jobs.fifo"), "MessageBody": body, "MessageGroupId": "g" });
        service.ok("SendMessage", message);
    }
    service
}

#[test]
fn the_same_attempt_id_gives_the_same_messages_and_handles() {
    let mut service = fifo();
    let receive = |id: &str| json!({ "QueueUrl": url("jobs.fifo"), "ReceiveRequestAttemptId": id });
    let longest = "~".repeat(128);
    let first = service.ok("ReceiveMessage", receive(&longest));
    assert_eq!(first["Messages"][0]["Body"], "1");
    assert_eq!(service.ok("ReceiveMessage", receive(&longest)), first);
    assert_eq!(service.ok("ReceiveMessage", receive("another")), json!({}));
    assert_eq!(service.ok("ReceiveMessage", receive(&longest)), first);
}

#[test]
fn an_attempt_id_has_1_to_128_letters_and_signs() {
    for id in ["", " ", "a b", "é", &"a".repeat(129)] {
        let request = json!({ "QueueUrl": url("jobs.fifo"), "ReceiveRequestAttemptId": id });
        let text = format!(
            "Value {id} for parameter ReceiveRequestAttemptId is invalid. Reason: ReceiveRequestAttemptId can only \
             include alphanumeric and punctuation characters. 1 to 128 in length."
        );
        let expected = ("InvalidParameterValueException", 400, text);
        assert_eq!(fifo().error("ReceiveMessage", request), expected);
    }
}

#[test]
fn a_damaged_payload_is_a_failure_of_the_service() {
    let mut service = Service::with_queue();
    service.send("x");
    let body = json!({ "QueueUrl": url("jobs") }).to_string();
    let prepared = service.prepare("ReceiveMessage", body.as_bytes()).unwrap();
    let (_, outcome) = millpond_core::decide::decide(&service.state, service.now, prepared.command);
    assert!(matches!(&outcome, Outcome::Received { deliveries, .. } if deliveries.len() == 1));
    let endpoint = Endpoint { base_url: BASE_URL };
    let damaged = vec![Bytes::from_static(b"damaged")];
    let envelope = envelope("ReceiveMessage", Protocol::Json10);
    let error =
        prepared.answer.encode(outcome, damaged, &endpoint, &service.receipts, &envelope).unwrap_err();
    let (shape, status, text) = shown(&error);
    assert_eq!((shape, status), ("InternalFailure", 500));
    assert!(text.contains("can't be read"), "{text}");
}
