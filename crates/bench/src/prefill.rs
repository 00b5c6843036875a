//! Messages for a load that only receives: sent before the run, as fast as they are taken, and not measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::calls::Calls;
use crate::config::{Batch, LoadConfig, REQUEST_SIZE_MAX_BYTES, Work};
use crate::connection::Connection;
use crate::control::refusal_text;
use crate::error::BenchError;
use crate::load::Side;
use crate::progress::ProgressTick;

const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

/// What the connections share.
struct Shared {
    endpoint: String,
    addresses: Vec<SocketAddr>,
    calls: Calls,
    requests: u64,
    begun: AtomicU64,
    answered: AtomicU64,
}

/// Sends at least `messages` to the queues of `side`, in turn.
pub(crate) async fn prefill(
    side: &Side<'_>,
    messages: u64,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<(), BenchError> {
    let fits = (REQUEST_SIZE_MAX_BYTES / side.config.size_bytes.get()).clamp(1, Batch::TEN.messages());
    let batch = u8::try_from(fits).ok().and_then(Batch::new).unwrap_or(Batch::ONE);
    let config = LoadConfig { work: Work::Send, batch, ..side.config.clone() };
    let shared = Arc::new(Shared {
        endpoint: config.endpoint.to_string(),
        addresses: side.addresses.to_vec(),
        calls: Calls::new(&config, side.queue_urls, "prefill"),
        requests: messages.div_ceil(batch.messages() as u64),
        begun: AtomicU64::new(0),
        answered: AtomicU64::new(0),
    });
    let mut connections = JoinSet::new();
    for _ in 0..config.connections.get() {
        connections.spawn(send(Arc::clone(&shared)));
    }
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut seen = 0;
    loop {
        tokio::select! {
            ended = connections.join_next() => match ended {
                None => return Ok(()),
                Some(Ok(sent)) => sent?,
                Some(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            },
            _ = ticks.tick() => {
                let answered = shared.answered.load(Relaxed);
                let elapsed = began.elapsed();
                let share = answered.max(1) as f64 / shared.requests.max(1) as f64;
                progress(&ProgressTick {
                    label: "filling",
                    elapsed,
                    total: elapsed.div_f64(share.min(1.0)),
                    requests_per_sec: (answered - seen) as f64,
                    errors: 0,
                });
                seen = answered;
            }
        }
    }
}

async fn send(shared: Arc<Shared>) -> Result<(), BenchError> {
    let refused =
        |text: String| BenchError::Refused { action: "a send", endpoint: shared.endpoint.clone(), text };
    let mut connection = None;
    loop {
        let number = shared.begun.fetch_add(1, Relaxed);
        if number >= shared.requests {
            return Ok(());
        }
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::open(&shared.addresses).await.map_err(|error| refused(error.to_string()))?,
        };
        let request = shared.calls.send(usize::try_from(number).unwrap_or(0) % shared.calls.queues());
        let reply = timeout(REPLY_TIMEOUT, open.exchange(&request)).await;
        let reply = reply.map_err(|_| refused("no reply in time".into()))?;
        let reply = reply.map_err(|error| refused(error.to_string()))?;
        if reply.status != 200 {
            let body = String::from_utf8_lossy(open.body(&reply)).into_owned();
            return Err(refused(refusal_text(reply.status, &body)));
        }
        shared.answered.fetch_add(1, Relaxed);
        connection = (!reply.closes).then_some(open);
    }
}
