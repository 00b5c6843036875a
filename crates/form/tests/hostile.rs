//! Requests that are too large, too slow, too many, or sent by a page of another site.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod harness;

use std::time::Duration;

use harness::{Form, MemoryQueue, Reply, URLENCODED, config, exchange, read_reply, request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const JANE: &str = "name=Jane&country=UK";

/// Far above every bound that these tests set, far below every bound that holds without them.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), future).await.expect("within its bound")
}

#[tokio::test]
async fn an_oversized_body_is_refused_and_the_client_can_read_why() {
    let form = Form::start().await;
    let large = format!("{JANE}&notes={}", "a".repeat(6 << 20));
    let page = form.post(URLENCODED, &[], &large).await;
    assert_eq!(page.status, 413);
    assert!(page.body.contains("larger than 256 KiB"), "{}", page.body);
    let json = form.post("application/json", &[], &large).await;
    assert_eq!(json.status, 413);
    assert!(json.json()["error"].as_str().unwrap().contains("256 KiB"));
    assert!(form.queue.sent().is_empty());
}

#[tokio::test]
async fn a_body_that_only_claims_to_be_huge_is_refused_at_once() {
    let form = Form::start().await;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: {URLENCODED}\r\nContent-Length: 99999999999\r\n\
         Connection: close\r\n\r\n",
        form.addr
    );
    assert_eq!(exchange(form.addr, &head).await.status, 413);
}

#[tokio::test]
async fn every_entry_within_its_lengths_is_taken() {
    let form = Form::start().await;
    let notes = "🌊".repeat(5_000);
    let encoded = "%F0%9F%8C%8A".repeat(5_000);
    assert_eq!(form.post_page("p1", &format!("{JANE}&notes={encoded}")).await.status, 303);
    assert_eq!(form.queue.bodies(), [format!("Jane,UK,{notes}")]);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let mut config = config();
    config.limits.body_timeout = Duration::from_millis(100);
    let form = Form::start_with(config, MemoryQueue::new()).await;
    let all = request(form.addr, "POST", "/", &[("Content-Type", URLENCODED)], JANE);
    let mut stream = TcpStream::connect(form.addr).await.unwrap();
    stream.write_all(&all.as_bytes()[..all.len() - 1]).await.unwrap();
    let reply = soon(read_reply(&mut stream)).await;
    assert_eq!(reply.status, 408);
    assert!(form.queue.sent().is_empty());
}

#[tokio::test]
async fn a_head_that_does_not_come_frees_its_connection_for_others() {
    let mut config = config();
    config.limits.head_timeout = Duration::from_millis(100);
    config.limits.connections = 1;
    let form = Form::start_with(config, MemoryQueue::new()).await;
    let mut slow = TcpStream::connect(form.addr).await.unwrap();
    slow.write_all(b"POST / HTTP/1.1\r\nHost: ").await.unwrap();
    assert_eq!(soon(form.get("/health")).await.status, 200);
}

#[tokio::test]
async fn idle_connections_are_closed_before_and_after_a_request() {
    let mut config = config();
    config.limits.head_timeout = Duration::from_millis(100);
    let form = Form::start_with(config, MemoryQueue::new()).await;
    let mut silent = TcpStream::connect(form.addr).await.unwrap();
    let mut kept = TcpStream::connect(form.addr).await.unwrap();
    kept.write_all(format!("GET /health HTTP/1.1\r\nHost: {}\r\n\r\n", form.addr).as_bytes()).await.unwrap();
    assert_eq!(soon(read_reply(&mut kept)).await.status, 200);
    _ = soon(silent.read_to_end(&mut Vec::new())).await;
}

#[tokio::test]
async fn a_connection_that_never_ends_is_ended() {
    let mut config = config();
    config.limits.connection_lifetime = Duration::from_millis(100);
    config.limits.drain_timeout = Duration::from_millis(100);
    let form = Form::start_with(config, MemoryQueue::held()).await;
    let post = request(form.addr, "POST", "/", &[("Content-Type", URLENCODED)], JANE);
    let mut stream = TcpStream::connect(form.addr).await.unwrap();
    stream.write_all(post.as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    _ = soon(stream.read_to_end(&mut rest)).await;
    assert!(rest.is_empty(), "no reply came, because the queue never answered");
}

#[tokio::test]
async fn posts_of_other_sites_are_refused_in_plain_text() {
    let form = Form::start().await;
    let foreign: [&[(&str, &str)]; 4] = [
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
    ];
    for headers in foreign {
        for content_type in [URLENCODED, "application/json", "text/plain"] {
            let reply = form.post(content_type, headers, JANE).await;
            assert_eq!(reply.status, 403, "{headers:?}");
            assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        }
    }
    assert!(form.queue.sent().is_empty());
    let own = format!("http://{}", form.addr);
    assert_eq!(
        form.post(URLENCODED, &[("Origin", &own), ("Sec-Fetch-Site", "same-origin")], JANE).await.status,
        303
    );
}

#[tokio::test]
async fn a_name_that_is_pointed_at_loopback_is_refused() {
    let form = Form::start().await;
    for method in ["GET", "POST"] {
        let rebound = request(form.addr, method, "/", &[("Host", "evil.example")], "");
        assert_eq!(exchange(form.addr, &rebound).await.status, 403);
    }
    let port = form.addr.port();
    let local = request(form.addr, "GET", "/", &[("Host", &format!("localhost:{port}"))], "");
    assert_eq!(exchange(form.addr, &local).await.status, 200);
}

#[tokio::test]
async fn noise_leaves_the_form_working() {
    let form = Form::start().await;
    let headers = "X: y\r\n".repeat(20_000);
    let long_head = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    for noise in ["\0\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "{}\n", &long_head] {
        let mut stream = TcpStream::connect(form.addr).await.unwrap();
        _ = stream.write_all(noise.as_bytes()).await;
        _ = stream.shutdown().await;
        _ = stream.read_to_end(&mut Vec::new()).await;
    }
    let Reply { status, .. } = form.post_page("p1", JANE).await;
    assert_eq!(status, 303);
}
