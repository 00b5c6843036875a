//! Signature version 4: what a request claims, and whether its signature proves it.
//!
//! Verification works on the bytes as they came, before anything parses them. Nothing here panics, whatever comes.
//!
//! A signature covers the method, path, query, body, the host, the date, and every `x-amz-` header that is there, so that
//! nothing that gives a request its meaning can be put in later. Bodies that are signed in pieces are refused.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.
//!
//! Suggested reading order: this file, `claim`, `canonical`, [`key_cache`].

mod canonical;
mod claim;
pub mod key_cache;

use std::borrow::Cow;

use ring::{digest, hmac};

use crate::auth_error::AuthError;
use crate::date::BasicDate;
use canonical::Payload;
use claim::Rest;
pub use key_cache::KeyCache;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// How far the clocks of client and service may be apart.
const TOLERANCE_SECS: u64 = 15 * 60;
/// Headers beginning with `x-amz-` that proxies add or that clients never sign. Nothing here reads them.
const NEED_NO_SIGNATURE: [&str; 4] =
    ["x-amz-cf-id", "x-amz-checksum-mode", "x-amz-user-agent", "x-amz-apigw-id"];
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your \
     AWS Secret Access Key and signing method. Consult the service documentation for details.";

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

impl<'a> SignedParts<'a> {
    /// The value of a header that must not be there twice.
    fn sole_header(&self, name: &str) -> Result<Option<&'a [u8]>, AuthError> {
        let mut values = self.headers.iter().filter(|(its, _)| *its == name).map(|(_, value)| *value);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(twice(name)),
        }
    }
}

fn twice(name: &str) -> AuthError {
    AuthError::Incomplete(format!("The header '{name}' must not be sent twice."))
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
#[derive(Clone)]
pub struct Claim<'a> {
    /// The access key: 1 to 128 bytes.
    pub access_key_id: &'a str,
    /// Where the signature is good.
    pub scope: Scope<'a>,
    /// The session token, as sent.
    pub session_token: Option<Cow<'a, str>>,
    /// Whether the signature is in the query instead of a header.
    pub presigned: bool,
    pub(crate) rest: Rest<'a>,
}

impl std::fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim")
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .field("has_session_token", &self.session_token.is_some())
            .field("presigned", &self.presigned)
            .field("rest", &self.rest)
            .finish()
    }
}

/// The key that signs for one secret, day, region and service.
#[derive(Clone)]
pub struct SigningKey {
    key: hmac::Key,
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
        let secret = ["AWS4", secret_access_key].concat();
        let first = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let key = [scope.date, scope.region, scope.service, TERMINATOR].iter().fold(first, |key, piece| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, piece.as_bytes()).as_ref())
        });
        Self { key }
    }
}

/// Reads what a request claims. `Ok(None)`: it is not signed at all.
///
/// # Errors
/// [`AuthError`] when it is signed in a malformed way, or in two.
pub fn claim<'a>(parts: &SignedParts<'a>) -> Result<Option<Claim<'a>>, AuthError> {
    claim::claim(parts)
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
    check_time(&claim.rest, now_secs)?;
    check_headers(parts, claim)?;
    check_scope(claim, expected)?;
    let digest = canonical::hex_of(digest::digest(&digest::SHA256, parts.body).as_ref());
    let payload = payload(parts, claim, &digest)?;
    let signed_headers = &*claim.rest.signed_headers;
    let room = 512 + parts.path.len() + 2 * parts.query.len() + signed_headers.len();
    let mut buffer = Vec::with_capacity(room);
    let service = claim.scope.service;
    canonical::write(&mut buffer, parts, service, claim.presigned, signed_headers, &payload)
        .map_err(|canonical::MissingHeader| mismatch())?;
    let canonical = canonical::hex_of(digest::digest(&digest::SHA256, &buffer).as_ref());
    buffer.clear();
    write_string_to_sign(&mut buffer, claim, &canonical);
    let signature = claim.rest.signature.ok_or_else(mismatch)?;
    hmac::verify(&key.key, &buffer, &signature).map_err(|_| mismatch())
}

fn write_string_to_sign(out: &mut Vec<u8>, claim: &Claim<'_>, canonical: &[u8]) {
    let Scope { date, region, service } = claim.scope;
    let pieces = [
        ALGORITHM,
        "\n",
        claim.rest.date.as_str(),
        "\n",
        date,
        "/",
        region,
        "/",
        service,
        "/",
        TERMINATOR,
        "\n",
    ];
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
    out.extend_from_slice(canonical);
}

fn wrong(text: impl Into<String>) -> AuthError {
    AuthError::WrongSignature(text.into())
}

fn mismatch() -> AuthError {
    wrong(MISMATCH)
}

/// The clocks may differ by [`TOLERANCE_SECS`]; a presigned request is good for as long as it says, from its date on.
fn check_time(rest: &Rest<'_>, now_secs: u64) -> Result<(), AuthError> {
    let text = |secs| BasicDate::of(secs).map_or_else(String::new, |date| date.as_str().to_owned());
    let (date, secs, now) = (rest.date.as_str(), rest.date.secs(), text(now_secs));
    let lifetime = rest.expires_secs.unwrap_or(TOLERANCE_SECS);
    let (earliest, latest) = (now_secs.saturating_sub(lifetime), now_secs.saturating_add(TOLERANCE_SECS));
    if secs < earliest {
        let lifetime = match lifetime {
            secs if secs.is_multiple_of(60) => format!("{} min.", secs / 60),
            secs => format!("{secs} sec."),
        };
        let earliest = text(earliest);
        return Err(wrong(format!(
            "Signature expired: {date} is now earlier than {earliest} ({now} - {lifetime})"
        )));
    }
    if secs > latest {
        let (latest, minutes) = (text(latest), TOLERANCE_SECS / 60);
        let text = format!(
            "Signature not yet current: {date} is still later than {latest} ({now} + {minutes} min.)"
        );
        return Err(wrong(text));
    }
    Ok(())
}

/// What must be signed is signed, and what must be there once is there once.
fn check_headers(parts: &SignedParts<'_>, claim: &Claim<'_>) -> Result<(), AuthError> {
    let is_signed = |name: &str| claim.rest.signed_headers.split(';').any(|signed| signed == name);
    if !is_signed("host") {
        return Err(wrong("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let has = |name: &str| parts.headers.iter().any(|(its, _)| *its == name);
    if !claim.presigned && !has("x-amz-date") && !is_signed("date") {
        return Err(wrong("'Date' must be a 'SignedHeader' in the AWS Authorization."));
    }
    for (index, (name, _)) in parts.headers.iter().enumerate() {
        let is_amz = name.starts_with("x-amz-") && !NEED_NO_SIGNATURE.contains(name);
        if is_amz && !is_signed(name) {
            return Err(wrong(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")));
        }
        let is_sole = is_amz || matches!(*name, "host" | "date" | "content-type" | "content-length");
        if is_sole && parts.headers[..index].iter().any(|(before, _)| before == name) {
            return Err(twice(name));
        }
    }
    Ok(())
}

fn check_scope(claim: &Claim<'_>, expected: Expected<'_>) -> Result<(), AuthError> {
    let Scope { date, region, service } = claim.scope;
    let (terminator, day) = (claim.rest.terminator, claim.rest.date.day());
    let region_is_right = expected.region.map_or_else(|| is_region(region), |right| region == right);
    if region_is_right && service == expected.service && terminator == TERMINATOR && date == day {
        return Ok(());
    }
    let mut texts = Vec::new();
    if !region_is_right {
        texts.push(format!("Credential should be scoped to a valid region, not '{}'.", shown(region)));
    }
    if service != expected.service {
        texts.push(format!("Credential should be scoped to correct service: '{}'.", expected.service));
    }
    if terminator != TERMINATOR {
        let given = shown(terminator);
        texts.push(format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{given}'."
        ));
    }
    if date != day {
        let (date, from) = (shown(date), claim.rest.date.as_str());
        texts.push(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{date}' != '{day}', from '{from}'."
        ));
    }
    Err(wrong(texts.join(" ")))
}

fn is_region(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(allowed)
}

/// What is repeated to the sender of a part of the scope: nothing that could be a piece of a secret.
fn shown(text: &str) -> &str {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if text.len() <= 20 && text.bytes().all(allowed) { text } else { "…" }
}

/// Whether a text is a short name that may be repeated.
fn is_plain(text: &str) -> bool {
    text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// What the canonical request says of the body. What the request says of it must be true.
fn payload<'d>(
    parts: &SignedParts<'_>,
    claim: &Claim<'_>,
    digest: &'d [u8; 64],
) -> Result<Payload<'d>, AuthError> {
    let header = parts.sole_header("x-amz-content-sha256")?;
    let in_query = claim.rest.content_sha256.as_deref().map(str::as_bytes);
    for said in header.into_iter().chain(in_query) {
        if said == UNSIGNED_PAYLOAD.as_bytes() {
            if !parts.over_tls {
                return Err(wrong("The body must be signed: 'UNSIGNED-PAYLOAD' is only possible over TLS."));
            }
        } else if said.starts_with(b"STREAMING-") {
            return Err(wrong("A body that is signed in pieces is not possible here."));
        } else if said != digest {
            return Err(wrong(
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ));
        }
    }
    let unsigned = header.or(in_query).is_some_and(|said| said == UNSIGNED_PAYLOAD.as_bytes());
    Ok(if unsigned { Payload::Unsigned } else { Payload::Digest(digest) })
}

/// What the scope must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The service that the request was sent to.
    pub service: &'a str,
    /// The only region that is right, for services that are global.
    pub region: Option<&'a str>,
}

#[cfg(test)]
mod tests;
