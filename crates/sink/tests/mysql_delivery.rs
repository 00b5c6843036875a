//! Rows land in MariaDB, each message's once, also when several sinks get the same messages.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use millpond_sink::{Event, read_rows};
use mysql_async::prelude::Queryable;
use support::{config, eventually, mariadb::MariaDb, sqs::FakeSqs, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_become_rows_with_their_text_unchanged() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    let long = "x".repeat(200_000);
    sqs.send("Zoë 🦆,\"a,b\n\"\"c\"\" \\ '\"");
    sqs.send(&format!("{long},UK"));
    let config = config(&database.url());
    let before = read_rows(&config.target, &config.table, 10).await.unwrap();
    assert_eq!((before.columns.len(), before.rows.len()), (0, 0), "no table, no rows");
    let sink = start(config.clone(), &sqs).await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
    let rows = read_rows(&config.target, &config.table, 10).await.unwrap();
    let mut found = rows.rows;
    found.sort();
    assert_eq!(found[0], [Some("Zoë 🦆".to_owned()), Some("a,b\n\"c\" \\ '".to_owned())]);
    assert_eq!(found[1], [Some(long), Some("UK".to_owned())]);
    assert_eq!(database.column("SELECT message_key FROM shop.millpond_ledger").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sinks_that_get_the_same_messages_land_each_once() {
    let database = MariaDb::start().await;
    let (one, two) = (FakeSqs::start().await, FakeSqs::start().await);
    for n in 0..1_000 {
        one.send(&format!("n{n},UK"));
        two.send(&format!("n{n},UK"));
    }
    let mut config = config(&database.url());
    config.writers = 2;
    config.batch.messages = 64;
    let (first, second) = tokio::join!(start(config.clone(), &one), start(config, &two));
    eventually("empty queues", || (one.is_empty() && two.is_empty()).then_some(())).await;
    let (first, second) = (first.stop().await.unwrap(), second.stop().await.unwrap());
    assert_eq!((first.poison, second.poison), (0, 0));
    assert_eq!(first.landed + second.landed, 1_000);
    let names = database.column("SELECT name FROM shop.customers").await;
    assert_eq!(names.len(), 1_000);
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_another_program_holds_is_waited_out() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    let sink = start(config(&database.url()), &sqs).await;
    sink.event("the start", |event| matches!(event, Event::Started { .. })).await;
    // A sink that has the same message and has not committed yet.
    let mut other = database.connection().await;
    other.query_drop("BEGIN").await.unwrap();
    let arn = support::sqs::ARN;
    let ledger = "INSERT INTO shop.millpond_ledger VALUES";
    other.query_drop(format!("{ledger} ('{arn}', 'message-000001', UTC_TIMESTAMP(3))")).await.unwrap();
    other.query_drop("INSERT INTO shop.customers VALUES ('Jane', 'UK')").await.unwrap();
    sqs.send("Jane,UK");
    eventually("the message is received", || (sqs.messages()[0].receive_count == 1).then_some(())).await;
    let receives = sqs.count("ReceiveMessage");
    eventually("more receives", || (sqs.count("ReceiveMessage") >= receives + 4).then_some(())).await;
    assert_eq!(sqs.count("DeleteMessageBatch"), 0);
    other.query_drop("COMMIT").await.unwrap();
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    let summary = sink.stop().await.unwrap();
    assert_eq!((summary.landed, summary.already_landed), (0, 1));
    assert_eq!(database.column("SELECT name FROM shop.customers").await, ["Jane"]);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_opened_again_and_is_no_outage() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    let sink = start(config(&database.url()), &sqs).await;
    sink.event("the start", |event| matches!(event, Event::Started { .. })).await;
    for id in database
        .column("SELECT CAST(id AS CHAR) FROM information_schema.processlist WHERE user = 'jane'")
        .await
    {
        database.execute(&format!("KILL {id}")).await;
    }
    sqs.send("Jane,UK");
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    assert_eq!(sink.count(|event| matches!(event, Event::DatabaseDown { .. })), 0);
    sink.stop().await.unwrap();
}
