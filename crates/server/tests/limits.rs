//! Connections that take more than their part, over sockets: each limit ends them, and who comes next is served.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

#[expect(dead_code, reason = "each test file uses a part")]
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use millpond_server::{Limits, Transport};
use support::{Server, read_all};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn server(limits: Limits) -> Server {
    Server::start(Transport::default(), limits).unwrap()
}

fn asks(server: &Server, request: &[u8]) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(request).unwrap();
    stream
}

/// The next bytes of a reply; empty when the connection has ended.
fn answer(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).unwrap_or_default();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

/// How many connections are open, that of the question included.
fn open_connections(server: &Server) -> String {
    let mut stream = asks(server, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let metrics = read_all(&mut stream);
    let line = metrics.lines().find(|line| line.starts_with("millpond_open_connections "));
    line.unwrap_or_else(|| panic!("{metrics}")).to_owned()
}

#[test]
fn more_connections_than_the_limit_wait_for_a_place() {
    let server = server(Limits { connections: 2, ..Limits::default() });
    let mut first = asks(&server, HEALTH);
    assert!(answer(&mut first).starts_with("HTTP/1.1 200"));
    let mut second = asks(&server, HEALTH);
    assert!(answer(&mut second).starts_with("HTTP/1.1 200"));
    let mut third = asks(&server, HEALTH);
    third.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(answer(&mut third), "", "there is no place for it");
    third.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    drop(first);
    assert!(answer(&mut third).starts_with("HTTP/1.1 200"), "now there is");
}

#[test]
fn a_head_that_does_not_come_ends_its_connection() {
    let server = server(Limits { header_secs: 1, ..Limits::default() });
    let mut stream = asks(&server, b"GET /health HTTP/1.1\r\nHost: loc");
    let reply = read_all(&mut stream);
    assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 408"), "{reply}");
}

#[test]
fn a_kept_connection_that_asks_nothing_more_is_closed() {
    let server = server(Limits { header_secs: 1, ..Limits::default() });
    let mut stream = asks(&server, HEALTH);
    assert!(answer(&mut stream).starts_with("HTTP/1.1 200"));
    assert_eq!(read_all(&mut stream), "");
}

#[test]
fn a_body_that_does_not_come_in_time_is_told_so() {
    let server = server(Limits { body_secs: 1, ..Limits::default() });
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
                X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 10\r\n\r\n{";
    let mut stream = asks(&server, head.as_bytes());
    let reply = answer(&mut stream);
    assert!(reply.starts_with("HTTP/1.1 408"), "{reply}");
}

#[test]
fn a_connection_that_takes_none_of_its_replies_is_closed() {
    let server = server(Limits { write_secs: 1, ..Limits::default() });
    let mut stream = server.connect();
    stream.set_nonblocking(true).unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000);
    // More requests than there are replies for which the system keeps room; none is read.
    while stream.write(&request).is_ok() {}
    while open_connections(&server) != "millpond_open_connections 1" {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_connection_that_takes_its_replies_late_gets_all_of_them() {
    let server = server(Limits { write_secs: 60, ..Limits::default() });
    let mut stream = server.connect();
    let asked = 2_000;
    let mut writer = stream.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(asked - 1);
        writer.write_all(&request).unwrap();
        writer.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    });
    // The server waits with a full socket meanwhile.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(read_all(&mut stream).matches("HTTP/1.1 200 OK").count(), asked);
    writing.join().unwrap();
}
