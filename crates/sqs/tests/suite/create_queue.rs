//! `CreateQueue`.

use serde_json::json;

use crate::service::{Service, text, url};

#[test]
fn answers_the_url_under_the_host_the_client_used() {
    let reply = Service::new().call("CreateQueue", br#"{"QueueName":"jobs"}"#).unwrap();
    assert_eq!(text(&reply), r#"{"QueueUrl":"http://127.0.0.1:4566/000000000000/jobs"}"#);
}

#[test]
fn finds_an_existing_queue_whatever_its_attributes_when_none_are_given() {
    let mut service = Service::new();
    let attributes = json!({ "VisibilityTimeout": "77" });
    service.ok("CreateQueue", json!({ "QueueName": "jobs", "Attributes": attributes }));
    let again = service.ok("CreateQueue", json!({ "QueueName": "jobs", "tags": {} }));
    assert_eq!(again["QueueUrl"], url("jobs"));
}

#[test]
fn given_attributes_must_agree_with_the_existing_queue() {
    let mut service = Service::with_queue();
    let create = |value: &str| json!({ "QueueName": "jobs", "Attributes": { "DelaySeconds": value } });
    service.ok("CreateQueue", create("0"));
    let text = "A queue already exists with the same name and a different value for attribute DelaySeconds";
    assert_eq!(service.error("CreateQueue", create("5")), ("QueueNameExists", 400, text.to_owned()));
}

#[test]
fn a_name_has_1_to_80_letters_digits_hyphens_and_underscores() {
    let mut service = Service::new();
    let longest = "a".repeat(80);
    for name in ["a", "A-b_9", &longest] {
        service.ok("CreateQueue", json!({ "QueueName": name }));
    }
    let text = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    let too_long = "a".repeat(81);
    for name in ["a b", "ä", "a.b", "a/b", &too_long] {
        let error = service.error("CreateQueue", json!({ "QueueName": name }));
        assert_eq!(error, ("InvalidParameterValueException", 400, text.to_owned()), "{name}");
    }
}

#[test]
fn a_name_must_be_given() {
    let text = "The request must contain the parameter QueueName.".to_owned();
    for body in [json!({}), json!({ "QueueName": "" }), json!({ "QueueName": null })] {
        let error = Service::new().error("CreateQueue", body);
        assert_eq!(error, ("MissingRequiredParameterException", 400, text.clone()));
    }
}

#[test]
fn a_null_attribute_is_not_given() {
    let mut service = Service::with_queue();
    let attributes = json!({ "DelaySeconds": null, "VisibilityTimeout": "30" });
    service.ok("CreateQueue", json!({ "QueueName": "jobs", "Attributes": attributes }));
}
