//! `RedrivePolicy`, `RedriveAllowPolicy` and `ListDeadLetterSourceQueues`.

use serde_json::{Value, json};

use crate::service::{Service, text, url};

const JOBS: &str = "arn:aws:sqs:us-east-1:000000000000:jobs";
const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:source";

fn set(policy: &str) -> Value {
    json!({ "QueueUrl": url("jobs"), "Attributes": { "RedriveAllowPolicy": policy } })
}

fn told(policy: &str) -> Value {
    let mut service = Service::with_queue();
    service.ok("SetQueueAttributes", set(policy));
    let body = json!({ "QueueUrl": url("jobs"), "AttributeNames": ["RedriveAllowPolicy"] });
    service.ok("GetQueueAttributes", body)["Attributes"]["RedriveAllowPolicy"].clone()
}

fn error(policy: &str) -> (&'static str, u16, String) {
    Service::with_queue().error("SetQueueAttributes", set(policy))
}

fn to(target: &str) -> String {
    format!(r#"{{"deadLetterTargetArn":"{target}","maxReceiveCount":"7"}}"#)
}

fn create(service: &mut Service, name: &str, attributes: Value) {
    service.ok("CreateQueue", json!({ "QueueName": name, "Attributes": attributes }));
}

/// A service with the queue `jobs`, and sources of its dead letters.
fn with_sources(names: &[&str]) -> Service {
    let mut service = Service::with_queue();
    for name in names {
        create(&mut service, name, json!({ "RedrivePolicy": to(JOBS) }));
    }
    service
}

/// The reason why the queue `source` can't have that dead-letter queue.
fn refused(service: &mut Service, target: &str) -> String {
    let policy = to(target);
    let attributes = json!({ "RedrivePolicy": policy });
    let set = json!({ "QueueUrl": url("source"), "Attributes": attributes });
    let (shape, _, text) = service.error("SetQueueAttributes", set);
    assert_eq!(shape, "InvalidParameterValueException");
    let again = json!({ "QueueName": "new", "Attributes": attributes });
    assert_eq!(service.error("CreateQueue", again), (shape, 400, text.clone()));
    let start = format!("Value {policy} for parameter RedrivePolicy is invalid. Reason: ");
    text.strip_prefix(&start).unwrap().to_owned()
}

#[test]
fn a_dead_letter_queue_must_be_there_and_fit() {
    let mut service = Service::with_queue();
    create(&mut service, "source", json!({}));
    create(&mut service, "dead.fifo", json!({ "FifoQueue": "true" }));
    create(&mut service, "closed", json!({ "RedriveAllowPolicy": r#"{"redrivePermission":"denyAll"}"# }));
    let cases = [
        (JOBS.replace("jobs", "none"), "Dead letter target does not exist."),
        (JOBS.replace("us-east-1", "eu-west-1"), "Dead-letter target must be in same region as the source."),
        (
            JOBS.replace("000000000000", "111122223333"),
            "Dead-letter target owner should be same as the source.",
        ),
        (JOBS.replace("jobs", "dead.fifo"), "Dead-letter queue must be same type of queue as the source.."),
        (
            JOBS.replace("jobs", "closed"),
            "The RedriveAllowPolicy of the dead-letter queue does not permit this source queue.",
        ),
    ];
    for (target, reason) in cases {
        assert_eq!(refused(&mut service, &target), reason);
    }
    let itself = json!({ "QueueUrl": url("source"), "Attributes": { "RedrivePolicy": to(ARN) } });
    let (_, _, text) = service.error("SetQueueAttributes", itself);
    assert!(text.ends_with("Reason: A queue can't be its own dead-letter queue."), "{text}");
}

#[test]
fn an_allow_policy_is_told_as_it_was_understood() {
    assert_eq!(told(r#"{"redrivePermission":"allowAll"}"#), r#"{"redrivePermission":"allowAll"}"#);
    assert_eq!(told(r#" { "redrivePermission" : "denyAll" }"#), r#"{"redrivePermission":"denyAll"}"#);
    let by_queue = format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{ARN}"]}}"#);
    assert_eq!(told(&by_queue), by_queue);
}

#[test]
fn an_allow_policy_in_another_format_is_refused() {
    let text = "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive \
                allow policy, as it’s in an unsupported format.";
    let policies = [
        "x",
        "[]",
        "{}",
        r#"{"redrivePermission":"allowall"}"#,
        r#"{"redrivePermission":1}"#,
        r#"{"redrivePermission":"allowAll","foobar":1}"#,
        r#"{"redrivePermission":"byQueue","sourceQueueArns":"x"}"#,
        r#"{"redrivePermission":"byQueue","sourceQueueArns":["jobs"]}"#,
    ];
    for policy in policies {
        assert_eq!(error(policy), ("InvalidAttributeValue", 400, text.to_owned()), "{policy}");
    }
}

#[test]
fn source_queues_belong_to_by_queue_and_are_1_to_10() {
    let refused = |policy: &Value, reason: &str| {
        let policy = policy.to_string();
        let text = format!(
            "Value {policy} for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the redrive \
             allow policy. {reason}"
        );
        assert_eq!(error(&policy), ("InvalidParameterValueException", 400, text));
    };
    let by_queue =
        |count: usize| json!({ "redrivePermission": "byQueue", "sourceQueueArns": vec![ARN; count] });
    told(&by_queue(10).to_string());
    let between = "When you specify the byQueue permission type, you must also specify between 1 and 10 source \
                   queue ARNs.";
    for policy in [by_queue(0), by_queue(11), json!({ "redrivePermission": "byQueue" })] {
        refused(&policy, between);
    }
    let denied = json!({ "redrivePermission": "denyAll", "sourceQueueArns": [ARN] });
    refused(&denied, "You can specify source queue ARNs only when the permission type is byQueue.");
}

#[test]
fn a_redrive_policy_is_told_with_a_number() {
    let body = json!({ "QueueUrl": url("a"), "AttributeNames": ["RedrivePolicy"] });
    let reply = with_sources(&["a"]).ok("GetQueueAttributes", body);
    let expected = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:jobs","maxReceiveCount":7}"#;
    assert_eq!(reply["Attributes"]["RedrivePolicy"], expected);
}

#[test]
fn sources_are_listed_in_lower_case_page_by_page() {
    let mut service = with_sources(&["c", "a", "b"]);
    let mut list = |body: Value| service.ok("ListDeadLetterSourceQueues", body);
    let all = list(json!({ "QueueUrl": url("jobs") }));
    assert_eq!(all, json!({ "queueUrls": [url("a"), url("b"), url("c")] }));
    let first = list(json!({ "QueueUrl": url("jobs"), "MaxResults": 2 }));
    assert_eq!(first["queueUrls"], json!([url("a"), url("b")]));
    let token = &first["NextToken"];
    let second = list(json!({ "QueueUrl": url("jobs"), "MaxResults": 2, "NextToken": token }));
    assert_eq!(second, json!({ "queueUrls": [url("c")] }));
}

#[test]
fn a_queue_that_is_no_dead_letter_queue_has_no_sources() {
    let body = json!({ "QueueUrl": url("jobs") }).to_string();
    let reply = Service::with_queue().call("ListDeadLetterSourceQueues", body.as_bytes()).unwrap();
    assert_eq!(text(&reply), r#"{"queueUrls":[]}"#);
    let body = json!({ "QueueUrl": url("none") });
    assert_eq!(Service::new().error("ListDeadLetterSourceQueues", body).0, "QueueDoesNotExist");
}

#[test]
fn pages_of_sources_are_checked_as_those_of_queues() {
    let body = json!({ "QueueUrl": url("jobs"), "MaxResults": 0 });
    let text =
        "Value 0 for parameter MaxResults is invalid. Reason: Must be between 1 and 1000, if provided.";
    let error = Service::with_queue().error("ListDeadLetterSourceQueues", body);
    assert_eq!(error, ("InvalidParameterValueException", 400, text.to_owned()));
    let body = json!({ "QueueUrl": url("jobs"), "NextToken": "x" });
    let (shape, _, text) = Service::with_queue().error("ListDeadLetterSourceQueues", body);
    assert_eq!(shape, "InvalidParameterValueException");
    assert!(text.starts_with("Value x for parameter NextToken is invalid."), "{text}");
}
