//! One run: connections that work, a clock that opens and closes the measured window, CPU read at both.
//!
//! An operation belongs to the run when it begins inside the window (in the open loop: when it was to begin inside it),
//! and each of those is awaited: done (its latency is recorded, however late), refused, broken, or unanswered when the
//! wait after the window ends. Operations in flight when the window opens are left out and those in flight when it
//! closes are in, so the rate is not biased either way. A run that drains its queues ends when one of them is empty.

mod arrivals;
mod drive;
mod link;
mod operation;
mod tally;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::calls::Calls;
use crate::config::{LoadConfig, Work};
use crate::cpu;
use crate::error::BenchError;
use crate::progress::ProgressTick;

use arrivals::Schedule;
pub use tally::ErrorText;
pub(crate) use tally::{Interval, Latencies, Tally};

/// How long replies are awaited after the window has closed.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

const TICK: Duration = Duration::from_secs(1);

/// Where a load goes: one side of a comparison.
pub(crate) struct Side<'a> {
    pub(crate) config: &'a LoadConfig,
    pub(crate) addresses: &'a [SocketAddr],
    pub(crate) queue_urls: &'a Arc<[String]>,
}

/// What one run has measured.
pub(crate) struct RunResult {
    pub(crate) tally: Tally,
    /// Length of the window.
    pub(crate) window: Duration,
    /// Operations a second that were scheduled, in the open loop.
    pub(crate) scheduled_per_sec: Option<f64>,
    /// Of the open loop: operations that were to begin in the window and had not when it closed.
    pub(crate) behind: u64,
    /// A queue was empty before the time was over, and the window ended with it.
    pub(crate) drained: bool,
    /// CPU of this process inside the window.
    pub(crate) generator_cpu: Duration,
    /// CPU of the server's process inside the window, if its pid is known.
    pub(crate) server_cpu: Option<Duration>,
}

/// What the connections of a run share.
struct Shared {
    addresses: Vec<SocketAddr>,
    calls: Calls,
    work: Work,
    schedule: Option<Schedule>,
    opens: Instant,
    closes: Instant,
    /// Operations begun, warm-up included.
    begun: AtomicU64,
    /// Requests answered, warm-up included.
    answered: AtomicU64,
    failed: AtomicU64,
    drained: AtomicBool,
    has_drained: Notify,
    /// One thread has all connections, so nobody ever waits for this.
    tally: Mutex<Tally>,
}

/// Runs the load of `side` once: in a closed loop, or with so many operations a second on a schedule.
pub(crate) async fn run(
    side: &Side<'_>,
    scheduled_per_sec: Option<f64>,
    label: &str,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<RunResult, BenchError> {
    let config = side.config;
    let began = Instant::now();
    let opens = began + config.warm_up;
    let closes = opens + config.duration;
    let shared = Arc::new(Shared {
        addresses: side.addresses.to_vec(),
        calls: Calls::new(config, side.queue_urls, &run_name()),
        work: config.work,
        schedule: scheduled_per_sec.map(|per_sec| Schedule::new(began, closes, per_sec)),
        opens,
        closes,
        begun: AtomicU64::new(0),
        answered: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        drained: AtomicBool::new(false),
        has_drained: Notify::new(),
        tally: Mutex::new(Tally::new(config.interval)),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..config.connections.get() {
        let shared = Arc::clone(&shared);
        tasks.spawn(async move {
            drive::drive(&shared).await;
            Ok(())
        });
    }
    if shared.schedule.is_some() {
        let (shared, connections) = (Arc::clone(&shared), config.connections.get());
        tasks.spawn(async move {
            let schedule = shared.schedule.as_ref();
            let schedule = schedule.expect("it was there above");
            let gone = tokio::select! {
                gone = schedule.let_go() => gone,
                () = shared.has_drained.notified() => Ok(()),
            };
            schedule.end(connections);
            gone.map_err(|source| BenchError::System { what: "wait for the next moment", source })
        });
    }

    let mut clock = Clock { shared: &shared, label, began, seen: 0, progress };
    clock.tick_until(shared.opens).await;
    let before = Spent::now(config.server_pid)?;
    clock.tick_until(shared.closes).await;
    let after = Spent::now(config.server_pid)?;
    let behind = shared.not_taken();
    await_replies(&shared, tasks).await?;
    Ok(RunResult {
        tally: shared.tally().clone(),
        window: after.at - before.at,
        scheduled_per_sec,
        behind,
        drained: shared.drained.load(Relaxed),
        generator_cpu: after.generator - before.generator,
        server_cpu: after.server.zip(before.server).map(|(after, before)| after.saturating_sub(before)),
    })
}

/// Waits for what is under way, but not for ever, and counts what did not come.
async fn await_replies(
    shared: &Shared,
    mut tasks: JoinSet<Result<(), BenchError>>,
) -> Result<(), BenchError> {
    let all_ended = async {
        while let Some(joined) = tasks.join_next().await {
            match joined {
                Ok(ended) => ended?,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
        Ok(())
    };
    let ended = timeout_at(Instant::now() + REPLY_TIMEOUT, all_ended).await;
    let never_begun = shared.not_taken();
    shared.tally().end_unanswered(REPLY_TIMEOUT, never_begun);
    ended.unwrap_or(Ok(()))
}

/// A name that no other run has.
fn run_name() -> String {
    format!("{}-{}", jiff::Timestamp::now().as_microsecond(), std::process::id())
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Operations that were to begin in the window and have not; none when there is nothing more to do.
    fn not_taken(&self) -> u64 {
        let schedule = self.schedule.as_ref().filter(|_| !self.drained.load(Relaxed));
        schedule.map_or(0, |all| all.not_taken_since(self.opens))
    }

    /// A queue that was to be drained is empty: nothing more begins.
    fn drain(&self) {
        self.drained.store(true, Relaxed);
        self.has_drained.notify_waiters();
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

/// Ticks while the connections work, and reports progress.
struct Clock<'a> {
    shared: &'a Shared,
    label: &'a str,
    began: Instant,
    seen: u64,
    progress: &'a mut dyn FnMut(&ProgressTick<'_>),
}

impl Clock<'_> {
    /// Returns at that time, or when the queues are drained.
    async fn tick_until(&mut self, until: Instant) {
        let mut last = Instant::now();
        while last < until && !self.shared.drained.load(Relaxed) {
            tokio::select! {
                () = sleep_until(until.min(last + TICK)) => {}
                () = self.shared.has_drained.notified() => {}
            }
            let now = Instant::now();
            self.report(now - last);
            last = now;
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
