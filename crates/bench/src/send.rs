//! The load on one endpoint, from the first call to the report.

use std::future::Future;
use std::pin::pin;

use crate::config::SendConfig;
use crate::control::{Queue, close_queue, open_queue, resolve};
use crate::error::BenchError;
use crate::load;
use crate::open_files;
use crate::progress::ProgressTick;
use crate::report::{Load, RunReport, SendReport};

/// Runs the load of `config` once, telling `progress` about every second, and returns what was measured.
///
/// Blocks its thread on a runtime of its own; it must not be called from within one. Ctrl-C ends it with
/// [`BenchError::Interrupted`], after the queue it created has been deleted. Failed requests are no error.
pub fn send(
    config: &SendConfig,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<SendReport, BenchError> {
    config.check()?;
    open_files::allow(config.connections.get())?;
    runtime()?.block_on(async {
        let addresses = resolve(config).await?;
        let queue = open_queue(config, &addresses).await?;
        let measured = until_interrupted(load::run(config, &addresses, &queue.url, "send", progress)).await;
        let notes = delete_noting_failure(close_queue(config, &addresses, &queue).await, &queue);
        Ok(SendReport {
            endpoint: config.endpoint.to_string(),
            queue_url: queue.url,
            load: Load::of(config),
            run: RunReport::of(&measured?),
            notes,
        })
    })
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
pub(crate) fn delete_noting_failure(deleted: Result<(), BenchError>, queue: &Queue) -> Vec<String> {
    match deleted {
        Ok(()) => Vec::new(),
        Err(error) => vec![format!("the queue {} is left behind: {error}", queue.url)],
    }
}
