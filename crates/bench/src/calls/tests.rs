//! Calls: each names its queue, repeats what may repeat, and never repeats what must not.

use std::num::{NonZeroU64, NonZeroUsize};

use serde_json::Value;

use super::*;
use crate::config::Credentials;

fn config(work: Work, batch: Batch) -> LoadConfig {
    let credentials = Credentials { access_key_id: "test".into(), secret_access_key: "test".into() };
    let endpoint = "http://127.0.0.1:4566".parse().unwrap();
    LoadConfig { work, batch, ..LoadConfig::new(endpoint, "us-east-1".into(), credentials) }
}

fn action_and_body(request: &[u8]) -> (String, Value) {
    let text = std::str::from_utf8(request).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let action = head.split("X-Amz-Target: AmazonSQS.").nth(1).unwrap().lines().next().unwrap();
    (action.to_owned(), serde_json::from_str(body).unwrap())
}

fn urls() -> Arc<[String]> {
    ["http://h/1/a".into(), "http://h/1/b".into()].into()
}

#[test]
fn a_single_send_carries_one_body_of_the_asked_size_to_its_queue() {
    let (config, urls) = (config(Work::Send, Batch::ONE), urls());
    let calls = Calls::new(&config, &urls, "r");
    for (queue, url) in urls.iter().enumerate() {
        let (action, body) = action_and_body(&calls.send(queue));
        assert_eq!((action.as_str(), body["QueueUrl"].as_str()), ("SendMessage", Some(url.as_str())));
        assert_eq!(body["MessageBody"].as_str().unwrap().len(), 1024);
    }
    assert!(Arc::ptr_eq(&calls.send(1), &calls.send(1)), "signed once for many");
}

#[test]
fn a_batch_carries_entries_with_ids_of_their_own() {
    let (config, urls) = (config(Work::Send, Batch::new(3).unwrap()), urls());
    let (action, body) = action_and_body(&Calls::new(&config, &urls, "r").send(0));
    assert_eq!(action, "SendMessageBatch");
    let entries = body["Entries"].as_array().unwrap();
    let ids: Vec<&str> = entries.iter().map(|entry| entry["Id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["0", "1", "2"]);
}

#[test]
fn a_receive_asks_for_a_batch() {
    let (config, urls) = (config(Work::RoundTrip, Batch::TEN), urls());
    let (action, body) = action_and_body(&Calls::new(&config, &urls, "r").receive(1));
    assert_eq!(action, "ReceiveMessage");
    assert_eq!(body, serde_json::json!({"QueueUrl": urls[1], "MaxNumberOfMessages": 10}));
}

#[test]
fn a_delete_names_each_handle_once_and_needs_one() {
    let urls = urls();
    let single = config(Work::RoundTrip, Batch::ONE);
    let (request, count) = Calls::new(&single, &urls, "r").delete(0, ["h"].into_iter()).unwrap();
    let expected = serde_json::json!({"QueueUrl": urls[0], "ReceiptHandle": "h"});
    assert_eq!((action_and_body(&request), count), (("DeleteMessage".into(), expected), 1));

    let batch = config(Work::RoundTrip, Batch::TEN);
    let calls = Calls::new(&batch, &urls, "r");
    let (request, count) = calls.delete(1, ["h", "i"].into_iter()).unwrap();
    let entries =
        [("0", "h"), ("1", "i")].map(|(id, handle)| serde_json::json!({"Id": id, "ReceiptHandle": handle}));
    let expected = serde_json::json!({"QueueUrl": urls[1], "Entries": entries});
    assert_eq!((action_and_body(&request), count), (("DeleteMessageBatch".into(), expected), 2));
    assert!(calls.delete(1, std::iter::empty()).is_none());
}

#[test]
fn fifo_sends_never_repeat_and_take_the_groups_in_turn() {
    let groups = NonZeroU64::new(4).unwrap();
    let urls = urls();
    for batch in [Batch::ONE, Batch::new(3).unwrap()] {
        let config = LoadConfig { size_bytes: NonZeroUsize::MIN, ..config(Work::Fifo { groups }, batch) };
        let calls = Calls::new(&config, &urls, "run");
        let mut seen = Vec::new();
        while seen.len() < 6 {
            let (_, body) = action_and_body(&calls.send(0));
            let entries = body["Entries"].as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
            seen.extend(entries.iter().map(|entry| {
                let text = |key: &str| entry[key].as_str().unwrap().to_owned();
                (text("MessageGroupId"), text("MessageDeduplicationId"))
            }));
        }
        let expected =
            [("0", "run-0"), ("1", "run-1"), ("2", "run-2"), ("3", "run-3"), ("0", "run-4"), ("1", "run-5")];
        assert_eq!(seen, expected.map(|(group, id)| (group.to_owned(), id.to_owned())));
    }
}
