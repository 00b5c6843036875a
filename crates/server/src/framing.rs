//! Refuses requests that two readers could understand differently, or that hold too much to judge, before anything else looks at them.
//!
//! A proxy in front, the code that checks a signature and the code that finds the way must all see the same request: the same
//! end of its body, the same host, the same path. The HTTP library refuses what it can't read at all; this refuses what it
//! reads in one of several ways, and the connection ends with it.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc9112.html#section-6.1> and section 11.2, "Request Smuggling".

use hyper::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap, HeaderName, REFERER,
    TRANSFER_ENCODING, USER_AGENT,
};
use hyper::http::request::Parts;
use hyper::{Method, Uri};

/// Headers that mean nothing when they are there twice. What a signature covers of them is all; what is read is the first.
static SINGLE: [HeaderName; 9] = [
    HOST,
    AUTHORIZATION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    TRANSFER_ENCODING,
    HeaderName::from_static("x-amz-target"),
    HeaderName::from_static("x-amz-date"),
    HeaderName::from_static("x-amz-security-token"),
    HeaderName::from_static("x-amz-content-sha256"),
];

/// Headers whose values are held against policies.
static FACTS: [HeaderName; 2] = [USER_AGENT, REFERER];

/// Bytes of a value that is held against policies. One that is cut or left out would evade a policy that denies.
pub(crate) const FACT_BYTES: usize = 2048;

/// Why a request has no single meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ambiguous {
    #[error("the request has both Content-Length and Transfer-Encoding; its end is in doubt")]
    TwoLengths,
    #[error("the Transfer-Encoding of the request is not `chunked` alone; nothing else is understood")]
    Encoding,
    #[error("the header {0} is there more than once")]
    Repeated(&'static str),
    #[error("the target of the request names another host than its Host header")]
    Host,
    #[error("this method and target are for proxies; this is none")]
    Proxy,
    #[error(
        "the path of the request has empty or dotted segments, or characters that some read as a separator; send it in its \
         shortest form"
    )]
    Path,
    #[error("the header {0} is longer than {FACT_BYTES} bytes")]
    Long(&'static str),
    #[error("the request expects something else than 100-continue")]
    Expectation,
}

impl Ambiguous {
    pub(crate) const fn status(self) -> u16 {
        if matches!(self, Self::Expectation) { 417 } else { 400 }
    }
}

/// Lets a request pass that has one meaning.
pub(crate) fn check(head: &Parts) -> Result<(), Ambiguous> {
    let headers = &head.headers;
    // Nearly every request has each header once.
    if headers.len() != headers.keys_len()
        && let Some(name) = SINGLE.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some())
    {
        return Err(Ambiguous::Repeated(name.as_str()));
    }
    for name in &FACTS {
        if headers.get_all(name).iter().any(|value| value.len() > FACT_BYTES) {
            return Err(Ambiguous::Long(name.as_str()));
        }
    }
    check_length(headers)?;
    check_target(&head.method, &head.uri, headers)?;
    match headers.get(EXPECT) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => Err(Ambiguous::Expectation),
        _ => Ok(()),
    }
}

fn check_length(headers: &HeaderMap) -> Result<(), Ambiguous> {
    let Some(encoding) = headers.get(TRANSFER_ENCODING) else { return Ok(()) };
    if headers.contains_key(CONTENT_LENGTH) {
        return Err(Ambiguous::TwoLengths);
    }
    let is_chunked = encoding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if is_chunked { Ok(()) } else { Err(Ambiguous::Encoding) }
}

fn check_target(method: &Method, target: &Uri, headers: &HeaderMap) -> Result<(), Ambiguous> {
    if method == Method::CONNECT || !target.path().starts_with('/') {
        return Err(Ambiguous::Proxy);
    }
    if let Some(authority) = target.authority() {
        let host = headers.get(HOST).map_or(&b""[..], |host| host.as_bytes());
        if !host.eq_ignore_ascii_case(authority.as_str().as_bytes()) {
            return Err(Ambiguous::Host);
        }
    }
    if has_one_form(target.path()) { Ok(()) } else { Err(Ambiguous::Path) }
}

/// Whether normalising the path, decoding it, or both, leads nowhere else.
fn has_one_form(path: &str) -> bool {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let mut segments = inner.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if (segment.is_empty() && !is_last) || !is_plain(segment) {
            return false;
        }
    }
    true
}

fn is_plain(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    let (mut length, mut dots) = (0, 0);
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => match (bytes.next().and_then(digit), bytes.next().and_then(digit)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return false,
            },
            byte => byte,
        };
        if byte.is_ascii_control() || byte == b'/' || byte == b'\\' {
            return false;
        }
        length += 1;
        dots += usize::from(byte == b'.');
    }
    length == 0 || length > 2 || dots != length
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests;
