//! `ListQueues` and its pages.

use millpond_core::name::AccountId;
use serde_json::{Value, json};

use crate::service::{Service, text, url};

fn with_queues(names: &[&str]) -> Service {
    let mut service = Service::new();
    for name in names {
        service.ok("CreateQueue", json!({ "QueueName": name }));
    }
    service
}

#[test]
fn no_queues_have_no_key() {
    let reply = Service::new().call("ListQueues", b"{}").unwrap();
    assert_eq!(text(&reply), "{}");
}

#[test]
fn an_empty_body_lists_all() {
    let reply = Service::with_queue().call("ListQueues", b"").unwrap();
    assert_eq!(text(&reply), r#"{"QueueUrls":["http://127.0.0.1:4566/000000000000/jobs"]}"#);
}

#[test]
fn a_prefix_is_case_sensitive() {
    let mut service = with_queues(&["jobs", "Jobs", "jobs2", "other"]);
    let reply = service.ok("ListQueues", json!({ "QueueNamePrefix": "jobs" }));
    assert_eq!(reply, json!({ "QueueUrls": [url("jobs"), url("jobs2")] }));
}

#[test]
fn pages_continue_where_the_last_one_ended() {
    let mut service = with_queues(&["a", "b", "c"]);
    let first = service.ok("ListQueues", json!({ "MaxResults": 2 }));
    assert_eq!(first["QueueUrls"], json!([url("a"), url("b")]));
    service.ok("DeleteQueue", json!({ "QueueUrl": url("b") }));
    let second = service.ok("ListQueues", json!({ "MaxResults": 2, "NextToken": first["NextToken"] }));
    assert_eq!(second, json!({ "QueueUrls": [url("c")] }));
}

#[test]
fn a_token_comes_only_when_a_maximum_was_given_and_more_remain() {
    let mut service = with_queues(&["a", "b"]);
    let token = |reply: Value| reply.get("NextToken").cloned();
    assert_eq!(token(service.ok("ListQueues", json!({}))), None);
    assert_eq!(token(service.ok("ListQueues", json!({ "MaxResults": 2 }))), None);
    assert!(token(service.ok("ListQueues", json!({ "MaxResults": 1 }))).is_some());
}

#[test]
fn at_most_1000_are_listed() {
    let names: Vec<_> = (0..1001).map(|number| format!("q{number:04}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut service = with_queues(&names);
    let reply = service.ok("ListQueues", json!({}));
    assert_eq!(reply["QueueUrls"].as_array().unwrap().len(), 1000);
    assert_eq!(reply.get("NextToken"), None);
}

#[test]
fn a_maximum_is_between_1_and_1000() {
    for number in [0, 1001, -1] {
        let error = Service::new().error("ListQueues", json!({ "MaxResults": number }));
        let text = format!(
            "Value {number} for parameter MaxResults is invalid. Reason: Must be between 1 and 1000, if provided."
        );
        assert_eq!(error, ("InvalidParameterValueException", 400, text));
    }
}

#[test]
fn a_token_of_no_list_is_refused() {
    for token in ["", "nonsense", "AmpvYnM", "AWEgYg"] {
        let (shape, status, text) = Service::new().error("ListQueues", json!({ "NextToken": token }));
        assert_eq!((shape, status), ("InvalidParameterValueException", 400), "{token}");
        assert!(text.starts_with(&format!("Value {token} for parameter NextToken is invalid.")));
    }
}

#[test]
fn other_accounts_queues_are_not_listed() {
    let mut service = Service::with_queue();
    service.account = AccountId::parse("111122223333").unwrap();
    assert_eq!(service.ok("ListQueues", json!({})), json!({}));
}
