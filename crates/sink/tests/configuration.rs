//! What can't work is told at the start, with what to do, before a message is received.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use millpond_sink::{Identifier, SinkConfig, SinkError};
use support::{
    SqliteFile, config,
    mariadb::MariaDb,
    sqs::{FakeSqs, Fault},
    start,
};

/// The text that a sink ends with; nothing was received by then.
async fn refusal(config: SinkConfig, sqs: &FakeSqs) -> String {
    sqs.send("Jane,UK");
    let sink = start(config, sqs).await;
    let error = sink.end().await.unwrap_err();
    assert_eq!(sqs.count("ReceiveMessage"), 0, "a message was received");
    match error {
        SinkError::Configuration(text) => text,
        SinkError::Defect(text) => panic!("{text}"),
    }
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(text.contains(part), "{part:?} is not in: {text}"));
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn sqlite_tables_of_another_shape() {
    let sqs = FakeSqs::start().await;
    for (sql, parts) in [
        ("CREATE TABLE customers (name)", vec!["no column country", "it has name", "--columns"]),
        ("CREATE TABLE customers (name, country, age INT NOT NULL)", vec!["age", "NOT NULL"]),
        ("CREATE TABLE customers (name, country AS (name))", vec!["country", "computed"]),
        ("CREATE VIEW customers AS SELECT 1 AS name, 2 AS country", vec!["customers is a view"]),
        (
            "CREATE TABLE millpond_ledger (queue, message_key, landed_at)",
            vec!["millpond_ledger is no ledger"],
        ),
    ] {
        let file = SqliteFile::new();
        file.execute(sql);
        assert_says(&refusal(config(&file.url()), &sqs).await, &parts);
    }
    let file = SqliteFile::new();
    file.execute(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY NOT NULL, NAME, country, at NOT NULL DEFAULT 1)",
    );
    let sink = start(config(&file.url()), &sqs).await;
    support::eventually("rows", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
}

#[tokio::test]
async fn sqlite_files_that_cannot_be_used() {
    let sqs = FakeSqs::start().await;
    let directory = tempfile::tempdir().unwrap();
    let missing = format!("sqlite://{}/no/such/place.db", directory.path().display());
    let text = refusal(config(&missing), &sqs).await;
    let parent = format!("{}/no/such", directory.path().display());
    assert_says(&text, &[&format!("sqlite://{parent}/place.db: there is no directory {parent}; create it")]);
    assert_eq!(text.matches("place.db").count(), 1, "{text}");
    let parent = format!("sqlite://{}", directory.path().display());
    assert_says(&refusal(config(&parent), &sqs).await, &["it is a directory"]);
    let text = directory.path().join("text.db");
    std::fs::write(
        &text,
        "no database, but long enough to be read as the header of one, which it is not".repeat(9),
    )
    .unwrap();
    let url = format!("sqlite://{}", text.display());
    assert_says(&refusal(config(&url), &sqs).await, &["text.db", "not a database"]);
}

#[tokio::test]
async fn tables_that_may_not_be_created_are_printed() {
    let sqs = FakeSqs::start().await;
    let file = SqliteFile::new();
    let mut config = config(&file.url());
    config.create = false;
    let sql = "CREATE TABLE \"customers\" (\"name\" TEXT, \"country\" TEXT);";
    let ledger = "CREATE TABLE \"millpond_ledger\"";
    let text = refusal(config.clone(), &sqs).await;
    assert_says(&text, &["there is no such file", sql, ledger]);
    assert!(!file.path().exists());
    file.execute("CREATE TABLE something (a)");
    let text = refusal(config.clone(), &sqs).await;
    assert_says(&text, &["no table customers and no table millpond_ledger", sql, ledger]);
    file.execute(sql);
    let text = refusal(config.clone(), &sqs).await;
    let begin = text.find("CREATE TABLE").unwrap();
    file.execute(&text[begin..]);
    let sink = start(config, &sqs).await;
    support::eventually("rows", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
}

#[tokio::test]
async fn mariadb_accounts_and_databases_that_do_not_fit() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    let port = database.port();
    let wrong = format!("mysql://jane:s3cret-but-wrong@127.0.0.1:{port}/shop");
    assert_says(
        &refusal(config(&wrong), &sqs).await,
        &["mysql://jane:***@127.0.0.1", "Access denied", "1045"],
    );
    let unknown = format!("mysql://root@127.0.0.1:{port}/nowhere");
    assert_says(&refusal(config(&unknown), &sqs).await, &["Unknown database 'nowhere'"]);
    database.execute("CREATE USER ken@'%' IDENTIFIED BY 's3cret'").await;
    database.execute("CREATE TABLE shop.other (a INT)").await;
    database.execute("GRANT SELECT ON shop.other TO ken@'%'").await;
    let ken = format!("mysql://ken:s3cret@127.0.0.1:{port}/shop");
    let text = refusal(config(&ken), &sqs).await;
    assert_says(
        &text,
        &["no table customers", "1142", "CREATE TABLE IF NOT EXISTS `customers`", "GRANT INSERT ON"],
    );
}

#[tokio::test]
async fn mariadb_accounts_with_the_least_rights_deliver() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    database.execute("CREATE USER ken@'%' IDENTIFIED BY 's3cret'").await;
    let mut config = config(&format!("mysql://ken:s3cret@127.0.0.1:{}/shop", database.port()));
    config.create = false;
    for right in ["SELECT ON shop.customers", "SELECT, INSERT ON shop.millpond_ledger"] {
        database.execute("CREATE TABLE IF NOT EXISTS shop.customers (name TEXT, country TEXT)").await;
        let ledger = "(queue VARCHAR(255), message_key VARCHAR(255), landed_at DATETIME(3), \
                      PRIMARY KEY (queue, message_key)) COLLATE utf8mb4_bin";
        database.execute(&format!("CREATE TABLE IF NOT EXISTS shop.millpond_ledger {ledger}")).await;
        database.execute(&format!("GRANT {right} TO ken@'%'")).await;
    }
    assert_says(&refusal(config.clone(), &sqs).await, &["1142", "INSERT", "GRANT INSERT ON `customers`"]);
    database.execute("REVOKE SELECT ON shop.customers FROM ken@'%'").await;
    database.execute("GRANT INSERT ON shop.customers TO ken@'%'").await;
    let sink = start(config, &sqs).await;
    support::eventually("rows", || sqs.is_empty().then_some(())).await;
    sink.stop().await.unwrap();
    assert_eq!(database.column("SELECT name FROM shop.customers").await, ["Jane"]);
}

#[tokio::test]
async fn mariadb_tables_of_another_shape() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    for (sql, parts) in [
        ("CREATE TABLE shop.customers (name TEXT)", vec!["no column country", "it has name"]),
        ("CREATE TABLE shop.customers (name TEXT, country TEXT, age INT NOT NULL)", vec!["age", "NOT NULL"]),
        ("CREATE TABLE shop.customers (name TEXT, country TEXT AS (name))", vec!["country", "computed"]),
        (
            "CREATE TABLE shop.customers (name TEXT, country TEXT) ENGINE = MyISAM",
            vec!["MyISAM", "ENGINE = InnoDB"],
        ),
    ] {
        database.execute(sql).await;
        assert_says(&refusal(config(&database.url()), &sqs).await, &parts);
        database.execute("DROP TABLE shop.customers").await;
    }
    database.execute("CREATE VIEW shop.customers AS SELECT 1 AS name, 2 AS country").await;
    assert_says(&refusal(config(&database.url()), &sqs).await, &["customers is a view"]);
    database.execute("DROP VIEW shop.customers").await;
    database
        .execute("CREATE TABLE shop.millpond_ledger (queue TEXT, message_key TEXT, landed_at TEXT)")
        .await;
    assert_says(&refusal(config(&database.url()), &sqs).await, &["millpond_ledger is no ledger"]);
}

#[tokio::test]
async fn a_table_that_changes_under_the_sink_ends_it_and_gives_its_messages_back() {
    let (sqs, database) = (FakeSqs::start().await, MariaDb::start().await);
    let sink = start(config(&database.url()), &sqs).await;
    sink.event("the start", |event| matches!(event, millpond_sink::Event::Started { .. })).await;
    database.execute("ALTER TABLE shop.customers DROP COLUMN country").await;
    sqs.send("Jane,UK");
    let SinkError::Configuration(text) = sink.end().await.unwrap_err() else { panic!() };
    assert_says(&text, &["country", "1054"]);
    assert_eq!((sqs.messages().len(), sqs.messages()[0].timeout_secs), (1, 0));
}

#[tokio::test]
async fn queues_that_cannot_be_used() {
    let file = SqliteFile::new();
    for (code, text) in [
        ("QueueDoesNotExist", "The specified queue does not exist"),
        ("AccessDeniedException", "Access to the resource is denied"),
        ("UnrecognizedClientException", "The security token included in the request is invalid"),
    ] {
        let sqs = FakeSqs::start().await;
        sqs.fail("GetQueueUrl", Fault::Error(400, code, text));
        assert_says(&refusal(config(&file.url()), &sqs).await, &["the queue orders", text, "AWS_REGION"]);
    }
}

#[tokio::test]
async fn a_missing_region() {
    let file = SqliteFile::new();
    let plain = aws_sdk_sqs::Config::builder().behavior_version_latest().build();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let client = aws_sdk_sqs::Client::from_conf(plain);
    let ended = millpond_sink::run(config(&file.url()), client, stopped, |_: &millpond_sink::Event| {}).await;
    assert_says(&ended.unwrap_err().to_string(), &["no region is configured", "AWS_REGION"]);
}

#[tokio::test]
async fn limits_and_names_that_make_no_sense() {
    let (sqs, file) = (FakeSqs::start().await, SqliteFile::new());
    let good = config(&file.url());
    for (change, part) in [
        ((|config| config.pollers = 0) as fn(&mut SinkConfig), "pollers is 0; 1 to 64"),
        (|config| config.writers = 2, "writers is 2; 1 to 1 are possible"),
        (|config| config.visibility_timeout_secs = 1, "visibility timeout in seconds is 1; 2 to 43200"),
        (|config| config.wait_time_secs = 21, "wait time in seconds is 21; 0 to 20"),
        (|config| config.columns.clear(), "columns is 0"),
        (|config| config.queue = "http://h/1/orders.fifo".into(), "FIFO"),
        (
            |config| config.ledger_table = Identifier::new("Customers").unwrap(),
            "both the table and its ledger",
        ),
    ] {
        let mut config = good.clone();
        change(&mut config);
        assert_says(&refusal(config, &sqs).await, &[part]);
    }
    assert!(sqs.requests().is_empty());
}
