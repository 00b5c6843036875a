//! The attributes that only a FIFO queue has, and those of its name.

use serde_json::{Value, json};

use crate::service::{Service, text, url};

/// A service with one queue, `jobs.fifo`.
fn with_fifo_queue() -> Service {
    let mut service = Service::new();
    service.ok("CreateQueue", json!({ "QueueName": "jobs.fifo", "Attributes": { "FifoQueue": "True" } }));
    service
}

fn create(name: &str, attributes: Value) -> (&'static str, u16, String) {
    Service::new().error("CreateQueue", json!({ "QueueName": name, "Attributes": attributes }))
}

fn set_error(attributes: Value) -> (&'static str, u16, String) {
    let body = json!({ "QueueUrl": url("jobs.fifo"), "Attributes": attributes });
    with_fifo_queue().error("SetQueueAttributes", body)
}

#[test]
fn all_of_a_fresh_fifo_queue_are_exactly_these() {
    let body = json!({ "QueueUrl": url("jobs.fifo"), "AttributeNames": ["All"] }).to_string();
    let reply = with_fifo_queue().call("GetQueueAttributes", body.as_bytes()).unwrap();
    let expected = concat!(
        r#"{"Attributes":{"ApproximateNumberOfMessages":"0","ApproximateNumberOfMessagesDelayed":"0","#,
        r#""ApproximateNumberOfMessagesNotVisible":"0","ContentBasedDeduplication":"false","#,
        r#""CreatedTimestamp":"1700000000","DeduplicationScope":"queue","DelaySeconds":"0","FifoQueue":"true","#,
        r#""FifoThroughputLimit":"perQueue","LastModifiedTimestamp":"1700000000","MaximumMessageSize":"1048576","#,
        r#""MessageRetentionPeriod":"345600","QueueArn":"arn:aws:sqs:us-east-1:000000000000:jobs.fifo","#,
        r#""ReceiveMessageWaitTimeSeconds":"0","SqsManagedSseEnabled":"true","VisibilityTimeout":"30"}}"#
    );
    assert_eq!(text(&reply), expected);
}

#[test]
fn what_is_set_is_told() {
    let mut service = with_fifo_queue();
    let attributes = json!({
        "ContentBasedDeduplication": "TRUE",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId"
    });
    service.ok("SetQueueAttributes", json!({ "QueueUrl": url("jobs.fifo"), "Attributes": attributes }));
    let names = ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit", "FifoQueue"];
    let body = json!({ "QueueUrl": url("jobs.fifo"), "AttributeNames": names });
    let expected = json!({
        "ContentBasedDeduplication": "true",
        "DeduplicationScope": "messageGroup",
        "FifoQueue": "true",
        "FifoThroughputLimit": "perMessageGroupId"
    });
    assert_eq!(service.ok("GetQueueAttributes", body)["Attributes"], expected);
}

#[test]
fn a_standard_queue_has_no_fifo_attributes() {
    let unknown = |name: &str| ("InvalidAttributeName", 400, format!("Unknown Attribute {name}."));
    let only = |name: &str| {
        let text = format!("You can specify the {name} only when FifoQueue is set to true.");
        ("InvalidAttributeName", 400, text)
    };
    let cases = [
        (json!({ "FifoQueue": "false" }), unknown("FifoQueue")),
        (json!({ "ContentBasedDeduplication": "true" }), unknown("ContentBasedDeduplication")),
        (json!({ "DeduplicationScope": "queue" }), only("DeduplicationScope")),
        (json!({ "FifoThroughputLimit": "perQueue" }), only("FifoThroughputLimit")),
    ];
    for (attributes, refused) in cases {
        assert_eq!(create("jobs", attributes.clone()), refused);
        let set = json!({ "QueueUrl": url("jobs"), "Attributes": attributes });
        assert_eq!(Service::with_queue().error("SetQueueAttributes", set), refused);
    }
}

#[test]
fn a_queue_stays_a_fifo_queue() {
    let text = "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.";
    let refused = ("InvalidAttributeValue", 400, text.to_owned());
    assert_eq!(set_error(json!({ "FifoQueue": "false" })), refused);
}

#[test]
fn a_limit_per_group_needs_the_scope_of_a_group() {
    let text = "Invalid value for the parameter FifoThroughputLimit. Reason: To set FifoThroughputLimit to \
                perMessageGroupId, the DeduplicationScope must be messageGroup.";
    let refused = ("InvalidAttributeValue", 400, text.to_owned());
    assert_eq!(set_error(json!({ "FifoThroughputLimit": "perMessageGroupId" })), refused);
}

#[test]
fn other_values_are_refused() {
    let cases = [
        ("FifoQueue", "yes"),
        ("ContentBasedDeduplication", ""),
        ("DeduplicationScope", "Queue"),
        ("DeduplicationScope", ""),
        ("FifoThroughputLimit", "perMessageGroup"),
    ];
    for (name, value) in cases {
        let text = format!("Invalid value for the parameter {name}.");
        assert_eq!(set_error(json!({ name: value })), ("InvalidAttributeValue", 400, text));
    }
}

#[test]
fn name_and_kind_must_agree() {
    let standard = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    let fifo = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end \
                with .fifo suffix and be 1 to 80 in length.";
    let refused = |text: &str| ("InvalidParameterValueException", 400, text.to_owned());
    assert_eq!(create("jobs.fifo", json!({})), refused(standard));
    assert_eq!(create("jobs.fifo", json!({ "FifoQueue": "false" })), refused(standard));
    let too_long = format!("{}.fifo", "a".repeat(76));
    for name in ["jobs", "a b.fifo", ".fifo", &too_long] {
        assert_eq!(create(name, json!({ "FifoQueue": "true" })), refused(fifo));
    }
}

#[test]
fn a_fifo_queue_that_is_there_is_found_by_its_name() {
    let reply = with_fifo_queue().ok("CreateQueue", json!({ "QueueName": "jobs.fifo" }));
    assert_eq!(reply["QueueUrl"], url("jobs.fifo"));
}
