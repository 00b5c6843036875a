//! Reports: their exact text, their JSON, and the figures that follow from the counts.

use std::time::Duration;

use super::*;
use crate::disk_probe::SyncFigure;
use crate::load::{ErrorText, RunResult, Tally};

fn latency() -> Latency {
    Latency { p50_us: 950, p90_us: 1_500, p99_us: 2_905, p999_us: 12_000, max_us: 1_250_000 }
}

fn run(requests_per_sec: f64, server_us: Option<f64>) -> RunReport {
    RunReport {
        operations: requests_per_sec as u64 * 10,
        requests: requests_per_sec as u64 * 10,
        messages: requests_per_sec as u64 * 10,
        empty_receives: 0,
        errors: 0,
        operations_per_sec: requests_per_sec,
        requests_per_sec,
        messages_per_sec: requests_per_sec,
        latency: Some(latency()),
        actions: vec![ActionReport { action: "send", requests: 7, latency: latency() }],
        generator_late: None,
        generator_cpu_us_per_request: Some(6.24),
        generator_core_share: 0.214,
        server_cpu_us_per_request: server_us,
        drained: false,
        intervals: Vec::new(),
        error_texts: Vec::new(),
        void: None,
        histograms: vec![("operation", vec![(950, 12), (2_905, 1)])],
    }
}

fn load() -> Load {
    Load {
        work: "send",
        queues: 1,
        groups: None,
        connections: 64,
        messages_per_request: 1,
        size_bytes: 1024,
        scheduled_per_sec: None,
        share_of_maximum: None,
        duration_secs: 10.0,
        warm_up_secs: 1.5,
        interval_secs: None,
        pinned: false,
    }
}

fn load_report() -> LoadReport {
    LoadReport {
        endpoint: "http://127.0.0.1:4566".into(),
        queue_url: "http://127.0.0.1:4566/000000000000/bench-1".into(),
        load: load(),
        run: run(20_123.4, None),
        notes: Vec::new(),
    }
}

fn paired_report() -> PairedReport {
    let figure = |median_us| SyncFigure { median_us, p99_us: 900, syncs: 200 };
    let pair = |product_first, product: f64, ratio| Pair {
        product_first,
        product: run(product, Some(30.04)),
        ceiling: run(22_000.0, Some(14.5)),
        ratio,
    };
    let spread = |median| Some(Spread { median, lowest: median, highest: 2.0 * median, pairs: 1 });
    PairedReport {
        endpoint: "http://127.0.0.1:4566".into(),
        queue_url: "http://127.0.0.1:4566/000000000000/bench-1".into(),
        load: load(),
        disk: DiskFigures { after_4_kib: figure(200), after_64_kib: figure(1234), in_memory: false },
        product: run(15_000.0, Some(30.04)),
        ceiling: run(22_000.0, Some(14.5)),
        pairs: vec![pair(true, 14_000.0, Some(0.636_36)), pair(false, 999.6, None)],
        ratio: spread(0.636_36),
        p99_ratio: spread(1.1),
        more_cpu_us_per_request: spread(15.54),
        notes: vec!["something to know".into()],
    }
}

#[test]
fn a_send_is_one_aligned_row() {
    let expected = "\
http://127.0.0.1:4566, queue http://127.0.0.1:4566/000000000000/bench-1
send: 64 connections, 1 message of 1,024 bytes a request, 10 s after 1.5 s of warm-up

  requests/s  messages/s     p50      p90      p99     p99.9     max  errors  server CPU          generator CPU
      20,123      20,123  950 µs  1.50 ms  2.90 ms  12.00 ms  1.25 s       0           –  6.2 µs/request (21 %)
";
    assert_eq!(load_report().table(), expected);
}

#[test]
fn an_operation_of_several_requests_on_a_schedule_tells_of_each_of_them() {
    let mut report = load_report();
    report.load = Load {
        work: "fifo",
        queues: 3,
        groups: Some(1000),
        messages_per_request: 10,
        scheduled_per_sec: Some(5_000.4),
        share_of_maximum: Some(0.5),
        pinned: true,
        ..load()
    };
    report.run.actions.push(ActionReport { action: "receive", requests: 7, latency: latency() });
    report.run.generator_late = Some(Lateness { latency: Some(latency()), waited_share: 0.0123 });
    report.run.intervals = vec![IntervalReport {
        from_secs: 0.0,
        operations: 7,
        errors: 1,
        messages_per_sec: 1234.0,
        latency: Some(latency()),
    }];
    report.run.drained = true;
    report.run.empty_receives = 1234;
    let expected = "\
http://127.0.0.1:4566, 3 queues like http://127.0.0.1:4566/000000000000/bench-1
fifo: 64 connections, 10 messages of 1,024 bytes a request in 1,000 groups, 5,000 operations/s on a schedule (50 % of \
the maximum), 10 s after 1.5 s of warm-up, generator and server on cores of their own

           requests/s  messages/s     p50      p90      p99     p99.9     max  errors  server CPU          generator CPU
               20,123      20,123  950 µs  1.50 ms  2.90 ms  12.00 ms  1.25 s       0           –  6.2 µs/request (21 %)
  send                             950 µs  1.50 ms  2.90 ms  12.00 ms  1.25 s
  receive                          950 µs  1.50 ms  2.90 ms  12.00 ms  1.25 s

from  messages/s     p50      p90      p99     p99.9     max  errors
0 s        1,234  950 µs  1.50 ms  2.90 ms  12.00 ms  1.25 s       1

in the run the generator itself was late by 950 µs (p50), 2.90 ms (p99), 1.25 s at most; 1.2 % of operations waited \
for a free connection
in the run 1,234 receives got nothing
the run ended early: a queue was empty
";
    assert_eq!(report.table(), expected);
}

#[test]
fn pairs_both_sides_and_the_ratios_are_shown() {
    let expected = "\
http://127.0.0.1:4566, queue http://127.0.0.1:4566/000000000000/bench-1
send: 64 connections, 1 message of 1,024 bytes a request, 10 s after 1.5 s of warm-up

disk alone: 200 µs for a sync after 4 KiB, 1.23 ms after 64 KiB (zero-filled file, median)

pair    first  product/s  ceiling/s  ratio
1     product     14,000     22,000  0.636
2     ceiling      1,000     22,000   void

         requests/s  messages/s     p50      p90      p99     p99.9     max  errors       server CPU          generator CPU
product      15,000      15,000  950 µs  1.50 ms  2.90 ms  12.00 ms  1.25 s       0  30.0 µs/request  6.2 µs/request (21 %)
ceiling      22,000      22,000  950 µs  1.50 ms  2.90 ms  12.00 ms  1.25 s       0  14.5 µs/request  6.2 µs/request (21 %)

ratio of messages/s: median 0.636, from 0.636 to 1.273
ratio of p99: median 1.100, from 1.100 to 2.200
server CPU beyond the ceiling's: median 15.5 µs/request, from 15.5 to 31.1

note: something to know
";
    assert_eq!(paired_report().table(), expected);
}

#[test]
fn failures_are_shown_with_their_counts() {
    let mut report = load_report();
    report.run.errors = 1234;
    report.run.latency = None;
    report.run.void = Some("1234 operations failed".into());
    report.run.error_texts = vec![ErrorText { text: "HTTP 503: busy".into(), count: 1234 }];
    let table = report.table();
    assert!(
        table.ends_with("\nthe run is void: 1234 operations failed\n  1,234 × HTTP 503: busy\n"),
        "{table}"
    );
    assert!(table.contains("20,123    –    –    –      –    –   1,234"), "{table}");
}

#[test]
fn json_has_the_same_figures_with_units_in_their_names() {
    let json: serde_json::Value = serde_json::from_str(&paired_report().json()).unwrap();
    assert_eq!(json["load"]["connections"], 64);
    assert_eq!(json["product"]["latency"]["p999_us"], 12_000);
    assert_eq!(json["product"]["actions"][0]["action"], "send");
    assert_eq!(json["ceiling"]["server_cpu_us_per_request"], 14.5);
    assert_eq!(json["disk"]["after_4_kib"]["median_us"], 200);
    assert_eq!(json["pairs"][1]["ratio"], serde_json::Value::Null);
    assert_eq!(json["more_cpu_us_per_request"]["median"], 15.54);
}

#[test]
fn a_histogram_has_a_row_for_each_latency_of_each_side() {
    assert_eq!(
        load_report().histogram(),
        "side,latency_of,latency_us,count\nrun,operation,950,12\nrun,operation,2905,1\n"
    );
    assert!(paired_report().histogram().contains("ceiling,operation,950,12\n"));
}

fn result(accepted: u64, errors: u64, generator_ms: u64) -> RunResult {
    let mut tally = Tally::new(Some(Duration::from_secs(1)));
    let action = crate::calls::Action::Send;
    for _ in 0..accepted {
        tally.accept_request(action, Duration::from_millis(2), false);
        tally.accept(Duration::from_millis(1500), Duration::from_millis(2), 10);
    }
    (0..errors).for_each(|_| tally.fail(Duration::ZERO, "refused"));
    RunResult {
        tally,
        window: Duration::from_secs(2),
        scheduled_per_sec: None,
        behind: 0,
        drained: false,
        generator_cpu: Duration::from_millis(generator_ms),
        server_cpu: Some(Duration::from_millis(500)),
    }
}

#[test]
fn figures_follow_from_the_counts() {
    let report = RunReport::of(&result(1000, 0, 100));
    assert_eq!((report.operations, report.operations_per_sec), (1000, 500.0));
    assert_eq!((report.requests, report.requests_per_sec), (1000, 500.0));
    assert_eq!((report.messages, report.messages_per_sec), (10_000, 5000.0));
    assert_eq!(report.generator_cpu_us_per_request, Some(100.0));
    assert_eq!(report.generator_core_share, 0.05);
    assert_eq!(report.server_cpu_us_per_request, Some(500.0));
    let parts: Vec<_> = report.intervals.iter().map(|part| (part.from_secs, part.messages_per_sec)).collect();
    assert_eq!(parts, [(0.0, 0.0), (1.0, 10_000.0)]);
    assert_eq!(report.void, None);
}

#[test]
fn a_run_that_falls_behind_its_schedule_is_void() {
    let void = |behind| RunReport::of(&RunResult { behind, ..result(1000, 0, 100) }).void;
    assert_eq!(void(50), None);
    assert!(void(51).unwrap().starts_with("it did not keep up with the schedule: 51 operations"));
}

#[test]
fn a_pair_has_a_ratio_only_when_neither_run_is_void() {
    let ratio = |product, ceiling| Pair::of(&PairResult { product_first: true, product, ceiling }).ratio;
    assert_eq!(ratio(result(500, 0, 100), result(1000, 0, 100)), Some(0.5));
    assert_eq!(ratio(result(500, 1, 100), result(1000, 0, 100)), None);
    assert_eq!(ratio(result(500, 0, 100), result(1000, 0, 1900)), None);
    assert_eq!(ratio(result(0, 0, 100), result(1000, 0, 100)), None);
}

#[test]
fn a_report_is_void_when_its_run_is_or_no_pair_is_valid() {
    let mut report = load_report();
    assert_eq!(report.void(), None);
    report.run.void = Some("1234 operations failed".into());
    assert_eq!(report.void().unwrap(), "the run is void: 1234 operations failed");
    let pair = |errors| {
        let (product, ceiling) = (result(500, errors, 100), result(1000, 0, 100));
        Pair::of(&PairResult { product_first: true, product, ceiling })
    };
    let void = |pairs| PairedReport { pairs, ..paired_report() }.void();
    assert_eq!(void(vec![pair(1), pair(0)]), None, "one is enough");
    assert_eq!(void(vec![pair(1), pair(2)]).unwrap(), "no pair of runs is valid: 1 operations failed");
}

#[test]
fn a_spread_is_over_the_valid_pairs_alone() {
    let pair =
        |product| Pair::of(&PairResult { product_first: true, product, ceiling: result(1000, 0, 100) });
    let pairs = [pair(result(500, 0, 100)), pair(result(100, 1, 100)), pair(result(700, 0, 100))];
    let spread =
        Spread::of(&pairs, |product, ceiling| Some(product.messages_per_sec / ceiling.messages_per_sec));
    assert_eq!(spread, Some(Spread { median: 0.6, lowest: 0.5, highest: 0.7, pairs: 2 }));
    assert_eq!(Spread::of(&pairs[1..2], |_, _| Some(1.0)), None);
}

#[test]
fn the_median_is_the_middle_or_the_mean_of_two() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[0.5]), Some(0.5));
    assert_eq!(median(&[0.5, 0.7]), Some(0.6));
    assert_eq!(median(&[0.1, 0.5, 0.9]), Some(0.5));
}
