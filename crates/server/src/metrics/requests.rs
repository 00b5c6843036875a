//! Counts of requests by action and code, and how long they took.
//!
//! Kept beside the engine: each request adds to three counters without order or lock. What is counted is bounded by the
//! tables of actions and errors; what names no known action is counted as `unknown`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use millpond_sqs::catalogue::ACTIONS;
use millpond_sqs::error::ERRORS;
use millpond_wire::error::{CORAL_ERRORS, ErrorKind};

use super::refusals::Refusals;
use super::text::{Family, Kind, Number, Text, labels};

/// Upper bounds of the latency histogram; a last bucket takes what is slower. Long polls take up to 20 seconds.
const BOUNDS_MICROS: [u64; 14] = [
    500, 1_000, 2_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 20_000_000,
];

/// Success, all errors of the tables, and any other.
const CODES: usize = 1 + CORAL_ERRORS.len() + 64;

const REQUESTS: Family = Family {
    name: "millpond_requests_total",
    kind: Kind::Counter,
    help: "Requests by action and by code: ok, or the shape of the error.",
};
const DURATION: Family = Family {
    name: "millpond_request_duration_seconds",
    kind: Kind::Histogram,
    help: "Time from the whole request to its reply, the wait of long polls included.",
};

#[derive(Debug)]
struct ActionRequests {
    by_code: [AtomicU64; CODES],
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    total_micros: AtomicU64,
}

impl ActionRequests {
    fn new() -> Self {
        Self {
            by_code: std::array::from_fn(|_| AtomicU64::new(0)),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            total_micros: AtomicU64::new(0),
        }
    }
}

/// The counters of all actions, by their place in the table; the last are those of what names none.
#[derive(Debug)]
pub(crate) struct Requests {
    by_action: Vec<ActionRequests>,
    pub(crate) refusals: Refusals,
}

impl Requests {
    pub(crate) fn new() -> Self {
        let by_action = (0..=ACTIONS.len()).map(|_| ActionRequests::new()).collect();
        Self { by_action, refusals: Refusals::new() }
    }

    /// Notes a request that was answered.
    pub(crate) fn note(&self, action: Option<&str>, error: Option<&'static ErrorKind>, took: Duration) {
        let place = action.and_then(|name| ACTIONS.binary_search_by(|action| action.name.cmp(name)).ok());
        let Some(requests) = self.by_action.get(place.unwrap_or(ACTIONS.len())) else { return };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        requests.by_code[error.map_or(0, code)].fetch_add(1, Relaxed);
        requests.buckets[bucket].fetch_add(1, Relaxed);
        requests.total_micros.fetch_add(micros, Relaxed);
    }

    /// All counters in the text format.
    pub(crate) fn write(&self, text: &mut Text) {
        text.family(&REQUESTS);
        for (name, requests) in self.by_name() {
            for (code, count) in requests.by_code.iter().enumerate() {
                let count = count.load(Relaxed);
                // Success is there from the beginning, so that its rate is; errors once there were any.
                if count > 0 || code == 0 {
                    let labels = labels(&[("action", name), ("code", code_name(code))]);
                    text.sample(REQUESTS.name, "", &labels, Number::Whole(count));
                }
            }
        }
        text.family(&DURATION);
        for (name, requests) in self.by_name() {
            let buckets: Vec<u64> = requests.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
            let sum = Number::Micros(requests.total_micros.load(Relaxed));
            let bounds = BOUNDS_MICROS.map(Number::Micros);
            text.histogram(DURATION.name, &labels(&[("action", name)]), &buckets, bounds, Some(sum));
        }
        self.refusals.write(text);
    }

    fn by_name(&self) -> impl Iterator<Item = (&'static str, &ActionRequests)> {
        ACTIONS.iter().map(|action| action.name).chain(["unknown"]).zip(&self.by_action)
    }
}

fn errors() -> impl Iterator<Item = &'static ErrorKind> {
    CORAL_ERRORS.into_iter().chain(ERRORS.iter().copied()).take(CODES - 2)
}

/// The place of an error's counter.
fn code(kind: &'static ErrorKind) -> usize {
    errors().position(|known| std::ptr::eq(known, kind)).map_or(CODES - 1, |place| place + 1)
}

fn code_name(code: usize) -> &'static str {
    match code.checked_sub(1) {
        None => "ok",
        Some(place) => errors().nth(place).map_or("other", |kind| kind.shape),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use millpond_sqs::error::{ERRORS, OVER_LIMIT};
    use millpond_wire::error::CORAL_ERRORS;

    use super::{CODES, Requests, Text};

    #[test]
    fn every_error_has_a_counter_of_its_own() {
        assert!(1 + CORAL_ERRORS.len() + ERRORS.len() < CODES, "errors share the counter `other`");
    }

    #[test]
    fn a_request_is_counted_by_action_code_and_time() {
        let requests = Requests::new();
        requests.note(Some("SendMessage"), None, Duration::from_micros(500));
        requests.note(Some("SendMessage"), Some(&OVER_LIMIT), Duration::from_micros(501));
        requests.note(Some("x\"y"), None, Duration::from_secs(3_600));
        let mut text = Text::default();
        requests.write(&mut text);
        let text = text.take();
        for line in [
            "millpond_requests_total{action=\"SendMessage\",code=\"ok\"} 1",
            "millpond_requests_total{action=\"SendMessage\",code=\"OverLimit\"} 1",
            "millpond_requests_total{action=\"unknown\",code=\"ok\"} 1",
            "millpond_request_duration_seconds_bucket{action=\"SendMessage\",le=\"0.000500\"} 1",
            "millpond_request_duration_seconds_bucket{action=\"SendMessage\",le=\"0.001000\"} 2",
            "millpond_request_duration_seconds_sum{action=\"SendMessage\"} 0.001001",
            "millpond_request_duration_seconds_bucket{action=\"unknown\",le=\"20.000000\"} 0",
            "millpond_request_duration_seconds_bucket{action=\"unknown\",le=\"+Inf\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("x\""), "a caller's text is no label");
    }
}
