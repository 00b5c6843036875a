//! The form as a browser without scripts uses it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod harness;

use harness::{Form, config, exchange, hidden_key, request};
use millpond_form::{Field, FieldKind, Format};

#[tokio::test]
async fn an_entry_becomes_a_message_and_a_reload_posts_nothing() {
    let form = Form::start().await;
    let key = form.page_key().await;
    let posted = form.post_page(&key, "name=Smith%2C+Jane&country=UK&notes=a%0D%0Ab").await;
    assert_eq!((posted.status, posted.header("location")), (303, Some("thanks?message_id=message%2D1")));
    for _ in 0..2 {
        let thanks = form.get("/thanks?message_id=message%2D1").await;
        assert_eq!(thanks.status, 200);
        assert!(thanks.body.contains("<code>message-1</code>"), "{}", thanks.body);
    }
    assert_eq!(form.queue.bodies(), ["\"Smith, Jane\",UK,\"a\nb\""]);
    assert!(form.queue.sent()[0].id().as_str().starts_with(&key));
}

#[tokio::test]
async fn every_page_view_has_a_random_key() {
    let form = Form::start().await;
    let (first, second) = (form.page_key().await, form.page_key().await);
    assert_ne!(first, second);
    assert!(first.len() == 32 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
}

#[tokio::test]
async fn errors_come_back_with_the_input_and_the_same_key() {
    let form = Form::start().await;
    let key = form.page_key().await;
    let reply = form.post_page(&key, "name=%3Cb%3EJane&country=&notes=n").await;
    assert_eq!(reply.status, 422);
    assert_eq!(hidden_key(&reply.body), key);
    assert!(reply.body.contains("value=\"&lt;b&gt;Jane\"") && !reply.body.contains("<b>"), "{}", reply.body);
    assert!(reply.body.contains("id=\"field-country-error\">Fill in this field."), "{}", reply.body);
    assert!(form.queue.sent().is_empty());
    let corrected = form.post_page(&key, "name=Jane&country=UK&notes=n").await;
    assert_eq!(corrected.status, 303);
}

#[tokio::test]
async fn json_messages_have_typed_values() {
    let mut config = config();
    config.format = Format::Json;
    config.fields.push(Field::new("amount", FieldKind::Number));
    config.fields.push(Field::new("news", FieldKind::Checkbox));
    let form = Form::start_with(config, harness::MemoryQueue::new()).await;
    form.post_page("abc", "name=Jane&country=UK&notes=&amount=1.50").await;
    assert_eq!(
        form.queue.bodies(),
        [r#"{"name":"Jane","country":"UK","notes":null,"amount":1.50,"news":false}"#]
    );
}

#[tokio::test]
async fn every_reply_forbids_foreign_content_and_sniffing() {
    let form = Form::start().await;
    let posted = form.post_page("abc", "name=&country=").await;
    let elsewhere = form.get("/nothing").await;
    assert_eq!(elsewhere.status, 404);
    for reply in
        [form.get("/").await, form.get("/form.css").await, form.get("/health").await, posted, elsewhere]
    {
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(policy.contains("form-action 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
    assert_eq!(form.get("/").await.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn assets_and_health_have_their_types() {
    let form = Form::start().await;
    for (path, content_type) in [
        ("/form.css", "text/css; charset=utf-8"),
        ("/form.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/health", "application/json"),
    ] {
        let reply = form.get(path).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(content_type)), "{path}");
    }
    assert_eq!(form.get("/health").await.json()["status"], "ok");
}

#[tokio::test]
async fn other_methods_are_named_as_not_allowed() {
    let form = Form::start().await;
    let delete = exchange(form.addr, &request(form.addr, "DELETE", "/", &[], "")).await;
    assert_eq!((delete.status, delete.header("allow")), (405, Some("GET, HEAD, POST")));
    let post = exchange(form.addr, &request(form.addr, "POST", "/thanks", &[], "")).await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    let head = exchange(form.addr, &request(form.addr, "HEAD", "/", &[], "")).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn an_address_cannot_put_words_on_the_page() {
    let form = Form::start().await;
    for query in ["", "?message_id=", "?message_id=%3Cscript%3E", "?message_id=call%20us", "?other=1"] {
        let reply = form.get(&format!("/thanks{query}")).await;
        assert_eq!(reply.status, 400, "{query}");
        assert!(!reply.body.contains("script>alert") && !reply.body.contains("call us"), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_key_of_another_make_is_refused() {
    let form = Form::start().await;
    for id in ["%3Cscript%3E", "", &"a".repeat(200)] {
        assert_eq!(form.post_page(id, "name=Jane&country=UK").await.status, 400, "{id}");
    }
    assert_eq!(
        form.post(harness::URLENCODED, &[], "name=Jane&country=UK").await.status,
        303,
        "none is given one"
    );
    assert_eq!(form.queue.sent().len(), 1);
}
