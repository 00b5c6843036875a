//! Product and ceiling in one run, alternately: A B, B A, A B, …
//!
//! The two runs of a pair are neighbours in time, so that whatever else the machine does weighs on both alike; the
//! order turns from pair to pair, so that neither always goes first.

use crate::alone::{delete_noting_failure, pinned, run, runtime, scheduled, until_interrupted};
use crate::ceiling::CeilingProcess;
use crate::config::{LoadConfig, PairedConfig, Work};
use crate::control::{close_queues, open_queues, resolve};
use crate::disk_probe::{self, DiskFigures};
use crate::endpoint::Endpoint;
use crate::error::BenchError;
use crate::load::{RunResult, Side};
use crate::open_files;
use crate::progress::ProgressTick;
use crate::report::PairedReport;

/// Both runs of a pair; `product_first` tells their order.
pub(crate) struct PairResult {
    pub(crate) product_first: bool,
    pub(crate) product: RunResult,
    pub(crate) ceiling: RunResult,
}

/// Runs the load of `config` alternately against its endpoint and against a ceiling process that it starts and stops.
///
/// Blocks its thread on a runtime of its own; it must not be called from within one. Ctrl-C ends it with
/// [`BenchError::Interrupted`], after the queues it created have been deleted and the ceiling has stopped.
pub fn load_beside_ceiling(
    config: &PairedConfig,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<PairedReport, BenchError> {
    config.load.check()?;
    open_files::allow(config.load.connections.get())?;
    runtime()?.block_on(async {
        let addresses = resolve(&config.load).await?;
        let queues = open_queues(&config.load, &addresses).await?;
        let product = Side { config: &config.load, addresses: &addresses, queue_urls: &queues.urls };
        let measured = until_interrupted(measure(config, &product, progress)).await;
        let mut notes = delete_noting_failure(close_queues(&config.load, &addresses, &queues).await, &queues);
        let (disk, pairs, limited) = measured?;
        notes.extend(limited);
        Ok(PairedReport::of(&config.load, &queues.urls, disk, &pairs, notes))
    })
}

async fn measure(
    config: &PairedConfig,
    product: &Side<'_>,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<(DiskFigures, Vec<PairResult>, Option<String>), BenchError> {
    let disk = disk_probe::probe(&config.ceiling.directory).map_err(|source| BenchError::System {
        what: "measure the disk in the ceiling's directory",
        source,
    })?;
    let process = CeilingProcess::start(&config.ceiling, &config.load).await?;
    let pinned = pinned(&config.load, &[process.pid])?;
    let against_ceiling = LoadConfig {
        endpoint: Endpoint::at(process.address),
        server_pid: Some(process.pid),
        // It always has messages.
        work: match config.load.work {
            Work::Receive { .. } => Work::Receive { messages: 0 },
            other => other,
        },
        ..config.load.clone()
    };
    let addresses = [process.address];
    let ceiling = Side { config: &against_ceiling, addresses: &addresses, queue_urls: product.queue_urls };
    let (scheduled, limited) = scheduled(&ceiling, "the ceiling's maximum", progress).await?;
    let count = config.pairs.get();
    let mut pairs = Vec::with_capacity(count);
    for index in 0..count {
        let labels = ["product", "ceiling"].map(|side| format!("{side} {}/{count}", index + 1));
        let product_first = index % 2 == 0;
        let (product, ceiling) = if product_first {
            let product = run(product, scheduled, &labels[0], progress).await?;
            (product, run(&ceiling, scheduled, &labels[1], progress).await?)
        } else {
            let ceiling = run(&ceiling, scheduled, &labels[1], progress).await?;
            (run(product, scheduled, &labels[0], progress).await?, ceiling)
        };
        pairs.push(PairResult { product_first, product, ceiling });
    }
    drop(pinned);
    process.stop().await?;
    Ok((disk, pairs, limited))
}
