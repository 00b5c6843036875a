//! `StartMessageMoveTask`, `CancelMessageMoveTask` and `ListMessageMoveTasks`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millpond_core::command::Command;
use serde_json::{Value, json};

use crate::service::{Service, url};

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{name}")
}

fn create(service: &mut Service, name: &str, attributes: Value) {
    service.ok("CreateQueue", json!({ "QueueName": name, "Attributes": attributes }));
}

/// A service with `jobs`, whose dead letters go to `dead`, and `other`.
fn service() -> Service {
    let mut service = Service::with_queue();
    create(&mut service, "dead", json!({}));
    create(&mut service, "other", json!({}));
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, arn("dead"));
    service.ok(
        "SetQueueAttributes",
        json!({ "QueueUrl": url("jobs"), "Attributes": { "RedrivePolicy": policy } }),
    );
    service
}

/// So many messages of `jobs` become dead letters.
fn kill(service: &mut Service, count: usize) {
    for number in 1..=count {
        service.send(&format!("message {number}"));
        let look = json!({ "QueueUrl": url("jobs"), "VisibilityTimeout": 0 });
        service.ok("ReceiveMessage", look.clone());
        assert_eq!(service.ok("ReceiveMessage", look), json!({}));
    }
}

/// One step of the task of `dead`.
fn step(service: &mut Service) {
    let queue = service.queue_id_of("dead");
    service.decide(Command::StepMoveTask { queue });
}

fn start(service: &mut Service, more: Value) -> String {
    let mut request = json!({ "SourceArn": arn("dead") });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let reply = service.ok("StartMessageMoveTask", request);
    reply["TaskHandle"].as_str().unwrap().to_owned()
}

fn list(service: &mut Service) -> Value {
    service.ok("ListMessageMoveTasks", json!({ "SourceArn": arn("dead"), "MaxResults": 10 }))["Results"]
        .clone()
}

fn invalid(text: &str) -> (&'static str, u16, String) {
    ("InvalidParameterValueException", 400, text.to_owned())
}

fn not_found(text: &str) -> (&'static str, u16, String) {
    ("ResourceNotFoundException", 404, text.to_owned())
}

#[test]
fn a_task_is_told_from_start_to_end() {
    let mut service = service();
    assert_eq!(list(&mut service), json!([]));
    kill(&mut service, 2);
    let handle =
        start(&mut service, json!({ "DestinationArn": arn("other"), "MaxNumberOfMessagesPerSecond": 1 }));
    let decoded: Value = serde_json::from_slice(&STANDARD.decode(&handle).unwrap()).unwrap();
    assert_eq!(decoded["sourceArn"], arn("dead"));
    assert_eq!(decoded["taskId"].as_str().unwrap().len(), 36);
    let running = |moved: u64| {
        json!([{
            "TaskHandle": handle,
            "Status": "RUNNING",
            "SourceArn": arn("dead"),
            "DestinationArn": arn("other"),
            "MaxNumberOfMessagesPerSecond": 1,
            "ApproximateNumberOfMessagesMoved": moved,
            "ApproximateNumberOfMessagesToMove": 2,
            "StartedTimestamp": 1_700_000_000_123_u64,
        }])
    };
    assert_eq!(list(&mut service), running(0));
    step(&mut service);
    assert_eq!(list(&mut service), running(1));
    service.wait_secs(1);
    step(&mut service);
    assert_eq!(
        list(&mut service),
        json!([{
            "Status": "COMPLETED",
            "SourceArn": arn("dead"),
            "DestinationArn": arn("other"),
            "MaxNumberOfMessagesPerSecond": 1,
            "ApproximateNumberOfMessagesMoved": 2,
            "ApproximateNumberOfMessagesToMove": 2,
            "StartedTimestamp": 1_700_000_000_123_u64,
        }])
    );
}

#[test]
fn the_newest_task_comes_first_and_alone_by_default() {
    let mut service = service();
    start(&mut service, json!({}));
    step(&mut service);
    service.wait_secs(5);
    start(&mut service, json!({ "DestinationArn": arn("other") }));
    let destinations: Vec<Value> =
        list(&mut service).as_array().unwrap().iter().map(|task| task["DestinationArn"].clone()).collect();
    assert_eq!(destinations, [json!(arn("other")), Value::Null]);
    let newest = service.ok("ListMessageMoveTasks", json!({ "SourceArn": arn("dead") }));
    assert_eq!(newest["Results"].as_array().unwrap().len(), 1);
    assert_eq!(newest["Results"][0]["Status"], "RUNNING");
}

#[test]
fn a_moved_message_is_a_new_one() {
    let mut service = service();
    kill(&mut service, 1);
    let all = |queue: &str| json!({ "QueueUrl": url(queue), "VisibilityTimeout": 0, "MessageSystemAttributeNames": ["All"] });
    let dead = service.ok("ReceiveMessage", all("dead"))["Messages"][0].clone();
    service.wait_secs(100);
    start(&mut service, json!({}));
    step(&mut service);
    let moved = service.ok("ReceiveMessage", all("jobs"))["Messages"][0].clone();
    assert_ne!(moved["MessageId"], dead["MessageId"]);
    assert_eq!(moved["MessageId"].as_str().unwrap().len(), 36);
    assert_eq!((&moved["Body"], &moved["MD5OfBody"]), (&dead["Body"], &dead["MD5OfBody"]));
    let attributes = &moved["Attributes"];
    assert_eq!(attributes["ApproximateReceiveCount"], "1");
    assert_eq!(attributes["SentTimestamp"], "1700000100123");
    assert_eq!(attributes.get("DeadLetterQueueSourceArn"), None);
    service.ok("ReceiveMessage", all("jobs"));
    let again = service.ok("ReceiveMessage", all("dead"))["Messages"][0].clone();
    assert_eq!(again["MessageId"], moved["MessageId"], "a dead letter keeps its id");
}

#[test]
fn a_failed_task_says_why() {
    let mut service = service();
    service.ok("SendMessage", json!({ "QueueUrl": url("dead"), "MessageBody": "from nowhere" }));
    start(&mut service, json!({}));
    step(&mut service);
    let failed = &list(&mut service)[0];
    assert_eq!(
        (&failed["Status"], &failed["FailureReason"], failed.get("TaskHandle")),
        (&json!("FAILED"), &json!("CouldNotDetermineMessageSource"), None)
    );
    service.wait_secs(1);
    start(&mut service, json!({ "DestinationArn": arn("other") }));
    service.ok("DeleteQueue", json!({ "QueueUrl": url("other") }));
    step(&mut service);
    assert_eq!(list(&mut service)[0]["FailureReason"], "AWS.SimpleQueueService.NonExistentQueue");
}

#[test]
fn a_task_is_cancelled_by_its_handle() {
    let mut service = service();
    kill(&mut service, 2);
    let handle = start(&mut service, json!({ "MaxNumberOfMessagesPerSecond": 1 }));
    step(&mut service);
    let cancelled = service.ok("CancelMessageMoveTask", json!({ "TaskHandle": handle }));
    assert_eq!(cancelled, json!({ "ApproximateNumberOfMessagesMoved": 1 }));
    assert_eq!(list(&mut service)[0]["Status"], "CANCELLED");
    let (shape, status, _) = service.error("CancelMessageMoveTask", json!({ "TaskHandle": handle }));
    assert_eq!((shape, status), ("UnsupportedOperation", 400));
}

#[test]
fn handles_that_name_no_task_are_refused() {
    let mut service = service();
    let handle = |id: &str, arn: &str| STANDARD.encode(json!({ "taskId": id, "sourceArn": arn }).to_string());
    let mut error = |handle: String| service.error("CancelMessageMoveTask", json!({ "TaskHandle": handle }));
    let id = "10f57157-fc38-4da9-a113-4de7e12d05dd";
    for text in ["foobared", "e30=", "bm90aGluZw=="] {
        assert_eq!(error(text.to_owned()), invalid("Value for parameter TaskHandle is invalid."), "{text}");
    }
    let source = "The resource that you specified for the SourceArn parameter doesn't exist.";
    for absent in [arn("absent"), "no arn".to_owned()] {
        assert_eq!(error(handle(id, &absent)), not_found(source));
    }
    for id in [id, "+0f57157-fc38-4da9-a113-4de7e12d05dd", ""] {
        assert_eq!(error(handle(id, &arn("dead"))), not_found("Task does not exist."), "{id}");
    }
    assert_eq!(error(String::new()).0, "MissingRequiredParameterException");
}

#[test]
fn queues_and_numbers_that_do_not_fit_are_refused() {
    let mut service = service();
    create(&mut service, "dead.fifo", json!({ "FifoQueue": "true" }));
    let absent = |name: &str| {
        not_found(&format!("The resource that you specified for the {name} parameter doesn't exist."))
    };
    let format = |name: &str| {
        invalid(&format!(
            "You must use this format to specify the {name}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        ))
    };
    let to = |destination: String| json!({ "SourceArn": arn("dead"), "DestinationArn": destination });
    let rate = |rate: i64| json!({ "SourceArn": arn("dead"), "MaxNumberOfMessagesPerSecond": rate });
    let out_of_range = invalid(
        "Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between 1 and 500.",
    );
    let cases = [
        (json!({ "SourceArn": arn("absent") }), absent("SourceArn")),
        (json!({ "SourceArn": "arn:aws:sns:us-east-1:000000000000:dead" }), absent("SourceArn")),
        (json!({ "SourceArn": "dead" }), format("SourceArn")),
        (
            json!({ "SourceArn": arn("jobs") }),
            invalid("Source queue must be configured as a Dead Letter Queue."),
        ),
        (to(arn("absent")), absent("DestinationArn")),
        (to(String::new()), format("DestinationArn")),
        (to(arn("dead")), invalid("Source queue arn and destination queue arn cannot be the same.")),
        (
            to(arn("dead.fifo")),
            invalid("The source queue and destination queue must be of the same queue type."),
        ),
        (rate(0), out_of_range.clone()),
        (rate(501), out_of_range.clone()),
        (rate(-1), out_of_range),
    ];
    for (request, expected) in cases {
        assert_eq!(service.error("StartMessageMoveTask", request.clone()), expected, "{request}");
    }
    assert_eq!(service.error("StartMessageMoveTask", json!({})).0, "MissingRequiredParameterException");
    start(&mut service, json!({}));
    assert_eq!(
        service.error("StartMessageMoveTask", json!({ "SourceArn": arn("dead") })),
        invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    );
    for number in [0, 11] {
        assert_eq!(
            service.error("ListMessageMoveTasks", json!({ "SourceArn": arn("dead"), "MaxResults": number })),
            invalid(
                "Value for parameter MaxResults is invalid. Reason: You must enter a number that's between 1 and 10."
            )
        );
    }
    assert_eq!(
        service.error("ListMessageMoveTasks", json!({ "SourceArn": arn("absent") })),
        absent("SourceArn")
    );
}

#[test]
fn xml_calls_an_entry_by_its_name_of_old() {
    let mut service = service();
    let form = |name: &str| format!("SourceArn=arn%3Aaws%3Asqs%3Aus-east-1%3A000000000000%3A{name}");
    let started = service.query("StartMessageMoveTask", &form("dead"));
    assert!(started.contains("<StartMessageMoveTaskResult><TaskHandle>"), "{started}");
    let listed = service.query("ListMessageMoveTasks", &form("dead"));
    let start = "<ListMessageMoveTasksResult><ListMessageMoveTasksResultEntry><TaskHandle>";
    assert!(listed.contains(start) && listed.contains("<Status>RUNNING</Status>"), "{listed}");
    let absent = service.query("ListMessageMoveTasks", &form("absent"));
    assert!(absent.contains("<Code>ResourceNotFoundException</Code>"), "{absent}");
}
