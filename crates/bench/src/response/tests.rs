//! Replies: complete with their last byte and not before; what cannot be delimited is refused.

use super::*;

const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\ncontent-length: 11\r\n\r\n{\"a\":\"b c\"}";

fn complete(bytes: &[u8]) -> Reply {
    match parse(bytes).unwrap() {
        Parsed::Complete(reply) => reply,
        Parsed::Incomplete => panic!("incomplete: {}", String::from_utf8_lossy(bytes)),
    }
}

#[test]
fn a_reply_is_complete_with_its_last_byte_and_not_before() {
    for end in 0..REPLY.len() {
        assert_eq!(parse(&REPLY[..end]), Ok(Parsed::Incomplete), "after {end} bytes");
    }
    let reply = complete(REPLY);
    assert_eq!((reply.status, reply.closes), (200, false));
    assert_eq!(&REPLY[reply.body], br#"{"a":"b c"}"#);
}

#[test]
fn refusals_and_empty_bodies_are_replies_too() {
    let reply = complete(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((reply.status, reply.body.len()), (503, 0));
    assert_eq!(complete(b"HTTP/1.1 400\r\nContent-Length:1\r\n\r\n!").status, 400);
}

#[test]
fn whether_the_connection_stays_follows_version_and_header() {
    let closes = |head: &str| complete(format!("{head}\r\nContent-Length: 0\r\n\r\n").as_bytes()).closes;
    assert!(!closes("HTTP/1.1 200 OK"));
    assert!(!closes("HTTP/1.1 200 OK\r\nConnection: keep-alive"));
    assert!(closes("HTTP/1.1 200 OK\r\nconnection: Close"));
    assert!(closes("HTTP/1.1 200 OK\r\nConnection: foo, close"));
    assert!(closes("HTTP/1.0 200 OK"));
    assert!(!closes("HTTP/1.0 200 OK\r\nConnection: Keep-Alive"));
}

#[test]
fn what_cannot_be_delimited_is_refused() {
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\n\r\n"), Err(ReplyError::NoLength));
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Err(ReplyError::NoLength));
    for length in ["", "-1", "+1", "1x", "9999999999"] {
        let bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        assert_eq!(parse(bytes.as_bytes()), Err(ReplyError::NoLength), "{length}");
    }
    let long = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n";
    assert_eq!(parse(long), Err(ReplyError::TooLarge));
    assert_eq!(parse(&[REPLY, b"H"].concat()), Err(ReplyError::Surplus));
}

#[test]
fn another_protocol_is_recognised_at_once() {
    assert_eq!(parse(b"SSH-2.0-x"), Err(ReplyError::NotHttp));
    assert_eq!(parse(b"HTTP/2 200\r\n"), Err(ReplyError::NotHttp));
    assert_eq!(parse(b"HTTP/1.1 20\r\n"), Err(ReplyError::NotHttp));
    assert_eq!(parse(b"HTTP/1.1 2000\r\n"), Err(ReplyError::NotHttp));
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\nno colon\r\n"), Err(ReplyError::NotHttp));
}
