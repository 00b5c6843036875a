//! One closed-loop run: connections that send, a clock that opens and closes the measured window, CPU read at both.
//!
//! A request belongs to the run when it is sent inside the window, and each of those is awaited: answered (its latency
//! is recorded, however late), refused, broken, or unanswered when the wait after the window ends. Requests in flight
//! when the window opens are left out and those in flight when it closes are in, so the rate is not biased either way.

mod drive;
mod tally;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::config::SendConfig;
use crate::cpu;
use crate::error::BenchError;
use crate::progress::ProgressTick;
use crate::request::RequestForm;

pub use tally::ErrorText;
pub(crate) use tally::Tally;

/// How long replies are awaited after the window has closed.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// Age at which the signature is renewed; servers accept at least five minutes.
const SIGNATURE_AGE_MAX: Duration = Duration::from_secs(60);

const TICK: Duration = Duration::from_secs(1);

/// What one run has measured.
pub(crate) struct RunResult {
    pub(crate) tally: Tally,
    /// Length of the window.
    pub(crate) window: Duration,
    /// CPU of this process inside the window.
    pub(crate) generator_cpu: Duration,
    /// CPU of the server's process inside the window, if its pid is known.
    pub(crate) server_cpu: Option<Duration>,
}

/// What the connections of a run share.
struct Shared {
    addresses: Vec<SocketAddr>,
    request: Mutex<Arc<[u8]>>,
    messages_per_request: u64,
    opens: Instant,
    closes: Instant,
    answered: AtomicU64,
    failed: AtomicU64,
}

/// Runs the load that `config` describes against `addresses` and the queue at `queue_url`.
pub(crate) async fn run(
    config: &SendConfig,
    addresses: &[SocketAddr],
    queue_url: &str,
    label: &str,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<RunResult, BenchError> {
    let form = RequestForm::send(config, config.endpoint.authority(), queue_url);
    let began = Instant::now();
    let opens = began + config.warm_up;
    let shared = Arc::new(Shared {
        addresses: addresses.to_vec(),
        request: Mutex::new(form.signed_at(Timestamp::now()).into()),
        messages_per_request: config.batch.messages() as u64,
        opens,
        closes: opens + config.duration,
        answered: AtomicU64::new(0),
        failed: AtomicU64::new(0),
    });
    let mut connections = JoinSet::new();
    for _ in 0..config.connections.get() {
        connections.spawn(drive_until_answered(Arc::clone(&shared)));
    }

    let mut clock = Clock { shared: &shared, form: &form, label, began, seen: 0, signed_at: began, progress };
    clock.tick_until(shared.opens).await;
    let before = Spent::now(config.server_pid)?;
    clock.tick_until(shared.closes).await;
    let after = Spent::now(config.server_pid)?;

    let mut tally = Tally::new();
    while let Some(joined) = connections.join_next().await {
        match joined {
            Ok(one) => tally.add(&one),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
    Ok(RunResult {
        tally,
        window: after.at - before.at,
        generator_cpu: after.generator - before.generator,
        server_cpu: after.server.zip(before.server).map(|(after, before)| after.saturating_sub(before)),
    })
}

async fn drive_until_answered(shared: Arc<Shared>) -> Tally {
    let mut tally = Tally::new();
    let deadline = shared.closes + REPLY_TIMEOUT;
    if timeout_at(deadline, drive::drive(&shared, &mut tally)).await.is_err() {
        tally.end_unanswered(REPLY_TIMEOUT);
    }
    tally
}

impl Shared {
    fn request(&self) -> Arc<[u8]> {
        Arc::clone(&self.request.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace_request(&self, request: Vec<u8>) {
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = request.into();
    }
}

struct Spent {
    at: Instant,
    generator: Duration,
    server: Option<Duration>,
}

impl Spent {
    fn now(server_pid: Option<u32>) -> Result<Self, BenchError> {
        let server = server_pid
            .map(|pid| cpu::of_process(pid).map_err(|source| BenchError::ServerProcess { pid, source }))
            .transpose()?;
        Ok(Spent { at: Instant::now(), generator: cpu::own(), server })
    }
}

/// Ticks while the connections work: reports progress and renews the signature.
struct Clock<'a> {
    shared: &'a Shared,
    form: &'a RequestForm<'a>,
    label: &'a str,
    began: Instant,
    seen: u64,
    signed_at: Instant,
    progress: &'a mut dyn FnMut(&ProgressTick<'_>),
}

impl Clock<'_> {
    async fn tick_until(&mut self, until: Instant) {
        let mut last = Instant::now();
        while last < until {
            sleep_until(until.min(last + TICK)).await;
            let now = Instant::now();
            self.report(now - last);
            last = now;
            if now - self.signed_at >= SIGNATURE_AGE_MAX {
                self.shared.replace_request(self.form.signed_at(Timestamp::now()));
                self.signed_at = now;
            }
        }
    }

    fn report(&mut self, since_last: Duration) {
        let answered = self.shared.answered.load(Relaxed);
        (self.progress)(&ProgressTick {
            label: self.label,
            elapsed: self.began.elapsed(),
            total: self.shared.closes - self.began,
            requests_per_sec: (answered - self.seen) as f64 / since_last.as_secs_f64(),
            errors: self.shared.failed.load(Relaxed),
        });
        self.seen = answered;
    }
}

#[cfg(test)]
mod tests;
