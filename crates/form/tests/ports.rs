//! Where the form listens when its port is in use, and how it stops.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod harness;

use std::net::SocketAddr;

use harness::{Form, MemoryQueue, config};
use millpond_form::{BindError, FormConfig, bind};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

/// A configuration whose port is in use while the listener lives.
async fn taken() -> (TcpListener, FormConfig) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config();
    config.listen = listener.local_addr().unwrap();
    (listener, config)
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_says_what_to_do() {
    let (_listener, config) = taken().await;
    let error = bind(config.clone()).await.unwrap_err();
    assert!(matches!(&error, BindError::InUse(addr) if *addr == config.listen));
    assert!(error.to_string().contains("in use by another program"), "{error}");
}

#[tokio::test]
async fn the_next_free_port_is_taken_when_allowed_and_told() {
    let (_listener, mut config) = taken().await;
    config.allow_port_search = true;
    let wanted = config.listen;
    let bound = bind(config).await.unwrap();
    assert!(bound.addr().port() > wanted.port());
    assert_eq!(bound.moved_from(), Some(wanted));
}

#[tokio::test]
async fn any_port_is_no_move() {
    let mut config = config();
    config.allow_port_search = true;
    let bound = bind(config).await.unwrap();
    assert_ne!(bound.addr().port(), 0);
    assert_eq!(bound.moved_from(), None);
}

#[tokio::test]
async fn an_address_of_another_machine_is_an_error() {
    let mut config = config();
    config.listen = "192.0.2.1:0".parse().unwrap();
    config.allow_port_search = true;
    assert!(matches!(bind(config).await, Err(BindError::Address { .. })));
}

#[tokio::test]
async fn a_wrong_configuration_opens_no_port() {
    let (_listener, mut config) = taken().await;
    config.fields.clear();
    assert!(matches!(bind(config).await, Err(BindError::Config(_))));
}

fn post(addr: SocketAddr) -> String {
    let headers = [("Content-Type", harness::URLENCODED)];
    harness::request(addr, "POST", "/", &headers, "submission_id=p1&name=Jane&country=UK")
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way() {
    let form = Form::start_with(config(), MemoryQueue::held()).await;
    let (addr, queue) = (form.addr, form.queue.clone());
    let post = post(addr);
    let visitor = tokio::spawn(async move { harness::exchange(addr, &post).await });
    queue.arrived(1).await;
    let stopped = form.stop();
    queue.release();
    assert_eq!(visitor.await.unwrap().status, 303);
    stopped.await.unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_stop_finishes_the_send_of_a_visitor_who_has_gone() {
    let form = Form::start_with(config(), MemoryQueue::held()).await;
    let (addr, queue) = (form.addr, form.queue.clone());
    let mut visitor = TcpStream::connect(addr).await.unwrap();
    visitor.write_all(post(addr).as_bytes()).await.unwrap();
    queue.arrived(1).await;
    drop(visitor);
    let stopped = form.stop();
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!stopped.is_finished(), "a send is under way");
    queue.release();
    stopped.await.unwrap();
    assert_eq!(queue.sent().len(), 1);
}
