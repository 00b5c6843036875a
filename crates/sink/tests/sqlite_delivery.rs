//! Rows land in a SQLite file, each message's once, however often it is delivered.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use millpond_sink::{Event, Format, Identifier, read_rows};
use support::{SqliteFile, config, eventually, sqs::FakeSqs, start};

const NAMES: &str = "SELECT name || '/' || country FROM customers";

#[tokio::test]
async fn messages_become_rows_and_leave_the_queue() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.send("Jane,UK");
    sqs.send("\"Doe, \"\"Jo\"\"\nJr.\",FR\n");
    let sink = start(config(&file.url()), &sqs).await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sqs.send("Ken,JP");
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    let summary = sink.stop().await.unwrap();
    assert_eq!((summary.received, summary.landed, summary.deleted), (3, 3, 3));
    assert_eq!(file.column(NAMES), ["Doe, \"Jo\"\nJr./FR", "Jane/UK", "Ken/JP"]);
    let ledger = file.column("SELECT queue || ' ' || message_key FROM millpond_ledger");
    assert_eq!(ledger[0], format!("{} message-000001", support::sqs::ARN));
    assert_eq!(ledger.len(), 3);
}

#[tokio::test]
async fn messages_of_one_submission_are_one_row() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    // Its sender has not learned what became of the first two attempts; the third comes much later.
    sqs.submit("Jane,UK", "a-1");
    sqs.submit("Jane,UK", "a-1");
    sqs.submit("Jane,UK", "b-2");
    let sink = start(config(&file.url()), &sqs).await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sqs.submit("Jane,UK", "a-1");
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    let summary = sink.stop().await.unwrap();
    assert_eq!((summary.landed, summary.already_landed, summary.deleted), (2, 2, 4));
    assert_eq!(file.column(NAMES).len(), 2);
    let keys = file.column("SELECT message_key FROM millpond_ledger");
    assert_eq!(keys, ["submission/a-1", "submission/b-2"]);
}

#[tokio::test]
async fn json_objects_become_rows_and_can_be_read_back() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.send(r#"{"country":"UK","name":"Jane","age":3}"#);
    sqs.send(r#"{"name":7}"#);
    let mut config = config(&file.url());
    config.format = Format::Json;
    let before = read_rows(&config.target, &config.table, 10).await.unwrap();
    assert_eq!((before.columns.len(), before.rows.len(), before.more), (0, 0, false), "no file, no rows");
    let sink = start(config.clone(), &sqs).await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
    let other = Identifier::new("nothing").unwrap();
    assert_eq!(read_rows(&config.target, &other, 10).await.unwrap(), before, "no table, no rows");
    let rows = read_rows(&config.target, &config.table, 10).await.unwrap();
    assert_eq!(rows.columns, ["name", "country"]);
    let mut found = rows.rows;
    found.sort();
    assert_eq!(found, [vec![Some("7".into()), None], vec![Some("Jane".into()), Some("UK".into())]]);
    let one = read_rows(&config.target, &config.table, 1).await.unwrap();
    assert_eq!((one.rows.len(), one.more), (1, true));
}

#[tokio::test]
async fn a_message_that_comes_again_lands_no_second_row() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.send("Jane,UK");
    let first = sqs.messages();
    let sink = start(config(&file.url()), &sqs).await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sqs.deliver_again(first[0].clone());
    sink.event("a delivery that is recognised", |event| {
        matches!(event, Event::Wrote { already_landed: 1, .. })
    })
    .await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    let summary = sink.stop().await.unwrap();
    assert_eq!((summary.landed, summary.already_landed), (1, 1));
    assert_eq!(file.column(NAMES), ["Jane/UK"]);
}

#[tokio::test]
async fn a_message_twice_in_one_batch_lands_one_row() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.send("Jane,UK");
    sqs.deliver_again(sqs.messages()[0].clone());
    let sink = start(config(&file.url()), &sqs).await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
    assert_eq!(file.column(NAMES), ["Jane/UK"]);
}

#[tokio::test]
async fn a_crash_between_commit_and_delete_lands_no_second_row() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.fail("DeleteMessageBatch", support::sqs::Fault::Hang);
    (0..25).for_each(|n| drop(sqs.send(&format!("n{n},UK"))));
    let sink = start(config(&file.url()), &sqs).await;
    eventually("25 rows", || (landed(&file) == 25).then_some(())).await;
    sink.crash().await;
    assert_eq!(sqs.messages().len(), 25, "nothing was deleted");
    sqs.heal();
    sqs.make_visible();
    let sink = start(config(&file.url()), &sqs).await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    let summary = sink.stop().await.unwrap();
    assert_eq!((summary.landed, summary.already_landed), (0, 25));
    assert_eq!(landed(&file), 25);
}

#[tokio::test]
async fn a_message_is_deleted_only_after_its_row_is_committed() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    let sink = start(config(&file.url()), &sqs).await;
    sink.event("the start", |event| matches!(event, Event::Started { .. })).await;
    file.execute("CREATE TABLE gate (open)");
    let gate = rusqlite::Connection::open(file.path()).unwrap();
    gate.execute_batch("BEGIN IMMEDIATE").unwrap();
    sqs.send("Jane,UK");
    eventually("the message is received", || (sqs.messages()[0].receive_count == 1).then_some(())).await;
    let beats = sqs.count("ReceiveMessage");
    eventually("two more receives", || (sqs.count("ReceiveMessage") >= beats + 2).then_some(())).await;
    assert_eq!(sqs.count("DeleteMessageBatch"), 0);
    gate.execute_batch("COMMIT").unwrap();
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
    assert_eq!(file.column(NAMES), ["Jane/UK"]);
}

#[tokio::test]
async fn deletes_that_fail_are_repeated() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.fail("DeleteMessageBatch", support::sqs::Fault::Entries);
    sqs.send("Jane,UK");
    let sink = start(config(&file.url()), &sqs).await;
    eventually("three attempts", || (sqs.count("DeleteMessageBatch") >= 3).then_some(())).await;
    sqs.heal();
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    let summary = sink.stop().await.unwrap();
    assert_eq!((summary.landed, summary.deleted), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sinks_that_get_the_same_messages_land_each_once() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    let other = FakeSqs::start().await;
    for n in 0..300 {
        sqs.send(&format!("n{n},UK"));
        other.send(&format!("n{n},UK"));
    }
    let (first, second) = tokio::join!(start(config(&file.url()), &sqs), start(config(&file.url()), &other));
    eventually("empty queues", || (sqs.is_empty() && other.is_empty()).then_some(())).await;
    let (first, second) = (first.stop().await.unwrap(), second.stop().await.unwrap());
    assert_eq!(first.landed + second.landed, 300);
    assert_eq!(first.already_landed + second.already_landed, 300);
    assert_eq!(landed(&file), 300);
}

#[tokio::test]
async fn a_file_that_is_replaced_under_the_sink_takes_no_row_to_its_grave() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    let sink = start(config(&file.url()), &sqs).await;
    sink.event("the start", |event| matches!(event, Event::Started { .. })).await;
    for name in ["test.db", "test.db-wal", "test.db-shm"] {
        let _ = std::fs::remove_file(file.path().with_file_name(name));
    }
    sqs.send("Jane,UK");
    sink.event(
        "the new tables",
        |event| matches!(event, Event::TablesRecreated { tables } if tables.len() == 2),
    )
    .await;
    eventually("an empty queue", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
    assert_eq!(file.column(NAMES), ["Jane/UK"]);
}

fn landed(file: &SqliteFile) -> usize {
    if !file.path().exists()
        || file.column("SELECT name FROM sqlite_schema WHERE name = 'customers'").is_empty()
    {
        return 0;
    }
    file.column("SELECT name FROM customers").len()
}
