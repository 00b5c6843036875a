//! `SendMessageBatch`.

use serde_json::{Value, json};

use crate::service::{Service, text, url};

fn batch(entries: Value) -> Value {
    json!({ "QueueUrl": url("jobs"), "Entries": entries })
}

fn error(entries: Value) -> (&'static str, u16, String) {
    Service::with_queue().error("SendMessageBatch", batch(entries))
}

#[test]
fn answers_each_entry_in_order() {
    let body = batch(json!([
        { "Id": "a", "MessageBody": "0" },
        { "Id": "b", "MessageBody": "0", "MessageAttributes": { "Hello": { "DataType": "String", "StringValue": "World" } } }
    ]));
    let reply = Service::with_queue().call("SendMessageBatch", body.to_string().as_bytes()).unwrap();
    let expected = concat!(
        r#"{"Successful":[{"Id":"a","MD5OfMessageBody":"cfcd208495d565ef66e7dff9f98764da","#,
        r#""MessageId":"00000000-0000-4000-8000-000000000001"},"#,
        r#"{"Id":"b","MD5OfMessageBody":"cfcd208495d565ef66e7dff9f98764da","#,
        r#""MD5OfMessageAttributes":"7db7fb1ba7f41366a8ea5eb18220b26d","#,
        r#""MessageId":"00000000-0000-4000-8000-000000000002"}]}"#
    );
    assert_eq!(text(&reply), expected);
}

#[test]
fn a_bad_entry_fails_alone() {
    let mut service = Service::new();
    service.ok("CreateQueue", json!({ "QueueName": "jobs", "Attributes": { "MaximumMessageSize": "1024" } }));
    let entries = json!([
        { "Id": "1", "MessageBody": "good" },
        { "Id": "2", "MessageBody": "bad\u{1}" },
        { "Id": "3", "MessageBody": "a".repeat(1025) },
        { "Id": "4" },
        { "Id": "5", "MessageBody": "x", "DelaySeconds": 901 },
        { "Id": "6", "MessageBody": "good" }
    ]);
    let reply = service.ok("SendMessageBatch", batch(entries));
    let ids = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|entry| entry["Id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&reply["Successful"]), ["1", "6"]);
    assert_eq!(ids(&reply["Failed"]), ["2", "3", "4", "5"]);
    assert_eq!(reply["Failed"][0]["Code"], "InvalidMessageContents");
    let too_long =
        "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.";
    let failed =
        json!({ "Id": "3", "SenderFault": true, "Code": "InvalidParameterValue", "Message": too_long });
    assert_eq!(reply["Failed"][1], failed);
    let missing = "The request must contain the parameter SendMessageBatchRequestEntry.4.MessageBody.";
    let failed = json!({ "Id": "4", "SenderFault": true, "Code": "MissingParameter", "Message": missing });
    assert_eq!(reply["Failed"][2], failed);
    let receive = service.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs"), "MaxNumberOfMessages": 10 }));
    assert_eq!(receive["Messages"].as_array().unwrap().len(), 2);
}

#[test]
fn all_entries_may_fail() {
    let entries = json!([{ "Id": "1", "MessageBody": "\u{0}" }]);
    let reply = Service::with_queue().ok("SendMessageBatch", batch(entries));
    assert_eq!(reply.get("Successful"), None);
    assert_eq!(reply["Failed"].as_array().unwrap().len(), 1);
}

#[test]
fn entries_must_be_given() {
    let text = "The request must contain the parameter Entries.".to_owned();
    let error_of = Service::with_queue().error("SendMessageBatch", json!({ "QueueUrl": url("jobs") }));
    assert_eq!(error_of, ("MissingRequiredParameterException", 400, text));
    let text = "There should be at least one SendMessageBatchRequestEntry in the request.".to_owned();
    assert_eq!(error(json!([])), ("EmptyBatchRequest", 400, text));
}

#[test]
fn at_most_ten_entries_are_taken() {
    let entries = |count: usize| -> Value {
        (0..count).map(|id| json!({ "Id": id.to_string(), "MessageBody": "x" })).collect()
    };
    Service::with_queue().ok("SendMessageBatch", batch(entries(10)));
    let text = "Maximum number of entries per request are 10. You have sent 20.".to_owned();
    assert_eq!(error(entries(20)), ("TooManyEntriesInBatchRequest", 400, text));
}

#[test]
fn ids_are_distinct_and_of_1_to_80_letters() {
    let of = |id: &str| json!([{ "Id": id, "MessageBody": "x" }]);
    Service::with_queue().ok("SendMessageBatch", batch(of(&"aZ9-_".repeat(16))));
    let text = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                It can be at most 80 letters long.";
    for id in ["", "é", "invalid:id", &"a".repeat(81)] {
        assert_eq!(error(of(id)), ("InvalidBatchEntryId", 400, text.to_owned()), "{id}");
    }
    let twice = json!([{ "Id": "a", "MessageBody": "x" }, { "Id": "a", "MessageBody": "y" }]);
    assert_eq!(error(twice), ("BatchEntryIdsNotDistinct", 400, "Id a repeated.".to_owned()));
    let none = json!([{ "Id": "a", "MessageBody": "x" }, { "MessageBody": "y" }]);
    let text = "The request must contain the parameter SendMessageBatchRequestEntry.2.Id.".to_owned();
    assert_eq!(error(none), ("MissingRequiredParameterException", 400, text));
}

#[test]
fn all_messages_together_have_at_most_one_mebibyte() {
    let entries = |second: usize| {
        // 1 byte of name, 6 of type, 1 of value.
        let attributes = json!({ "k": { "DataType": "String", "StringValue": "v" } });
        json!([
            { "Id": "1", "MessageBody": "a".repeat(1_048_576 - 8 - 10), "MessageAttributes": attributes },
            { "Id": "2", "MessageBody": "a".repeat(second) }
        ])
    };
    let reply = Service::with_queue().ok("SendMessageBatch", batch(entries(10)));
    assert_eq!(reply["Successful"].as_array().unwrap().len(), 2);
    let text = "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.".to_owned();
    assert_eq!(error(entries(11)), ("BatchRequestTooLong", 400, text));
}
