//! `PurgeQueue`, `DeleteQueue`, and every action on a queue that is not there.

use serde_json::json;

use crate::service::{Service, text, url};

#[test]
fn a_purged_queue_is_empty_and_stays() {
    let mut service = Service::with_queue();
    service.send("visible");
    service.send("in flight");
    service.receive_handle();
    let body = json!({ "QueueUrl": url("jobs") }).to_string();
    assert_eq!(text(&service.call("PurgeQueue", body.as_bytes()).unwrap()), "{}");
    service.wait_secs(31);
    assert_eq!(service.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs") })), json!({}));
}

#[test]
fn a_deleted_queue_is_gone() {
    let mut service = Service::with_queue();
    let body = json!({ "QueueUrl": url("jobs") }).to_string();
    assert_eq!(text(&service.call("DeleteQueue", body.as_bytes()).unwrap()), "{}");
    assert_eq!(service.ok("ListQueues", json!({})), json!({}));
    service.ok("CreateQueue", json!({ "QueueName": "jobs" }));
}

#[test]
fn every_action_on_a_queue_that_does_not_exist_says_so() {
    let handle = {
        let mut service = Service::with_queue();
        service.send("x");
        service.receive_handle()
    };
    let entry = json!([{ "Id": "1", "MessageBody": "x", "ReceiptHandle": handle, "VisibilityTimeout": 1 }]);
    let actions = [
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "DeleteMessageBatch",
        "DeleteQueue",
        "GetQueueAttributes",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
        "SetQueueAttributes",
    ];
    for action in actions {
        let body = json!({
            "QueueUrl": url("other"),
            "MessageBody": "x",
            "ReceiptHandle": handle,
            "VisibilityTimeout": 1,
            "Attributes": {},
            "Entries": entry
        });
        // `ReceiveMessage` and the single actions take members of the others for unknown ones.
        let error = Service::with_queue().error(action, body);
        assert_eq!(
            error,
            ("QueueDoesNotExist", 400, "The specified queue does not exist.".to_owned()),
            "{action}"
        );
    }
}
