//! Requests: well-formed, of the asked size, and without the secret key.

use super::*;
use crate::config::Credentials;

fn config() -> SendConfig {
    let credentials = Credentials { access_key_id: "test".into(), secret_access_key: "hidden".into() };
    SendConfig::new("http://127.0.0.1:4566".parse().unwrap(), "us-east-1".into(), credentials)
}

fn head_and_body(bytes: &[u8]) -> (String, Value) {
    let text = std::str::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())));
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

#[test]
fn a_single_send_carries_one_body_of_the_asked_size() {
    let config = config();
    let form = RequestForm::send(&config, "127.0.0.1:4566".into(), "http://127.0.0.1:4566/0/q");
    let (head, body) = head_and_body(&form.signed_at(Timestamp::UNIX_EPOCH));
    assert!(head.starts_with("POST / HTTP/1.1\r\nHost: 127.0.0.1:4566\r\n"));
    assert!(head.contains("X-Amz-Target: AmazonSQS.SendMessage\r\n"));
    assert!(head.contains("X-Amz-Date: 19700101T000000Z\r\n"));
    assert!(head.contains("Credential=test/19700101/us-east-1/sqs/aws4_request"));
    assert_eq!(body["QueueUrl"], "http://127.0.0.1:4566/0/q");
    assert_eq!(body["MessageBody"].as_str().unwrap().len(), 1024);
}

#[test]
fn a_batch_carries_ten_entries_with_ids_of_their_own() {
    let config = SendConfig { batch: BatchSize::Ten, ..config() };
    let form = RequestForm::send(&config, "h:1".into(), "u");
    let (head, body) = head_and_body(&form.signed_at(Timestamp::UNIX_EPOCH));
    assert!(head.contains("AmazonSQS.SendMessageBatch\r\n"));
    let ids: Vec<&str> =
        body["Entries"].as_array().unwrap().iter().map(|entry| entry["Id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

#[test]
fn the_secret_key_is_neither_sent_nor_shown() {
    let config = config();
    let bytes = RequestForm::send(&config, "h:1".into(), "u").signed_at(Timestamp::UNIX_EPOCH);
    assert!(!String::from_utf8(bytes).unwrap().contains("hidden"));
    assert!(!format!("{config:?}").contains("hidden"));
}
