//! The generator against a scripted server: what it sends, and that it counts whatever comes back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its functions beside #[test] too")]

mod scripted;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::time::Duration;

use millpond_bench::{Arrivals, Batch, BenchError, Credentials, LoadConfig, QueueChoice, Work, load};
use scripted::{Answer, Server, serve};

const ACCEPTED: &str = r#"{"MD5OfMessageBody":"00","MessageId":"1"}"#;

/// A short load without warm-up, so that every send is measured.
fn config(server: &Server) -> LoadConfig {
    let keys = Credentials { access_key_id: "test".into(), secret_access_key: "test".into() };
    let endpoint = format!("http://{}", server.address).parse().unwrap();
    LoadConfig {
        connections: NonZeroUsize::new(4).unwrap(),
        duration: Duration::from_millis(200),
        warm_up: Duration::ZERO,
        ..LoadConfig::new(endpoint, "us-east-1".into(), keys)
    }
}

fn sends(server: &Server) -> u64 {
    server.seen.lock().unwrap().sends
}

#[test]
fn every_send_is_counted_once_and_goes_to_a_queue_of_its_own() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    let report = load(&config(&server), &mut |_| {}).unwrap();
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
    let named = LoadConfig { queue: QueueChoice::Named("orders".into()), ..config(&server) };
    assert_eq!(load(&named, &mut |_| {}).unwrap().queue_url, "http://queue.test/1/q");
    let by_url = LoadConfig { queue: QueueChoice::Url("http://x/1/other".into()), ..config(&server) };
    load(&by_url, &mut |_| {}).unwrap();
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen.calls, [("GetQueueUrl".to_owned(), r#"{"QueueName":"orders"}"#.to_owned())]);
    assert!(seen.last_send.contains("http://x/1/other"));
}

#[test]
fn warm_up_is_sent_and_not_counted() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    let config = LoadConfig { warm_up: Duration::from_millis(100), ..config(&server) };
    let report = load(&config, &mut |_| {}).unwrap();
    assert!(report.run.requests > 0);
    assert!(report.run.requests < sends(&server));
}

#[test]
fn replies_in_pieces_and_closed_connections_are_no_errors() {
    let server = serve(|number| match number % 2 {
        0 => Answer::InPieces(ACCEPTED),
        _ => Answer::ThenClose(ACCEPTED),
    });
    let report = load(&config(&server), &mut |_| {}).unwrap();
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
    let report = load(&config(&server), &mut |_| {}).unwrap();
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
    let one = LoadConfig { connections: NonZeroUsize::MIN, ..config(&server) };
    let report = load(&one, &mut |_| {}).unwrap();
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
    let config = LoadConfig { batch: Batch::TEN, ..config(&server) };
    let run = load(&config, &mut |_| {}).unwrap().run;
    assert_eq!(run.requests + run.errors, sends(&server));
    assert_eq!(run.messages, run.requests * 10);
    assert_eq!(run.error_texts[0].text, r#"batch entry refused: {"Id":"3","Code":"InternalError"}"#);
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_is_sent() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    let refusal = |change: fn(&mut LoadConfig)| {
        let mut config = config(&server);
        change(&mut config);
        load(&config, &mut |_| {}).unwrap_err()
    };
    let large = refusal(|config| {
        config.batch = Batch::TEN;
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
    let error = load(&config(&server), &mut |_| {}).unwrap_err();
    assert!(matches!(error, BenchError::Unreachable { .. }));
    assert!(error.to_string().starts_with(&format!("http://{unused} can't be reached")), "{error}");
}

/// Answers a round trip: messages of any receive, and a delete of all that it is told.
const TWO_MESSAGES: &str = r#"{"Messages":[{"MessageId":"1","ReceiptHandle":"h1","Body":"x"},{"MessageId":"2","ReceiptHandle":"h2","Body":"y"}]}"#;

#[test]
fn a_round_trip_sends_receives_and_deletes_what_it_got() {
    let server = serve(|_| Answer::Whole(200, r#"{"Successful":[]}"#));
    server.receives(|_| Answer::Whole(200, TWO_MESSAGES));
    let config = LoadConfig { work: Work::RoundTrip, batch: Batch::TEN, ..config(&server) };
    let run = load(&config, &mut |_| {}).unwrap().run;
    assert_eq!(run.error_texts, []);
    assert!(run.operations > 0);
    assert_eq!(run.requests, 3 * run.operations);
    assert_eq!(run.messages, 2 * run.operations, "what was deleted counts, not what was sent");
    let actions: Vec<_> = run.actions.iter().map(|action| (action.action, action.requests)).collect();
    assert_eq!(actions, ["send", "receive", "delete"].map(|name| (name, run.operations)));
    let seen = server.seen.lock().unwrap();
    assert_eq!((seen.sends, seen.receives, seen.deletes), (run.operations, run.operations, run.operations));
    assert!(
        seen.last_delete.contains(r#"[{"Id":"0","ReceiptHandle":"h1"},{"Id":"1","ReceiptHandle":"h2"}]"#)
    );
}

#[test]
fn a_receive_that_gets_nothing_is_no_operation_and_no_error() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    server.receives(|number| match number % 2 {
        0 => Answer::Whole(200, "{}"),
        _ => Answer::Whole(200, TWO_MESSAGES),
    });
    let config = LoadConfig { work: Work::RoundTrip, ..config(&server) };
    let run = load(&config, &mut |_| {}).unwrap().run;
    assert!(run.empty_receives > 0 && run.operations > 0);
    assert_eq!(run.errors, 0);
    let seen = server.seen.lock().unwrap();
    assert_eq!((seen.receives, seen.deletes), (run.operations + run.empty_receives, run.operations));
}

#[test]
fn a_load_that_only_receives_fills_first_and_ends_with_the_last_message() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    server.receives(|number| match number {
        0..100 => Answer::Whole(200, TWO_MESSAGES),
        _ => Answer::Whole(200, "{}"),
    });
    let config = LoadConfig {
        work: Work::Receive { messages: 95 },
        duration: Duration::from_secs(600),
        ..config(&server)
    };
    let run = load(&config, &mut |_| {}).unwrap().run;
    assert_eq!(sends(&server), 10, "in tens");
    assert_eq!((run.operations, run.errors, run.drained), (100, 0, true));
}

#[test]
fn fifo_queues_are_made_and_take_their_messages_in_groups() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    server.receives(|_| Answer::Whole(200, TWO_MESSAGES));
    let groups = NonZeroUsize::new(3).unwrap().try_into().unwrap();
    let config = LoadConfig {
        work: Work::Fifo { groups },
        queue: QueueChoice::Fresh(NonZeroUsize::new(2).unwrap()),
        ..config(&server)
    };
    assert_eq!(load(&config, &mut |_| {}).unwrap().run.error_texts, []);
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen.calls.len(), 4, "two queues are created and deleted");
    assert!(seen.calls[0].1.contains(r#""FifoQueue":"true""#) && seen.calls[0].1.contains(".fifo"));
    assert!(seen.last_send.contains("MessageGroupId") && seen.last_send.contains("MessageDeduplicationId"));
}

#[test]
fn an_open_loop_charges_a_stall_to_every_operation_that_it_held_up() {
    let server = serve(|number| match number {
        0 => Answer::After(Duration::from_millis(200), ACCEPTED),
        _ => Answer::Whole(200, ACCEPTED),
    });
    let config = LoadConfig {
        arrivals: Arrivals::PerSec(200.0),
        connections: NonZeroUsize::MIN,
        duration: Duration::from_millis(400),
        ..config(&server)
    };
    let report = load(&config, &mut |_| {}).unwrap();
    let run = report.run;
    assert_eq!((run.operations, run.errors, sends(&server)), (80, 0, 80), "what is scheduled is sent");
    assert_eq!(report.load.scheduled_per_sec, Some(200.0));
    // A closed loop would have one slow operation; here all that were to begin in the 200 ms were slow.
    let latency = run.latency.unwrap();
    assert!(latency.max_us >= 200_000, "{latency:?}");
    assert!(latency.p90_us >= 100_000, "{latency:?}");
    let late = run.generator_late.unwrap();
    assert!(late.waited_share >= 0.4, "they waited for the connection, not for the generator: {late:?}");
}

#[test]
fn a_share_of_the_maximum_is_taken_of_a_closed_loop_before() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    let config = LoadConfig { arrivals: Arrivals::ShareOfMaximum(0.25), ..config(&server) };
    let report = load(&config, &mut |_| {}).unwrap();
    let in_closed_loop = sends(&server) - report.run.operations;
    let scheduled = report.load.scheduled_per_sec.unwrap();
    assert!(in_closed_loop > 0 && scheduled > 0.0);
    // Both windows are as long; the closed loop's has no end of its own, so the counts are near each other only.
    assert!(report.run.operations < in_closed_loop, "{} of {in_closed_loop}", report.run.operations);
}

#[test]
fn parts_of_the_window_add_up_to_it() {
    let server = serve(|_| Answer::Whole(200, ACCEPTED));
    let config = LoadConfig { interval: Some(Duration::from_millis(50)), ..config(&server) };
    let run = load(&config, &mut |_| {}).unwrap().run;
    assert!((1..=4).contains(&run.intervals.len()), "{:?}", run.intervals);
    assert_eq!(run.intervals.iter().map(|part| part.operations).sum::<u64>(), run.operations);
}
