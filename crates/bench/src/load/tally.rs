//! What the connections of a run count together, and how the counts of several runs become one.
//!
//! Every begun operation ends in exactly one of: accepted (with its latency), empty (its receive got nothing), failed
//! (with its text), or unanswered.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::calls::Action;

/// Longest latency that is told apart; beyond it, values are recorded as this one.
const LATENCY_MAX_US: u64 = 120_000_000;

/// Distinct error texts that are kept; the count has no limit.
const ERROR_TEXTS_MAX: usize = 5;

/// One kind of failure as the server or the connection put it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ErrorText {
    /// The text.
    pub text: String,
    /// How many operations failed with it.
    pub count: u64,
}

/// Latencies in microseconds, with three significant digits.
#[derive(Clone)]
pub(crate) struct Latencies(Histogram<u32>);

/// Counts and latencies of a run, or of several after [`Tally::add`].
#[derive(Clone)]
pub(crate) struct Tally {
    operations: Latencies,
    actions: [Latencies; Action::ALL.len()],
    requests: u64,
    messages: u64,
    empty_receives: u64,
    errors: u64,
    error_texts: Vec<ErrorText>,
    under_way: u64,
    /// Of the open loop: how late the generator began what it could begin in time.
    late: Latencies,
    /// Of the open loop: operations for which no connection was free in time.
    waited: u64,
    interval: Option<Duration>,
    intervals: Vec<Interval>,
}

/// Operations that began in one part of the window.
#[derive(Clone)]
pub(crate) struct Interval {
    pub(crate) operations: Latencies,
    pub(crate) messages: u64,
    pub(crate) errors: u64,
}

impl Latencies {
    fn new() -> Self {
        let grows = Histogram::new(3).expect("three digits are what the histogram accepts");
        Latencies(grows)
    }

    fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_MAX_US);
        self.0.record(micros.clamp(1, LATENCY_MAX_US)).expect("a histogram that grows takes every latency");
    }

    fn add(&mut self, other: &Latencies) {
        self.0.add(&other.0).expect("a histogram that grows takes every latency");
    }

    /// How many were recorded.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// What `quantile` (0 to 1) of them did not exceed, in microseconds.
    pub(crate) fn us(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }

    /// Each latency that was recorded, in microseconds, with how often it was.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter_recorded().map(|value| (value.value_iterated_to(), value.count_since_last_iteration()))
    }
}

impl Interval {
    fn new() -> Self {
        Interval { operations: Latencies::new(), messages: 0, errors: 0 }
    }
}

impl Tally {
    /// An empty one, that also keeps figures for each `interval` of the window.
    pub(crate) fn new(interval: Option<Duration>) -> Self {
        Tally {
            operations: Latencies::new(),
            actions: Action::ALL.map(|_| Latencies::new()),
            requests: 0,
            messages: 0,
            empty_receives: 0,
            errors: 0,
            error_texts: Vec::new(),
            under_way: 0,
            late: Latencies::new(),
            waited: 0,
            interval,
            intervals: Vec::new(),
        }
    }

    /// A measured operation begins. `late` is that of an arrival in the open loop.
    pub(super) fn begin(&mut self, late: Option<Option<Duration>>) {
        self.under_way += 1;
        match late {
            None => {}
            Some(Some(late)) => self.late.record(late),
            Some(None) => self.waited += 1,
        }
    }

    /// A request was answered and accepted.
    pub(crate) fn accept_request(&mut self, action: Action, latency: Duration, empty: bool) {
        self.requests += 1;
        if !empty {
            self.actions[action as usize].record(latency);
        }
    }

    /// An operation has done what it was to do. `since_opening` is when it was to begin.
    pub(crate) fn accept(&mut self, since_opening: Duration, latency: Duration, messages: u64) {
        self.under_way = self.under_way.saturating_sub(1);
        self.operations.record(latency);
        self.messages += messages;
        if let Some(interval) = self.interval_at(since_opening) {
            interval.operations.record(latency);
            interval.messages += messages;
        }
    }

    /// An operation whose receive got nothing: no latency of it would mean anything.
    pub(super) fn end_empty(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.empty_receives += 1;
    }

    pub(crate) fn fail(&mut self, since_opening: Duration, text: &str) {
        self.under_way = self.under_way.saturating_sub(1);
        self.errors += 1;
        self.note_error(text, 1);
        if let Some(interval) = self.interval_at(since_opening) {
            interval.errors += 1;
        }
    }

    /// The wait for replies is over: operations still under way have failed, and so have those that never began.
    pub(super) fn end_unanswered(&mut self, waited: Duration, never_begun: u64) {
        let secs = waited.as_secs();
        let unanswered = std::mem::take(&mut self.under_way);
        self.errors += unanswered + never_begun;
        self.note_error(&format!("no reply within {secs} s after the end"), unanswered);
        self.note_error(&format!("not begun within {secs} s after the end"), never_begun);
    }

    /// Takes another tally's counts in.
    pub(crate) fn add(&mut self, other: &Tally) {
        self.operations.add(&other.operations);
        for (own, others) in self.actions.iter_mut().zip(&other.actions) {
            own.add(others);
        }
        self.requests += other.requests;
        self.messages += other.messages;
        self.empty_receives += other.empty_receives;
        self.errors += other.errors;
        self.late.add(&other.late);
        self.waited += other.waited;
        for error in &other.error_texts {
            self.note_error(&error.text, error.count);
        }
    }

    fn interval_at(&mut self, since_opening: Duration) -> Option<&mut Interval> {
        let length = self.interval?.as_nanos().max(1);
        let index = usize::try_from(since_opening.as_nanos() / length).ok()?;
        if self.intervals.len() <= index {
            self.intervals.resize_with(index + 1, Interval::new);
        }
        self.intervals.get_mut(index)
    }

    fn note_error(&mut self, text: &str, count: u64) {
        if count == 0 {
            return;
        }
        if let Some(known) = self.error_texts.iter_mut().find(|known| known.text == text) {
            known.count += count;
        } else if self.error_texts.len() < ERROR_TEXTS_MAX {
            self.error_texts.push(ErrorText { text: text.to_owned(), count });
        }
    }

    /// Operations that did what they were to do, with their latencies.
    pub(crate) fn operations(&self) -> &Latencies {
        &self.operations
    }

    /// The latencies of one kind of requests.
    pub(crate) fn action(&self, action: Action) -> &Latencies {
        &self.actions[action as usize]
    }

    /// Requests answered with 200 and no refused entry.
    pub(crate) fn requests(&self) -> u64 {
        self.requests
    }

    /// Messages of the accepted operations: sent, or received and deleted.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    pub(crate) fn empty_receives(&self) -> u64 {
        self.empty_receives
    }

    /// Operations that were refused, broke or stayed unanswered.
    pub(crate) fn errors(&self) -> u64 {
        self.errors
    }

    pub(crate) fn error_texts(&self) -> &[ErrorText] {
        &self.error_texts
    }

    pub(crate) fn late(&self) -> &Latencies {
        &self.late
    }

    pub(crate) fn waited(&self) -> u64 {
        self.waited
    }

    /// How long each part of the window is, if figures of parts are kept.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// The parts of the window, in order.
    pub(crate) fn intervals(&self) -> &[Interval] {
        &self.intervals
    }
}
