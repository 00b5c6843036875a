//! `DeleteMessage` and its batch.

use serde_json::{Value, json};

use crate::service::{Service, text, url};

#[test]
fn a_deleted_message_does_not_come_back() {
    let mut service = Service::with_queue();
    service.send("x");
    let body = json!({ "QueueUrl": url("jobs"), "ReceiptHandle": service.receive_handle() }).to_string();
    assert_eq!(text(&service.call("DeleteMessage", body.as_bytes()).unwrap()), "{}");
    assert_eq!(text(&service.call("DeleteMessage", body.as_bytes()).unwrap()), "{}", "again");
    service.wait_secs(31);
    assert_eq!(service.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs") })), json!({}));
}

#[test]
fn an_expired_handle_deletes_while_nobody_else_has_the_message() {
    let mut service = Service::with_queue();
    service.send("x");
    let handle = service.receive_handle();
    service.wait_secs(31);
    service.ok("DeleteMessage", json!({ "QueueUrl": url("jobs"), "ReceiptHandle": handle }));
    assert_eq!(service.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs") })), json!({}));
}

#[test]
fn a_malformed_handle_is_refused() {
    for handle in ["X", "not a handle", "AAAA", "é"] {
        let body = json!({ "QueueUrl": url("jobs"), "ReceiptHandle": handle });
        let text = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
        let error = Service::with_queue().error("DeleteMessage", body);
        assert_eq!(error, ("ReceiptHandleIsInvalid", 400, text));
    }
}

#[test]
fn that_there_is_no_queue_is_told_before_what_is_wrong_with_the_handle() {
    for action in ["DeleteMessage", "ChangeMessageVisibility"] {
        let body = json!({ "QueueUrl": url("none"), "ReceiptHandle": "X", "VisibilityTimeout": 1 });
        let text = "The specified queue does not exist.".to_owned();
        assert_eq!(Service::with_queue().error(action, body), ("QueueDoesNotExist", 400, text));
    }
}

#[test]
fn a_handle_must_be_given() {
    let text = "The request must contain the parameter ReceiptHandle.".to_owned();
    for handle in [Value::Null, json!("")] {
        let body = json!({ "QueueUrl": url("jobs"), "ReceiptHandle": handle });
        let error = Service::with_queue().error("DeleteMessage", body);
        assert_eq!(error, ("MissingRequiredParameterException", 400, text.clone()));
    }
}

#[test]
fn a_handle_of_another_queue_is_refused() {
    let mut service = Service::with_queue();
    service.ok("CreateQueue", json!({ "QueueName": "other" }));
    service.send("x");
    let handle = service.receive_handle();
    let error = service.error("DeleteMessage", json!({ "QueueUrl": url("other"), "ReceiptHandle": handle }));
    let text = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
    assert_eq!(error, ("ReceiptHandleIsInvalid", 400, text));
}

#[test]
fn each_entry_of_a_batch_is_deleted_or_refused_by_itself() {
    let mut service = Service::with_queue();
    service.ok("CreateQueue", json!({ "QueueName": "other" }));
    service.send("a");
    service.send("b");
    service.ok("SendMessage", json!({ "QueueUrl": url("other"), "MessageBody": "c" }));
    let foreign = service.ok("ReceiveMessage", json!({ "QueueUrl": url("other") }));
    let foreign = foreign["Messages"][0]["ReceiptHandle"].as_str().unwrap().to_owned();
    let entries = json!([
        { "Id": "1", "ReceiptHandle": service.receive_handle() },
        { "Id": "2", "ReceiptHandle": "nonsense" },
        { "Id": "3", "ReceiptHandle": foreign },
        { "Id": "4" },
        { "Id": "5", "ReceiptHandle": service.receive_handle() }
    ]);
    let reply = service.ok("DeleteMessageBatch", json!({ "QueueUrl": url("jobs"), "Entries": entries }));
    assert_eq!(reply["Successful"], json!([{ "Id": "1" }, { "Id": "5" }]));
    let invalid = |id: &str, handle: &str| {
        let message = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
        json!({ "Id": id, "SenderFault": true, "Code": "ReceiptHandleIsInvalid", "Message": message })
    };
    let message = "The request must contain the parameter DeleteMessageBatchRequestEntry.4.ReceiptHandle.";
    let missing = json!({ "Id": "4", "SenderFault": true, "Code": "MissingParameter", "Message": message });
    assert_eq!(reply["Failed"], json!([invalid("2", "nonsense"), invalid("3", &foreign), missing]));
    service.wait_secs(31);
    assert_eq!(service.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs") })), json!({}));
}

#[test]
fn a_batch_without_entries_is_refused() {
    let body = json!({ "QueueUrl": url("jobs"), "Entries": [] });
    let text = "There should be at least one DeleteMessageBatchRequestEntry in the request.".to_owned();
    assert_eq!(Service::with_queue().error("DeleteMessageBatch", body), ("EmptyBatchRequest", 400, text));
}
