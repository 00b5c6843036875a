//! How a sink talks to the queue service, holds messages, bounds itself and ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use std::time::Duration;

use millpond_sink::{Event, Identifier};
use support::{
    SqliteFile, config, eventually,
    mariadb::MariaDb,
    sqs::{FakeSqs, Fault},
    start,
};

#[tokio::test]
async fn only_five_actions_of_the_sqs_api_are_used_as_the_sdk_sends_them() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.send("Jane,UK");
    sqs.send("poison");
    let sink = start(config(&file.url()), &sqs).await;
    eventually("the row has landed", || (sqs.messages().len() == 1).then_some(())).await;
    eventually("the poison is hidden", || sqs.count("ChangeMessageVisibilityBatch").checked_sub(1)).await;
    sink.stop().await.unwrap();
    let mut actions: Vec<_> = sqs.requests().into_iter().map(|request| request.action).collect();
    actions.sort();
    actions.dedup();
    let expected = [
        "ChangeMessageVisibilityBatch",
        "DeleteMessageBatch",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ReceiveMessage",
    ];
    assert_eq!(actions, expected);
    for request in sqs.requests() {
        assert_eq!(request.path, "/");
        assert_eq!(request.headers["x-amz-target"], format!("AmazonSQS.{}", request.action));
        assert_eq!(request.headers["content-type"], "application/x-amz-json-1.0");
        let credential = "AWS4-HMAC-SHA256 Credential=test/";
        assert!(request.headers["authorization"].starts_with(credential), "{:?}", request.headers);
        assert!(request.headers["authorization"].contains("/us-east-1/sqs/aws4_request"));
    }
}

#[tokio::test]
async fn a_queue_may_be_given_by_its_url() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.send("Jane,UK");
    let mut config = config(&file.url());
    config.queue = format!("{}/000000000000/orders", sqs.url());
    let sink = start(config, &sqs).await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
    assert_eq!(sqs.count("GetQueueUrl"), 0);
}

#[tokio::test]
async fn the_visibility_of_held_messages_is_extended_at_half_of_its_timeout() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.fail("DeleteMessageBatch", Fault::Entries);
    let mut config = config(&file.url());
    config.visibility_timeout_secs = 2;
    (0..12).for_each(|n| drop(sqs.send(&format!("n{n},UK"))));
    let sink = start(config, &sqs).await;
    let beats = || sqs.count("ChangeMessageVisibilityBatch");
    eventually("three extensions of twelve messages", || (beats() >= 6).then_some(())).await;
    let counts: Vec<_> = sqs.messages().iter().map(|message| message.receive_count).collect();
    assert_eq!(counts, [1; 12], "nothing came a second time");
    sqs.heal();
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
}

#[tokio::test]
async fn a_sink_never_holds_more_than_it_may() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    let mut config = config(&database.url());
    config.held_messages = 30;
    sqs.fail("DeleteMessageBatch", Fault::Entries);
    (0..200).for_each(|n| drop(sqs.send(&format!("n{n},UK"))));
    let sink = start(config, &sqs).await;
    eventually("it holds what it may", || (received(&sqs) == 30).then_some(())).await;
    let deletes = sqs.count("DeleteMessageBatch");
    eventually("more deletes fail", || (sqs.count("DeleteMessageBatch") >= deletes + 20).then_some(())).await;
    assert_eq!(received(&sqs), 30);
    sqs.heal();
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
}

fn received(sqs: &FakeSqs) -> usize {
    sqs.messages().iter().filter(|message| message.receive_count > 0).count()
}

#[tokio::test]
async fn a_sink_that_is_ended_finishes_its_batch_first() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    let mut config = config(&file.url());
    config.wait_time_secs = 20;
    config.batch.linger = Duration::from_secs(3_600);
    (0..25).for_each(|n| drop(sqs.send(&format!("n{n},UK"))));
    let sink = start(config, &sqs).await;
    eventually("all are received", || (received(&sqs) == 25).then_some(())).await;
    let begin = std::time::Instant::now();
    let summary = sink.stop().await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10), "a long poll of 20 s was waited for");
    assert_eq!((summary.landed, summary.deleted), (25, 25));
    assert!(sqs.is_empty());
}

#[tokio::test]
async fn a_sink_can_be_ended_while_it_waits_at_its_start() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.fail("GetQueueUrl", Fault::Drop);
    let sink = start(config(&file.url()), &sqs).await;
    sink.event("the outage is told", |event| matches!(event, Event::QueueDown { .. })).await;
    assert_eq!(sink.stop().await.unwrap(), millpond_sink::Summary::default());
}

#[tokio::test]
async fn tables_and_columns_may_have_any_name_that_can_be_quoted() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    let mut config = config(&database.url());
    config.table = Identifier::new("order").unwrap();
    config.columns = Identifier::list("first name,größe-in-cm").unwrap();
    sqs.send("Jane,170");
    let sink = start(config, &sqs).await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
    assert_eq!(database.column("SELECT `größe-in-cm` FROM shop.`order`").await, ["170"]);
}

#[tokio::test]
async fn no_secret_is_told() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    let config = config(&database.url());
    assert!(!format!("{config:?}").contains("s3cret"));
    let sink = start(config, &sqs).await;
    let started = sink.event("the start", |event| matches!(event, Event::Started { .. })).await;
    assert!(started.to_string().contains("mysql://jane:***@127.0.0.1"), "{started}");
    assert!(!format!("{started:?}").contains("s3cret"));
    sink.stop().await.unwrap();
}
