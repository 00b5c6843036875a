//! Signature version 4: what a request claims, and whether its signature proves it.
//!
//! Verification works on the bytes as they came, before anything parses them. Nothing here panics, whatever comes.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use crate::auth_error::AuthError;

/// What a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct SignedParts<'a> {
    /// Such as `POST`.
    pub method: &'a str,
    /// The path as sent, still percent-encoded, without the query.
    pub path: &'a str,
    /// The query as sent, without the question mark.
    pub query: &'a str,
    /// All headers in the order they came; names in lower case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The host that the client used, when a trusted proxy has changed the `Host` header.
    pub forwarded_host: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// Whether the request came over TLS; only then may the body be unsigned.
    pub over_tls: bool,
}

/// Where a signature is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// `20261121`.
    pub date: &'a str,
    /// Such as `eu-west-1`.
    pub region: &'a str,
    /// Such as `sqs`.
    pub service: &'a str,
}

/// What a request claims about its sender. Nothing of it is proven.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// The access key.
    pub access_key_id: &'a str,
    /// Where the signature is good.
    pub scope: Scope<'a>,
    /// The session token, as sent.
    pub session_token: Option<std::borrow::Cow<'a, str>>,
    /// Whether the signature is in the query or form instead of a header.
    pub presigned: bool,
    // further private members: signed headers, date, expiry, signature
    pub(crate) rest: Rest<'a>,
}

/// The members of a claim that only verification reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rest<'a> {
    pub(crate) todo: std::marker::PhantomData<&'a ()>,
}

/// The key that signs for one secret, day, region and service.
#[derive(Clone)]
pub struct SigningKey {
    _key: ring::hmac::Key,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// Derives the key: four HMACs, worth keeping.
    #[must_use]
    pub fn derive(secret_access_key: &str, scope: &Scope<'_>) -> Self {
        let _ = (secret_access_key, scope);
        unimplemented!()
    }
}

/// Reads what a request claims. `Ok(None)`: it is not signed at all.
///
/// # Errors
/// [`AuthError`] when it is signed in a malformed way.
pub fn claim<'a>(parts: &SignedParts<'a>) -> Result<Option<Claim<'a>>, AuthError> {
    let _ = parts;
    unimplemented!()
}

/// Checks date, scope (service must be `service`; `region`, when given, must be that one), what must be signed, and the
/// signature itself in constant time. `now_secs` is seconds since 1970.
///
/// # Errors
/// [`AuthError`].
pub fn verify(
    parts: &SignedParts<'_>,
    claim: &Claim<'_>,
    key: &SigningKey,
    expected: Expected<'_>,
    now_secs: u64,
) -> Result<(), AuthError> {
    let _ = (parts, claim, key, expected, now_secs);
    unimplemented!()
}

/// What the scope must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The service that the request was sent to.
    pub service: &'a str,
    /// The only region that is right, for services that are global.
    pub region: Option<&'a str>,
}
