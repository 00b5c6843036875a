//! Calls to our own API of a running service, signed as those of AWS are.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::trust;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What our own API is called in the scope of a signature.
const SERVICE: &str = "millpond";

/// With what a call is signed.
#[derive(Debug)]
pub(crate) struct Signer {
    /// The keys, with a session token if they have one.
    pub(crate) credentials: Credentials,
    /// The region of the call.
    pub(crate) region: String,
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The endpoint is not one of ours.
    #[error(
        "{0} is not a local Millpond endpoint (http://HOST:PORT or https://HOST:PORT); this command needs one"
    )]
    NotLocal(String),
    /// No one is there.
    #[error("no service answers at {endpoint}: {error}. Start one with `millpond up` or `millpond serve`")]
    Unreachable {
        /// The address.
        endpoint: String,
        /// What happened.
        error: String,
    },
    /// There is nothing to sign with.
    #[error("no access key was found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE{0}")]
    NoKeys(String),
    /// What was answered could not be kept.
    #[error("the answer could not be written: {0}")]
    NotKept(String),
    /// The service refused, and says why.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The name of the error, where it speaks of who called.
        code: Option<String>,
        /// What the service says.
        message: String,
    },
}

/// Calls `method` on a path below `/_millpond/v1/`.
pub(crate) async fn call(
    endpoint: &str,
    signer: &Signer,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, ApiError> {
    let authority = authority(endpoint)?;
    let unreachable = |error: &dyn std::fmt::Display| ApiError::Unreachable {
        endpoint: endpoint.to_owned(),
        error: error.to_string(),
    };
    let exchange = exchange(endpoint, authority, signer, method, path, body);
    let (status, bytes) = tokio::time::timeout(TIMEOUT, exchange)
        .await
        .map_err(|_| unreachable(&"it did not answer in time"))?
        .map_err(|error| unreachable(&error))?;
    if (200..300).contains(&status) {
        return Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null));
    }
    Err(refused(status, &bytes))
}

/// Host and port of an endpoint.
fn authority(endpoint: &str) -> Result<&str, ApiError> {
    endpoint
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        .map(|(_, rest)| rest.trim_end_matches('/'))
        .filter(|authority| !authority.contains('/'))
        .ok_or_else(|| ApiError::NotLocal(endpoint.to_owned()))
}

/// What a service answers that does not do it.
fn refused(status: u16, bytes: &[u8]) -> ApiError {
    let value: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let message = value["error"].as_str().map_or_else(
        || format!("the service answered {status}: {}", String::from_utf8_lossy(bytes).trim()),
        str::to_owned,
    );
    let code = value["code"].as_str().map(str::to_owned);
    ApiError::Refused { status, code, message }
}

/// Gets what is below `/_millpond/v1/PATH`, however long it is, and hands it over piece by piece.
///
/// # Errors
/// [`ApiError`]; what `take` fails with ends it.
pub(crate) async fn download(
    endpoint: &str,
    signer: &Signer,
    path: &str,
    mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), ApiError> {
    let authority = authority(endpoint)?;
    let unreachable = |error: &dyn std::fmt::Display| ApiError::Unreachable {
        endpoint: endpoint.to_owned(),
        error: error.to_string(),
    };
    let begun = begin(endpoint, authority, signer, "GET", path, None);
    let (status, mut body) = tokio::time::timeout(TIMEOUT, begun)
        .await
        .map_err(|_| unreachable(&"it did not answer in time"))?
        .map_err(|error| unreachable(&error))?;
    if !(200..300).contains(&status) {
        let bytes = body.collect().await.map_err(|error| unreachable(&error))?.to_bytes();
        return Err(refused(status, &bytes));
    }
    loop {
        let frame = tokio::time::timeout(TIMEOUT, body.frame())
            .await
            .map_err(|_| unreachable(&"it stopped in the middle of its answer"))?;
        let Some(frame) = frame else { return Ok(()) };
        let frame = frame.map_err(|error| unreachable(&error))?;
        if let Some(bytes) = frame.data_ref() {
            take(bytes).map_err(|error| ApiError::NotKept(error.to_string()))?;
        }
    }
}

async fn exchange(
    endpoint: &str,
    authority: &str,
    signer: &Signer,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<(u16, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let (status, body) = begin(endpoint, authority, signer, method, path, body).await?;
    Ok((status, body.collect().await?.to_bytes()))
}

/// Sends a request and hears the head of its answer.
async fn begin(
    endpoint: &str,
    authority: &str,
    signer: &Signer,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<(u16, Incoming), Box<dyn std::error::Error + Send + Sync>> {
    let stream = trust::connect(endpoint).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the body of the answer, or with whoever reads it.
    tokio::spawn(connection);
    let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let request = signed(authority, signer, method, path, &body, SystemTime::now())?;
    let reply = sender.send_request(request.map(|()| Full::new(body))).await?;
    Ok((reply.status().as_u16(), reply.into_body()))
}

/// The request without its body, signed for the moment `now`.
fn signed(
    authority: &str,
    signer: &Signer,
    method: &str,
    path: &str,
    body: &[u8],
    now: SystemTime,
) -> Result<Request<()>, Box<dyn std::error::Error + Send + Sync>> {
    let uri: Uri = format!("/_millpond/v1/{path}").parse()?;
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{authority}{uri}"))
        .header(HOST, authority)
        .header(CONTENT_TYPE, "application/json")
        .body(())?;
    let identity = signer.credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&signer.region)
        .name(SERVICE)
        .time(now)
        .settings(SigningSettings::default())
        .build()?;
    let (absolute, headers) = (request.uri().to_string(), request.headers().clone());
    let headers = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(method, &absolute, headers, SignableBody::Bytes(body))?;
    let (instructions, _) = sign(signable, &params.into())?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    // The path alone goes on the wire; scheme and host were for the signature.
    *request.uri_mut() = uri;
    Ok(request)
}

#[cfg(test)]
mod tests;
