//! What a run has shown, as data; [`table`] renders it for people.
//!
//! Figures follow from the measured counts alone. A run with failed requests, or whose generator was short of CPU, says
//! that it is void, and no ratio is drawn from it.

mod run;
mod table;

use std::fmt::Write;

use serde::Serialize;

use crate::config::{Arrivals, LoadConfig, Work};
use crate::disk_probe::DiskFigures;
use crate::paired::PairResult;

pub use run::{ActionReport, IntervalReport, Latency, Lateness, RunReport};

/// A load on one endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// The endpoint as given.
    pub endpoint: String,
    /// The queue under load, or the first of several.
    pub queue_url: String,
    /// What was asked for.
    pub load: Load,
    /// What was measured.
    pub run: RunReport,
    /// What the reader should know beside the figures.
    pub notes: Vec<String>,
}

/// The same load on an endpoint (the product) and on the ceiling, alternately.
#[derive(Debug, Clone, Serialize)]
pub struct PairedReport {
    /// The product's endpoint.
    pub endpoint: String,
    /// The product's queue, or the first of several.
    pub queue_url: String,
    /// What was asked for, in each run.
    pub load: Load,
    /// The disk by itself, in the ceiling's directory, before the runs.
    pub disk: DiskFigures,
    /// All runs of the product together.
    pub product: RunReport,
    /// All runs of the ceiling together.
    pub ceiling: RunReport,
    /// The pairs in the order in which they ran.
    pub pairs: Vec<Pair>,
    /// The product's rate over the ceiling's.
    pub ratio: Option<Spread>,
    /// The product's 99th percentile over the ceiling's.
    pub p99_ratio: Option<Spread>,
    /// CPU that the product's server takes for a request beyond the ceiling's, in microseconds.
    pub more_cpu_us_per_request: Option<Spread>,
    /// What the reader should know beside the figures.
    pub notes: Vec<String>,
}

/// Two neighbouring runs.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// The product ran before the ceiling.
    pub product_first: bool,
    /// The product's run.
    pub product: RunReport,
    /// The ceiling's run.
    pub ceiling: RunReport,
    /// The product's messages per second over the ceiling's; none when one of the runs is void.
    pub ratio: Option<f64>,
}

/// A figure over all valid pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
    /// How many valid pairs there are.
    pub pairs: usize,
}

/// What each run was asked to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// What an operation does: `send`, `receive`, `round-trip` or `fifo`.
    pub work: &'static str,
    /// Queues, taken in turn.
    pub queues: usize,
    /// Message groups of each FIFO queue.
    pub groups: Option<u64>,
    /// Connections, each with one request under way at most.
    pub connections: usize,
    /// Messages in a request.
    pub messages_per_request: usize,
    /// Bytes of each message's body.
    pub size_bytes: usize,
    /// Operations a second on the schedule of the open loop; none in a closed loop.
    pub scheduled_per_sec: Option<f64>,
    /// The share of the maximum that this rate is, if it was asked for so.
    pub share_of_maximum: Option<f64>,
    /// Length of the measured window.
    pub duration_secs: f64,
    /// Load before the window.
    pub warm_up_secs: f64,
    /// Length of the parts with figures of their own.
    pub interval_secs: Option<f64>,
    /// Generator and server had cores of their own.
    pub pinned: bool,
}

impl Load {
    pub(crate) fn of(config: &LoadConfig, queues: usize, scheduled_per_sec: Option<f64>) -> Self {
        Load {
            work: config.work.name(),
            queues,
            groups: match config.work {
                Work::Fifo { groups } => Some(groups.get()),
                _ => None,
            },
            connections: config.connections.get(),
            messages_per_request: config.batch.messages(),
            size_bytes: config.size_bytes.get(),
            scheduled_per_sec,
            share_of_maximum: match config.arrivals {
                Arrivals::ShareOfMaximum(share) => Some(share),
                Arrivals::Closed | Arrivals::PerSec(_) => None,
            },
            duration_secs: config.duration.as_secs_f64(),
            warm_up_secs: config.warm_up.as_secs_f64(),
            interval_secs: config.interval.map(|interval| interval.as_secs_f64()),
            pinned: config.pinned,
        }
    }
}

impl LoadReport {
    /// The report as one JSON object; times in it end in their unit.
    pub fn json(&self) -> String {
        to_json(self)
    }

    /// The report as aligned text for a terminal.
    pub fn table(&self) -> String {
        table::alone(self)
    }

    /// All latencies as CSV, one row for each that was seen.
    pub fn histogram(&self) -> String {
        histogram(&[("run", &self.run)])
    }

    /// Why nothing can be concluded from it, if that is so.
    #[must_use]
    pub fn void(&self) -> Option<String> {
        self.run.void.as_ref().map(|why| format!("the run is void: {why}"))
    }
}

impl PairedReport {
    pub(crate) fn of(
        config: &LoadConfig,
        queue_urls: &[String],
        disk: DiskFigures,
        results: &[PairResult],
        mut notes: Vec<String>,
    ) -> Self {
        if disk.in_memory {
            notes.push(
                "the ceiling's directory is in memory: its syncs cost nothing, so the ratios say little"
                    .into(),
            );
        }
        let pairs: Vec<Pair> = results.iter().map(Pair::of).collect();
        let scheduled = results.first().and_then(|pair| pair.product.scheduled_per_sec);
        PairedReport {
            endpoint: config.endpoint.to_string(),
            queue_url: queue_urls[0].clone(),
            load: Load::of(config, queue_urls.len(), scheduled),
            disk,
            product: RunReport::of_all(results.iter().map(|pair| &pair.product)),
            ceiling: RunReport::of_all(results.iter().map(|pair| &pair.ceiling)),
            ratio: Spread::of(&pairs, |product, ceiling| {
                Some(product.messages_per_sec / ceiling.messages_per_sec)
            }),
            p99_ratio: Spread::of(&pairs, |product, ceiling| {
                let p99_us = |run: &RunReport| run.latency.as_ref().map(|all| all.p99_us as f64);
                Some(p99_us(product)? / p99_us(ceiling)?)
            }),
            more_cpu_us_per_request: Spread::of(&pairs, |product, ceiling| {
                Some(product.server_cpu_us_per_request? - ceiling.server_cpu_us_per_request?)
            }),
            pairs,
            notes,
        }
    }

    /// The report as one JSON object; times in it end in their unit.
    pub fn json(&self) -> String {
        to_json(self)
    }

    /// The report as aligned text for a terminal.
    pub fn table(&self) -> String {
        table::paired(self)
    }

    /// All latencies of both sides as CSV, one row for each that was seen.
    pub fn histogram(&self) -> String {
        histogram(&[("product", &self.product), ("ceiling", &self.ceiling)])
    }

    /// Why nothing can be concluded from it, if that is so: no pair is valid.
    #[must_use]
    pub fn void(&self) -> Option<String> {
        if self.pairs.iter().any(Pair::is_valid) {
            return None;
        }
        let runs = || self.pairs.iter().flat_map(|pair| [&pair.product, &pair.ceiling]);
        let why = runs().find_map(|run| run.void.as_deref()).unwrap_or("there is none");
        Some(format!("no pair of runs is valid: {why}"))
    }
}

impl Pair {
    fn of(result: &PairResult) -> Self {
        let product = RunReport::of(&result.product);
        let ceiling = RunReport::of(&result.ceiling);
        let mut pair = Pair { product_first: result.product_first, product, ceiling, ratio: None };
        pair.ratio = pair.is_valid().then(|| pair.product.messages_per_sec / pair.ceiling.messages_per_sec);
        pair
    }

    fn is_valid(&self) -> bool {
        self.product.void.is_none() && self.ceiling.void.is_none()
    }
}

impl Spread {
    /// Of the figure that `of` draws from each valid pair; none when there is no such pair.
    fn of(pairs: &[Pair], of: impl Fn(&RunReport, &RunReport) -> Option<f64>) -> Option<Self> {
        let valid = pairs.iter().filter(|pair| pair.is_valid());
        let mut figures: Vec<f64> = valid.filter_map(|pair| of(&pair.product, &pair.ceiling)).collect();
        figures.sort_unstable_by(f64::total_cmp);
        Some(Spread {
            median: median(&figures)?,
            lowest: *figures.first()?,
            highest: *figures.last()?,
            pairs: figures.len(),
        })
    }
}

/// The middle of sorted values, or the mean of the two middle ones.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

fn histogram(sides: &[(&str, &RunReport)]) -> String {
    let mut text = "side,latency_of,latency_us,count\n".to_owned();
    for (side, run) in sides {
        for (of, buckets) in &run.histograms {
            for (latency_us, count) in buckets {
                // Writing to a string can't fail.
                let _ = writeln!(text, "{side},{of},{latency_us},{count}");
            }
        }
    }
    text
}

fn to_json(report: &impl Serialize) -> String {
    serde_json::to_string_pretty(report).expect("a report holds numbers and text only")
}

#[cfg(test)]
mod tests;
