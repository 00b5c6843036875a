//! The queue is away, or set up wrongly: the visitor is told, and keeps what was written.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod harness;

use harness::{Form, MemoryQueue, config, hidden_key};
use millpond_form::SendError;

const ENTRY: &str = "name=J%C3%BCrgen+%22J%22&country=Germany&notes=line+1%0D%0Aline+2";

fn keeps_the_input(html: &str) {
    assert!(html.contains("value=\"Jürgen &quot;J&quot;\""), "{html}");
    assert!(html.contains("value=\"Germany\"") && html.contains("line 1\r\nline 2</textarea>"), "{html}");
}

#[tokio::test]
async fn an_outage_is_said_plainly_and_keeps_the_input() {
    let form = Form::start().await;
    form.queue.fail_with(Some(SendError::Unavailable("secret detail".to_owned())));
    let key = form.page_key().await;
    let reply = form.post_page(&key, ENTRY).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    assert!(
        reply.body.contains("could not be confirmed") && reply.body.contains("Try again"),
        "{}",
        reply.body
    );
    assert!(!reply.body.contains("secret detail"));
    keeps_the_input(&reply.body);
    assert_eq!(hidden_key(&reply.body), key);
}

#[tokio::test]
async fn a_wrong_set_up_is_not_blamed_on_the_visitor() {
    let form = Form::start().await;
    form.queue.fail_with(Some(SendError::Refused("AccessDenied: secret detail".to_owned())));
    let reply = form.post_page("p1", ENTRY).await;
    assert_eq!((reply.status, reply.header("retry-after")), (502, None));
    assert!(
        reply.body.contains("not set up correctly") && !reply.body.contains("secret detail"),
        "{}",
        reply.body
    );
    keeps_the_input(&reply.body);
    let json = form.post_json(None, r#"{"name": "Jane", "country": "UK"}"#).await;
    assert_eq!(json.status, 502);
    assert!(!json.body.contains("secret detail"));
}

#[tokio::test]
async fn too_many_sends_under_way_are_an_outage_and_no_pile() {
    let mut config = config();
    config.limits.sends = 1;
    let form = Form::start_with(config, MemoryQueue::held()).await;
    let (first, second) = tokio::join!(form.post_page("p1", ENTRY), async {
        form.queue.arrived(1).await;
        let second = form.post_page("p2", ENTRY).await;
        form.queue.release();
        second
    });
    assert_eq!((first.status, second.status), (303, 503));
    assert_eq!(form.queue.sent().len(), 1);
    assert_eq!(form.post_page("p2", ENTRY).await.status, 303);
}
