//! `ChangeMessageVisibility` and its batch.

use serde_json::{Value, json};

use crate::service::{Service, text, url};

fn change(handle: &str, timeout: impl Into<Value>) -> Value {
    let timeout = timeout.into();
    json!({ "QueueUrl": url("jobs"), "ReceiptHandle": handle, "VisibilityTimeout": timeout })
}

fn in_flight() -> (Service, String) {
    let mut service = Service::with_queue();
    service.send("x");
    let handle = service.receive_handle();
    (service, handle)
}

fn is_visible(service: &mut Service) -> bool {
    service.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs"), "VisibilityTimeout": 0 })) != json!({})
}

#[test]
fn a_lease_is_extended_from_now() {
    let (mut service, handle) = in_flight();
    service.wait_secs(20);
    let reply = service.call("ChangeMessageVisibility", change(&handle, 30).to_string().as_bytes()).unwrap();
    assert_eq!(text(&reply), "{}");
    service.wait_secs(29);
    assert!(!is_visible(&mut service));
    service.wait_secs(1);
    assert!(is_visible(&mut service));
}

#[test]
fn zero_gives_the_message_back() {
    let (mut service, handle) = in_flight();
    service.ok("ChangeMessageVisibility", change(&handle, 0));
    assert!(is_visible(&mut service));
}

#[test]
fn a_timeout_is_between_0_and_43200_seconds() {
    for timeout in [-1, 43_201] {
        let (mut service, handle) = in_flight();
        let reason = "Must be >= 0 and <= 43200, if provided.";
        let text = format!("Value {timeout} for parameter VisibilityTimeout is invalid. Reason: {reason}");
        let error = service.error("ChangeMessageVisibility", change(&handle, timeout));
        assert_eq!(error, ("InvalidParameterValueException", 400, text));
    }
}

#[test]
fn handle_and_timeout_must_be_given() {
    let (mut service, handle) = in_flight();
    let text = "The request must contain the parameter VisibilityTimeout.".to_owned();
    let error = service.error("ChangeMessageVisibility", change(&handle, Value::Null));
    assert_eq!(error, ("MissingRequiredParameterException", 400, text));
    let text = "The request must contain the parameter ReceiptHandle.".to_owned();
    assert_eq!(service.error("ChangeMessageVisibility", change("", 1)).2, text);
}

#[test]
fn a_deleted_message_can_not_be_changed() {
    let (mut service, handle) = in_flight();
    service.ok("DeleteMessage", json!({ "QueueUrl": url("jobs"), "ReceiptHandle": handle }));
    let reason = "Message does not exist or is not available for visibility timeout change.";
    let text = format!("Value {handle} for parameter ReceiptHandle is invalid. Reason: {reason}");
    let error = service.error("ChangeMessageVisibility", change(&handle, 1));
    assert_eq!(error, ("InvalidParameterValueException", 400, text));
}

#[test]
fn no_lease_reaches_further_than_twelve_hours_from_its_receive() {
    let (mut service, handle) = in_flight();
    service.wait_secs(1);
    service.ok("ChangeMessageVisibility", change(&handle, 43_199));
    let text = "Value 43200 for parameter VisibilityTimeout is invalid. \
                Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].";
    let error = service.error("ChangeMessageVisibility", change(&handle, 43_200));
    assert_eq!(error, ("InvalidParameterValueException", 400, text.to_owned()));
}

#[test]
fn each_entry_of_a_batch_is_changed_or_refused_by_itself() {
    let (mut service, handle) = in_flight();
    service.send("gone");
    let gone = service.receive_handle();
    service.ok("DeleteMessage", json!({ "QueueUrl": url("jobs"), "ReceiptHandle": gone }));
    let entries = json!([
        { "Id": "1", "ReceiptHandle": "nonsense", "VisibilityTimeout": 1 },
        { "Id": "2", "ReceiptHandle": handle, "VisibilityTimeout": 43201 },
        { "Id": "3", "ReceiptHandle": gone, "VisibilityTimeout": 1 },
        { "Id": "4", "ReceiptHandle": handle },
        { "Id": "5", "ReceiptHandle": handle, "VisibilityTimeout": 0 }
    ]);
    let body = json!({ "QueueUrl": url("jobs"), "Entries": entries });
    let reply = service.ok("ChangeMessageVisibilityBatch", body);
    assert_eq!(reply["Successful"], json!([{ "Id": "5" }]));
    let failed = reply["Failed"].as_array().unwrap();
    let codes: Vec<_> = failed.iter().map(|entry| (entry["Id"].as_str(), entry["Code"].as_str())).collect();
    let expected = [
        (Some("1"), Some("ReceiptHandleIsInvalid")),
        (Some("2"), Some("InvalidParameterValue")),
        (Some("3"), Some("InvalidParameterValue")),
        (Some("4"), Some("MissingParameter")),
    ];
    assert_eq!(codes, expected);
    assert!(failed.iter().all(|entry| entry["SenderFault"] == true));
    let missing = "The request must contain the parameter ChangeMessageVisibilityBatchRequestEntry.4.VisibilityTimeout.";
    assert_eq!(failed[3]["Message"], missing);
    assert!(is_visible(&mut service));
}
