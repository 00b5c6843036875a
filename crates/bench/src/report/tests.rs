//! Reports: their exact text, their JSON, and the figures that follow from the counts.

use std::time::Duration;

use super::*;
use crate::disk_probe::SyncFigure;

fn run(requests_per_sec: f64, server_us: Option<f64>) -> RunReport {
    RunReport {
        requests: requests_per_sec as u64 * 10,
        messages: requests_per_sec as u64 * 10,
        errors: 0,
        requests_per_sec,
        messages_per_sec: requests_per_sec,
        latency: Some(Latency { p50_us: 950, p99_us: 2_905, p999_us: 12_000, max_us: 1_250_000 }),
        generator_cpu_us_per_request: Some(6.24),
        generator_core_share: 0.214,
        server_cpu_us_per_request: server_us,
        error_texts: Vec::new(),
        void: None,
    }
}

fn load() -> Load {
    Load {
        connections: 64,
        messages_per_request: 1,
        size_bytes: 1024,
        duration_secs: 10.0,
        warm_up_secs: 1.5,
    }
}

fn send_report() -> SendReport {
    SendReport {
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
    PairedReport {
        endpoint: "http://127.0.0.1:4566".into(),
        queue_url: "http://127.0.0.1:4566/000000000000/bench-1".into(),
        load: load(),
        disk: DiskFigures { after_4_kib: figure(200), after_64_kib: figure(1234), in_memory: false },
        product: run(15_000.0, Some(30.04)),
        ceiling: run(22_000.0, Some(14.5)),
        pairs: vec![pair(true, 14_000.0, Some(0.636_36)), pair(false, 999.6, None)],
        median_ratio: Some(0.636_36),
        lowest_ratio: Some(0.636_36),
        highest_ratio: Some(0.636_36),
        notes: vec!["something to know".into()],
    }
}

#[test]
fn a_send_is_one_aligned_row() {
    let expected = "\
http://127.0.0.1:4566, queue http://127.0.0.1:4566/000000000000/bench-1
64 connections, 1 message of 1,024 bytes a request, 10 s after 1.5 s of warm-up

  requests/s  messages/s     p50      p99     p99.9     max  errors  server CPU          generator CPU
      20,123      20,123  950 µs  2.90 ms  12.00 ms  1.25 s       0           –  6.2 µs/request (21 %)
";
    assert_eq!(send_report().table(), expected);
}

#[test]
fn pairs_both_sides_and_the_ratio_are_shown() {
    let expected = "\
http://127.0.0.1:4566, queue http://127.0.0.1:4566/000000000000/bench-1
64 connections, 1 message of 1,024 bytes a request, 10 s after 1.5 s of warm-up

disk alone: 200 µs for a sync after 4 KiB, 1.23 ms after 64 KiB (zero-filled file, median)

pair    first  product/s  ceiling/s  ratio
1     product     14,000     22,000  0.636
2     ceiling      1,000     22,000   void

         requests/s  messages/s     p50      p99     p99.9     max  errors       server CPU          generator CPU
product      15,000      15,000  950 µs  2.90 ms  12.00 ms  1.25 s       0  30.0 µs/request  6.2 µs/request (21 %)
ceiling      22,000      22,000  950 µs  2.90 ms  12.00 ms  1.25 s       0  14.5 µs/request  6.2 µs/request (21 %)

ratio of requests/s: median 0.636, from 0.636 to 0.636

note: something to know
";
    assert_eq!(paired_report().table(), expected);
}

#[test]
fn failures_are_shown_with_their_counts() {
    let mut report = send_report();
    report.run.errors = 1234;
    report.run.latency = None;
    report.run.void = Some("1234 requests failed".into());
    report.run.error_texts = vec![ErrorText { text: "HTTP 503: busy".into(), count: 1234 }];
    let table = report.table();
    assert!(
        table.ends_with("\nthe run is void: 1234 requests failed\n  1,234 × HTTP 503: busy\n"),
        "{table}"
    );
    assert!(table.contains("20,123    –    –      –    –   1,234"), "{table}");
}

#[test]
fn json_has_the_same_figures_with_units_in_their_names() {
    let json: serde_json::Value = serde_json::from_str(&paired_report().json()).unwrap();
    assert_eq!(json["load"]["connections"], 64);
    assert_eq!(json["product"]["latency"]["p999_us"], 12_000);
    assert_eq!(json["ceiling"]["server_cpu_us_per_request"], 14.5);
    assert_eq!(json["disk"]["after_4_kib"]["median_us"], 200);
    assert_eq!(json["pairs"][1]["ratio"], serde_json::Value::Null);
}

fn result(accepted: u64, errors: u64, generator_ms: u64) -> RunResult {
    let mut tally = Tally::new();
    (0..accepted).for_each(|_| tally.accept(Duration::from_millis(2), 1));
    (0..errors).for_each(|_| tally.fail("refused"));
    RunResult {
        tally,
        window: Duration::from_secs(2),
        generator_cpu: Duration::from_millis(generator_ms),
        server_cpu: Some(Duration::from_millis(500)),
    }
}

#[test]
fn figures_follow_from_the_counts() {
    let report = RunReport::of(&result(1000, 0, 100));
    assert_eq!((report.requests, report.requests_per_sec), (1000, 500.0));
    assert_eq!(report.generator_cpu_us_per_request, Some(100.0));
    assert_eq!(report.generator_core_share, 0.05);
    assert_eq!(report.server_cpu_us_per_request, Some(500.0));
    assert_eq!(report.void, None);
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
fn the_median_is_the_middle_or_the_mean_of_two() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[0.5]), Some(0.5));
    assert_eq!(median(&[0.5, 0.7]), Some(0.6));
    assert_eq!(median(&[0.1, 0.5, 0.9]), Some(0.5));
}
