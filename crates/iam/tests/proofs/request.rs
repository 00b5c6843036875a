//! A request that owns its parts, as a server has them before it parses anything.

use millpond_iam::auth_error::AuthError;
use millpond_iam::sigv4::{self, Expected, SignedParts, SigningKey};

/// 2015-08-30T12:36:00Z, the moment of the vectors.
pub(crate) const VECTOR_SECS: u64 = 1_440_938_160;
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) over_tls: bool,
    pub(crate) forwarded_host: Option<String>,
}

impl Request {
    /// A request as a text has it: continued header lines belong to the value before them.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let (line, headers) = head.split_once('\n').unwrap();
        let (method, target) = line.trim_end_matches(" HTTP/1.1").split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_lowercase(), value.as_bytes().to_vec())
        };
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.replace("\n ", "\r ").trim_end().lines().map(header).collect(),
            body: body.as_bytes().to_vec(),
            over_tls: false,
            forwarded_host: None,
        }
    }

    pub(crate) fn with_parts<R>(&self, then: impl FnOnce(&SignedParts<'_>) -> R) -> R {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        then(&SignedParts {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            forwarded_host: self.forwarded_host.as_deref(),
            body: &self.body,
            over_tls: self.over_tls,
        })
    }

    /// What a server does: read the claim, derive its key from the secret, verify.
    pub(crate) fn check(&self, secret: &str, expected: Expected<'_>, now_secs: u64) -> Result<(), AuthError> {
        self.with_parts(|parts| {
            let claim = sigv4::claim(parts)?.ok_or(AuthError::MissingToken)?;
            let key = SigningKey::derive(secret, &claim.scope);
            sigv4::verify(parts, &claim, &key, expected, now_secs)
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(its, _)| its == name)?;
        std::str::from_utf8(value).ok()
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(its, _)| its != name);
        self.headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }
}

/// Any region of a service.
pub(crate) fn service(service: &str) -> Expected<'_> {
    Expected { service, region: None }
}
