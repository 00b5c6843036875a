//! The few calls around a load: find the endpoint, create or look up the queues, delete them.
//!
//! Each call has a connection of its own and a time limit. Only queues that this run created are deleted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{LoadConfig, QueueChoice, Work};
use crate::connection::{Connection, ExchangeError};
use crate::error::BenchError;
use crate::request::Requests;

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a refusal's text is shown.
const REFUSAL_TEXT_CHARS: usize = 300;

/// How many queues are created or deleted at once.
const CALLS_AT_ONCE: usize = 16;

/// The queues under load.
pub(crate) struct Queues {
    pub(crate) urls: Arc<[String]>,
    created_here: bool,
}

/// The addresses behind the endpoint's host name.
pub(crate) async fn resolve(config: &LoadConfig) -> Result<Vec<SocketAddr>, BenchError> {
    let endpoint = &config.endpoint;
    match tokio::net::lookup_host((endpoint.host(), endpoint.port())).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(source) => Err(BenchError::Unreachable { endpoint: endpoint.to_string(), source }),
    }
}

/// Creates or looks up the queues that `config` asks for.
pub(crate) async fn open_queues(config: &LoadConfig, addresses: &[SocketAddr]) -> Result<Queues, BenchError> {
    let one = |url: String| Queues { urls: [url].into(), created_here: false };
    let (action, inputs, created_here) = match &config.queue {
        QueueChoice::Url(url) => return Ok(one(url.clone())),
        QueueChoice::Named(name) => ("GetQueueUrl", vec![json!({"QueueName": name})], false),
        QueueChoice::Fresh(count) => {
            let inputs = fresh_names(config.work, count.get(), Timestamp::now(), std::process::id());
            ("CreateQueue", inputs.map(|name| create_input(config.work, &name)).collect(), true)
        }
    };
    let replies = call_all(config, addresses, action, inputs).await?;
    let url = |reply: &Value| {
        let url = reply.get("QueueUrl").and_then(Value::as_str).map(ToOwned::to_owned);
        url.ok_or_else(|| refused(config, action, "its reply has no QueueUrl".into()))
    };
    Ok(Queues { urls: replies.iter().map(url).collect::<Result<_, _>>()?, created_here })
}

/// Deletes the queues if this run created them.
pub(crate) async fn close_queues(
    config: &LoadConfig,
    addresses: &[SocketAddr],
    queues: &Queues,
) -> Result<(), BenchError> {
    if queues.created_here {
        let inputs = queues.urls.iter().map(|url| json!({"QueueUrl": url})).collect();
        call_all(config, addresses, "DeleteQueue", inputs).await?;
    }
    Ok(())
}

fn create_input(work: Work, name: &str) -> Value {
    if work.is_fifo() {
        json!({"QueueName": name, "Attributes": {"FifoQueue": "true"}})
    } else {
        json!({"QueueName": name})
    }
}

fn fresh_names(work: Work, count: usize, now: Timestamp, pid: u32) -> impl Iterator<Item = String> {
    let suffix = if work.is_fifo() { ".fifo" } else { "" };
    let millis = now.as_millisecond();
    (0..count).map(move |index| match count {
        1 => format!("bench-{millis}-{pid}{suffix}"),
        _ => format!("bench-{millis}-{pid}-{index}{suffix}"),
    })
}

/// Makes a call with each of `inputs`, some at once, and gives the replies in their order.
async fn call_all(
    config: &LoadConfig,
    addresses: &[SocketAddr],
    action: &'static str,
    inputs: Vec<Value>,
) -> Result<Vec<Value>, BenchError> {
    let (config, addresses) = (Arc::new(config.clone()), Arc::<[SocketAddr]>::from(addresses));
    let mut replies = vec![Value::Null; inputs.len()];
    let mut calls = JoinSet::new();
    let mut waiting = inputs.into_iter().enumerate();
    loop {
        while calls.len() < CALLS_AT_ONCE
            && let Some((index, input)) = waiting.next()
        {
            let (config, addresses) = (Arc::clone(&config), Arc::clone(&addresses));
            calls.spawn(async move {
                call(&config, &addresses, action, &input).await.map(|reply| (index, reply))
            });
        }
        match calls.join_next().await {
            None => return Ok(replies),
            Some(Ok(called)) => {
                let (index, reply) = called?;
                replies[index] = reply;
            }
            Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}

async fn call(
    config: &LoadConfig,
    addresses: &[SocketAddr],
    action: &'static str,
    input: &Value,
) -> Result<Value, BenchError> {
    let request = Requests::new(config).signed(action, input.to_string().as_bytes());
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

fn refused(config: &LoadConfig, action: &'static str, text: String) -> BenchError {
    BenchError::Refused { action, endpoint: config.endpoint.to_string(), text }
}
