//! What SQS has and this version has not is refused, never ignored.

use serde_json::{Value, json};

use crate::service::{Service, url};

const FIFO: &str = "FIFO queues are not supported by this version of Millpond. Use a standard queue.";

fn create(name: &str, attributes: Value) -> (&'static str, u16, String) {
    Service::new().error("CreateQueue", json!({ "QueueName": name, "Attributes": attributes }))
}

#[test]
fn fifo_queues_are_refused_and_not_created_as_standard_ones() {
    assert_eq!(create("jobs.fifo", json!({})), ("UnsupportedOperation", 400, FIFO.to_owned()));
    let fifo = json!({ "FifoQueue": "true" });
    assert_eq!(create("jobs.fifo", fifo.clone()), ("UnsupportedOperation", 400, FIFO.to_owned()));
    assert_eq!(create("jobs", fifo), ("UnsupportedOperation", 400, FIFO.to_owned()));
}

#[test]
fn a_standard_queue_has_no_fifo_attributes() {
    let unknown = |name: &str| ("InvalidAttributeName", 400, format!("Unknown Attribute {name}."));
    assert_eq!(create("jobs", json!({ "FifoQueue": "false" })), unknown("FifoQueue"));
    let content_based = json!({ "ContentBasedDeduplication": "true" });
    assert_eq!(create("jobs", content_based), unknown("ContentBasedDeduplication"));
    let text = "You can specify the DeduplicationScope only when FifoQueue is set to true.".to_owned();
    let scope = json!({ "DeduplicationScope": "queue" });
    assert_eq!(create("jobs", scope), ("InvalidAttributeName", 400, text));
}

#[test]
fn policies_and_keys_are_refused_and_not_ignored() {
    let values = [
        ("Policy", "{}"),
        ("RedrivePolicy", "{}"),
        ("RedriveAllowPolicy", "{}"),
        ("KmsMasterKeyId", "alias/aws/sqs"),
        ("KmsDataKeyReusePeriodSeconds", "300"),
    ];
    for (name, value) in values {
        let (shape, status, text) = create("jobs", json!({ name: value }));
        assert_eq!((shape, status), ("UnsupportedOperation", 400));
        assert!(text.contains(name) && text.contains("not supported by this version of Millpond"), "{text}");
        let set = json!({ "QueueUrl": url("jobs"), "Attributes": { name: value } });
        assert_eq!(Service::with_queue().error("SetQueueAttributes", set).0, "UnsupportedOperation");
    }
}

#[test]
fn removing_what_is_never_there_changes_nothing() {
    let empty = json!({ "Policy": "", "RedrivePolicy": "", "RedriveAllowPolicy": "", "KmsMasterKeyId": "" });
    let body = json!({ "QueueUrl": url("jobs"), "Attributes": empty });
    Service::with_queue().ok("SetQueueAttributes", body);
}

#[test]
fn tags_are_refused() {
    let body = json!({ "QueueName": "jobs", "tags": { "team": "mill" } });
    let text = "Queue tags are not supported by this version of Millpond. Create the queue without tags.";
    assert_eq!(Service::new().error("CreateQueue", body), ("UnsupportedOperation", 400, text.to_owned()));
}
