//! The load on one endpoint, from the first call to the report.

use std::future::Future;
use std::pin::pin;

use crate::config::{Arrivals, LoadConfig, Work};
use crate::control::{Queues, close_queues, open_queues, resolve};
use crate::error::BenchError;
use crate::load::{self, RunResult, Side};
use crate::open_files;
use crate::pin::Pinned;
use crate::prefill::prefill;
use crate::progress::ProgressTick;
use crate::report::{Load, LoadReport, RunReport};

/// Runs the load of `config` once, telling `progress` about every second, and returns what was measured.
///
/// Blocks its thread on a runtime of its own; it must not be called from within one. Ctrl-C ends it with
/// [`BenchError::Interrupted`], after the queues it created have been deleted. Failed requests are no error.
pub fn load(
    config: &LoadConfig,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<LoadReport, BenchError> {
    config.check()?;
    open_files::allow(config.connections.get())?;
    runtime()?.block_on(async {
        let addresses = resolve(config).await?;
        let queues = open_queues(config, &addresses).await?;
        let side = Side { config, addresses: &addresses, queue_urls: &queues.urls };
        let measured = until_interrupted(measure(&side, progress)).await;
        let mut notes = delete_noting_failure(close_queues(config, &addresses, &queues).await, &queues);
        let (result, limited) = measured?;
        notes.extend(limited);
        Ok(LoadReport {
            endpoint: config.endpoint.to_string(),
            queue_url: queues.urls[0].clone(),
            load: Load::of(config, queues.urls.len(), result.scheduled_per_sec),
            run: RunReport::of(&result),
            notes,
        })
    })
}

async fn measure(
    side: &Side<'_>,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<(RunResult, Option<String>), BenchError> {
    let _pinned = pinned(side.config, &[])?;
    let (scheduled, limited) = scheduled(side, "maximum", progress).await?;
    Ok((run(side, scheduled, side.config.work.name(), progress).await?, limited))
}

/// Cores of their own for this process, the server of `config` and `others`, if that was asked for.
pub(crate) fn pinned(config: &LoadConfig, others: &[u32]) -> Result<Option<Pinned>, BenchError> {
    let servers: Vec<u32> = config.server_pid.into_iter().chain(others.iter().copied()).collect();
    config.pinned.then(|| Pinned::apart(&servers)).transpose()
}

/// One run, after what it needs has been sent.
pub(crate) async fn run(
    side: &Side<'_>,
    scheduled_per_sec: Option<f64>,
    label: &str,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<RunResult, BenchError> {
    if let Work::Receive { messages } = side.config.work
        && messages > 0
    {
        prefill(side, messages, progress).await?;
    }
    load::run(side, scheduled_per_sec, label, progress).await
}

/// Operations a second on the schedule of an open loop. A share of the maximum is one of what `side` reaches in a
/// closed loop now; it comes with a note when the generator allowed no more.
pub(crate) async fn scheduled(
    side: &Side<'_>,
    label: &str,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<(Option<f64>, Option<String>), BenchError> {
    let share = match side.config.arrivals {
        Arrivals::Closed => return Ok((None, None)),
        Arrivals::PerSec(rate) => return Ok((Some(rate), None)),
        Arrivals::ShareOfMaximum(share) => share,
    };
    let report = RunReport::of(&run(side, None, label, progress).await?);
    match report.void {
        Some(why) if report.errors > 0 || report.operations == 0 => Err(BenchError::NoMaximum { why }),
        void => {
            let limited = void.map(|why| format!("the maximum may be higher than was measured: {why}"));
            Ok((Some(share * report.operations_per_sec), limited))
        }
    }
}

/// A runtime of one thread: the generator has one core, and its share of it says when it is the bottleneck.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, BenchError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| BenchError::System { what: "start its runtime", source })
}

/// What `work` returns, or [`BenchError::Interrupted`] after Ctrl-C.
pub(crate) async fn until_interrupted<T>(
    work: impl Future<Output = Result<T, BenchError>>,
) -> Result<T, BenchError> {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => done,
        pressed = tokio::signal::ctrl_c() => match pressed {
            Ok(()) => Err(BenchError::Interrupted),
            Err(_) => work.await,
        },
    }
}

/// A queue left behind is worth a note, and no reason to lose the figures.
pub(crate) fn delete_noting_failure(deleted: Result<(), BenchError>, queues: &Queues) -> Vec<String> {
    let first = &queues.urls[0];
    match (deleted, queues.urls.len()) {
        (Ok(()), _) => Vec::new(),
        (Err(error), 1) => vec![format!("the queue {first} is left behind: {error}")],
        (Err(error), count) => vec![format!("some of {count} queues like {first} are left behind: {error}")],
    }
}
