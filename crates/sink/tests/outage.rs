//! An outage is waited out: nothing is received, nothing is lost, nothing lands twice, and people are told once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use std::time::Duration;

use millpond_sink::Event;
use support::{
    SqliteFile, config, eventually,
    mariadb::MariaDb,
    sqs::{FakeSqs, Fault},
    start,
};

fn down(event: &Event) -> bool {
    matches!(event, Event::DatabaseDown { .. })
}

fn up(event: &Event) -> bool {
    matches!(event, Event::DatabaseUp { .. })
}

/// Waits until no poller is in a long poll any more.
async fn no_poll_is_left(sqs: &FakeSqs) {
    eventually("the polls end", || (sqs.pending("ReceiveMessage") == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_killed_and_started_in_a_stream_gets_every_row_once() {
    let (sqs, mut database) = (FakeSqs::start().await, MariaDb::start().await);
    let mut config = config(&database.url());
    config.batch.messages = 40;
    config.writers = 2;
    let sink = start(config, &sqs).await;
    for round in 0..3 {
        (0..400).for_each(|n| drop(sqs.send(&format!("r{round}n{n},UK"))));
        eventually("rows begin to land", || (sqs.messages().len() <= 350).then_some(())).await;
        if round == 1 {
            database.shut_down().await
        } else {
            database.kill()
        }
        sqs.send(&format!("down{round},UK"));
        eventually("the outage is told", || (sink.count(down) > round).then_some(())).await;
        database.resume().await;
        eventually("its end is told", || (sink.count(up) > round).then_some(())).await;
        eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    }
    let (downs, ups) = (sink.count(down), sink.count(up));
    let summary = sink.stop().await.unwrap();
    assert_eq!((downs, ups), (3, 3), "told once per change");
    assert_eq!(summary.deleted, 1_203);
    let names = database.column("SELECT name FROM shop.customers").await;
    assert_eq!(names.len(), 1_203);
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "no row landed twice");
}

#[tokio::test]
async fn nothing_is_received_while_the_database_is_away() {
    let (sqs, mut database) = (FakeSqs::start().await, MariaDb::start().await);
    let mut config = config(&database.url());
    config.visibility_timeout_secs = 2;
    // Room for two polls, so that two pollers wait for room while the database goes away.
    config.held_messages = 20;
    // No poll ends while the outage is being noticed.
    config.wait_time_secs = 3;
    let sink = start(config, &sqs).await;
    sqs.send("first,UK");
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    database.kill();
    sqs.send("held,UK");
    let Event::DatabaseDown { reason, held_messages, .. } = sink.event("the outage is told", down).await
    else {
        panic!()
    };
    assert_eq!(held_messages, 1);
    assert!(reason.contains(&format!("@127.0.0.1:{}/shop: ", database.port())), "{reason}");
    let receives = sqs.count("ReceiveMessage");
    no_poll_is_left(&sqs).await;
    let waiting: Vec<_> = (0..50).map(|n| sqs.send(&format!("waiting{n},UK"))).collect();
    // Three heartbeats are longer than the visibility timeout of the message that is held.
    let beats = sqs.count("ChangeMessageVisibilityBatch");
    eventually("it is held", || (sqs.count("ChangeMessageVisibilityBatch") >= beats + 3).then_some(())).await;
    assert_eq!(sqs.count("ReceiveMessage"), receives, "a receive during the outage");
    let counts: Vec<_> = sqs.messages().iter().map(|message| message.receive_count).collect();
    assert_eq!((counts[0], counts[1..].iter().sum::<u32>()), (1, 0), "no receive count burns");
    database.resume().await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
    assert_eq!(database.column("SELECT name FROM shop.customers").await.len(), 2 + waiting.len());
}

#[tokio::test]
async fn a_database_that_is_away_at_the_start_is_waited_for() {
    let (sqs, mut database) = (FakeSqs::start().await, MariaDb::start().await);
    database.kill();
    sqs.send("Jane,UK");
    let sink = start(config(&database.url()), &sqs).await;
    let told = sink.event("the outage is told", down).await.to_string();
    assert!(told.contains("database unreachable") && told.contains("nothing is lost"), "{told}");
    assert_eq!(sqs.count("ReceiveMessage"), 0);
    database.resume().await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    assert_eq!((sink.count(down), sink.count(up)), (1, 1));
    sink.stop().await.unwrap();
    assert_eq!(database.column("SELECT name FROM shop.customers").await, ["Jane"]);
}

#[tokio::test]
async fn a_sink_that_is_ended_in_an_outage_gives_its_messages_back() {
    let (sqs, mut database) = (FakeSqs::start().await, MariaDb::start().await);
    let sink = start(config(&database.url()), &sqs).await;
    sink.event("the start", |event| matches!(event, Event::Started { .. })).await;
    database.kill();
    sqs.send("Jane,UK");
    sink.event("the outage is told", down).await;
    let summary = sink.stop().await.unwrap();
    assert_eq!((summary.released, summary.landed), (1, 0));
    assert_eq!(sqs.messages()[0].timeout_secs, 0, "it is visible at once");
}

#[tokio::test]
async fn a_database_that_refuses_writes_for_now_is_an_outage_and_no_poison() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    let sink = start(config(&database.url()), &sqs).await;
    sink.event("the start", |event| matches!(event, Event::Started { .. })).await;
    database.execute("SET GLOBAL read_only = ON").await;
    (0..5).for_each(|n| drop(sqs.send(&format!("n{n},UK"))));
    let told = sink.event("the outage is told", down).await.to_string();
    assert!(told.contains("1290"), "{told}");
    database.execute("SET GLOBAL read_only = OFF").await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    let summary = sink.stop().await.unwrap();
    assert_eq!((summary.landed, summary.poison), (5, 0));
}

#[tokio::test]
async fn a_queue_service_that_goes_away_is_waited_for_and_told_once() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    let sink = start(config(&file.url()), &sqs).await;
    sqs.send("first,UK");
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sqs.fail("ReceiveMessage", Fault::Drop);
    let receives = sqs.count("ReceiveMessage");
    eventually("several attempts", || (sqs.count("ReceiveMessage") >= receives + 12).then_some(())).await;
    sqs.fail("ReceiveMessage", Fault::Error(503, "ServiceUnavailable", "busy"));
    eventually("several attempts", || (sqs.count("ReceiveMessage") >= receives + 24).then_some(())).await;
    sqs.heal();
    sqs.send("second,UK");
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.event("its end is told", |event| matches!(event, Event::QueueUp { .. })).await;
    assert_eq!(sink.count(|event| matches!(event, Event::QueueDown { .. })), 1);
    sink.stop().await.unwrap();
    assert_eq!(file.column("SELECT name FROM customers"), ["first", "second"]);
}

#[tokio::test]
async fn a_queue_service_that_answers_again_is_told_without_a_long_poll() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    let mut config = config(&file.url());
    (config.pollers, config.wait_time_secs) = (1, 20);
    sqs.fail("ReceiveMessage", Fault::Drop);
    let sink = start(config, &sqs).await;
    sink.event("the outage is told", |event| matches!(event, Event::QueueDown { .. })).await;
    sqs.heal();
    sink.event("its end is told", |event| matches!(event, Event::QueueUp { .. })).await;
    let polls: Vec<_> =
        sqs.requests().into_iter().filter(|request| request.action == "ReceiveMessage").collect();
    let waits: Vec<_> = polls.iter().map(|poll| poll.body["WaitTimeSeconds"].as_u64().unwrap()).collect();
    let (first, probes) = waits.split_first().unwrap();
    // The next long poll may have begun already.
    assert!(
        *first == 20 && probes[..probes.len().saturating_sub(1).max(1)].iter().all(|wait| *wait == 0),
        "{waits:?}"
    );
    sink.stop().await.unwrap();
}

#[tokio::test]
async fn a_queue_service_that_is_away_at_the_start_is_waited_for() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.fail("GetQueueUrl", Fault::Drop);
    sqs.send("Jane,UK");
    let sink = start(config(&file.url()), &sqs).await;
    let told =
        sink.event("the outage is told", |event| matches!(event, Event::QueueDown { .. })).await.to_string();
    assert!(told.contains(&sqs.url()), "{told}");
    sqs.heal();
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
}

#[tokio::test]
async fn a_sink_whose_queue_is_gone_stops_without_deleting() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    let sink = start(config(&file.url()), &sqs).await;
    sqs.fail(
        "DeleteMessageBatch",
        Fault::Error(400, "QueueDoesNotExist", "The specified queue does not exist."),
    );
    sqs.send("Jane,UK");
    sink.event("that is told", |event| matches!(event, Event::QueueDown { missing: true, .. })).await;
    tokio::time::timeout(Duration::from_secs(60), sink.stop()).await.expect("it stops").unwrap();
    assert_eq!(file.column("SELECT name FROM customers"), ["Jane"]);
}
