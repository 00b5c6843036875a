//! A record that can't become a row is told with its reason and stays in the queue; its neighbours land.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use millpond_sink::Event;
use support::{SqliteFile, config, eventually, mariadb::MariaDb, sqs::FakeSqs, start};

/// The message and the reason of each record that was told.
fn told(events: &[Event]) -> Vec<(String, String)> {
    let poison = events.iter().filter_map(|event| match event {
        Event::Poison { message_id, reason, .. } => Some((message_id.clone(), reason.clone())),
        _ => None,
    });
    let mut told: Vec<_> = poison.collect();
    told.sort();
    told
}

#[tokio::test]
async fn a_body_that_is_no_record_stays_and_its_neighbours_land() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.send("Jane,UK");
    let poison = sqs.send("only one field");
    sqs.send("Ken,JP");
    let sink = start(config(&file.url()), &sqs).await;
    eventually("the neighbours leave the queue", || (sqs.messages().len() == 1).then_some(())).await;
    eventually("the record is hidden", || (sqs.messages()[0].timeout_secs == 30).then_some(())).await;
    let events = sink.events();
    let summary = sink.stop().await.unwrap();
    assert_eq!((summary.landed, summary.poison), (2, 1));
    assert_eq!(
        told(&events),
        [(poison, "the CSV record has 1 field(s), the columns are 2 (name,country)".to_owned())]
    );
    assert_eq!(file.column("SELECT name FROM customers"), ["Jane", "Ken"]);
}

#[tokio::test]
async fn a_record_that_comes_again_is_hidden_for_longer() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    sqs.send("only one field");
    let sink = start(config(&file.url()), &sqs).await;
    for hidden_secs in [30, 60, 120] {
        sink.event(
            "the record is told",
            |event| matches!(event, Event::Poison { hidden_secs: told, .. } if *told == hidden_secs),
        )
        .await;
        let hides = |request: &support::sqs::Recorded| {
            request.body.to_string().contains(&format!(":{hidden_secs}}}"))
        };
        eventually("the record is hidden", || sqs.requests().iter().find(|request| hides(request)).map(drop))
            .await;
        sqs.make_visible();
    }
    sink.stop().await.unwrap();
    assert_eq!(sqs.messages().len(), 1);
}

#[tokio::test]
async fn records_that_sqlite_refuses_are_found_in_their_batch() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    file.execute("CREATE TABLE customers (name TEXT CHECK (length(name) < 9), country TEXT)");
    let mut poison = Vec::new();
    for n in 0..200 {
        match n {
            7 | 8 | 199 => poison.push(sqs.send("far too long,UK")),
            _ => drop(sqs.send(&format!("n{n},UK"))),
        }
    }
    let sink = start(config(&file.url()), &sqs).await;
    eventually("the neighbours leave the queue", || (sqs.messages().len() == 3).then_some(())).await;
    eventually("three are told", || (told(&sink.events()).len() == 3).then_some(())).await;
    let events = sink.events();
    sink.stop().await.unwrap();
    assert_eq!(told(&events).iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), poison);
    assert!(told(&events)[0].1.contains("CHECK constraint failed"), "{events:?}");
    assert_eq!(file.column("SELECT name FROM customers").len(), 197);
    assert_eq!(
        file.column("SELECT message_key FROM millpond_ledger").len(),
        197,
        "poison leaves no ledger row"
    );
}

#[tokio::test]
async fn records_that_mariadb_refuses_are_found_in_their_batch() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    database
        .execute("CREATE TABLE shop.customers (name VARCHAR(8) NOT NULL, country CHAR(2), UNIQUE (name))")
        .await;
    // A server that shortens values silently unless the session forbids it.
    database.execute("SET GLOBAL sql_mode = ''").await;
    for n in 0..60 {
        sqs.send(&format!("n{n},UK"));
    }
    let too_long = sqs.send("far too long,UK");
    let twice = sqs.send("n7,FR");
    let sink = start(config(&database.url()), &sqs).await;
    eventually("the neighbours leave the queue", || (sqs.messages().len() == 2).then_some(())).await;
    eventually("two are told", || (told(&sink.events()).len() == 2).then_some(())).await;
    let events = sink.events();
    sink.stop().await.unwrap();
    let told = told(&events);
    assert_eq!([&told[0].0, &told[1].0], [&too_long, &twice]);
    assert!(told[0].1.contains("error 1406, SQLSTATE 22001"), "{told:?}");
    assert!(told[1].1.contains("error 1062, SQLSTATE 23000"), "{told:?}");
    assert_eq!(database.column("SELECT name FROM shop.customers").await.len(), 60);
}

#[tokio::test]
async fn a_failure_that_names_no_class_is_poison_for_one_record_and_an_outage_for_all() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    database.execute("CREATE TABLE shop.customers (name TEXT, country TEXT)").await;
    let refuse = |which: &str| {
        format!(
            "CREATE OR REPLACE TRIGGER shop.odd BEFORE INSERT ON shop.customers FOR EACH ROW \
             IF NEW.name LIKE '{which}' THEN SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 9999; END IF"
        )
    };
    database.execute(&refuse("odd%")).await;
    let among_others = sqs.send_together(&["odd1,UK", "a,UK", "b,UK", "c,UK"]).remove(0);
    let sink = start(config(&database.url()), &sqs).await;
    eventually("it is told", || (told(&sink.events()).len() == 1).then_some(())).await;
    assert_eq!(sink.count(|event| matches!(event, Event::DatabaseDown { .. })), 0);
    let alone = sqs.send("odd2,UK");
    eventually("it is told", || (told(&sink.events()).len() == 2).then_some(())).await;
    database.execute(&refuse("%")).await;
    let outages = sink.count(|event| matches!(event, Event::DatabaseDown { .. }));
    sqs.send_together(&["d,UK", "e,UK", "f,UK"]);
    eventually("the outage is told", || {
        sink.count(|event| matches!(event, Event::DatabaseDown { .. })).checked_sub(outages + 1)
    })
    .await;
    // The odd ones stay refused, or they would land as well once they are received again.
    database.execute(&refuse("odd%")).await;
    eventually("all but two land", || (sqs.messages().len() == 2).then_some(())).await;
    let mut poison: Vec<_> = told(&sink.events()).into_iter().map(|(id, _)| id).collect();
    poison.dedup();
    sink.stop().await.unwrap();
    // One of the three may reach the writer before its neighbours, and is told too; it lands as they do.
    assert_eq!(poison[..2], [among_others, alone]);
    assert_eq!(database.column("SELECT name FROM shop.customers").await.len(), 6);
}
