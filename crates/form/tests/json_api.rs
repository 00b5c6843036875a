//! The form as programs use it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod harness;

use harness::{Form, config};
use millpond_form::SendError;

const JANE: &str = r#"{"name": "Jane", "country": "UK"}"#;

#[tokio::test]
async fn an_entry_is_answered_with_its_ids() {
    let form = Form::start().await;
    let reply = form.post_json(Some("order-1"), JANE).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.json(), serde_json::json!({"message_id": "message-1", "submission_id": "order-1"}));
    assert!(form.queue.sent()[0].id().as_str().starts_with("order-1-"));
    assert_eq!(form.queue.bodies(), ["Jane,UK,"]);
}

#[tokio::test]
async fn an_idempotency_key_makes_a_repetition_one() {
    let form = Form::start().await;
    let first = form.post_json(Some("order-1"), JANE).await;
    let again = form.post_json(Some("\"order-1\""), r#"{"country": "UK", "name": "Jane"}"#).await;
    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(form.queue.sent().len(), 1);
}

#[tokio::test]
async fn a_key_that_is_used_again_for_other_content_loses_nothing() {
    let form = Form::start().await;
    form.post_json(Some("order-1"), JANE).await;
    let other = form.post_json(Some("order-1"), r#"{"name": "Joe", "country": "UK"}"#).await;
    assert_eq!(other.json()["message_id"], "message-2");
    let sent = form.queue.sent();
    assert_ne!(sent[0].id(), sent[1].id());
}

#[tokio::test]
async fn without_a_key_every_request_is_an_entry_of_its_own() {
    let form = Form::start().await;
    let (first, second) = (form.post_json(None, JANE).await.json(), form.post_json(None, JANE).await.json());
    assert_ne!(first["submission_id"], second["submission_id"]);
    assert_eq!(form.queue.sent().len(), 2);
}

#[tokio::test]
async fn errors_name_the_fields() {
    let form = Form::start().await;
    let reply = form.post_json(None, r#"{"name": 5, "country": ""}"#).await;
    assert_eq!(reply.status, 422);
    let expected = serde_json::json!({
        "error": "some fields are not valid",
        "fields": {"name": "Give text.", "country": "Fill in this field."},
    });
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_the_reason() {
    let form = Form::start().await;
    for (key, body, reason) in [
        (None, "{", "no JSON object"),
        (None, "[]", "no JSON object"),
        (None, r#"{"nom": "Jane"}"#, "its fields are name, country, notes"),
        (Some("a b"), JANE, "Idempotency-Key"),
        (Some(""), JANE, "Idempotency-Key"),
    ] {
        let reply = form.post_json(key, body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.json()["error"].as_str().unwrap().contains(reason), "{}", reply.body);
    }
    assert!(form.queue.sent().is_empty());
}

#[tokio::test]
async fn other_types_of_body_are_refused() {
    let form = Form::start().await;
    for content_type in ["text/plain", "multipart/form-data; boundary=x", "application/jsonp", ""] {
        let reply = form.post(content_type, &[], JANE).await;
        assert_eq!(reply.status, 415, "{content_type}");
        assert!(reply.json()["error"].as_str().unwrap().contains("application/json"));
    }
    assert_eq!(form.post("Application/JSON; charset=utf-8", &[], JANE).await.status, 200);
}

#[tokio::test]
async fn an_outage_gives_the_id_to_repeat_with() {
    let form = Form::start_with(config(), harness::MemoryQueue::new()).await;
    form.queue.fail_with(Some(SendError::Unavailable("down".to_owned())));
    let reply = form.post_json(None, JANE).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    let id = reply.json()["submission_id"].as_str().unwrap().to_owned();
    form.queue.fail_with(None);
    assert_eq!(form.post_json(Some(&id), JANE).await.status, 200);
    let sent = form.queue.sent();
    assert_eq!(sent[0], sent[1]);
}
