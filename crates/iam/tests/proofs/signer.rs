//! Requests signed by AWS's own signer verify; a request that was changed in one place does not.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use proptest::prelude::*;

use crate::request::{Request, SECRET, service};

pub(crate) const NOW_SECS: u64 = 1_795_287_600;
pub(crate) const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

/// How to sign.
#[derive(Clone, Debug)]
pub(crate) struct Signing {
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) service: String,
    pub(crate) at_secs: u64,
    /// Presigned for so long.
    pub(crate) presigned_secs: Option<u64>,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            secret: SECRET.to_owned(),
            token: None,
            service: "sqs".to_owned(),
            at_secs: NOW_SECS,
            presigned_secs: None,
        }
    }
}

impl Signing {
    /// Signs as AWS's SDK for Rust does.
    pub(crate) fn sign(&self, request: &Request) -> Request {
        self.sign_body(request, SignableBody::Bytes(&request.body))
    }

    pub(crate) fn sign_body(&self, request: &Request, body: SignableBody<'_>) -> Request {
        let credentials = Credentials::new(ACCESS_KEY_ID, &self.secret, self.token.clone(), None, "test");
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        if let Some(secs) = self.presigned_secs {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(secs));
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name(&self.service)
            .time(UNIX_EPOCH + Duration::from_secs(self.at_secs))
            .settings(settings)
            .build()
            .unwrap();
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let uri = format!("http://{}{}{query}", request.header("host").unwrap(), request.path);
        let headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), std::str::from_utf8(value).unwrap()))
            .collect();
        let signable = SignableRequest::new(&request.method, &uri, headers.into_iter(), body).unwrap();
        let (instructions, _) = sign(signable, &params.into()).unwrap().into_parts();
        let mut signed = request.clone();
        for (name, value) in instructions.headers() {
            signed.set(name, value);
        }
        for (name, value) in instructions.params() {
            let encoded: String = value
                .bytes()
                .map(|byte| match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        char::from(byte).to_string()
                    }
                    _ => format!("%{byte:02X}"),
                })
                .collect();
            let separator = if signed.query.is_empty() { "" } else { "&" };
            signed.query.push_str(&format!("{separator}{name}={encoded}"));
        }
        signed
    }
}

/// A send as an SDK makes it.
pub(crate) fn send() -> Request {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    Request {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: vec![
            header("host", "sqs.example.com:9324"),
            header("content-type", "application/x-amz-json-1.0"),
            header("x-amz-target", "AmazonSQS.SendMessage"),
            header("x-amzn-query-mode", "true"),
            header("content-length", "39"),
        ],
        body: br#"{"QueueUrl":"http://q","MessageBody":"1"}"#.to_vec(),
        over_tls: false,
        forwarded_host: None,
    }
}

fn request() -> impl Strategy<Value = Request> {
    let escaped = "(%[2-7][0-9A-F]|[-A-Za-z0-9._~!$'()*,;:@+]){0,6}";
    let path = prop::collection::vec(escaped, 0..5).prop_map(|segments| format!("/{}", segments.join("/")));
    let name = "[A-Za-z][-A-Za-z0-9._~]{0,5}|%E1%88%B4";
    let value = "(\\+|%[2-7][0-9A-F]|%C3%A9|[-A-Za-z0-9._~/:,]){0,6}";
    let query = prop::collection::vec((name, value, any::<bool>()), 0..6).prop_map(|pairs| {
        let pair =
            |(name, value, bare): (String, String, bool)| if bare { name } else { format!("{name}={value}") };
        pairs.into_iter().map(pair).collect::<Vec<_>>().join("&")
    });
    let headers =
        prop::collection::vec(("(x-amz-meta|my)-[a-z]{1,6}", " {0,2}[!-~]{0,5}[ ]{0,3}[!-~]{0,5} ?"), 0..5);
    let body = prop::collection::vec(any::<u8>(), 0..200);
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "HEAD"]);
    let host = "[a-z]{1,8}(\\.[a-z]{2,3})?(:[1-9][0-9]{3})?";
    (method, path, query, headers, body, host).prop_map(|(method, path, query, headers, body, host)| {
        let mut request = send();
        (request.method, request.path, request.query, request.body) = (method.to_owned(), path, query, body);
        request.set("host", &host);
        for (name, value) in headers {
            request.set(&name, &value);
        }
        request
    })
}

fn signing() -> impl Strategy<Value = Signing> {
    let token = prop::option::of("[A-Za-z0-9+/]{1,60}={0,2}");
    let presigned = prop::option::of(60_u64..604_800);
    ("[!-~]{1,60}", token, presigned, 0_u64..900).prop_map(|(secret, token, presigned_secs, ago)| Signing {
        secret,
        token,
        presigned_secs,
        at_secs: NOW_SECS - ago.min(presigned_secs.unwrap_or(900)),
        ..Signing::default()
    })
}

/// Changes a byte, or takes away or adds something, somewhere that counts.
fn change(request: &mut Request, place: u8, index: prop::sample::Index, with: u8) {
    let other = |text: &str, with: u8| {
        let mut bytes = text.as_bytes().to_vec();
        let at = index.index(bytes.len().max(1));
        match bytes.get_mut(at) {
            Some(byte) => *byte = if *byte == with { b'z' } else { with },
            None => bytes.push(with),
        }
        String::from_utf8(bytes).unwrap()
    };
    // No hex digit: `%e1` means the same as `%E1`.
    let letter = b'g' + with % 16;
    match place {
        0 => request.method = other(&request.method, b'X'),
        1 => request.path = format!("{}{}", request.path, char::from(letter)),
        2 if !request.query.is_empty() => request.query = other(&request.query, letter),
        2 => request.query = "added=1".to_owned(),
        3 if !request.body.is_empty() => {
            let at = index.index(request.body.len());
            request.body[at] ^= 1 | with;
        }
        3 => request.body.push(with),
        4 => {
            request.body.push(with);
        }
        5 => {
            let signed: Vec<usize> =
                (0..request.headers.len()).filter(|at| request.headers[*at].0 != "authorization").collect();
            let at = signed[index.index(signed.len())];
            request.headers.remove(at);
        }
        6 => request.headers.push(("x-amz-added".to_owned(), vec![letter])),
        _ => {
            let at = index.index(request.headers.len());
            let value = &mut request.headers[at].1;
            match value.iter_mut().rfind(|byte| !byte.is_ascii_whitespace()) {
                Some(byte) => *byte = if *byte == letter { b'z' } else { letter },
                None => value.push(letter),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_the_signer_signs_verifies(request in request(), signing in signing()) {
        let signed = signing.sign(&request);
        let result = signed.check(&signing.secret, service("sqs"), NOW_SECS);
        prop_assert_eq!(result, Ok(()), "{:?}", signed);
    }

    #[test]
    fn what_was_changed_does_not_verify(
        request in request(),
        signing in signing(),
        place in 0_u8..8,
        index in any::<prop::sample::Index>(),
        with in any::<u8>(),
    ) {
        let signed = signing.sign(&request);
        let mut changed = signed.clone();
        change(&mut changed, place, index, with);
        prop_assert_ne!(&changed, &signed);
        let result = changed.check(&signing.secret, service("sqs"), NOW_SECS);
        prop_assert!(result.is_err(), "{:?}", changed);
    }

    #[test]
    fn another_secret_does_not_verify(request in request(), signing in signing(), other in "[!-~]{1,60}") {
        prop_assume!(other != signing.secret);
        let signed = signing.sign(&request);
        prop_assert!(signed.check(&other, service("sqs"), NOW_SECS).is_err());
    }
}
