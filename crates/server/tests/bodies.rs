//! Uploads that stall, over sockets: who does not stall is served.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

#[expect(dead_code, reason = "each test file uses a part")]
mod support;

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use millpond_server::{Limits, Transport};
use support::{Server, read_all};

const KIB: usize = 1024;

fn head(length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: \
         AmazonSQS.ListQueues\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Sends all of a body but its last byte.
fn stall(server: &Server, length: usize) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(head(length).as_bytes()).unwrap();
    stream.write_all(&vec![b'a'; length - 1]).unwrap();
    stream
}

fn list_queues(server: &Server) -> String {
    let mut stream = server.connect();
    stream.write_all((head(2) + "{}").as_bytes()).unwrap();
    read_all(&mut stream)
}

/// The bodies may take an hour here: what ends a stalled one is that it stalls.
fn server() -> Server {
    let limits = Limits {
        bodies_total_bytes: 1024 * KIB,
        body_bytes: 512 * KIB,
        body_secs: 3_600,
        ..Limits::default()
    };
    Server::start(Transport::default(), limits).unwrap()
}

#[test]
fn stalled_uploads_stand_in_nobodys_way() {
    let server = server();
    let small: Vec<_> = (0..40).map(|_| stall(&server, 60 * KIB)).collect();
    let mut replies = (0..300).map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        list_queues(&server)
    });
    assert!(replies.any(|reply| reply.starts_with("HTTP/1.1 200")), "nobody else is served");
    drop(small);
}

#[test]
fn a_stalled_upload_of_much_is_told_so() {
    let server = server();
    let mut stalled = stall(&server, 300 * KIB);
    let reply = read_all(&mut stalled);
    assert!(reply.starts_with("HTTP/1.1 408") && reply.contains("RequestTimeout"), "{reply}");
    assert!(list_queues(&server).starts_with("HTTP/1.1 200"));
}

#[test]
fn heads_are_no_longer_than_they_need_to_be() {
    let server = server();
    for (length, expected) in [(60 * KIB, "HTTP/1.1 200"), (200 * KIB, "HTTP/1.1 431")] {
        let mut stream = server.connect();
        let value = "a".repeat(length);
        let request =
            format!("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: {value}\r\n\r\n");
        // A server that has seen enough may close before it has seen all.
        let _ = stream.write_all(request.as_bytes());
        let reply = read_all(&mut stream);
        assert!(reply.starts_with(expected), "{length}: {reply}");
    }
}
