//! `GetQueueAttributes` and `SetQueueAttributes`.

use serde_json::{Value, json};

use crate::service::{Service, text, url};

fn get(service: &mut Service, names: Value) -> Value {
    service.ok("GetQueueAttributes", json!({ "QueueUrl": url("jobs"), "AttributeNames": names }))
}

fn set(service: &mut Service, attributes: Value) -> Value {
    service.ok("SetQueueAttributes", json!({ "QueueUrl": url("jobs"), "Attributes": attributes }))
}

fn set_error(attributes: Value) -> (&'static str, u16, String) {
    let body = json!({ "QueueUrl": url("jobs"), "Attributes": attributes });
    Service::with_queue().error("SetQueueAttributes", body)
}

#[test]
fn all_of_a_fresh_queue_are_exactly_these() {
    let body = json!({ "QueueUrl": url("jobs"), "AttributeNames": ["All"] }).to_string();
    let reply = Service::with_queue().call("GetQueueAttributes", body.as_bytes()).unwrap();
    let expected = concat!(
        r#"{"Attributes":{"ApproximateNumberOfMessages":"0","ApproximateNumberOfMessagesDelayed":"0","#,
        r#""ApproximateNumberOfMessagesNotVisible":"0","CreatedTimestamp":"1700000000","DelaySeconds":"0","#,
        r#""LastModifiedTimestamp":"1700000000","MaximumMessageSize":"1048576","MessageRetentionPeriod":"345600","#,
        r#""QueueArn":"arn:aws:sqs:us-east-1:000000000000:jobs","ReceiveMessageWaitTimeSeconds":"0","#,
        r#""SqsManagedSseEnabled":"true","VisibilityTimeout":"30"}}"#
    );
    assert_eq!(text(&reply), expected);
}

#[test]
fn no_names_or_names_without_a_value_have_no_key() {
    let mut service = Service::with_queue();
    assert_eq!(service.ok("GetQueueAttributes", json!({ "QueueUrl": url("jobs") })), json!({}));
    assert_eq!(get(&mut service, json!([])), json!({}));
    assert_eq!(get(&mut service, json!(["RedrivePolicy", "FifoQueue", "Policy"])), json!({}));
}

#[test]
fn only_named_attributes_are_told() {
    let mut service = Service::with_queue();
    let reply = get(&mut service, json!(["VisibilityTimeout", "QueueArn", "Policy"]));
    let arn = "arn:aws:sqs:us-east-1:000000000000:jobs";
    assert_eq!(reply, json!({ "Attributes": { "QueueArn": arn, "VisibilityTimeout": "30" } }));
}

#[test]
fn an_unknown_name_is_refused() {
    let body = json!({ "QueueUrl": url("jobs"), "AttributeNames": ["All", "Foobar"] });
    let error = Service::with_queue().error("GetQueueAttributes", body);
    assert_eq!(error, ("InvalidAttributeName", 400, "Unknown Attribute Foobar.".to_owned()));
}

#[test]
fn counts_follow_the_messages() {
    let mut service = Service::with_queue();
    service.send("visible");
    service.send("in flight");
    let delayed = json!({ "QueueUrl": url("jobs"), "MessageBody": "delayed", "DelaySeconds": 9 });
    service.ok("SendMessage", delayed);
    service.receive_handle();
    let names = json!([
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible"
    ]);
    let counts = json!({
        "ApproximateNumberOfMessages": "1",
        "ApproximateNumberOfMessagesDelayed": "1",
        "ApproximateNumberOfMessagesNotVisible": "1"
    });
    assert_eq!(get(&mut service, names)["Attributes"], counts);
}

#[test]
fn what_is_set_is_told() {
    let mut service = Service::with_queue();
    service.wait_secs(7);
    let settings = json!({
        "DelaySeconds": "1",
        "MaximumMessageSize": "1024",
        "MessageRetentionPeriod": "60",
        "ReceiveMessageWaitTimeSeconds": "20",
        "SqsManagedSseEnabled": "FALSE",
        "VisibilityTimeout": "0"
    });
    assert_eq!(set(&mut service, settings), json!({}));
    let all = get(&mut service, json!(["All"]));
    let told = |name: &str| all["Attributes"][name].as_str().unwrap().to_owned();
    assert_eq!(told("DelaySeconds"), "1");
    assert_eq!(told("MaximumMessageSize"), "1024");
    assert_eq!(told("MessageRetentionPeriod"), "60");
    assert_eq!(told("ReceiveMessageWaitTimeSeconds"), "20");
    assert_eq!(told("SqsManagedSseEnabled"), "false");
    assert_eq!(told("VisibilityTimeout"), "0");
    assert_eq!(told("CreatedTimestamp"), "1700000000");
    assert_eq!(told("LastModifiedTimestamp"), "1700000007");
}

#[test]
fn values_outside_their_range_are_refused() {
    let edges = [
        ("DelaySeconds", "0", "900", "901"),
        ("MaximumMessageSize", "1024", "1048576", "1048577"),
        ("MaximumMessageSize", "1024", "1048576", "1023"),
        ("MessageRetentionPeriod", "60", "1209600", "1209601"),
        ("MessageRetentionPeriod", "60", "1209600", "59"),
        ("ReceiveMessageWaitTimeSeconds", "0", "20", "21"),
        ("VisibilityTimeout", "0", "43200", "43201"),
        ("KmsDataKeyReusePeriodSeconds", "60", "86400", "86401"),
        ("KmsDataKeyReusePeriodSeconds", "60", "86400", "59"),
    ];
    for (name, least, most, outside) in edges {
        let mut service = Service::with_queue();
        set(&mut service, json!({ name: least }));
        set(&mut service, json!({ name: most }));
        for value in [outside, "", " 2", "+2", "-1", "x", "4294967296", "1.0"] {
            let text = format!("Invalid value for the parameter {name}.");
            assert_eq!(set_error(json!({ name: value })), ("InvalidAttributeValue", 400, text), "{value}");
        }
    }
    assert_eq!(set_error(json!({ "SqsManagedSseEnabled": "yes" })).0, "InvalidAttributeValue");
}

#[test]
fn read_only_and_unknown_attributes_are_refused() {
    let read_only = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "QueueArn",
    ];
    for name in read_only.into_iter().chain(["Foobar", "All", "delaySeconds", ""]) {
        let expected = ("InvalidAttributeName", 400, format!("Unknown Attribute {name}."));
        assert_eq!(set_error(json!({ name: "1" })), expected);
        let create = json!({ "QueueName": "new", "Attributes": { name: "1" } });
        assert_eq!(Service::new().error("CreateQueue", create), expected);
    }
}

#[test]
fn a_key_takes_the_place_of_managed_encryption() {
    let mut service = Service::with_queue();
    let names = json!(["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]);
    assert_eq!(get(&mut service, names.clone())["Attributes"], json!({ "SqsManagedSseEnabled": "true" }));
    set(&mut service, json!({ "KmsMasterKeyId": "alias/aws/sqs", "KmsDataKeyReusePeriodSeconds": "6000" }));
    let keyed = json!({
        "KmsDataKeyReusePeriodSeconds": "6000",
        "KmsMasterKeyId": "alias/aws/sqs",
        "SqsManagedSseEnabled": "false"
    });
    assert_eq!(get(&mut service, names.clone())["Attributes"], keyed);
    set(&mut service, json!({ "KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": "300" }));
    assert_eq!(get(&mut service, names)["Attributes"], json!({ "SqsManagedSseEnabled": "false" }));
}

#[test]
fn there_is_one_kind_of_encryption() {
    let text = "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE \
                or SQS SSE.";
    let both = json!({ "KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true" });
    let expected = ("InvalidAttributeName", 400, text.to_owned());
    assert_eq!(set_error(both.clone()), expected);
    let create = json!({ "QueueName": "new", "Attributes": both });
    assert_eq!(Service::new().error("CreateQueue", create), expected);
}

#[test]
fn the_empty_value_takes_an_attribute_away_that_need_not_be_there() {
    let mut service = Service::with_queue();
    let empty = json!({ "Policy": "", "RedrivePolicy": "", "RedriveAllowPolicy": "", "KmsMasterKeyId": "" });
    set(&mut service, empty);
    let names = json!(["Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"]);
    assert_eq!(get(&mut service, names), json!({}));
}

#[test]
fn nothing_changes_when_one_attribute_is_refused() {
    let mut service = Service::with_queue();
    let body =
        json!({ "QueueUrl": url("jobs"), "Attributes": { "DelaySeconds": "5", "VisibilityTimeout": "x" } });
    service.error("SetQueueAttributes", body);
    assert_eq!(get(&mut service, json!(["DelaySeconds"]))["Attributes"]["DelaySeconds"], "0");
}

#[test]
fn values_are_text() {
    let text = "NUMBER_VALUE can not be converted to a String".to_owned();
    assert_eq!(set_error(json!({ "DelaySeconds": 5 })), ("SerializationException", 400, text));
}

#[test]
fn attributes_must_be_given() {
    let error = Service::with_queue().error("SetQueueAttributes", json!({ "QueueUrl": url("jobs") }));
    let text = "The request must contain the parameter Attributes.".to_owned();
    assert_eq!(error, ("MissingRequiredParameterException", 400, text));
}
