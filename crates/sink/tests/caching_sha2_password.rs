//! How a sink logs in where accounts have the method `caching_sha2_password`, the default of MySQL 8, without TLS.
//! The other side is a script of the protocol's documentation, not a MySQL server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use millpond_sink::SinkError;
use support::{
    config,
    mysql_handshake::{CACHING_SHA2, HandshakeServer, LET_IN, NONCES, Step, error, ok, switch_to},
    rsa,
    sqs::FakeSqs,
    start,
};

/// XOR(SHA256(password), SHA256(SHA256(SHA256(password)), nonce)) of `s3cret` and each nonce, computed elsewhere.
const PROOFS: [&str; 2] = [
    "5661ac17cec0e6001d3747b3aaa0d0c1927fdc43c56deeab05d4c42d73b2b642",
    "cc59ecda839e9502b4a3e88f2ac18e0ef8be67f0569c11eb9812ae49f16cdfc3",
];

const FAST_AUTH_OK: &[u8] = &[1, 3];
const FULL_AUTH: &[u8] = &[1, 4];
const ASK_FOR_KEY: &[u8] = &[2];

/// The text that a sink ends with.
async fn end(server: &HandshakeServer) -> String {
    let sqs = FakeSqs::start().await;
    match start(config(&server.url()), &sqs).await.end().await {
        Err(SinkError::Configuration(text)) => {
            assert!(!text.contains("s3cret"), "{text}");
            text
        }
        other => panic!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn send(packet: &[u8]) -> Step {
    Step::Send(packet.to_vec())
}

/// The server's part of full authentication without TLS.
fn full_authentication() -> Vec<Step> {
    let key = [&[1], rsa::PUBLIC_KEY.as_bytes()].concat();
    vec![send(FULL_AUTH), Step::Receive, Step::Send(key), Step::Receive, Step::Send(ok())]
}

/// The password in the client's last packet, which is encrypted.
fn password(block: &[u8], nonce: &[u8]) -> Vec<u8> {
    rsa::xor(&rsa::decrypt(block).expect("a block of this key"), nonce)
}

#[tokio::test]
async fn an_account_that_the_server_remembers_is_let_in_by_its_proof() {
    let server = HandshakeServer::start(CACHING_SHA2, vec![send(FAST_AUTH_OK), Step::Send(ok())]).await;
    assert!(end(&server).await.contains(LET_IN));
    let seen = server.seen();
    assert_eq!((seen.user.as_slice(), hex(&seen.proof).as_str()), (b"jane".as_slice(), PROOFS[0]));
}

#[tokio::test]
async fn an_account_that_it_does_not_sends_its_password_encrypted_with_the_servers_key() {
    let server = HandshakeServer::start(CACHING_SHA2, full_authentication()).await;
    assert!(end(&server).await.contains(LET_IN));
    let seen = server.seen();
    assert_eq!(hex(&seen.proof), PROOFS[0]);
    assert_eq!(seen.packets[0], ASK_FOR_KEY);
    assert_eq!(password(&seen.packets[1], NONCES[0]), b"s3cret\0");
}

#[tokio::test]
async fn a_server_whose_default_is_another_method_switches_to_it() {
    let mut steps = vec![Step::Send(switch_to(CACHING_SHA2, NONCES[1])), Step::Receive];
    steps.extend(full_authentication());
    let server = HandshakeServer::start("mysql_native_password", steps).await;
    assert!(end(&server).await.contains(LET_IN));
    let seen = server.seen();
    assert_eq!(hex(&seen.packets[0]), PROOFS[1]);
    assert_eq!(seen.packets[1], ASK_FOR_KEY);
    assert_eq!(password(&seen.packets[2], NONCES[1]), b"s3cret\0");
}

#[tokio::test]
async fn a_server_that_refuses_says_why_and_the_sink_what_to_do() {
    for (code, sqlstate, text) in [
        (1045, "28000", "Access denied for user 'jane'"),
        (3159, "HY000", "Connections using insecure transport are prohibited"),
    ] {
        let steps = vec![send(FULL_AUTH), Step::Receive, Step::Send(error(code, sqlstate, text))];
        let server = HandshakeServer::start(CACHING_SHA2, steps).await;
        let told = end(&server).await;
        assert!(told.contains(text) && told.contains("add ?ssl-mode=VERIFY_IDENTITY"), "{told}");
    }
}

/// Among them those for which the driver has no code as it is built, and panics.
#[tokio::test]
async fn a_method_that_is_not_supported_is_named_with_those_that_are() {
    for method in ["sha256_password", "mysql_clear_password", "client_ed25519", "parsec"] {
        let (nonce, salt) = ([7; 32], [b"\x01P\x00".as_slice(), &[7; 18]].concat());
        let steps =
            vec![Step::Send(switch_to(method, &nonce)), Step::Receive, Step::Send(salt), Step::Receive];
        let server = HandshakeServer::start(CACHING_SHA2, steps).await;
        let told = end(&server).await;
        let named = method.trim_start_matches("client_");
        assert!(told.contains(named) && told.contains("ALTER USER"), "{told}");
    }
}

#[tokio::test]
async fn a_key_that_is_none_ends_in_words() {
    let steps = vec![send(FULL_AUTH), Step::Receive, send(b"\x01-----BEGIN NOTHING-----"), Step::Receive];
    let server = HandshakeServer::start(CACHING_SHA2, steps).await;
    assert!(end(&server).await.contains("the driver can't log in"));
}
