//! What a connection counts, and how the counts of many become one.
//!
//! Every begun request ends in exactly one of: accepted (with its latency), failed (with its text), or unanswered.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longest latency that is told apart; beyond it, values are recorded as this one.
const LATENCY_MAX_US: u64 = 120_000_000;

/// Distinct error texts that are kept; the count has no limit.
const ERROR_TEXTS_MAX: usize = 5;

/// One kind of failure as the server or the connection put it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ErrorText {
    /// The text.
    pub text: String,
    /// How many requests failed with it.
    pub count: u64,
}

/// Counts and latencies of one connection, or of several after [`Tally::add`].
#[derive(Clone)]
pub(crate) struct Tally {
    latency_us: Histogram<u32>,
    messages: u64,
    errors: u64,
    error_texts: Vec<ErrorText>,
    under_way: bool,
}

impl Tally {
    pub(crate) fn new() -> Self {
        let latency_us = Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)
            .expect("constant bounds and three digits are what the histogram accepts");
        Tally { latency_us, messages: 0, errors: 0, error_texts: Vec::new(), under_way: false }
    }

    /// A measured request is about to be sent.
    pub(super) fn begin(&mut self) {
        self.under_way = true;
    }

    pub(crate) fn accept(&mut self, latency: Duration, messages: u64) {
        self.under_way = false;
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_MAX_US);
        self.latency_us.saturating_record(micros.max(1));
        self.messages += messages;
    }

    pub(crate) fn fail(&mut self, text: &str) {
        self.under_way = false;
        self.errors += 1;
        self.note_error(text, 1);
    }

    /// The wait for replies is over: a request still under way has failed.
    pub(super) fn end_unanswered(&mut self, waited: Duration) {
        if self.under_way {
            self.fail(&format!("no reply within {} s after the end", waited.as_secs()));
        }
    }

    /// Takes another tally's counts in.
    pub(crate) fn add(&mut self, other: &Tally) {
        self.latency_us.add(&other.latency_us).expect("all tallies have the same bounds");
        self.messages += other.messages;
        self.errors += other.errors;
        for error in &other.error_texts {
            self.note_error(&error.text, error.count);
        }
    }

    fn note_error(&mut self, text: &str, count: u64) {
        if let Some(known) = self.error_texts.iter_mut().find(|known| known.text == text) {
            known.count += count;
        } else if self.error_texts.len() < ERROR_TEXTS_MAX {
            self.error_texts.push(ErrorText { text: text.to_owned(), count });
        }
    }

    /// Requests answered with 200 and no refused entry.
    pub(crate) fn accepted(&self) -> u64 {
        self.latency_us.len()
    }

    /// Messages in the accepted requests.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    /// Requests that were refused, broke or stayed unanswered.
    pub(crate) fn errors(&self) -> u64 {
        self.errors
    }

    pub(crate) fn error_texts(&self) -> &[ErrorText] {
        &self.error_texts
    }

    /// The latency that `quantile` (0 to 1) of the accepted requests did not exceed, in microseconds.
    pub(crate) fn latency_us(&self, quantile: f64) -> u64 {
        self.latency_us.value_at_quantile(quantile)
    }
}
