//! The forms in which a request may name its queue.

use millpond_core::name::{AccountId, QueueName};
use millpond_core::name::{QueueKey, Region};
use millpond_sqs::QueuePath;
use serde_json::{Value, json};

use crate::service::{Service, shown};

fn resolved(queue_url: Value) -> Result<QueueKey, (&'static str, u16, String)> {
    let body = json!({ "QueueUrl": queue_url }).to_string();
    let prepared = Service::new().prepare("ReceiveMessage", body.as_bytes());
    prepared.map(|prepared| prepared.queue.unwrap()).map_err(|error| shown(&error))
}

fn key(account: &str, region: &str, name: &str) -> QueueKey {
    QueueKey {
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
        name: QueueName::parse(name).unwrap(),
    }
}

#[test]
fn account_and_name_are_taken_whatever_the_host() {
    let urls = [
        "http://127.0.0.1:4566/111122223333/jobs",
        "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
        "https://queue.amazonaws.com/111122223333/jobs",
        "https://eu-west-1.queue.amazonaws.com/111122223333/jobs",
        "HTTP://example/111122223333/jobs/",
    ];
    for url in urls {
        assert_eq!(resolved(json!(url)), Ok(key("111122223333", "us-east-1", "jobs")), "{url}");
    }
}

#[test]
fn the_long_form_names_a_region() {
    let url = json!("http://localhost:4566/queue/eu-west-1/111122223333/jobs");
    assert_eq!(resolved(url), Ok(key("111122223333", "eu-west-1", "jobs")));
}

#[test]
fn a_bare_name_is_of_the_callers_account() {
    assert_eq!(resolved(json!("jobs")), Ok(key("000000000000", "us-east-1", "jobs")));
}

#[test]
fn a_name_or_account_that_can_not_be_does_not_exist() {
    let text = "The specified queue does not exist.".to_owned();
    for url in ["no name", "http://h/111122223333/no%20name", "http://h/12/jobs", "http://h/queue/jobs"] {
        assert_eq!(resolved(json!(url)), Err(("QueueDoesNotExist", 400, text.clone())), "{url}");
    }
}

#[test]
fn what_is_no_queue_url_is_no_valid_address() {
    let mut service = Service::new();
    let urls = [
        "http://h",
        "http://h/",
        "http://h/jobs",
        "http://h/a/b/c",
        "http://h/queue/eu-west-1/111122223333/jobs/x",
        "http://h/queue/EU/111122223333/jobs",
        "ftp://h/111122223333/jobs",
        "/111122223333/jobs",
    ];
    for url in urls {
        let absent = "The specified queue does not exist.".to_owned();
        assert_eq!(resolved(json!(url)), Err(("QueueDoesNotExist", 400, absent)), "{url}");
        let text =
            format!("<Code>InvalidAddress</Code><Message>The address {url} is not valid for this endpoint.");
        let reply = service.query("ReceiveMessage", &format!("QueueUrl={url}"));
        assert!(reply.contains(&text), "{reply}");
    }
}

#[test]
fn the_path_of_the_request_stands_in_for_the_parameter() {
    let mut service = Service::new();
    let key_of_path = key("111122223333", "us-east-1", "jobs");
    let QueueKey { account, name, .. } = key_of_path.clone();
    service.queue_path = Some(QueuePath { account, region: None, name });
    let mut queue = |body: &str| service.prepare("ReceiveMessage", body.as_bytes()).unwrap().queue.unwrap();
    assert_eq!(queue("{}"), key("111122223333", "us-east-1", "jobs"));
    assert_eq!(queue(""), key("111122223333", "us-east-1", "jobs"));
    assert_eq!(queue(r#"{"QueueUrl":"other"}"#), key("000000000000", "us-east-1", "other"));
    let region = Region::parse("eu-west-1");
    service.queue_path = service.queue_path.map(|path| QueuePath { region, ..path });
    let queue = service.prepare("ReceiveMessage", b"{}").unwrap().queue.unwrap();
    assert_eq!(queue, key("111122223333", "eu-west-1", "jobs"));
}

#[test]
fn a_queue_must_be_named() {
    let text = "The request must contain the parameter QueueUrl.".to_owned();
    for url in [Value::Null, json!("")] {
        assert_eq!(resolved(url), Err(("MissingRequiredParameterException", 400, text.clone())));
    }
}
