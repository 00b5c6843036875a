//! `GetQueueUrl`.

use millpond_core::name::AccountId;
use serde_json::json;

use crate::service::{BASE_URL, Service, text};

#[test]
fn answers_the_url() {
    let reply = Service::with_queue().call("GetQueueUrl", br#"{"QueueName":"jobs"}"#).unwrap();
    assert_eq!(text(&reply), r#"{"QueueUrl":"http://127.0.0.1:4566/000000000000/jobs"}"#);
}

#[test]
fn an_unknown_or_impossible_name_does_not_exist() {
    for name in ["other", "no such name"] {
        let error = Service::with_queue().error("GetQueueUrl", json!({ "QueueName": name }));
        assert_eq!(error, ("QueueDoesNotExist", 400, "The specified queue does not exist.".to_owned()));
    }
}

#[test]
fn an_empty_name_is_refused() {
    let error = Service::new().error("GetQueueUrl", json!({ "QueueName": "" }));
    let text = "Value for parameter QueueName is invalid. Reason: Must specify a queue name.";
    assert_eq!(error, ("InvalidParameterValueException", 400, text.to_owned()));
}

#[test]
fn the_owner_can_be_another_account() {
    let mut service = Service::new();
    service.account = AccountId::parse("111122223333").unwrap();
    service.ok("CreateQueue", json!({ "QueueName": "jobs" }));
    service.account = AccountId::DEFAULT;
    let owner = json!({ "QueueName": "jobs", "QueueOwnerAWSAccountId": "111122223333" });
    assert_eq!(service.ok("GetQueueUrl", owner)["QueueUrl"], format!("{BASE_URL}/111122223333/jobs"));
    assert_eq!(service.error("GetQueueUrl", json!({ "QueueName": "jobs" })).0, "QueueDoesNotExist");
    let wrong = json!({ "QueueName": "jobs", "QueueOwnerAWSAccountId": "12" });
    assert_eq!(service.error("GetQueueUrl", wrong).0, "InvalidParameterValueException");
}
