//! A whole paired run: a scripted product, and the ceiling in a process of its own.
//!
//! The ceiling's process is this program again, so it brings its own `main`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its functions beside #[test] too")]

mod scripted;

use std::num::NonZeroUsize;
use std::time::Duration;

use millpond_bench::{
    Arrivals, Batch, CeilingLaunch, Credentials, LoadConfig, PairedConfig, Work, ceiling_child,
    load_beside_ceiling,
};
use scripted::{Answer, Server, serve};

const CEILING_CHILD: &str = "ceiling-child";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(CEILING_CHILD) {
        return ceiling_child().unwrap();
    }
    for batch in [Batch::ONE, Batch::TEN] {
        product_and_ceiling_take_turns(batch);
    }
    round_trips_at_half_of_the_ceilings_maximum();
    a_product_that_fails_voids_its_pairs();
    a_ceiling_that_cannot_start_is_an_error();
}

fn config(server: &Server, batch: Batch, directory: &std::path::Path) -> PairedConfig {
    let keys = Credentials { access_key_id: "test".into(), secret_access_key: "test".into() };
    let endpoint = format!("http://{}", server.address).parse().unwrap();
    PairedConfig {
        load: LoadConfig {
            connections: NonZeroUsize::new(4).unwrap(),
            batch,
            duration: Duration::from_millis(200),
            warm_up: Duration::from_millis(50),
            server_pid: Some(std::process::id()),
            ..LoadConfig::new(endpoint, "us-east-1".into(), keys)
        },
        pairs: NonZeroUsize::new(3).unwrap(),
        ceiling: CeilingLaunch {
            program: std::env::current_exe().unwrap(),
            arguments: vec![CEILING_CHILD.into()],
            directory: directory.to_owned(),
        },
    }
}

fn product_and_ceiling_take_turns(batch: Batch) {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(|number| match number % 2 {
        0 => Answer::Whole(200, "{}"),
        _ => Answer::InPieces("{}"),
    });
    let mut labels: Vec<String> = Vec::new();
    let report = load_beside_ceiling(&config(&server, batch, directory.path()), &mut |tick| {
        if labels.last().is_none_or(|last| last != tick.label) {
            labels.push(tick.label.to_owned());
        }
    })
    .unwrap();
    assert_eq!(
        labels,
        ["product 1/3", "ceiling 1/3", "ceiling 2/3", "product 2/3", "product 3/3", "ceiling 3/3"]
    );
    let orders: Vec<bool> = report.pairs.iter().map(|pair| pair.product_first).collect();
    assert_eq!(orders, [true, false, true]);
    let of_pairs: u64 = report.pairs.iter().map(|pair| pair.ceiling.requests).sum();
    assert!(report.pairs.iter().all(|pair| pair.ceiling.requests > 0));
    assert_eq!(report.ceiling.requests, of_pairs);
    assert_eq!(report.ceiling.messages, of_pairs * batch.messages() as u64);
    assert_eq!((report.product.errors, report.ceiling.errors), (0, 0));
    assert!(report.disk.after_4_kib.syncs > 0 && report.disk.after_64_kib.syncs > 0);
    let seen = server.seen.lock().unwrap();
    assert!(report.product.requests < seen.sends, "warm-up is not counted");
    assert!(seen.last_send.contains(&report.queue_url));
    let calls: Vec<&str> = seen.calls.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(calls, ["CreateQueue", "DeleteQueue"]);
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 0, "ceiling and probe remove their files");
}

fn round_trips_at_half_of_the_ceilings_maximum() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(|_| Answer::Whole(200, "{}"));
    server.receives(|_| Answer::Whole(200, r#"{"Messages":[{"ReceiptHandle":"h"}]}"#));
    let mut config = config(&server, Batch::TEN, directory.path());
    config.load.work = Work::RoundTrip;
    config.load.arrivals = Arrivals::ShareOfMaximum(0.5);
    config.load.size_bytes = NonZeroUsize::new(200).unwrap();
    let report = load_beside_ceiling(&config, &mut |_| {}).unwrap();
    assert!(report.load.scheduled_per_sec.unwrap() > 0.0);
    for (run, messages) in [(&report.product, 1), (&report.ceiling, 10)] {
        assert_eq!(run.error_texts, []);
        assert!(run.operations > 0 && run.generator_late.is_some());
        assert_eq!(run.requests, 3 * run.operations, "the ceiling answers the same three calls");
        assert_eq!(run.messages, messages * run.operations);
    }
}

fn a_product_that_fails_voids_its_pairs() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(|number| match number % 2 {
        0 => Answer::Hangup,
        _ => Answer::ThenClose("{}"),
    });
    let report = load_beside_ceiling(&config(&server, Batch::ONE, directory.path()), &mut |_| {}).unwrap();
    assert!(report.product.errors > 0);
    assert!(report.pairs.iter().all(|pair| pair.ratio.is_none() && pair.product.void.is_some()));
    assert_eq!(report.ratio, None);
    assert!(report.ceiling.void.is_none(), "the ceiling's own runs are good");
}

fn a_ceiling_that_cannot_start_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let server = serve(|_| Answer::Whole(200, "{}"));
    let mut config = config(&server, Batch::ONE, directory.path());
    config.ceiling.program = directory.path().join("missing");
    let error = load_beside_ceiling(&config, &mut |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("the ceiling's process did not start"), "{error}");
}
