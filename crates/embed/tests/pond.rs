//! A service inside the test's process, called by the SDK that programs use.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use millpond_embed::{AccountId, Millpond, Queue};

fn client(pond: &Millpond) -> Client {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(pond.endpoint());
    Client::from_conf(config.build())
}

async fn send(sqs: &Client, url: &str, body: &str) {
    sqs.send_message().queue_url(url).message_body(body).send().await.unwrap();
}

async fn bodies(sqs: &Client, url: &str) -> Vec<String> {
    let received = sqs.receive_message().queue_url(url).max_number_of_messages(10).send().await.unwrap();
    received.messages().iter().map(|message| message.body().unwrap().to_owned()).collect()
}

async fn names(sqs: &Client) -> Vec<String> {
    let listed = sqs.list_queues().send().await.unwrap();
    listed.queue_urls().iter().map(|url| url.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn time_passes_at_once_and_a_reset_leaves_the_declared_queues() {
    let pond =
        Millpond::builder().queue("jobs").queue(Queue::named("orders.fifo")).start_in_memory().unwrap();
    let (sqs, jobs) = (client(&pond), pond.url("jobs"));
    sqs.send_message().queue_url(&jobs).message_body("later").delay_seconds(900).send().await.unwrap();
    assert_eq!(bodies(&sqs, &jobs).await, [""; 0]);
    pond.advance(Duration::from_secs(900)).unwrap();
    assert_eq!(bodies(&sqs, &jobs).await, ["later"]);
    sqs.create_queue().queue_name("extra").send().await.unwrap();
    pond.reset().unwrap();
    assert_eq!(names(&sqs).await, ["jobs", "orders.fifo"]);
    pond.advance(Duration::from_secs(43_200)).unwrap();
    assert_eq!(bodies(&sqs, &jobs).await, [""; 0]);
}

#[tokio::test]
async fn declared_queues_have_their_settings() {
    let jobs = Queue::named("jobs")
        .visibility_timeout(Duration::from_secs(5))
        .dead_letter_queue("failed", 1)
        .tag("team", "mill");
    // The queue for dead letters behind the one that needs it.
    let pond = Millpond::builder().queue(jobs).queue("failed").start_in_memory().unwrap();
    let (sqs, url) = (client(&pond), pond.url("jobs"));
    send(&sqs, &url, "poison").await;
    assert_eq!(bodies(&sqs, &url).await, ["poison"]);
    pond.advance(Duration::from_secs(5)).unwrap();
    assert_eq!(bodies(&sqs, &url).await, [""; 0]);
    assert_eq!(bodies(&sqs, &pond.url("failed")).await, ["poison"]);
    let tags = sqs.list_queue_tags().queue_url(&url).send().await.unwrap();
    assert_eq!(tags.tags().unwrap()["team"], "mill");
}

#[tokio::test]
async fn unknown_queues_appear_and_waiting_rules_hold_when_asked_for() {
    let account = AccountId::parse("111122223333").unwrap();
    let pond = Millpond::builder().auto_create().aws_pacing().account(account).start_in_memory().unwrap();
    let (sqs, url) = (client(&pond), pond.url("jobs"));
    send(&sqs, &url, "x").await;
    sqs.delete_queue().queue_url(&url).send().await.unwrap();
    let refused = sqs.create_queue().queue_name("jobs").send().await.unwrap_err();
    assert!(refused.into_service_error().is_queue_deleted_recently());
    assert!(sqs.send_message().queue_url(&url).message_body("x").send().await.is_err());
    pond.advance(Duration::from_secs(60)).unwrap();
    send(&sqs, &url, "x").await;
}

#[tokio::test]
async fn a_directory_keeps_what_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let start = || Millpond::builder().queue("jobs").start_in(&data);
    let pond = start().unwrap();
    let url = pond.url("jobs");
    send(&client(&pond), &url, "kept").await;
    let refused = start().unwrap_err();
    assert!(refused.to_string().contains("data"), "{refused}");
    pond.stop().unwrap();
    let pond = start().unwrap();
    assert_eq!(bodies(&client(&pond), &pond.url("jobs")).await, ["kept"]);
}

#[test]
fn it_needs_no_runtime_of_the_caller() {
    let pond = Millpond::start_in_memory().unwrap();
    pond.advance(Duration::from_secs(1)).unwrap();
    pond.reset().unwrap();
}

#[test]
fn what_can_not_be_is_refused() {
    let refused = |queue: Queue| Millpond::builder().queue(queue).start_in_memory().unwrap_err().to_string();
    let told = [
        refused(Queue::named("no such name")),
        refused(Queue::named("jobs").delay(Duration::from_secs(901))),
        refused(Queue::named("jobs").content_based_deduplication()),
        refused(Queue::named("jobs").dead_letter_queue("absent", 3)),
        refused(Queue::named("jobs").dead_letter_queue("jobs", 3)),
    ];
    for (told, expected) in told.iter().zip([
        "letters, digits",
        "delay_secs is from 0 to 900",
        "only a FIFO queue",
        "its dead-letter queue",
        "its own dead-letter queue",
    ]) {
        assert!(told.contains(expected), "{told}");
    }
    let twice = Millpond::builder().queue("jobs").queue("jobs").start_in_memory().unwrap_err();
    assert!(twice.to_string().contains("declared twice"), "{twice}");
}

#[tokio::test]
async fn settings_reach_the_queue() {
    let jobs = Queue::named("jobs")
        .delay(Duration::from_secs(1))
        .maximum_message_bytes(2_048)
        .receive_wait(Duration::from_secs(2))
        .retention(Duration::from_secs(60))
        .visibility_timeout(Duration::from_secs(3));
    let pond = Millpond::builder().queue(jobs).start_in_memory().unwrap();
    let shown = client(&pond)
        .get_queue_attributes()
        .queue_url(pond.url("jobs"))
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .unwrap();
    let shown = shown.attributes().unwrap();
    for (name, value) in [
        (QueueAttributeName::DelaySeconds, "1"),
        (QueueAttributeName::MaximumMessageSize, "2048"),
        (QueueAttributeName::ReceiveMessageWaitTimeSeconds, "2"),
        (QueueAttributeName::MessageRetentionPeriod, "60"),
        (QueueAttributeName::VisibilityTimeout, "3"),
    ] {
        assert_eq!(shown[&name], value, "{name}");
    }
}

#[tokio::test]
async fn a_long_poll_does_not_hold_up_its_end() {
    let pond = Millpond::builder().queue("jobs").start_in_memory().unwrap();
    let (sqs, url) = (client(&pond), pond.url("jobs"));
    let request = sqs.receive_message().queue_url(url).wait_time_seconds(20);
    let polling = tokio::spawn(async move { request.send().await });
    while !polling.is_finished() && waiters(&pond).await == 0 {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    drop(pond);
    assert!(started.elapsed() < Duration::from_secs(15), "it waited for the poll");
    assert_eq!(polling.await.unwrap().unwrap().messages().len(), 0);
}

/// Long polls that are parked, as the service itself tells.
async fn waiters(pond: &Millpond) -> u64 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let authority = pond.endpoint().strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
    let request =
        format!("GET /_millpond/v1/status HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let rest = reply.split("\"waiters\":").nth(1).unwrap();
    rest.split(',').next().unwrap().parse().unwrap()
}
