//! `TagQueue`, `UntagQueue`, `ListQueueTags`, and the tags of `CreateQueue`.

use serde_json::{Map, Value, json};

use crate::service::{Service, text, url};

fn tag(service: &mut Service, tags: Value) -> Value {
    service.ok("TagQueue", json!({ "QueueUrl": url("jobs"), "Tags": tags }))
}

fn tag_error(tags: Value) -> (&'static str, u16, String) {
    Service::with_queue().error("TagQueue", json!({ "QueueUrl": url("jobs"), "Tags": tags }))
}

fn listed(service: &mut Service) -> Value {
    service.ok("ListQueueTags", json!({ "QueueUrl": url("jobs") }))
}

fn invalid(text: &str) -> (&'static str, u16, String) {
    ("InvalidParameterValueException", 400, text.to_owned())
}

#[test]
fn a_queue_without_tags_has_no_key() {
    let body = json!({ "QueueUrl": url("jobs") }).to_string();
    let reply = Service::with_queue().call("ListQueueTags", body.as_bytes()).unwrap();
    assert_eq!(text(&reply), "{}");
}

#[test]
fn tags_come_and_go() {
    let mut service = Service::with_queue();
    assert_eq!(tag(&mut service, json!({ "team": "mill", "empty": "" })), json!({}));
    tag(&mut service, json!({ "team": "pond", "Team": "case counts" }));
    let expected = json!({ "Tags": { "Team": "case counts", "empty": "", "team": "pond" } });
    assert_eq!(listed(&mut service), expected);
    let body = json!({ "QueueUrl": url("jobs"), "TagKeys": ["team", "none", "empty"] });
    assert_eq!(service.ok("UntagQueue", body), json!({}));
    assert_eq!(listed(&mut service), json!({ "Tags": { "Team": "case counts" } }));
}

#[test]
fn a_queue_is_created_with_tags() {
    let mut service = Service::new();
    service.ok("CreateQueue", json!({ "QueueName": "jobs", "tags": { "team": "mill" } }));
    service.ok("CreateQueue", json!({ "QueueName": "jobs", "tags": { "team": "other" } }));
    assert_eq!(listed(&mut service), json!({ "Tags": { "team": "mill" } }));
}

#[test]
fn there_must_be_tags() {
    let text = "The request must contain the parameter Tags.".to_owned();
    let missing = ("MissingRequiredParameterException", 400, text);
    assert_eq!(tag_error(json!({})), missing);
    assert_eq!(Service::with_queue().error("TagQueue", json!({ "QueueUrl": url("jobs") })), missing);
}

#[test]
fn there_are_50_tags_at_most() {
    let tags = |range: std::ops::Range<u32>| {
        Value::Object(range.map(|number| (format!("key{number}"), json!(""))).collect::<Map<_, _>>())
    };
    let mut service = Service::with_queue();
    let too_many = invalid("Too many tags added for queue jobs.");
    assert_eq!(tag_error(tags(0..51)), too_many);
    let create = json!({ "QueueName": "jobs", "tags": tags(0..51) });
    assert_eq!(Service::new().error("CreateQueue", create), too_many);
    tag(&mut service, tags(0..50));
    let body = json!({ "QueueUrl": url("jobs"), "Tags": tags(49..51) });
    assert_eq!(service.error("TagQueue", body), too_many);
    assert_eq!(listed(&mut service)["Tags"].as_object().unwrap().len(), 50);
}

#[test]
fn a_key_has_1_to_128_letters_and_a_value_up_to_256() {
    let mut service = Service::with_queue();
    tag(&mut service, json!({ "ä".repeat(128): "ö".repeat(256) }));
    let key = invalid("Tag keys must be between 1 and 128 characters in length.");
    assert_eq!(tag_error(json!({ "": "x" })), key);
    assert_eq!(tag_error(json!({ "a".repeat(129): "x" })), key);
    let value = invalid("Tag values must be between 0 and 256 characters in length.");
    assert_eq!(tag_error(json!({ "a": "x".repeat(257) })), value);
    for keys in [json!([]), json!([""]), json!(["a".repeat(129)])] {
        let body = json!({ "QueueUrl": url("jobs"), "TagKeys": keys });
        assert_eq!(Service::with_queue().error("UntagQueue", body), key);
    }
    assert_eq!(Service::with_queue().error("UntagQueue", json!({ "QueueUrl": url("jobs") })), key);
}

#[test]
fn keys_of_aws_are_reserved() {
    for key in ["aws:", "aws:cloudformation:stack-name", "AWS:x"] {
        let reserved = invalid("Tag keys can't begin with aws:, which is reserved for AWS.");
        assert_eq!(tag_error(json!({ key: "x" })), reserved);
    }
    tag(&mut Service::with_queue(), json!({ "aws": "x", "laws:x": "aws:y" }));
}

#[test]
fn letters_digits_space_and_some_signs_are_taken() {
    tag(&mut Service::with_queue(), json!({ "Größe 1_.:/=+-@": "a b\u{a0}١" }));
    for tags in [json!({ "a#": "" }), json!({ "a": "x&y" }), json!({ "a\u{7}": "" })] {
        let (shape, _, text) = tag_error(tags);
        assert_eq!(shape, "InvalidParameterValueException");
        assert!(text.starts_with("Tag keys and values can only include letters, digits"), "{text}");
    }
}

#[test]
fn the_queue_must_be_there() {
    let bodies = [
        ("TagQueue", json!({ "QueueUrl": url("none"), "Tags": { "a": "b" } })),
        ("UntagQueue", json!({ "QueueUrl": url("none"), "TagKeys": ["a"] })),
        ("ListQueueTags", json!({ "QueueUrl": url("none") })),
    ];
    for (action, body) in bodies {
        assert_eq!(Service::new().error(action, body).0, "QueueDoesNotExist");
    }
}
