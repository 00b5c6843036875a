//! A submission that is repeated is one: while it is under way, after it was accepted, and after it failed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod harness;

use harness::{Form, MemoryQueue, config, request};
use millpond_form::SendError;
use tokio::{io::AsyncWriteExt, net::TcpStream};

const JANE: &str = "name=Jane&country=UK";

#[tokio::test]
async fn two_clicks_at_once_are_one_send_and_get_one_answer() {
    let form = Form::start_with(config(), MemoryQueue::held()).await;
    let (first, second, ()) = tokio::join!(form.post_page("p1", JANE), form.post_page("p1", JANE), async {
        form.queue.arrived(1).await;
        form.queue.release();
    });
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(form.queue.sent().len(), 1);
}

#[tokio::test]
async fn a_click_whose_connection_closes_is_still_sent_and_answers_the_next_click() {
    let form = Form::start_with(config(), MemoryQueue::held()).await;
    let body = format!("submission_id=p1&{JANE}");
    let mut first = TcpStream::connect(form.addr).await.unwrap();
    let post = request(form.addr, "POST", "/", &[("Content-Type", harness::URLENCODED)], &body);
    first.write_all(post.as_bytes()).await.unwrap();
    form.queue.arrived(1).await;
    drop(first);
    let (second, ()) = tokio::join!(form.post_page("p1", JANE), async { form.queue.release() });
    assert_eq!((second.status, second.header("location")), (303, Some("thanks?message_id=message%2D1")));
    assert_eq!(form.queue.sent().len(), 1);
}

#[tokio::test]
async fn a_retry_after_the_answer_gets_the_same_message_id() {
    let form = Form::start().await;
    let first = form.post_page("p1", JANE).await;
    let second = form.post_page("p1", JANE).await;
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(form.queue.sent().len(), 1);
}

#[tokio::test]
async fn another_page_view_is_another_submission() {
    let form = Form::start().await;
    form.post_page("p1", JANE).await;
    form.post_page("p2", JANE).await;
    assert_eq!(form.queue.sent().len(), 2);
}

#[tokio::test]
async fn an_entry_that_is_changed_and_sent_from_the_same_page_view_is_not_lost() {
    let form = Form::start().await;
    form.post_page("p1", JANE).await;
    let changed = form.post_page("p1", "name=Jane&country=France").await;
    assert_eq!(changed.header("location"), Some("thanks?message_id=message%2D2"));
    let sent = form.queue.sent();
    assert_ne!(sent[0].id(), sent[1].id());
}

#[tokio::test]
async fn a_retry_after_a_failure_is_sent_again_under_the_same_id() {
    let form = Form::start().await;
    form.queue.fail_with(Some(SendError::Unavailable("the reply was lost".to_owned())));
    assert_eq!(form.post_page("p1", JANE).await.status, 503);
    form.queue.fail_with(None);
    assert_eq!(form.post_page("p1", JANE).await.status, 303);
    let sent = form.queue.sent();
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]), "whoever lands them can tell that they are one");
}

#[tokio::test]
async fn a_retry_after_a_restart_of_the_form_carries_the_same_id() {
    let form = Form::start().await;
    form.post_page("p1", JANE).await;
    form.post_json(Some("k1"), r#"{"name": "Jane", "country": "UK"}"#).await;
    let queue = form.queue.clone();
    form.stop().await.unwrap();
    let restarted = Form::start_with(config(), queue).await;
    restarted.post_page("p1", JANE).await;
    restarted.post_json(Some("k1"), r#"{"name": "Jane", "country": "UK"}"#).await;
    let sent = restarted.queue.sent();
    assert_eq!((&sent[0], &sent[1]), (&sent[2], &sent[3]));
}

#[tokio::test]
async fn waiters_of_a_failed_send_are_told_so() {
    let form = Form::start_with(config(), MemoryQueue::held()).await;
    form.queue.fail_with(Some(SendError::Unavailable("down".to_owned())));
    let (first, second, ()) = tokio::join!(form.post_page("p1", JANE), form.post_page("p1", JANE), async {
        form.queue.arrived(1).await;
        form.queue.release();
    });
    assert_eq!((first.status, second.status), (503, 503));
}
