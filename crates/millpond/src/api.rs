//! Calls to our own API of a running service.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::trust;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);

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
    /// The service refused, and says why.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the service says.
        message: String,
    },
}

/// Calls `method` on a path below `/_millpond/v1/`.
pub(crate) async fn call(
    endpoint: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, ApiError> {
    let authority = endpoint
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        .map(|(_, rest)| rest.trim_end_matches('/'))
        .filter(|authority| !authority.contains('/'))
        .ok_or_else(|| ApiError::NotLocal(endpoint.to_owned()))?;
    let unreachable = |error: &dyn std::fmt::Display| ApiError::Unreachable {
        endpoint: endpoint.to_owned(),
        error: error.to_string(),
    };
    let exchange = exchange(endpoint, authority, method, path, body);
    let (status, bytes) = tokio::time::timeout(TIMEOUT, exchange)
        .await
        .map_err(|_| unreachable(&"it did not answer in time"))?
        .map_err(|error| unreachable(&error))?;
    let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    if (200..300).contains(&status) {
        return Ok(value);
    }
    let message = value["error"].as_str().map_or_else(
        || format!("the service answered {status}: {}", String::from_utf8_lossy(&bytes).trim()),
        str::to_owned,
    );
    Err(ApiError::Refused { status, message })
}

async fn exchange(
    endpoint: &str,
    authority: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<(u16, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let stream = trust::connect(endpoint).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(format!("/_millpond/v1/{path}"))
        .header(HOST, authority)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()))))?;
    let reply = sender.send_request(request).await?;
    let status = reply.status().as_u16();
    let bytes = reply.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok((status, bytes))
}
