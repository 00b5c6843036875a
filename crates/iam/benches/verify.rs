//! What a signature costs on one core: median over rounds, in microseconds.
//!
//! `cargo bench -p millpond-iam`. Each figure is a whole verification as a server does it: claim, signing key, canonical
//! request, signature. Those named `kept key` find the key in the cache, `new key` derive it.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints figures of requests it made"
)]

use std::hint::black_box;
use std::time::{Duration, Instant, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use millpond_core::name::AccountId;
use millpond_iam::secret::{MasterKey, Secret};
use millpond_iam::session::{self, Session, SessionOf};
use millpond_iam::sigv4::{self, Expected, KeyCache, SignedParts, SigningKey};

const NOW_SECS: u64 = 1_795_287_600;
const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const EXPECTED: Expected<'_> = Expected { service: "sqs", region: None };
const ROUNDS: usize = 201;
const TIMES_PER_ROUND: u32 = 200;

struct Request {
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A send as an SDK makes it.
    fn signed(body_bytes: usize, token: Option<String>, presigned: bool) -> Self {
        let body = vec![b'x'; body_bytes];
        let length = body_bytes.to_string();
        let mut headers: Vec<(String, String)> = [
            ("host", "127.0.0.1:9324"),
            ("content-type", "application/x-amz-json-1.0"),
            ("content-length", length.as_str()),
            ("x-amz-target", "AmazonSQS.SendMessage"),
            ("x-amzn-query-mode", "true"),
            ("user-agent", "aws-sdk-rust/1.3.9 ua/2.1 api/sqs/1.90.0 os/linux lang/rust/1.95.0"),
            ("amz-sdk-request", "attempt=1; max=3"),
            ("amz-sdk-invocation-id", "f2c9a2d1-8a39-4c57-9f7f-1f5d2a7e1a57"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let identity = Credentials::new(ACCESS_KEY_ID, SECRET, token, None, "bench").into();
        let mut settings = SigningSettings::default();
        if presigned {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(60));
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("sqs")
            .time(UNIX_EPOCH + Duration::from_secs(NOW_SECS))
            .settings(settings)
            .build()
            .unwrap();
        let pairs: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let bytes = SignableBody::Bytes(&body);
        let signable =
            SignableRequest::new("POST", "http://127.0.0.1:9324/", pairs.into_iter(), bytes).unwrap();
        let (instructions, _) = sign(signable, &params.into()).unwrap().into_parts();
        headers.extend(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let escape = |value: &str| {
            value.replace('/', "%2F").replace(';', "%3B").replace('+', "%2B").replace('=', "%3D")
        };
        let query: Vec<String> =
            instructions.params().iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        Self { query: query.join("&"), headers, body }
    }

    fn verify(&self, key: impl Fn(&sigv4::Claim<'_>) -> SigningKey) {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let parts = SignedParts {
            method: "POST",
            path: "/",
            query: &self.query,
            headers: &headers,
            forwarded_host: None,
            body: &self.body,
            over_tls: false,
        };
        let claim = sigv4::claim(black_box(&parts)).unwrap().unwrap();
        sigv4::verify(&parts, &claim, &key(&claim), EXPECTED, NOW_SECS).unwrap();
    }
}

fn measure(what: &str, run: impl Fn()) {
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..TIMES_PER_ROUND).for_each(|_| run());
            start.elapsed() / TIMES_PER_ROUND
        })
        .collect();
    rounds.sort();
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    println!("{what:<44}{:>8.2} µs  (least {:.2})", micros(rounds[ROUNDS / 2]), micros(rounds[0]));
}

fn main() {
    let cache = KeyCache::new(1024);
    let secret = Secret::new(SECRET);
    let kept = |claim: &sigv4::Claim<'_>| cache.key(claim.access_key_id, &secret, &claim.scope);
    let new = |claim: &sigv4::Claim<'_>| SigningKey::derive(secret.expose(), &claim.scope);
    for (name, bytes) in [("256 B", 256), ("1 KiB", 1024), ("64 KiB", 65_536)] {
        let request = Request::signed(bytes, None, false);
        measure(&format!("verify {name}, kept key"), || request.verify(kept));
    }
    let request = Request::signed(1024, None, false);
    measure("verify 1 KiB, new key", || request.verify(new));
    let presigned = Request::signed(1024, None, true);
    measure("verify 1 KiB, presigned, kept key", || presigned.verify(kept));

    let master = MasterKey::new([7; 32]);
    let role = SessionOf::Role {
        name: "customers-backend".to_owned(),
        id: "AROAIOSFODNN7EXAMPLE".to_owned(),
        session_name: "backend".to_owned(),
    };
    let session = Session {
        account: AccountId::DEFAULT,
        of: role,
        issued_at_secs: NOW_SECS,
        expires_at_secs: NOW_SECS + 3600,
        policies: Vec::new(),
        policy_arns: Vec::new(),
        tags: [("Team".to_owned(), "blue".to_owned())].into(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        chained: false,
        origin: None,
    };
    measure("issue a session", || drop(black_box(session::issue(&master, &session, [7; 32]))));
    let issued = session::issue(&master, &session, [7; 32]);
    let open = || session::open(&master, &issued.access_key_id, &issued.session_token, NOW_SECS).unwrap();
    measure("open a session token", || drop(black_box(open())));
    let request = Request::signed(1024, Some(issued.session_token.clone()), false);
    measure("verify 1 KiB with a token, opening included", || {
        black_box(open());
        request.verify(kept);
    });
}
