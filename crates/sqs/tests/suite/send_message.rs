//! `SendMessage`.

use serde_json::{Value, json};

use crate::service::{Service, text, url};

fn error(members: Value) -> (&'static str, u16, String) {
    let mut body = json!({ "QueueUrl": url("jobs"), "MessageBody": "x" });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Service::with_queue().error("SendMessage", body)
}

#[test]
fn answers_id_and_digest() {
    let body = json!({ "QueueUrl": url("jobs"), "MessageBody": "Jane,UK" }).to_string();
    let reply = Service::with_queue().call("SendMessage", body.as_bytes()).unwrap();
    let expected = concat!(
        r#"{"MD5OfMessageBody":"9797bee4092d5643a07d3b13a839528d","#,
        r#""MessageId":"00000000-0000-4000-8000-000000000001"}"#
    );
    assert_eq!(text(&reply), expected);
}

#[test]
fn answers_the_digests_that_were_recorded() {
    let body = json!({
        "QueueUrl": url("jobs"),
        "MessageBody": "Test Message",
        "MessageAttributes": { "Hello": { "DataType": "String", "StringValue": "World" } },
        "MessageSystemAttributes": { "AWSTraceHeader": { "DataType": "String", "StringValue": "some-trace-id" } }
    });
    let reply = Service::with_queue().ok("SendMessage", body);
    assert_eq!(reply["MD5OfMessageBody"], "d1d4180b7e411c4be86b00fb2ee103eb");
    assert_eq!(reply["MD5OfMessageAttributes"], "7db7fb1ba7f41366a8ea5eb18220b26d");
    assert_eq!(reply["MD5OfMessageSystemAttributes"], "fdce4f2818803f2f73becc09a54792c0");
}

#[test]
fn a_body_must_be_given() {
    let text = "The request must contain the parameter MessageBody.".to_owned();
    for body in [json!(""), Value::Null] {
        let expected = ("MissingRequiredParameterException", 400, text.clone());
        assert_eq!(error(json!({ "MessageBody": body })), expected);
    }
}

#[test]
fn a_delay_is_between_0_and_900_seconds() {
    for delay in [-234_i64, 901, i64::MAX] {
        let reason = "DelaySeconds must be >= 0 and <= 900.";
        let text = format!("Value {delay} for parameter DelaySeconds is invalid. Reason: {reason}");
        let expected = ("InvalidParameterValueException", 400, text);
        assert_eq!(error(json!({ "DelaySeconds": delay })), expected);
    }
    let mut service = Service::with_queue();
    for delay in [0, 900] {
        let body = json!({ "QueueUrl": url("jobs"), "MessageBody": "x", "DelaySeconds": delay });
        service.ok("SendMessage", body);
    }
}

#[test]
fn a_delay_of_the_message_replaces_that_of_the_queue() {
    let mut service = Service::new();
    service.ok("CreateQueue", json!({ "QueueName": "jobs", "Attributes": { "DelaySeconds": "60" } }));
    service.ok("SendMessage", json!({ "QueueUrl": url("jobs"), "MessageBody": "now", "DelaySeconds": 0 }));
    service.send("later");
    let receive = json!({ "QueueUrl": url("jobs"), "MaxNumberOfMessages": 10 });
    let bodies = |reply: Value| {
        let messages = reply["Messages"].as_array().cloned().unwrap_or_default();
        messages.iter().map(|message| message["Body"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(bodies(service.ok("ReceiveMessage", receive.clone())), ["now"]);
    service.ok("PurgeQueue", json!({ "QueueUrl": url("jobs") }));
    service.send("later");
    service.wait_secs(60);
    assert_eq!(bodies(service.ok("ReceiveMessage", receive)), ["later"]);
}

#[test]
fn the_queue_limits_body_and_attributes_together() {
    let mut service = Service::new();
    service.ok("CreateQueue", json!({ "QueueName": "jobs", "Attributes": { "MaximumMessageSize": "1024" } }));
    let message = |body_bytes: usize| {
        // 4 bytes of name, 6 of type and 10 of value.
        let attributes = json!({ "name": { "DataType": "String", "StringValue": "0123456789" } });
        let body = "a".repeat(body_bytes);
        json!({ "QueueUrl": url("jobs"), "MessageBody": body, "MessageAttributes": attributes })
    };
    service.ok("SendMessage", message(1004));
    let text =
        "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.".to_owned();
    assert_eq!(service.error("SendMessage", message(1005)), ("InvalidParameterValueException", 400, text));
}

#[test]
fn a_body_of_one_mebibyte_is_the_largest() {
    let mut service = Service::with_queue();
    let largest = "a".repeat(1_048_576);
    service.send(&largest);
    let reply = service.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs") }));
    assert_eq!(reply["Messages"][0]["Body"], largest.as_str());
    let text =
        "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.".to_owned();
    let larger = json!({ "MessageBody": largest + "a" });
    assert_eq!(error(larger), ("InvalidParameterValueException", 400, text));
}

#[test]
fn system_attributes_do_not_count() {
    let mut service = Service::with_queue();
    let trace = json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": "trace" } });
    let body = "a".repeat(1_048_576);
    let request = json!({ "QueueUrl": url("jobs"), "MessageBody": body, "MessageSystemAttributes": trace });
    service.ok("SendMessage", request);
}

#[test]
fn a_group_id_is_stored_and_told() {
    let mut service = Service::with_queue();
    let group_id = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~aZ9";
    service.ok(
        "SendMessage",
        json!({ "QueueUrl": url("jobs"), "MessageBody": "x", "MessageGroupId": group_id }),
    );
    let receive = json!({ "QueueUrl": url("jobs"), "MessageSystemAttributeNames": ["MessageGroupId"] });
    let reply = service.ok("ReceiveMessage", receive);
    assert_eq!(reply["Messages"][0]["Attributes"], json!({ "MessageGroupId": group_id }));
}

#[test]
fn a_group_id_has_1_to_128_letters_without_spaces() {
    let too_long = "a".repeat(129);
    for group_id in ["group 123", "", "ä", "\u{7f}", &too_long] {
        let reason =
            "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.";
        let text = format!("Value {group_id} for parameter MessageGroupId is invalid. Reason: {reason}");
        let expected = ("InvalidParameterValueException", 400, text);
        assert_eq!(error(json!({ "MessageGroupId": group_id })), expected);
    }
}

#[test]
fn a_deduplication_id_is_for_fifo_queues() {
    let text = "Value id-1 for parameter MessageDeduplicationId is invalid. \
                Reason: The request includes a parameter that is not valid for this queue type.";
    let expected = ("InvalidParameterValueException", 400, text.to_owned());
    assert_eq!(error(json!({ "MessageDeduplicationId": "id-1" })), expected);
}

#[test]
fn the_trace_header_of_the_request_becomes_an_attribute_unless_one_is_given() {
    let mut service = Service::with_queue();
    service.trace_header = Some("Root=from-header");
    service.send("x");
    let trace = json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=given" } });
    let given = json!({ "QueueUrl": url("jobs"), "MessageBody": "x", "MessageSystemAttributes": trace });
    service.ok("SendMessage", given);
    let receive =
        json!({ "QueueUrl": url("jobs"), "AttributeNames": ["AWSTraceHeader"], "MaxNumberOfMessages": 2 });
    let reply = service.ok("ReceiveMessage", receive);
    assert_eq!(reply["Messages"][0]["Attributes"], json!({ "AWSTraceHeader": "Root=from-header" }));
    assert_eq!(reply["Messages"][1]["Attributes"], json!({ "AWSTraceHeader": "Root=given" }));
}
