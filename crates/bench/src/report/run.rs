//! The figures of one run, or of one side's runs together.

use serde::Serialize;

use crate::calls::Action;
use crate::load::{ErrorText, Interval, Latencies, RunResult, Tally};

/// Share of its core above which the generator may itself be the bottleneck.
const GENERATOR_CORE_SHARE_MAX: f64 = 0.9;

/// Share of the operations on a schedule that may not have begun when the window closes.
const BEHIND_SHARE_MAX: f64 = 0.05;

/// The figures of one run, or of one side's runs together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// Operations that began in the window and did what they were to do.
    pub operations: u64,
    /// Requests of operations that began in the window, answered with success.
    pub requests: u64,
    /// Messages of those operations: sent, or received and deleted.
    pub messages: u64,
    /// Operations whose receive got nothing; they count as no operation.
    pub empty_receives: u64,
    /// Operations that began in the window and were refused, broke, or stayed unanswered.
    pub errors: u64,
    /// Operations per second.
    pub operations_per_sec: f64,
    /// Requests per second.
    pub requests_per_sec: f64,
    /// Messages per second.
    pub messages_per_sec: f64,
    /// Of operations: from when one was to begin to the end of its last reply; none when there was none.
    pub latency: Option<Latency>,
    /// Of each kind of requests.
    pub actions: Vec<ActionReport>,
    /// How late the generator itself was, in the open loop.
    pub generator_late: Option<Lateness>,
    /// CPU of the generator for each request, user and system.
    pub generator_cpu_us_per_request: Option<f64>,
    /// The generator's CPU as a share of one core.
    pub generator_core_share: f64,
    /// CPU of the server's process for each request, user and system; none when its pid is unknown.
    pub server_cpu_us_per_request: Option<f64>,
    /// A queue that was to be drained was empty before the time was over.
    pub drained: bool,
    /// The parts of the window, in order, if they were asked for.
    pub intervals: Vec<IntervalReport>,
    /// The first distinct texts of failed operations.
    pub error_texts: Vec<ErrorText>,
    /// Why no conclusion may be drawn from this run, if so.
    pub void: Option<String>,
    /// Of what, each latency in microseconds and how often it was.
    #[serde(skip)]
    pub histograms: Vec<(&'static str, Vec<(u64, u64)>)>,
}

/// Latencies, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of them were not slower.
    pub p50_us: u64,
    /// 90 % were not slower.
    pub p90_us: u64,
    /// 99 % were not slower.
    pub p99_us: u64,
    /// 99.9 % were not slower.
    pub p999_us: u64,
    /// The slowest.
    pub max_us: u64,
}

/// One kind of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionReport {
    /// `send`, `receive` or `delete`.
    pub action: &'static str,
    /// How many were answered with success; receives that got nothing are left out.
    pub requests: u64,
    /// From sending one (in the open loop the first of an operation: from when it was to begin) to the end of its reply.
    pub latency: Latency,
}

/// How late the generator was by itself, in the open loop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lateness {
    /// Of operations whose connection was waiting for their moment.
    pub latency: Option<Latency>,
    /// The share of operations for which no connection was free at their moment: what they waited for was the server.
    pub waited_share: f64,
}

/// One part of the window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntervalReport {
    /// When it began, after the opening of the window.
    pub from_secs: f64,
    /// Operations that were to begin in it and succeeded.
    pub operations: u64,
    /// Operations that were to begin in it and failed.
    pub errors: u64,
    /// Their messages per second; the last part may be cut short, and its rate is over the time that it had.
    pub messages_per_sec: f64,
    /// Their latency.
    pub latency: Option<Latency>,
}

impl RunReport {
    pub(crate) fn of(result: &RunResult) -> Self {
        let mut report = Self::of_all([result].into_iter());
        report.intervals = intervals(result);
        report
    }

    /// Runs one after the other as if they were one: their counts, times and latencies added up.
    pub(super) fn of_all<'a>(results: impl Iterator<Item = &'a RunResult> + Clone) -> Self {
        let mut tally = Tally::new(None);
        results.clone().for_each(|result| tally.add(&result.tally));
        let window_secs: f64 = results.clone().map(|result| result.window.as_secs_f64()).sum();
        let generator_secs: f64 = results.clone().map(|result| result.generator_cpu.as_secs_f64()).sum();
        let server_secs: Option<f64> =
            results.clone().map(|result| result.server_cpu.map(|cpu| cpu.as_secs_f64())).sum();
        let behind: u64 = results.clone().map(|result| result.behind).sum();
        let drained = results.clone().any(|result| result.drained);
        let mut results = results;
        let open_loop = results.any(|result| result.scheduled_per_sec.is_some());
        let answered = tally.requests() + tally.errors();
        let us_per_request = |secs: f64| (answered > 0).then(|| secs * 1e6 / answered as f64);
        let per_sec = |count: u64| if window_secs > 0.0 { count as f64 / window_secs } else { 0.0 };
        let generator_core_share = if window_secs > 0.0 { generator_secs / window_secs } else { 0.0 };
        RunReport {
            operations: tally.operations().count(),
            requests: tally.requests(),
            messages: tally.messages(),
            empty_receives: tally.empty_receives(),
            errors: tally.errors(),
            operations_per_sec: per_sec(tally.operations().count()),
            requests_per_sec: per_sec(tally.requests()),
            messages_per_sec: per_sec(tally.messages()),
            latency: Latency::of(tally.operations()),
            actions: actions(&tally),
            generator_late: open_loop.then(|| Lateness::of(&tally)),
            generator_cpu_us_per_request: us_per_request(generator_secs),
            generator_core_share,
            server_cpu_us_per_request: server_secs.and_then(us_per_request),
            drained,
            intervals: Vec::new(),
            error_texts: tally.error_texts().to_vec(),
            void: void_reason(&tally, generator_core_share, drained, behind),
            histograms: histograms(&tally),
        }
    }
}

impl Latency {
    fn of(latencies: &Latencies) -> Option<Self> {
        (latencies.count() > 0).then(|| Latency {
            p50_us: latencies.us(0.5),
            p90_us: latencies.us(0.9),
            p99_us: latencies.us(0.99),
            p999_us: latencies.us(0.999),
            max_us: latencies.us(1.0),
        })
    }
}

impl Lateness {
    fn of(tally: &Tally) -> Self {
        let began = tally.late().count() + tally.waited();
        let waited_share = if began == 0 { 0.0 } else { tally.waited() as f64 / began as f64 };
        Lateness { latency: Latency::of(tally.late()), waited_share }
    }
}

fn actions(tally: &Tally) -> Vec<ActionReport> {
    let report = |action: Action| {
        let latencies = tally.action(action);
        let latency = Latency::of(latencies)?;
        Some(ActionReport { action: action.name(), requests: latencies.count(), latency })
    };
    Action::ALL.into_iter().filter_map(report).collect()
}

fn intervals(result: &RunResult) -> Vec<IntervalReport> {
    let Some(length) = result.tally.interval() else { return Vec::new() };
    let report = |(index, interval): (usize, &Interval)| {
        let from_secs = length.as_secs_f64() * index as f64;
        let had_secs = (result.window.as_secs_f64() - from_secs).min(length.as_secs_f64());
        IntervalReport {
            from_secs,
            operations: interval.operations.count(),
            errors: interval.errors,
            messages_per_sec: if had_secs > 0.0 { interval.messages as f64 / had_secs } else { 0.0 },
            latency: Latency::of(&interval.operations),
        }
    };
    result.tally.intervals().iter().enumerate().map(report).collect()
}

fn histograms(tally: &Tally) -> Vec<(&'static str, Vec<(u64, u64)>)> {
    let actions = Action::ALL.into_iter().map(|action| (action.name(), tally.action(action)));
    let all = std::iter::once(("operation", tally.operations())).chain(actions);
    let all = all.chain(std::iter::once(("generator_late", tally.late())));
    all.filter(|(_, latencies)| latencies.count() > 0)
        .map(|(of, latencies)| (of, latencies.buckets().collect()))
        .collect()
}

fn void_reason(tally: &Tally, generator_core_share: f64, drained: bool, behind: u64) -> Option<String> {
    if tally.errors() > 0 {
        Some(format!("{} operations failed", tally.errors()))
    } else if tally.operations().count() == 0 && drained {
        Some("the queues were empty before anything was measured; let more messages wait".into())
    } else if tally.operations().count() == 0 {
        Some("no operation succeeded".into())
    } else if behind as f64 > tally.operations().count() as f64 * BEHIND_SHARE_MAX {
        // Its latency grows for as long as the run goes on, and its rate and CPU are those of another load.
        Some(format!("it did not keep up with the schedule: {behind} operations had not begun at the end"))
    } else if generator_core_share > GENERATOR_CORE_SHARE_MAX {
        Some(format!("the generator used {:.0} % of its core", generator_core_share * 100.0))
    } else {
        None
    }
}
