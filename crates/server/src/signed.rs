//! A request as its signature covers it.

use hyper::HeaderMap;
use hyper::header::{HeaderName, REFERER, USER_AGENT};
use hyper::http::request::Parts;
use millpond_iam::auth_error::AuthError;
use millpond_iam::sigv4::{self, SignedParts};

use crate::access::{Access, Authenticated};
use crate::proxy::Arrival;

static SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// A request's head and body, in the pieces that a signature covers.
pub(crate) struct Signed<'a> {
    head: &'a Parts,
    arrival: &'a Arrival,
    headers: Vec<(&'a str, &'a [u8])>,
    body: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn new(head: &'a Parts, arrival: &'a Arrival, body: &'a [u8]) -> Self {
        let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        Self { head, arrival, headers, body }
    }

    fn parts(&self) -> SignedParts<'_> {
        SignedParts {
            method: self.head.method.as_str(),
            path: self.head.uri.path(),
            query: self.head.uri.query().unwrap_or_default(),
            headers: &self.headers,
            forwarded_host: self.arrival.forwarded_host.as_deref(),
            body: self.body,
            over_tls: self.arrival.source.over_tls,
        }
    }

    /// Whether it claims to be signed, well or badly.
    pub(crate) fn is_claimed(&self) -> bool {
        !matches!(sigv4::claim(&self.parts()), Ok(None))
    }

    /// The service that it claims to be signed for; empty when the claim can't be read.
    pub(crate) fn claimed_service(&self) -> Option<String> {
        match sigv4::claim(&self.parts()) {
            Ok(None) => None,
            Ok(Some(claim)) => Some(claim.scope.service.to_owned()),
            Err(_) => Some(String::new()),
        }
    }

    /// The access key that it claims to be signed with.
    pub(crate) fn claimed_key(&self) -> Option<String> {
        sigv4::claim(&self.parts()).ok().flatten().map(|claim| claim.access_key_id.to_owned())
    }

    /// Says who sends it.
    pub(crate) fn authenticate(
        &self,
        access: &Access,
        service: &str,
        now_secs: u64,
    ) -> Result<Authenticated, AuthError> {
        let mut who = access.authenticate(&self.parts(), service, self.arrival.source, now_secs)?;
        if !who.is_on_behalf() {
            who.user_agent = self.head.headers.get(&USER_AGENT).cloned();
            who.referer = self.head.headers.get(&REFERER).cloned();
        }
        Ok(who)
    }
}

/// The session token among the headers.
pub(crate) fn session_token(headers: &HeaderMap) -> Option<&str> {
    headers.get(&SECURITY_TOKEN).and_then(|token| token.to_str().ok())
}
