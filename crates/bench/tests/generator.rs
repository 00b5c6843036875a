//! The generator against a scripted server: what it sends, and that it counts whatever comes back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its functions beside #[test] too")]

mod scripted;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::time::Duration;

use millpond_bench::{BatchSize, BenchError, Credentials, QueueChoice, SendConfig, send};
use scripted::{Answer, Server, serve};

const ACCEPTED: &str = r#"{"MD5OfMessageBody":"00","MessageId":"1"}"#;

/// A short load without warm-up, so that every send is measured.
fn config(server: &Server) -> SendConfig {
    let keys = Credentials { access_key_id: "test".into(), secret_access_key: "test".into() };
    let endpoint = format!("http://{}", server.address).parse().unwrap();
    SendConfig {
        connections: NonZeroUsize::new(4).unwrap(),
        duration: Duration::from_millis(200),
        warm_up: Duration::ZERO,
        ..SendConfig::new(endpoint, "us-east-1".into(), keys)
    }
}

fn sends(server: &Server) -> u64 {
    server.seen.lock().unwrap().sends
}

#[test]
fn every_send_is_counted_once_and_goes_to_a_queue_of_its_own() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    let report = send(&config(&server), &mut |_| {}).unwrap();
    assert!(report.run.requests > 0);
    assert_eq!(report.run.requests, sends(&server));
    assert_eq!((report.run.messages, report.run.errors), (report.run.requests, 0));
    assert!(report.run.latency.is_some());

    let seen = server.seen.lock().unwrap();
    assert!(seen.last_send.contains("http://queue.test/1/q"));
    assert_eq!(seen.calls.len(), 2);
    assert_eq!(seen.calls[0].0, "CreateQueue");
    assert!(seen.calls[0].1.starts_with(r#"{"QueueName":"bench-"#), "{}", seen.calls[0].1);
    assert_eq!(seen.calls[1], ("DeleteQueue".into(), r#"{"QueueUrl":"http://queue.test/1/q"}"#.into()));
}

#[test]
fn a_queue_that_was_there_before_is_used_and_left() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    let named = SendConfig { queue: QueueChoice::Named("orders".into()), ..config(&server) };
    assert_eq!(send(&named, &mut |_| {}).unwrap().queue_url, "http://queue.test/1/q");
    let by_url = SendConfig { queue: QueueChoice::Url("http://x/1/other".into()), ..config(&server) };
    send(&by_url, &mut |_| {}).unwrap();
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen.calls, [("GetQueueUrl".to_owned(), r#"{"QueueName":"orders"}"#.to_owned())]);
    assert!(seen.last_send.contains("http://x/1/other"));
}

#[test]
fn warm_up_is_sent_and_not_counted() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    let config = SendConfig { warm_up: Duration::from_millis(100), ..config(&server) };
    let report = send(&config, &mut |_| {}).unwrap();
    assert!(report.run.requests > 0);
    assert!(report.run.requests < sends(&server));
}

#[test]
fn replies_in_pieces_and_closed_connections_are_no_errors() {
    let server = serve(|number| match number % 2 {
        0 => Answer::InPieces(ACCEPTED),
        _ => Answer::ThenClose(ACCEPTED),
    });
    let report = send(&config(&server), &mut |_| {}).unwrap();
    assert_eq!(report.run.error_texts, []);
    assert_eq!(report.run.requests, sends(&server));
}

#[test]
fn refusals_are_errors_with_their_text_and_stay_out_of_the_latency() {
    let server = serve(|number| match number % 3 {
        0 => Answer::Whole(200, ACCEPTED),
        1 => Answer::Whole(503, "busy"),
        _ => Answer::Whole(400, "wrong"),
    });
    let report = send(&config(&server), &mut |_| {}).unwrap();
    let run = &report.run;
    assert_eq!(run.requests + run.errors, sends(&server));
    assert!(run.requests > 0 && run.errors > run.requests);
    let mut texts: Vec<&str> = run.error_texts.iter().map(|error| error.text.as_str()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["HTTP 400: wrong", "HTTP 503: busy"]);
    assert_eq!(run.error_texts.iter().map(|error| error.count).sum::<u64>(), run.errors);
    assert!(run.void.is_some());
}

#[test]
fn a_connection_that_breaks_is_an_error_and_is_opened_again() {
    let server = serve(|number| if number == 0 { Answer::Hangup } else { Answer::Whole(200, ACCEPTED) });
    let one = SendConfig { connections: NonZeroUsize::MIN, ..config(&server) };
    let report = send(&one, &mut |_| {}).unwrap();
    assert_eq!(report.run.errors, 1);
    assert!(report.run.requests > 0, "it went on");
    assert!(report.run.error_texts[0].text.contains("closed"), "{:?}", report.run.error_texts);
}

#[test]
fn a_batch_with_a_refused_entry_is_an_error() {
    let server = serve(|number| match number % 2 {
        0 => Answer::Whole(200, r#"{"Successful":[{"Id":"0"}],"Failed":[]}"#),
        _ => Answer::Whole(200, r#"{"Successful":[],"Failed":[{"Id":"3","Code":"InternalError"}]}"#),
    });
    let config = SendConfig { batch: BatchSize::Ten, ..config(&server) };
    let run = send(&config, &mut |_| {}).unwrap().run;
    assert_eq!(run.requests + run.errors, sends(&server));
    assert_eq!(run.messages, run.requests * 10);
    assert_eq!(run.error_texts[0].text, r#"batch entry refused: {"Id":"3","Code":"InternalError"}"#);
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_is_sent() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    let refusal = |change: fn(&mut SendConfig)| {
        let mut config = config(&server);
        change(&mut config);
        send(&config, &mut |_| {}).unwrap_err()
    };
    let large = refusal(|config| {
        config.batch = BatchSize::Ten;
        config.size_bytes = NonZeroUsize::new(104_858).unwrap();
    });
    assert!(matches!(large, BenchError::RequestTooLarge { request_bytes: 1_048_580, .. }));
    assert!(matches!(refusal(|config| config.duration = Duration::ZERO), BenchError::NoDuration));
    let gone = refusal(|config| config.server_pid = Some(u32::MAX));
    assert!(matches!(gone, BenchError::ServerProcess { pid: u32::MAX, .. }), "{gone}");
    let many = refusal(|config| config.connections = NonZeroUsize::MAX);
    assert!(matches!(many, BenchError::OpenFiles { .. }), "{many}");
    assert_eq!(sends(&server), 0);
    assert!(server.seen.lock().unwrap().calls.is_empty());
}

#[test]
fn an_endpoint_where_nothing_listens_is_named_with_what_to_do() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server { address: unused, seen: std::sync::Arc::default() };
    let error = send(&config(&server), &mut |_| {}).unwrap_err();
    assert!(matches!(error, BenchError::Unreachable { .. }));
    assert!(error.to_string().starts_with(&format!("http://{unused} can't be reached")), "{error}");
}
