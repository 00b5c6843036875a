//! `docs/sink.md` says what the code does: its code tables and its SQL are compared.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use millpond_sink::{CodeClass, FailureClass, MYSQL_CODES, SQLITE_CODES, SinkError};
use support::{SqliteFile, config, mariadb::MariaDb, sqs::FakeSqs, start};

fn document() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sink.md")).unwrap()
}

fn assert_lists(section: &str, codes: &[CodeClass]) {
    let document = document();
    let section = document.split(section).nth(1).unwrap().split("\n### ").next().unwrap();
    for CodeClass { code, class, meaning } in codes {
        let class = match class {
            FailureClass::Outage => "outage",
            FailureClass::Transient => "transient",
            FailureClass::Poison => "poison",
            FailureClass::Configuration => "configuration",
            FailureClass::Unclear => "unclear",
        };
        let line = section.lines().find(|line| line.contains(&format!("**{class}**"))).unwrap();
        assert!(line.contains(&format!(" {code} {meaning}")), "{code} is not listed under {class}");
    }
}

#[test]
fn every_code_is_listed_under_its_class() {
    assert_lists("### MySQL and MariaDB error codes", MYSQL_CODES);
    assert_lists("### SQLite result codes", SQLITE_CODES);
}

/// Runs a sink that may create nothing, and the SQL that it prints, until it prints no more.
#[tokio::test]
async fn the_printed_sql_is_the_documented_sql() {
    let (sqs, file, database) = (FakeSqs::start().await, SqliteFile::new(), MariaDb::start().await);
    file.execute("CREATE TABLE something (a)");
    for url in [file.url(), database.url()] {
        for _ in 0..2 {
            let mut config = config(&url);
            config.create = false;
            let SinkError::Configuration(text) = start(config, &sqs).await.end().await.unwrap_err() else {
                panic!()
            };
            let begin = text.find("CREATE TABLE").unwrap();
            let sql = &text[begin..=begin + text[begin..].find(';').unwrap()];
            assert!(document().contains(sql), "not documented: {sql}");
            if url.starts_with("sqlite") {
                file.execute(sql);
            } else {
                database.execute(&format!("USE shop; {sql}")).await;
            }
        }
    }
}
