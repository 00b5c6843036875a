//! Product and ceiling in one run, alternately: A B, B A, A B, …
//!
//! The two runs of a pair are neighbours in time, so that whatever else the machine does weighs on both alike; the
//! order turns from pair to pair, so that neither always goes first.

use std::net::SocketAddr;

use crate::ceiling::CeilingProcess;
use crate::config::{PairedConfig, SendConfig};
use crate::control::{close_queue, open_queue, resolve};
use crate::disk_probe::{self, DiskFigures};
use crate::endpoint::Endpoint;
use crate::error::BenchError;
use crate::load::{self, RunResult};
use crate::open_files;
use crate::progress::ProgressTick;
use crate::report::PairedReport;
use crate::send::{delete_noting_failure, runtime, until_interrupted};

/// Both runs of a pair; `product_first` tells their order.
pub(crate) struct PairResult {
    pub(crate) product_first: bool,
    pub(crate) product: RunResult,
    pub(crate) ceiling: RunResult,
}

/// Runs the load of `config` alternately against its endpoint and against a ceiling process that it starts and stops.
///
/// Blocks its thread on a runtime of its own; it must not be called from within one. Ctrl-C ends it with
/// [`BenchError::Interrupted`], after the queue it created has been deleted and the ceiling has stopped.
pub fn send_beside_ceiling(
    config: &PairedConfig,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<PairedReport, BenchError> {
    config.send.check()?;
    open_files::allow(config.send.connections.get())?;
    runtime()?.block_on(async {
        let addresses = resolve(&config.send).await?;
        let queue = open_queue(&config.send, &addresses).await?;
        let measured = until_interrupted(measure(config, &addresses, &queue.url, progress)).await;
        let notes = delete_noting_failure(close_queue(&config.send, &addresses, &queue).await, &queue);
        let (disk, pairs) = measured?;
        Ok(PairedReport::of(&config.send, queue.url, disk, &pairs, notes))
    })
}

async fn measure(
    config: &PairedConfig,
    addresses: &[SocketAddr],
    queue_url: &str,
    progress: &mut dyn FnMut(&ProgressTick<'_>),
) -> Result<(DiskFigures, Vec<PairResult>), BenchError> {
    let disk = disk_probe::probe(&config.ceiling.directory).map_err(|source| BenchError::System {
        what: "measure the disk in the ceiling's directory",
        source,
    })?;
    let ceiling = CeilingProcess::start(&config.ceiling, config.send.batch).await?;
    let against_ceiling = SendConfig {
        endpoint: Endpoint::at(ceiling.address),
        server_pid: Some(ceiling.pid),
        ..config.send.clone()
    };
    let count = config.pairs.get();
    let mut pairs = Vec::with_capacity(count);
    for index in 0..count {
        let product_label = format!("product {}/{count}", index + 1);
        let ceiling_label = format!("ceiling {}/{count}", index + 1);
        let ceiling_addresses = [ceiling.address];
        let product_first = index % 2 == 0;
        let (product, ceiling) = if product_first {
            let product = load::run(&config.send, addresses, queue_url, &product_label, progress).await?;
            let ceiling =
                load::run(&against_ceiling, &ceiling_addresses, queue_url, &ceiling_label, progress).await?;
            (product, ceiling)
        } else {
            let ceiling =
                load::run(&against_ceiling, &ceiling_addresses, queue_url, &ceiling_label, progress).await?;
            let product = load::run(&config.send, addresses, queue_url, &product_label, progress).await?;
            (product, ceiling)
        };
        pairs.push(PairResult { product_first, product, ceiling });
    }
    ceiling.stop().await?;
    Ok((disk, pairs))
}
