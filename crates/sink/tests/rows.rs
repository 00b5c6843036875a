//! The last rows of a table are read back, the newest last.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod support;

use millpond_sink::{Identifier, Rows, TargetUrl, read_rows};
use mysql_async::prelude::Queryable;
use support::mariadb::MariaDb;

async fn last(url: &str, table: &str, limit: usize) -> Rows {
    read_rows(&TargetUrl::parse(url).unwrap(), &Identifier::new(table).unwrap(), limit).await.unwrap()
}

/// The values of the first column.
fn values(rows: &Rows) -> Vec<&str> {
    rows.rows.iter().map(|row| row[0].as_deref().unwrap()).collect()
}

#[tokio::test]
async fn a_sqlite_table_shows_its_last_rows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE plain (v TEXT); CREATE TABLE keyed (v TEXT PRIMARY KEY) WITHOUT ROWID;
             INSERT INTO plain VALUES ('z'), ('a'), ('m'); INSERT INTO keyed SELECT v FROM plain;",
        )
        .unwrap();
    let url = format!("sqlite://{}", file.display());
    let newest = last(&url, "plain", 2).await;
    assert_eq!((values(&newest), newest.more, newest.first), (vec!["a", "m"], true, false));
    let all = last(&url, "plain", 3).await;
    assert_eq!((values(&all), all.more), (vec!["z", "a", "m"], false));
    assert_eq!(values(&last(&url, "keyed", 2).await), ["m", "z"], "in the order of its key");
    assert_eq!(values(&last(&url, "keyed", 5).await), ["a", "m", "z"]);
}

#[tokio::test]
async fn a_sqlite_file_that_can_not_be_is_told_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let table = Identifier::new("t").unwrap();
    let told = async |path: &str| {
        let url = TargetUrl::parse(&format!("sqlite://{}/{path}", folder.path().display())).unwrap();
        read_rows(&url, &table, 1).await
    };
    assert_eq!(told("not-yet.db").await, Ok(Rows::default()), "the sink may still make it");
    std::fs::write(folder.path().join("text.db"), "this is no database, but long enough to look at").unwrap();
    for (path, reason) in [("nowhere/a.db", "there is no such directory"), ("text.db", "not a database")] {
        let error = told(path).await.unwrap_err().to_string();
        assert!(error.contains(path) && error.contains(reason), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mariadb_table_shows_its_last_rows() {
    let database = MariaDb::start().await;
    let mut conn = mysql_async::Conn::from_url(database.url()).await.unwrap();
    for sql in [
        "CREATE TABLE plain (v TEXT) ENGINE = InnoDB",
        "CREATE TABLE counted (v TEXT, `a``b` INT AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB",
        "INSERT INTO plain VALUES ('z'), ('a'), ('m')",
        "INSERT INTO counted (v) VALUES ('z'), ('a'), ('m')",
    ] {
        conn.query_drop(sql).await.unwrap();
    }
    for table in ["plain", "counted"] {
        let newest = last(&database.url(), table, 2).await;
        assert_eq!((values(&newest), newest.more, newest.first), (vec!["a", "m"], true, false), "{table}");
        let all = last(&database.url(), table, 3).await;
        assert_eq!((values(&all), all.more), (vec!["z", "a", "m"], false), "{table}");
    }
    assert_eq!(last(&database.url(), "nothing", 3).await, Rows::default());
}
