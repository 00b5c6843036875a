//! Requests as bytes: what two readers could understand differently is refused, and nothing behind it is read.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

#[expect(dead_code, reason = "each test file uses a part")]
mod support;

use std::io::{ErrorKind, Write};

use millpond_server::{Limits, Transport};
use support::{Server, read_all};

/// Asked for behind a request that is refused: it must not be answered.
const SMUGGLED: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// What it is, the request, and the status of its reply.
const REFUSED: &[(&str, &str, u16)] = &[
    (
        "two lengths",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "two lengths, the other way",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "lengths that differ",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n",
        400,
    ),
    ("lengths in a list", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0, 5\r\n\r\n", 400),
    ("a length with a sign", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +0\r\n\r\n", 400),
    ("a length that is none", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x0\r\n\r\n", 400),
    ("an unknown encoding", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n", 400),
    (
        "an encoding around chunks",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "an encoding behind chunks",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "an encoding twice",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("a space before the colon", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\n", 400),
    (
        "a folded header",
        "POST / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n",
        400,
    ),
    (
        "a bare carriage return in a header",
        "POST / HTTP/1.1\r\nHost: localhost\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n",
        400,
    ),
    ("a null in a header", "POST / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", 400),
    ("two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: other.example\r\n\r\n", 400),
    ("another host in the target", "GET http://other.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("a tunnel", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n", 400),
    ("a target for proxies", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    (
        "an expectation",
        "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: something\r\nContent-Length: 0\r\n\r\n",
        417,
    ),
    ("a version that is not there", "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 400),
    ("no version", "GET /\r\n\r\n", 400),
    ("a space in the target", "GET / x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    (
        "chunks for HTTP/1.0",
        "POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("a line that begins with a space", " GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
];

fn server() -> Server {
    Server::start(Transport::default(), Limits::default()).unwrap()
}

/// All that is answered to these bytes.
fn answered(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.connect();
    match stream.write_all(bytes) {
        // A server that has seen enough may close before it has seen all.
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
        written => written.unwrap(),
    }
    read_all(&mut stream)
}

/// The statuses of the replies to these bytes.
fn statuses(server: &Server, bytes: &[u8]) -> Vec<u16> {
    let replies = answered(server, bytes);
    replies.split("HTTP/1.1 ").skip(1).map(|reply| reply[..3].parse().unwrap()).collect()
}

#[test]
fn nothing_behind_a_refused_request_is_read() {
    let server = server();
    for (name, request, status) in REFUSED {
        let found = statuses(&server, format!("{request}{SMUGGLED}").as_bytes());
        assert_eq!(found, [*status], "{name}");
    }
}

#[test]
fn a_path_that_has_another_form_leads_nowhere() {
    let server = server();
    for path in [
        "//",
        "/./",
        "/health/..",
        "/../health",
        "/%2e%2e/health",
        "/%2e/health",
        "/000000000000//jobs",
        "/000000000000/jobs%00",
        "/000000000000/jobs%2f",
        "/000000000000\\jobs",
        "/000000000000%5cjobs",
        "/_millpond/v1/../../health",
        "/_millpond/v1//queues",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n{SMUGGLED}");
        assert_eq!(statuses(&server, request.as_bytes()), [400], "{path}");
    }
    // Encoded letters of a name are another path than the letters, for routes as for signatures.
    let request = "GET /%68ealth HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(&server, request.as_bytes()), [404]);
}

#[test]
fn chunks_are_read_strictly() {
    let server = server();
    let post = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: \
                AmazonSQS.ListQueues\r\nTransfer-Encoding: chunked\r\n\r\n";
    let good = format!("{post}2;name=value\r\n{{}}\r\n0\r\nTrailer: x\r\n\r\n{SMUGGLED}");
    assert_eq!(statuses(&server, good.as_bytes()), [200, 200], "extensions and trailers mean nothing");
    for (name, chunks) in [
        ("a size that is none", "x\r\n{}\r\n0\r\n\r\n"),
        ("a size with a sign", "+2\r\n{}\r\n0\r\n\r\n"),
        ("a size with a prefix", "0x2\r\n{}\r\n0\r\n\r\n"),
        ("a size beyond all numbers", "ffffffffffffffff2\r\n{}\r\n0\r\n\r\n"),
        ("a chunk longer than its size", "1\r\n{}\r\n0\r\n\r\n"),
        ("a bare line feed behind the size", "2\n{}\r\n0\r\n\r\n"),
        ("a bare line feed in an extension", "2;a\nb\r\n{}\r\n0\r\n\r\n"),
    ] {
        let found = answered(&server, format!("{post}{chunks}{SMUGGLED}").as_bytes());
        assert!(!found.contains("\r\n\r\nok\n"), "{name}: {found}");
        assert!(!found.starts_with("HTTP/1.1 200"), "{name}: {found}");
    }
}

#[test]
fn heads_are_bounded() {
    let server = server();
    let many: String = (0..200).map(|number| format!("X-{number}: a\r\n")).collect();
    let long = format!("X: {}\r\n", "a".repeat(1 << 20));
    let line = format!("/{}", "a".repeat(1 << 20));
    for (name, request, expected) in [
        ("headers", format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"), 431),
        ("a header", format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{long}\r\n"), 431),
        ("a target", format!("GET {line} HTTP/1.1\r\nHost: localhost\r\n\r\n"), 414),
    ] {
        let found = statuses(&server, format!("{request}{SMUGGLED}").as_bytes());
        assert!(found == [expected] || found == [431], "{name}: {found:?}");
    }
}

/// RFC 9112, section 2.2, lets a reader end a line there. A proxy that does not, and passes it on, must not be able to hide
/// a header that changes what the request means.
#[test]
fn a_bare_line_feed_hides_nothing() {
    let server = server();
    for (name, request) in [
        (
            "an encoding",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "a length",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nX: a\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        ),
        (
            "another length",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nX: a\nContent-Length: 0\r\n\r\n",
        ),
        ("a host", "GET /health HTTP/1.1\r\nHost: localhost\r\nX: a\nHost: other.example\r\n\r\n"),
        (
            "a target",
            "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nX: a\nX-Amz-Target: AmazonSQS.PurgeQueue\r\n\r\n",
        ),
    ] {
        assert_eq!(statuses(&server, format!("{request}{SMUGGLED}").as_bytes()), [400], "{name}");
    }
}
