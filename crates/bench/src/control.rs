//! The few calls around a load: find the endpoint, create or look up the queue, delete it.
//!
//! Each call has a connection of its own and a time limit. Only a queue that this run created is deleted.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::config::{QueueChoice, SendConfig};
use crate::connection::{Connection, ExchangeError};
use crate::error::BenchError;
use crate::request::RequestForm;

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a refusal's text is shown.
const REFUSAL_TEXT_CHARS: usize = 300;

/// The queue under load.
pub(crate) struct Queue {
    pub(crate) url: String,
    created_here: bool,
}

/// The addresses behind the endpoint's host name.
pub(crate) async fn resolve(config: &SendConfig) -> Result<Vec<SocketAddr>, BenchError> {
    let endpoint = &config.endpoint;
    match tokio::net::lookup_host((endpoint.host(), endpoint.port())).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(source) => Err(BenchError::Unreachable { endpoint: endpoint.to_string(), source }),
    }
}

/// Creates or looks up the queue that `config` asks for.
pub(crate) async fn open_queue(config: &SendConfig, addresses: &[SocketAddr]) -> Result<Queue, BenchError> {
    let (action, name) = match &config.queue {
        QueueChoice::Url(url) => return Ok(Queue { url: url.clone(), created_here: false }),
        QueueChoice::Named(name) => ("GetQueueUrl", name.clone()),
        QueueChoice::Fresh => ("CreateQueue", fresh_name(Timestamp::now(), std::process::id())),
    };
    let reply = call(config, addresses, action, &json!({"QueueName": name})).await?;
    match reply.get("QueueUrl").and_then(Value::as_str) {
        Some(url) => Ok(Queue { url: url.to_owned(), created_here: config.queue == QueueChoice::Fresh }),
        None => Err(refused(config, action, "its reply has no QueueUrl".into())),
    }
}

/// Deletes the queue if this run created it.
pub(crate) async fn close_queue(
    config: &SendConfig,
    addresses: &[SocketAddr],
    queue: &Queue,
) -> Result<(), BenchError> {
    if queue.created_here {
        call(config, addresses, "DeleteQueue", &json!({"QueueUrl": queue.url})).await?;
    }
    Ok(())
}

fn fresh_name(now: Timestamp, pid: u32) -> String {
    format!("bench-{}-{pid}", now.as_millisecond())
}

async fn call(
    config: &SendConfig,
    addresses: &[SocketAddr],
    action: &'static str,
    input: &Value,
) -> Result<Value, BenchError> {
    let request =
        RequestForm::new(config, config.endpoint.authority(), action, input).signed_at(Timestamp::now());
    let exchange = async {
        let mut connection = Connection::open(addresses).await?;
        let reply = connection.exchange(&request).await?;
        let body = String::from_utf8_lossy(connection.body(&reply)).into_owned();
        Ok::<_, ExchangeError>((reply.status, body))
    };
    let (status, body) = match timeout(CALL_TIMEOUT, exchange).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(ExchangeError::Connect(source))) => {
            return Err(BenchError::Unreachable { endpoint: config.endpoint.to_string(), source });
        }
        Ok(Err(error)) => return Err(refused(config, action, error.to_string())),
        Err(_) => return Err(refused(config, action, format!("no reply in {} s", CALL_TIMEOUT.as_secs()))),
    };
    if status != 200 {
        return Err(refused(config, action, refusal_text(status, &body)));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&body).map_err(|_| refused(config, action, "its reply is not JSON".into()))
}

/// `HTTP 400: …`, with as much of the body as helps.
pub(crate) fn refusal_text(status: u16, body: &str) -> String {
    let shown: String = body.chars().take(REFUSAL_TEXT_CHARS).collect();
    format!("HTTP {status}: {}", shown.trim_end())
}

fn refused(config: &SendConfig, action: &'static str, text: String) -> BenchError {
    BenchError::Refused { action, endpoint: config.endpoint.to_string(), text }
}
