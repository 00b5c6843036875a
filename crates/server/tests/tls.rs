//! A port with TLS: who gets through, who is told what, and a certificate that is replaced under way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use millpond_server::tls::{PairError, TlsConfig, TlsError};
use millpond_server::{BindError, Limits, Transport};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use support::{Folder, Server, read_all};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

const GET_HEALTH: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Certificate and key in a folder, for a server and the clients that trust it.
struct Pair(Folder);

impl Pair {
    fn new(name: &str) -> Self {
        let pair = Self(Folder::new(name));
        pair.replace(&made());
        pair
    }

    fn certificate(&self) -> PathBuf {
        self.0.0.join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.0.join("key.pem")
    }

    fn replace(&self, made: &CertifiedKey<KeyPair>) {
        put(&self.certificate(), &made.cert.pem());
        put(&self.key(), &made.signing_key.serialize_pem());
    }

    fn serve(&self, limits: Limits) -> Result<Server, BindError> {
        let tls = TlsConfig::Files { certificate: self.certificate(), key: self.key() };
        Server::start(Transport { tls: Some(tls), ..Transport::default() }, limits)
    }
}

fn made() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap()
}

/// As tools do that replace a file: in one step.
fn put(path: &Path, text: &str) {
    let fresh = path.with_extension("new");
    fs::write(&fresh, text).unwrap();
    fs::rename(fresh, path).unwrap();
}

fn connect(
    server: &Server,
    trusted: &[PathBuf],
    version: &'static SupportedProtocolVersion,
    request: &str,
) -> std::io::Result<Tls> {
    let mut roots = RootCertStore::empty();
    for path in trusted {
        roots.add(CertificateDer::from_pem_file(path).unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream =
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), server.connect());
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

fn health(server: &Server, trusted: &[PathBuf]) -> std::io::Result<String> {
    let mut reply = String::new();
    connect(server, trusted, &TLS13, GET_HEALTH)?.read_to_string(&mut reply)?;
    Ok(reply)
}

#[test]
fn both_versions_are_spoken_and_http_1_1_is_agreed_on() {
    let pair = Pair::new("tls-versions");
    let server = pair.serve(Limits::default()).unwrap();
    for version in [&TLS12, &TLS13] {
        let mut stream = connect(&server, &[pair.certificate()], version, GET_HEALTH).unwrap();
        assert!(read_all(&mut stream).starts_with("HTTP/1.1 200 OK"));
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
    }
}

#[test]
fn keys_of_every_usual_form_are_read() {
    for (name, der) in [("tls-p384", &rcgen::PKCS_ECDSA_P384_SHA384), ("tls-ed25519", &rcgen::PKCS_ED25519)] {
        let pair = Pair::new(name);
        let key = KeyPair::generate_for(der).unwrap();
        let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        put(&pair.certificate(), &params.self_signed(&key).unwrap().pem());
        put(&pair.key(), &key.serialize_pem());
        let server = pair.serve(Limits::default()).unwrap();
        assert!(health(&server, &[pair.certificate()]).unwrap().starts_with("HTTP/1.1 200 OK"), "{name}");
    }
}

#[test]
fn plain_http_is_told_what_to_do() {
    let pair = Pair::new("tls-plain");
    let server = pair.serve(Limits::default()).unwrap();
    let mut stream = server.connect();
    stream.write_all(GET_HEALTH.as_bytes()).unwrap();
    let reply = read_all(&mut stream);
    assert!(reply.starts_with("HTTP/1.1 400 "), "{reply}");
    let told = format!("this port speaks TLS: use https://{}\n", server.address);
    assert!(reply.ends_with(&told), "{reply}");
}

#[test]
fn who_does_not_finish_the_handshake_is_let_go_and_holds_up_nobody() {
    let pair = Pair::new("tls-silent");
    let server = pair.serve(Limits { handshake_secs: 1, ..Limits::default() }).unwrap();
    let mut silent: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
    for stream in &mut silent[10..] {
        // The beginning of a handshake that does not come.
        stream.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
    }
    assert!(health(&server, &[pair.certificate()]).unwrap().starts_with("HTTP/1.1 200 OK"));
    for stream in &mut silent {
        assert_eq!(read_all(stream), "", "the server closes it");
    }
}

#[test]
fn what_is_neither_tls_nor_http_ends_at_once() {
    let pair = Pair::new("tls-noise");
    let server = pair.serve(Limits { handshake_secs: 3_600, ..Limits::default() }).unwrap();
    for noise in [&[0_u8; 64][..], &[0x16; 64], &[0x80; 64]] {
        let mut stream = server.connect();
        stream.write_all(noise).unwrap();
        let reply = read_all(&mut stream);
        assert!(!reply.contains("HTTP"), "{reply}");
    }
    assert!(health(&server, &[pair.certificate()]).unwrap().starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn a_replaced_certificate_is_taken_without_losing_a_request() {
    let pair = Pair::new("tls-replaced");
    let server = pair.serve(Limits::default()).unwrap();
    let before = pair.0.0.join("before.pem");
    fs::copy(pair.certificate(), &before).unwrap();
    let (next, after) = (made(), pair.0.0.join("after.pem"));
    fs::write(&after, next.cert.pem()).unwrap();
    let ended = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            while !ended.load(SeqCst) {
                let reply = health(&server, &[before.clone(), after.clone()]).unwrap();
                assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
                answered.fetch_add(1, SeqCst);
            }
        });
        pair.replace(&next);
        while health(&server, std::slice::from_ref(&after)).is_err() {
            assert!(!load.is_finished(), "a request failed");
        }
        ended.store(true, SeqCst);
        load.join().unwrap();
    });
    assert!(answered.load(SeqCst) > 0);
    assert!(health(&server, &[before]).is_err(), "the old one is gone");
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_before_anything_begins() {
    let pair = Pair::new("tls-unfit");
    put(&pair.key(), &made().signing_key.serialize_pem());
    let refused = |pair: &Pair| match pair.serve(Limits::default()) {
        Err(BindError::Tls(TlsError::Pair(error))) => error,
        other => panic!("{:?}", other.err()),
    };
    let error = refused(&pair);
    assert!(matches!(error, PairError::Unfit { .. }), "{error}");
    assert!(error.to_string().contains("key.pem"), "{error}");
    put(&pair.key(), "no key");
    assert!(matches!(refused(&pair), PairError::NoKey(_)));
    put(&pair.certificate(), "no certificate");
    assert!(matches!(refused(&pair), PairError::NoCertificate(_)));
    fs::remove_file(pair.certificate()).unwrap();
    assert!(matches!(refused(&pair), PairError::Unreadable { .. }));
}

#[test]
fn queue_urls_and_the_endpoint_say_https() {
    let pair = Pair::new("tls-urls");
    let server = pair.serve(Limits::default()).unwrap();
    let body = "Action=CreateQueue&QueueName=jobs";
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost:1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \
         {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let reply = read_all(&mut connect(&server, &[pair.certificate()], &TLS13, &request).unwrap());
    assert!(reply.contains("<QueueUrl>https://localhost:1/000000000000/jobs</QueueUrl>"), "{reply}");
}
