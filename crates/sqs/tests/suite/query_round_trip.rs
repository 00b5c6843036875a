//! One request in two protocols is one request: what an action asks of the state does not depend on the codec.
//!
//! The form is written here by the rules and names of the service model of old SDKs, not by the table under test.

use millpond_sqs::catalogue::ACTIONS;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::service::{Service, url};

/// How the model calls the items of a list or map; `None` for a member that is neither.
fn model(action: &str, member: &str) -> Option<(String, Option<(&'static str, &'static str)>)> {
    let name_value = Some(("Name", "Value"));
    Some(match member {
        "Attributes" => ("Attribute".to_owned(), name_value),
        "MessageAttributes" => ("MessageAttribute".to_owned(), name_value),
        "MessageSystemAttributes" => ("MessageSystemAttribute".to_owned(), name_value),
        "tags" | "Tags" => ("Tag".to_owned(), Some(("Key", "Value"))),
        "AttributeNames" => ("AttributeName".to_owned(), None),
        "MessageAttributeNames" => ("MessageAttributeName".to_owned(), None),
        "MessageSystemAttributeNames" => ("MessageSystemAttributeName".to_owned(), None),
        "StringListValues" => ("StringListValue".to_owned(), None),
        "BinaryListValues" => ("BinaryListValue".to_owned(), None),
        "AWSAccountIds" => ("AWSAccountId".to_owned(), None),
        "Actions" => ("ActionName".to_owned(), None),
        "TagKeys" => ("TagKey".to_owned(), None),
        "Entries" => (format!("{action}RequestEntry"), None),
        _ => return None,
    })
}

fn form_of(action: &str, request: &Value) -> String {
    let mut parameters = Vec::new();
    let Value::Object(members) = request else { panic!("a request is a structure") };
    put_members(&mut parameters, action, "", members);
    // The order of parameters says nothing.
    parameters.reverse();
    parameters.join("&")
}

fn put_members(parameters: &mut Vec<String>, action: &str, prefix: &str, members: &Map<String, Value>) {
    for (member, value) in members {
        match (model(action, member), value) {
            (Some((item, None)), Value::Array(items)) => {
                for (index, value) in items.iter().enumerate() {
                    put(parameters, action, &format!("{prefix}{item}.{}", index + 1), value);
                }
            }
            (Some((item, Some((key, value_name)))), Value::Object(entries)) => {
                for (index, (name, value)) in entries.iter().enumerate() {
                    let entry = format!("{prefix}{item}.{}", index + 1);
                    put(parameters, action, &format!("{entry}.{key}"), &json!(name));
                    put(parameters, action, &format!("{entry}.{value_name}"), value);
                }
            }
            (None, value) => put(parameters, action, &format!("{prefix}{member}"), value),
            (Some(_), value) => panic!("{member} can't be {value}"),
        }
    }
}

fn put(parameters: &mut Vec<String>, action: &str, name: &str, value: &Value) {
    let text = match value {
        Value::Object(members) => return put_members(parameters, action, &format!("{name}."), members),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => panic!("{name} can't be {other}"),
    };
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    parameters.push(format!("{name}={}", text.bytes().map(escape).collect::<String>()));
}

/// What a request asks, whichever its protocol, or why it is refused.
fn same(action: &str, request: &Value) {
    let of_json = Service::with_queue().prepare(action, request.to_string().as_bytes());
    let form = form_of(action, request);
    let of_form = Service::with_queue().prepare_form(action, &form);
    match (of_json, of_form) {
        (Ok(json), Ok(form)) => assert_eq!(format!("{json:?}"), format!("{form:?}"), "{action} {request}"),
        (Err(json), Err(form)) => {
            assert_eq!((json.kind(), unworded(json.message())), (form.kind(), unworded(form.message())));
        }
        (json, of_form) => panic!("{action} {request}: {json:?}, but {form}: {of_form:?}"),
    }
}

/// The one text that the protocols word differently.
fn unworded(message: &str) -> String {
    message.replace(" for this wsdl version", "")
}

fn text() -> BoxedStrategy<Value> {
    prop_oneof!["[a-z]{1,5}", any::<String>(), Just(" \u{e9}\r\n&=%+\"<\u{1f600}".to_owned())]
        .prop_map(Value::from)
        .boxed()
}

fn number() -> BoxedStrategy<Value> {
    prop_oneof![0_i64..12, any::<i64>()].prop_map(Value::from).boxed()
}

fn queue_url() -> BoxedStrategy<Value> {
    prop::sample::select(vec![url("jobs"), "jobs".to_owned(), String::new(), "no name".to_owned()])
        .prop_map(Value::from)
        .boxed()
}

fn names(most: usize) -> BoxedStrategy<Value> {
    let name = prop_oneof![
        prop::sample::select(vec!["All", "SenderId", "x.*", "DelaySeconds", "Foobar"]).prop_map(Value::from),
        text()
    ];
    proptest::collection::vec(name, 0..most).prop_map(Value::from).boxed()
}

fn map_of(key: impl Strategy<Value = String> + 'static, value: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    proptest::collection::btree_map(key, value, 1..13)
        .prop_map(|entries| Value::Object(entries.into_iter().collect()))
        .boxed()
}

/// A structure of some of these members.
fn structure(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| proptest::option::weighted(0.8, value).prop_map(move |value| (name, value)))
        .collect();
    members
        .prop_map(|members| {
            let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            Value::Object(given.collect())
        })
        .boxed()
}

fn attributes() -> BoxedStrategy<Value> {
    let value = structure(vec![
        (
            "DataType",
            prop::sample::select(vec!["String", "Number", "Binary", "Number.x"])
                .prop_map(Value::from)
                .boxed(),
        ),
        ("StringValue", prop_oneof![text(), Just(json!("-5.5e3"))].boxed()),
        ("BinaryValue", prop::sample::select(vec!["AAE=", "", "AA=="]).prop_map(Value::from).boxed()),
        ("StringListValues", proptest::collection::vec(text(), 0..2).prop_map(Value::from).boxed()),
        ("BinaryListValues", Just(json!(["AA=="])).boxed()),
    ]);
    let plain = text().prop_map(|text| json!({ "DataType": "String", "StringValue": text }));
    map_of("[A-Za-z._]{1,6}", prop_oneof![4 => plain, 1 => value].boxed())
}

fn queue_attributes() -> BoxedStrategy<Value> {
    let key =
        prop::sample::select(vec!["DelaySeconds", "VisibilityTimeout", "Policy", "FifoQueue", "Foobar"]);
    let value =
        prop_oneof![(0..50_000_u32).prop_map(|number| json!(number.to_string())), text(), Just(json!(""))];
    map_of(key.prop_map(str::to_owned), value.boxed())
}

fn message(first: (&'static str, BoxedStrategy<Value>)) -> BoxedStrategy<Value> {
    structure(vec![
        first,
        ("MessageBody", text()),
        ("DelaySeconds", number()),
        ("MessageAttributes", attributes()),
        ("MessageSystemAttributes", attributes()),
        ("MessageDeduplicationId", prop_oneof![9 => Just(json!("")), 1 => text()].boxed()),
        ("MessageGroupId", text()),
    ])
}

/// Entries that are mostly well-formed, under distinct ids.
fn entries(entry: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    proptest::collection::vec(entry, 1..13)
        .prop_map(|mut entries| {
            // A form can't hold an entry without members.
            for (index, entry) in entries.iter_mut().enumerate() {
                if index > 0 || entry.get("Id").is_none() {
                    entry["Id"] = json!(format!("id-{index}"));
                }
            }
            Value::from(entries)
        })
        .boxed()
}

/// Requests for an action, most of them valid.
fn requests(action: &str) -> BoxedStrategy<Value> {
    let queue = ("QueueUrl", queue_url());
    let handle = ("ReceiptHandle", prop_oneof![Just(json!(handle())), text()].boxed());
    let id = || ("Id", prop_oneof![Just(json!("id")), text()].boxed());
    let of_message = || vec![id(), handle.clone(), ("VisibilityTimeout", number())];
    let batch =
        |entry| with("Entries", structure(vec![("QueueUrl", queue_url()), ("Entries", entries(entry))]));
    let page = vec![("NextToken", text()), ("MaxResults", number())];
    let texts = || proptest::collection::vec(text(), 1..4).prop_map(Value::from).boxed();
    match action {
        "AddPermission" => {
            let members = vec![queue, ("Label", text()), ("AWSAccountIds", texts()), ("Actions", texts())];
            with("AWSAccountIds", with("Actions", structure(members)))
        }
        "CancelMessageMoveTask" => structure(vec![("TaskHandle", text())]),
        "ChangeMessageVisibility" => structure(vec![queue, handle, ("VisibilityTimeout", number())]),
        "ChangeMessageVisibilityBatch" | "DeleteMessageBatch" => batch(structure(of_message())),
        "CreateQueue" => structure(vec![
            ("QueueName", prop_oneof![Just(json!("jobs")), Just(json!("jobs.fifo")), text()].boxed()),
            ("Attributes", queue_attributes()),
            ("tags", map_of("[a-z]{1,3}", text())),
        ]),
        "DeleteMessage" => structure(vec![queue, handle]),
        "DeleteQueue" | "ListQueueTags" | "PurgeQueue" => structure(vec![queue]),
        "GetQueueAttributes" => structure(vec![queue, ("AttributeNames", names(4))]),
        "GetQueueUrl" => structure(vec![("QueueName", text()), ("QueueOwnerAWSAccountId", text())]),
        "ListDeadLetterSourceQueues" => structure([vec![queue], page].concat()),
        "ListMessageMoveTasks" => structure(vec![("SourceArn", text()), ("MaxResults", number())]),
        "ListQueues" => structure([vec![("QueueNamePrefix", text())], page].concat()),
        "ReceiveMessage" => structure(vec![
            queue,
            ("AttributeNames", names(4)),
            ("MessageSystemAttributeNames", names(2)),
            ("MessageAttributeNames", names(15)),
            ("MaxNumberOfMessages", number()),
            ("VisibilityTimeout", number()),
            ("WaitTimeSeconds", number()),
        ]),
        "RemovePermission" => structure(vec![queue, ("Label", text())]),
        "SendMessage" => message(queue),
        "SendMessageBatch" => batch(message(id())),
        "SetQueueAttributes" => structure(vec![queue, ("Attributes", queue_attributes())]),
        "StartMessageMoveTask" => structure(vec![
            ("SourceArn", text()),
            ("DestinationArn", text()),
            ("MaxNumberOfMessagesPerSecond", number()),
        ]),
        "TagQueue" => structure(vec![queue, ("Tags", map_of("[a-z]{1,3}", text()))]),
        "UntagQueue" => with("TagKeys", structure(vec![queue, ("TagKeys", texts())])),
        _ => panic!("{action} has no requests here: add it, so that the protocols can't drift apart"),
    }
}

/// Those that have a list: a form can't tell an absent one from an empty one.
fn with(list: &'static str, requests: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    requests.prop_filter("has the list", move |request| request.get(list).is_some()).boxed()
}

/// A handle that this service has given.
fn handle() -> String {
    let mut service = Service::with_queue();
    service.send("x");
    service.receive_handle()
}

#[test]
fn every_action_asks_the_same_in_both_protocols() {
    for action in &ACTIONS {
        let mut runner = proptest::test_runner::TestRunner::default();
        let checked = runner.run(&requests(action.name), |request| {
            same(action.name, &request);
            Ok(())
        });
        checked.unwrap_or_else(|error| panic!("{}: {error}", action.name));
    }
}

/// The property above is empty if nearly everything is refused.
#[test]
fn plain_requests_are_accepted_in_both_protocols() {
    let attributes = json!({ "n": { "DataType": "Number", "StringValue": "5" }, "b": { "DataType": "Binary", "BinaryValue": "AAE=" } });
    let trace = json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": "Root=1" } });
    let entry =
        json!({ "Id": "a", "MessageBody": "x y", "MessageAttributes": attributes, "DelaySeconds": 3 });
    let handle = handle();
    let by_handle = json!({ "QueueUrl": url("jobs"), "ReceiptHandle": handle, "VisibilityTimeout": 3 });
    let of_message = json!({ "Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 3 });
    let arn = "arn:aws:sqs:us-east-1:000000000000:jobs";
    let task_handle = "eyJ0YXNrSWQiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDEiLCJzb3VyY2VBcm4iOiJhcm46YXdzOnNxczp1cy1lYXN0LTE6MDAwMDAwMDAwMDAwOmpvYnMifQ==";
    let permission = json!({ "QueueUrl": "jobs", "Label": "a", "AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"] });
    let requests = [
        ("AddPermission", permission),
        ("CancelMessageMoveTask", json!({ "TaskHandle": task_handle })),
        ("ChangeMessageVisibility", by_handle.clone()),
        ("ChangeMessageVisibilityBatch", json!({ "QueueUrl": "jobs", "Entries": [of_message] })),
        ("CreateQueue", json!({ "QueueName": "jobs", "Attributes": { "DelaySeconds": "5" } })),
        ("DeleteMessage", by_handle),
        ("DeleteMessageBatch", json!({ "QueueUrl": "jobs", "Entries": [of_message] })),
        ("DeleteQueue", json!({ "QueueUrl": url("jobs") })),
        ("GetQueueAttributes", json!({ "QueueUrl": "jobs", "AttributeNames": ["All", "DelaySeconds"] })),
        ("GetQueueUrl", json!({ "QueueName": "jobs", "QueueOwnerAWSAccountId": "111122223333" })),
        ("ListDeadLetterSourceQueues", json!({ "QueueUrl": "jobs", "MaxResults": 5 })),
        ("ListMessageMoveTasks", json!({ "SourceArn": arn, "MaxResults": 5 })),
        ("ListQueueTags", json!({ "QueueUrl": "jobs" })),
        ("ListQueues", json!({ "QueueNamePrefix": "j", "MaxResults": 5 })),
        ("PurgeQueue", json!({ "QueueUrl": url("jobs") })),
        (
            "ReceiveMessage",
            json!({ "QueueUrl": "jobs", "MessageAttributeNames": ["a.*", "b"], "WaitTimeSeconds": 2 }),
        ),
        ("RemovePermission", json!({ "QueueUrl": "jobs", "Label": "a" })),
        (
            "SendMessage",
            json!({ "QueueUrl": "jobs", "MessageBody": "x y", "MessageSystemAttributes": trace }),
        ),
        (
            "SendMessageBatch",
            json!({ "QueueUrl": "jobs", "Entries": [entry, { "Id": "b", "MessageBody": "&" }] }),
        ),
        ("SetQueueAttributes", json!({ "QueueUrl": "jobs", "Attributes": { "VisibilityTimeout": "5" } })),
        ("StartMessageMoveTask", json!({ "SourceArn": arn, "MaxNumberOfMessagesPerSecond": 5 })),
        ("TagQueue", json!({ "QueueUrl": "jobs", "Tags": { "a": "b", "c": "" } })),
        ("UntagQueue", json!({ "QueueUrl": "jobs", "TagKeys": ["a", "b"] })),
    ];
    let known = requests.iter().map(|(action, _)| *action);
    assert!(ACTIONS.iter().map(|action| action.name).eq(known), "one request for each action");
    for (action, request) in &requests {
        same(action, request);
        let form = form_of(action, request);
        Service::with_queue()
            .prepare_form(action, &form)
            .unwrap_or_else(|error| panic!("{action} {form}: {error}"));
    }
}

proptest! {
    #[test]
    fn any_form_is_answered_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let body = String::from_utf8_lossy(&body);
        for action in &ACTIONS {
            let reply = Service::with_queue().query(action.name, &body);
            prop_assert!(reply.starts_with("<?xml"));
        }
    }
}
