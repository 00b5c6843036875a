//! What a request claims about its sender, read from the `Authorization` header or from the query.
//!
//! What always holds: a request is signed in one place or not at all; no piece is taken that is there twice; no error
//! repeats what the sender wrote as its credential, signature or token, since people put secrets in the wrong place.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest;

use super::canonical::{bytes_of_hex, decode};
use super::{ALGORITHM, Claim, Scope, SignedParts};
use crate::auth_error::AuthError;
use crate::date::BasicDate;

/// More than any client sends: six parameters with a credential and the names of all headers.
const LONGEST_AUTHORIZATION_BYTES: usize = 4096;
const LONGEST_ACCESS_KEY_ID_BYTES: usize = 128;
/// Room for session policies and tags, which a token of ours carries.
const LONGEST_TOKEN_BYTES: usize = 16 * 1024;
const MOST_QUERY_PARAMETERS: usize = 4096;
const MOST_SIGNED_HEADERS: usize = 100;
const LONGEST_PRESIGNED_SECS: u64 = 7 * 24 * 3600;

/// The members of a claim that only verification reads.
#[derive(Clone)]
pub(crate) struct Rest<'a> {
    pub(super) terminator: &'a str,
    /// In lower case, sorted, each once.
    pub(super) signed_headers: Cow<'a, str>,
    pub(super) date: BasicDate,
    /// `None` when it is not written as a signature is; then it matches nothing.
    pub(super) signature: Option<[u8; 32]>,
    /// How long a presigned request is good.
    pub(super) expires_secs: Option<u64>,
    /// What a presigned request says of its body.
    pub(super) content_sha256: Option<Cow<'a, str>>,
}

impl std::fmt::Debug for Rest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest")
            .field("signed_headers", &self.signed_headers)
            .field("date", &self.date)
            .finish()
    }
}

pub(super) fn claim<'a>(parts: &SignedParts<'a>) -> Result<Option<Claim<'a>>, AuthError> {
    let header = parts.sole_header("authorization")?;
    let presigned = Presigned::read(parts.query)?;
    match (header, presigned.is_signed()) {
        (None, false) => Ok(None),
        (None, true) => presigned.into_claim(parts).map(Some),
        (Some(value), false) => from_header(parts, value).map(Some),
        (Some(_), true) => Err(AuthError::WrongSignature(
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
                .to_owned(),
        )),
    }
}

fn incomplete(text: impl Into<String>) -> AuthError {
    AuthError::Incomplete(text.into())
}

fn from_header<'a>(parts: &SignedParts<'a>, value: &'a [u8]) -> Result<Claim<'a>, AuthError> {
    if value.len() > LONGEST_AUTHORIZATION_BYTES {
        let text = format!("The Authorization header is longer than {LONGEST_AUTHORIZATION_BYTES} bytes.");
        return Err(incomplete(text));
    }
    let text =
        std::str::from_utf8(value).map_err(|_| incomplete("The Authorization header is not UTF-8."))?;
    let (algorithm, parameters) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let fields = HeaderFields::read(algorithm, parameters, value)?;
    let date = match parts.sole_header("x-amz-date")? {
        Some(date) => Some((date, false)),
        None => parts.sole_header("date")?.map(|date| (date, true)),
    };
    let (Some(credential), Some(signature), Some(signed_headers), Some((date, is_http))) =
        (fields.credential, fields.signature, fields.signed_headers, date)
    else {
        return Err(fields.missing(date.is_some(), value));
    };
    let date = std::str::from_utf8(date).unwrap_or_default();
    let date = match is_http {
        true => BasicDate::parse_http(date),
        false => BasicDate::parse(date),
    };
    check_algorithm(algorithm)?;
    let credential = Credential::parse(credential)?;
    let token = match parts.sole_header("x-amz-security-token")? {
        Some(token) => Some(Cow::Borrowed(std::str::from_utf8(token).map_err(|_| AuthError::UnknownKey)?)),
        None => None,
    };
    Ok(Claim {
        access_key_id: credential.access_key_id,
        scope: credential.scope,
        session_token: bounded(token)?,
        presigned: false,
        rest: Rest {
            terminator: credential.terminator,
            signed_headers: signed_names(Cow::Borrowed(signed_headers))?,
            date: date.ok_or_else(wrong_date)?,
            signature: bytes_of_hex(signature),
            expires_secs: None,
            content_sha256: None,
        },
    })
}

/// The parameters of an `Authorization` header.
#[derive(Default)]
struct HeaderFields<'a> {
    credential: Option<&'a str>,
    signature: Option<&'a str>,
    signed_headers: Option<&'a str>,
}

impl<'a> HeaderFields<'a> {
    fn read(algorithm: &str, parameters: &'a str, whole: &[u8]) -> Result<Self, AuthError> {
        let mut fields = Self::default();
        // Other schemes have no such parameters; they are told which would be needed.
        if !algorithm.starts_with("AWS4-") {
            return Ok(fields);
        }
        for parameter in parameters.split([',', ' ']).filter(|parameter| !parameter.is_empty()) {
            let Some((name, value)) = parameter.split_once('=') else {
                return Err(incomplete(format!(
                    "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 \
                     and encoded with Base64): '{}'.",
                    hashed(whole)
                )));
            };
            let field = match name {
                "Credential" => &mut fields.credential,
                "Signature" => &mut fields.signature,
                "SignedHeaders" => &mut fields.signed_headers,
                _ => return Err(incomplete("The Authorization header has a parameter that is not known.")),
            };
            if field.is_some() {
                return Err(incomplete(format!("Authorization header has the parameter '{name}' twice.")));
            }
            *field = Some(value).filter(|value| !value.is_empty());
        }
        Ok(fields)
    }

    fn missing(&self, has_date: bool, whole: &[u8]) -> AuthError {
        let mut text = String::new();
        let fields = [
            ("Credential", self.credential),
            ("Signature", self.signature),
            ("SignedHeaders", self.signed_headers),
        ];
        for (name, _) in fields.iter().filter(|(_, value)| value.is_none()) {
            text.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
        if !has_date {
            text.push_str(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
            );
        }
        text.push_str("(Hashed with SHA-256 and encoded with Base64) Authorization=");
        text.push_str(&hashed(whole));
        incomplete(text)
    }
}

fn hashed(text: &[u8]) -> String {
    BASE64_STANDARD.encode(digest::digest(&digest::SHA256, text))
}

fn check_algorithm(name: &str) -> Result<(), AuthError> {
    if name == ALGORITHM {
        return Ok(());
    }
    let name = if super::is_plain(name) { name } else { "…" };
    Err(incomplete(format!("Unsupported AWS 'algorithm': '{name}' (only {ALGORITHM} for now).")))
}

fn wrong_date() -> AuthError {
    incomplete("Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601")
}

fn bounded(token: Option<Cow<'_, str>>) -> Result<Option<Cow<'_, str>>, AuthError> {
    match token {
        Some(token) if token.len() > LONGEST_TOKEN_BYTES => Err(AuthError::UnknownKey),
        token => Ok(token),
    }
}

/// The names of signed headers, which must be in the one order that the canonical request has.
fn signed_names(names: Cow<'_, str>) -> Result<Cow<'_, str>, AuthError> {
    let is_token =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let mut last = "";
    for (index, name) in names.split(';').enumerate() {
        if name.is_empty() || !name.bytes().all(is_token) || name <= last || index == MOST_SIGNED_HEADERS {
            let text = "The names in 'SignedHeaders' must be in lower case, sorted, each once, with ';' between them.";
            return Err(incomplete(text));
        }
        last = name;
    }
    Ok(names)
}

/// `AKIA…/20261121/eu-west-1/sqs/aws4_request`.
struct Credential<'a> {
    access_key_id: &'a str,
    scope: Scope<'a>,
    terminator: &'a str,
}

impl<'a> Credential<'a> {
    fn parse(text: &'a str) -> Result<Self, AuthError> {
        Self::of_pieces(text.split('/'))
    }

    /// The same in a query, where the slashes may be escaped; what is between them never needs to be.
    fn parse_escaped(text: &'a str) -> Result<Self, AuthError> {
        let mut rest = Some(text);
        let pieces = std::iter::from_fn(|| {
            let text = rest?;
            let slash = text.find('/').map(|at| (at, 1));
            let escaped = text.find("%2F").into_iter().chain(text.find("%2f")).min().map(|at| (at, 3));
            let Some((end, bytes)) = slash.into_iter().chain(escaped).min() else {
                rest = None;
                return Some(text);
            };
            rest = Some(&text[end + bytes..]);
            Some(&text[..end])
        });
        if text.replace("%2F", "").replace("%2f", "").contains(['%', '+']) {
            return Err(incomplete("'X-Amz-Credential' has an escape that is not that of a slash."));
        }
        Self::of_pieces(pieces)
    }

    fn of_pieces(mut pieces: impl Iterator<Item = &'a str>) -> Result<Self, AuthError> {
        let mut next = || pieces.next().filter(|piece| !piece.is_empty());
        let five = (next(), next(), next(), next(), next());
        match (five, pieces.next()) {
            ((Some(access_key_id), Some(date), Some(region), Some(service), Some(terminator)), None) => {
                if access_key_id.len() > LONGEST_ACCESS_KEY_ID_BYTES {
                    return Err(AuthError::UnknownKey);
                }
                Ok(Self { access_key_id, scope: Scope { date, region, service }, terminator })
            }
            _ => Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.",
            )),
        }
    }
}

/// The signature's parameters in a query, still escaped.
#[derive(Default)]
struct Presigned<'a> {
    fields: [Option<&'a str>; PRESIGNED.len()],
}

const PRESIGNED: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256",
];

impl<'a> Presigned<'a> {
    fn read(query: &'a str) -> Result<Self, AuthError> {
        let mut found = Self::default();
        for (index, piece) in query.split('&').enumerate() {
            if index == MOST_QUERY_PARAMETERS {
                return Err(incomplete(format!(
                    "The query has more than {MOST_QUERY_PARAMETERS} parameters."
                )));
            }
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let name = decode(name.as_bytes(), true);
            let Some(place) = PRESIGNED.iter().position(|known| known.as_bytes() == &*name) else { continue };
            if found.fields[place].replace(value).is_some() {
                let text = format!("AWS query-string parameters have '{}' twice.", PRESIGNED[place]);
                return Err(incomplete(text));
            }
        }
        Ok(found)
    }

    /// Whether the query is where the request is signed. A date alone may be a parameter of the action.
    fn is_signed(&self) -> bool {
        let [algorithm, credential, signature, signed_headers, _, _, token, _] = self.fields;
        [algorithm, credential, signature, signed_headers, token].iter().any(Option::is_some)
    }

    fn into_claim(self, parts: &SignedParts<'a>) -> Result<Claim<'a>, AuthError> {
        let [algorithm, credential, signature, signed_headers, date, expires, token, content] =
            self.fields.map(|value| value.filter(|value| !value.is_empty()));
        let (Some(algorithm), Some(credential), Some(signature), Some(signed_headers), Some(date)) =
            (algorithm, credential, signature, signed_headers, date)
        else {
            return Err(self.missing());
        };
        let date = BasicDate::parse(date).ok_or_else(wrong_date)?;
        check_algorithm(algorithm)?;
        if signed_headers.len() > LONGEST_AUTHORIZATION_BYTES {
            return Err(incomplete("'X-Amz-SignedHeaders' is too long."));
        }
        let credential = Credential::parse_escaped(credential)?;
        let token = match (token, parts.sole_header("x-amz-security-token")?) {
            (Some(token), None) => Some(text_of(token).ok_or(AuthError::UnknownKey)?),
            (None, Some(token)) => {
                Some(Cow::Borrowed(std::str::from_utf8(token).map_err(|_| AuthError::UnknownKey)?))
            }
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(incomplete("The security token is given both in the query and in a header."));
            }
        };
        Ok(Claim {
            access_key_id: credential.access_key_id,
            scope: credential.scope,
            session_token: bounded(token)?,
            presigned: true,
            rest: Rest {
                terminator: credential.terminator,
                signed_headers: signed_names(text_of(signed_headers).unwrap_or_default())?,
                date,
                signature: bytes_of_hex(signature),
                expires_secs: Some(lifetime(expires)?),
                content_sha256: content.map(|content| text_of(content).unwrap_or_default()),
            },
        })
    }

    fn missing(&self) -> AuthError {
        let required = PRESIGNED.iter().zip(self.fields).take(5);
        let missing = required.filter(|(_, value)| value.is_none_or(str::is_empty));
        let mut text: String =
            missing.map(|(name, _)| format!("AWS query-string parameters must include '{name}'. ")).collect();
        text.push_str("Re-examine the query-string parameters.");
        incomplete(text)
    }
}

/// A value of the query as text.
fn text_of(value: &str) -> Option<Cow<'_, str>> {
    match decode(value.as_bytes(), true) {
        Cow::Borrowed(_) => Some(Cow::Borrowed(value)),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

/// How long a presigned request is good; as long as any other when it does not say.
fn lifetime(expires: Option<&str>) -> Result<u64, AuthError> {
    let Some(text) = expires else { return Ok(super::TOLERANCE_SECS) };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(incomplete("X-Amz-Expires should be a number"));
    }
    match text.parse() {
        Ok(0) => Err(incomplete("X-Amz-Expires must be at least 1 (in seconds)")),
        Ok(secs) if secs <= LONGEST_PRESIGNED_SECS => Ok(secs),
        _ => Err(incomplete("X-Amz-Expires must be less than a week (in seconds) that is 604800")),
    }
}
