//! What a run has shown, as data; [`table`] renders it for people.
//!
//! Figures follow from the measured counts alone. A run with failed requests, or whose generator was short of CPU, says
//! that it is void, and no ratio is drawn from it.

mod table;

use serde::Serialize;

use crate::config::SendConfig;
use crate::disk_probe::DiskFigures;
use crate::load::{ErrorText, RunResult, Tally};
use crate::paired::PairResult;

/// Share of its core above which the generator may itself be the bottleneck.
const GENERATOR_CORE_SHARE_MAX: f64 = 0.9;

/// A load on one endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct SendReport {
    /// The endpoint as given.
    pub endpoint: String,
    /// The queue that took the messages.
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
    /// The product's queue.
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
    /// Median of the valid pairs' ratios; none when no pair is valid.
    pub median_ratio: Option<f64>,
    /// Lowest ratio of a valid pair.
    pub lowest_ratio: Option<f64>,
    /// Highest ratio of a valid pair.
    pub highest_ratio: Option<f64>,
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
    /// The product's requests per second over the ceiling's; none when one of the runs is void.
    pub ratio: Option<f64>,
}

/// What each run was asked to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// Connections, each with one request under way.
    pub connections: usize,
    /// Messages in a request.
    pub messages_per_request: usize,
    /// Bytes of each message's body.
    pub size_bytes: usize,
    /// Length of the measured window.
    pub duration_secs: f64,
    /// Load before the window.
    pub warm_up_secs: f64,
}

/// The figures of one run, or of one side's runs together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// Requests sent in the window and accepted.
    pub requests: u64,
    /// Messages in those.
    pub messages: u64,
    /// Requests sent in the window that were refused, broke, or stayed unanswered.
    pub errors: u64,
    /// Accepted requests per second.
    pub requests_per_sec: f64,
    /// Accepted messages per second.
    pub messages_per_sec: f64,
    /// From sending a request to the end of its reply; none when no request was accepted.
    pub latency: Option<Latency>,
    /// CPU of the generator for each request, user and system.
    pub generator_cpu_us_per_request: Option<f64>,
    /// The generator's CPU as a share of one core.
    pub generator_core_share: f64,
    /// CPU of the server's process for each request, user and system; none when its pid is unknown.
    pub server_cpu_us_per_request: Option<f64>,
    /// The first distinct texts of failed requests.
    pub error_texts: Vec<ErrorText>,
    /// Why no conclusion may be drawn from this run, if so.
    pub void: Option<String>,
}

/// Latency of accepted requests, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of the requests were not slower.
    pub p50_us: u64,
    /// 99 % were not slower.
    pub p99_us: u64,
    /// 99.9 % were not slower.
    pub p999_us: u64,
    /// The slowest.
    pub max_us: u64,
}

impl Load {
    pub(crate) fn of(config: &SendConfig) -> Self {
        Load {
            connections: config.connections.get(),
            messages_per_request: config.batch.messages(),
            size_bytes: config.size_bytes.get(),
            duration_secs: config.duration.as_secs_f64(),
            warm_up_secs: config.warm_up.as_secs_f64(),
        }
    }
}

impl SendReport {
    /// The report as one JSON object; times in it end in their unit.
    pub fn json(&self) -> String {
        to_json(self)
    }

    /// The report as aligned text for a terminal.
    pub fn table(&self) -> String {
        table::send(self)
    }
}

impl PairedReport {
    pub(crate) fn of(
        config: &SendConfig,
        queue_url: String,
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
        let mut ratios: Vec<f64> = pairs.iter().filter_map(|pair| pair.ratio).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        PairedReport {
            endpoint: config.endpoint.to_string(),
            queue_url,
            load: Load::of(config),
            disk,
            product: RunReport::of_all(results.iter().map(|pair| &pair.product)),
            ceiling: RunReport::of_all(results.iter().map(|pair| &pair.ceiling)),
            pairs,
            median_ratio: median(&ratios),
            lowest_ratio: ratios.first().copied(),
            highest_ratio: ratios.last().copied(),
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
}

impl Pair {
    fn of(result: &PairResult) -> Self {
        let product = RunReport::of(&result.product);
        let ceiling = RunReport::of(&result.ceiling);
        let valid = product.void.is_none() && ceiling.void.is_none();
        let ratio = valid.then(|| product.requests_per_sec / ceiling.requests_per_sec);
        Pair { product_first: result.product_first, product, ceiling, ratio }
    }
}

impl RunReport {
    pub(crate) fn of(result: &RunResult) -> Self {
        Self::of_all([result].into_iter())
    }

    /// Runs one after the other as if they were one: their counts, times and latencies added up.
    fn of_all<'a>(results: impl Iterator<Item = &'a RunResult> + Clone) -> Self {
        let mut tally = Tally::new();
        results.clone().for_each(|result| tally.add(&result.tally));
        let window_secs: f64 = results.clone().map(|result| result.window.as_secs_f64()).sum();
        let generator_secs: f64 = results.clone().map(|result| result.generator_cpu.as_secs_f64()).sum();
        let server_secs: Option<f64> =
            results.map(|result| result.server_cpu.map(|cpu| cpu.as_secs_f64())).sum();
        let answered = tally.accepted() + tally.errors();
        let us_per_request = |secs: f64| (answered > 0).then(|| secs * 1e6 / answered as f64);
        let generator_core_share = generator_secs / window_secs;
        RunReport {
            requests: tally.accepted(),
            messages: tally.messages(),
            errors: tally.errors(),
            requests_per_sec: tally.accepted() as f64 / window_secs,
            messages_per_sec: tally.messages() as f64 / window_secs,
            latency: Latency::of(&tally),
            generator_cpu_us_per_request: us_per_request(generator_secs),
            generator_core_share,
            server_cpu_us_per_request: server_secs.and_then(us_per_request),
            error_texts: tally.error_texts().to_vec(),
            void: void_reason(&tally, generator_core_share),
        }
    }
}

impl Latency {
    fn of(tally: &Tally) -> Option<Self> {
        (tally.accepted() > 0).then(|| Latency {
            p50_us: tally.latency_us(0.5),
            p99_us: tally.latency_us(0.99),
            p999_us: tally.latency_us(0.999),
            max_us: tally.latency_us(1.0),
        })
    }
}

fn void_reason(tally: &Tally, generator_core_share: f64) -> Option<String> {
    if tally.errors() > 0 {
        Some(format!("{} requests failed", tally.errors()))
    } else if tally.accepted() == 0 {
        Some("no request was answered".into())
    } else if generator_core_share > GENERATOR_CORE_SHARE_MAX {
        Some(format!("the generator used {:.0} % of its core", generator_core_share * 100.0))
    } else {
        None
    }
}

/// The middle of sorted values, or the mean of the two middle ones.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

fn to_json(report: &impl Serialize) -> String {
    serde_json::to_string_pretty(report).expect("a report holds numbers and text only")
}

#[cfg(test)]
mod tests;
