//! Reads back what has landed, for people: the last rows of a table as text. It changes nothing, and it is no query
//! tool: a table name and a limit is all it takes.

use std::{path::Path, time::Duration};

use mysql_async::{Conn, Value, prelude::Queryable};
use rusqlite::{Connection, OpenFlags, types::ValueRef};

use crate::{
    error::SinkError,
    identifier::Identifier,
    target::{MysqlServer, TargetError, TargetKind, TargetUrl, mysql_failure, sqlite_failure},
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// MySQL's code for a table that does not exist.
const NO_SUCH_TABLE: u16 = 1146;

/// A table of MySQL or MariaDB with more rows than this, by the server's estimate, is not counted to find its end.
const COUNTED_ROWS_MAX: u64 = 1_000_000;

/// The last rows of a table, the newest last: by the row id of SQLite, by the column that counts up in MySQL and MariaDB,
/// and where there is none in the order in which the database gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The names of the table's columns.
    pub columns: Vec<String>,
    /// Their values as text; `None` is NULL. Bytes that are no text are shown in hexadecimal.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether the table has more rows than were asked for.
    pub more: bool,
    /// Whether these are the first rows instead of the last, because the table is too large to look for its end.
    pub first: bool,
}

/// Reads the last `limit` rows of `table`. A table that does not exist has no rows and no columns: the sink that makes it
/// may not have got so far.
///
/// # Errors
/// The database can't be reached, or the table may not be read: the text says which.
pub async fn read_rows(target: &TargetUrl, table: &Identifier, limit: usize) -> Result<Rows, SinkError> {
    let read = match target.0.clone() {
        TargetKind::Sqlite(path) => {
            let table = table.clone();
            tokio::task::spawn_blocking(move || read_sqlite(&path, &table, limit))
                .await
                .map_err(|error| SinkError::Defect(error.to_string()))?
        }
        TargetKind::Mysql { server, .. } => {
            tokio::time::timeout(TIMEOUT, read_mysql(&server, table, limit)).await.unwrap_or_else(|_| {
                Err(TargetError::outage(format!("no answer within {} s", TIMEOUT.as_secs())))
            })
        }
    };
    let mut rows = read.map_err(|error| SinkError::Configuration(format!("{target}: {error}")))?;
    let over = rows.rows.len().saturating_sub(limit);
    rows.more = over > 0;
    if rows.first {
        rows.rows.truncate(limit);
    } else {
        rows.rows.drain(..over);
    }
    Ok(rows)
}

fn read_sqlite(path: &Path, table: &Identifier, limit: usize) -> Result<Rows, TargetError> {
    // What can't be told from an absent file is left to the opening, which says why.
    if !path.try_exists().unwrap_or(true) {
        return match path.parent() {
            Some(directory) if directory.as_os_str().is_empty() || directory.is_dir() => Ok(Rows::default()),
            _ => Err(TargetError::configuration("there is no such directory".to_owned())),
        };
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite_failure)?;
    connection.busy_timeout(TIMEOUT).map_err(sqlite_failure)?;
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE)";
    if !connection.query_row(exists, [table.as_str()], |row| row.get(0)).map_err(sqlite_failure)? {
        return Ok(Rows::default());
    }
    let (table, wanted) = (table.quoted('"'), limit.saturating_add(1));
    let newest = connection.prepare(&format!("SELECT * FROM {table} ORDER BY rowid DESC LIMIT {wanted}"));
    let newest_first = newest.is_ok();
    let mut statement = match newest {
        Ok(statement) => statement,
        // A table WITHOUT ROWID.
        Err(_) => {
            let from = format!("max(0, (SELECT count(*) FROM {table}) - {wanted})");
            let sql = format!("SELECT * FROM {table} LIMIT {wanted} OFFSET {from}");
            connection.prepare(&sql).map_err(sqlite_failure)?
        }
    };
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let row = |row: &rusqlite::Row<'_>| {
        (0..columns.len()).map(|index| row.get_ref(index).map(sqlite_text)).collect()
    };
    let rows = statement.query_map((), row).map_err(sqlite_failure)?;
    let mut rows: Vec<_> = rows.collect::<Result<_, _>>().map_err(sqlite_failure)?;
    if newest_first {
        rows.reverse();
    }
    Ok(Rows { columns, rows, ..Rows::default() })
}

fn sqlite_text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(text(bytes)),
    }
}

async fn read_mysql(server: &MysqlServer, table: &Identifier, limit: usize) -> Result<Rows, TargetError> {
    let mut conn = server.connect().await?;
    let end = match end_of_mysql(&mut conn, table, limit).await {
        Err(mysql_async::Error::Server(error)) if error.code == NO_SUCH_TABLE => return Ok(Rows::default()),
        end => end.map_err(mysql_failure)?,
    };
    let (order, offset) = match &end {
        End::Column(column) => (format!("ORDER BY {} DESC ", quoted(column)), 0),
        End::Offset(offset) => (String::new(), *offset),
        End::TooFar => (String::new(), 0),
    };
    let wanted = limit.saturating_add(1);
    let sql = format!("SELECT * FROM {} {order}LIMIT {wanted} OFFSET {offset}", table.quoted('`'));
    let mut result = conn.query_iter(sql).await.map_err(mysql_failure)?;
    let columns = result.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    let rows = result.map(|row| row.unwrap().into_iter().map(mysql_text).collect()).await;
    let mut rows: Vec<_> = rows.map_err(mysql_failure)?;
    if matches!(end, End::Column(_)) {
        rows.reverse();
    }
    Ok(Rows { columns, rows, first: matches!(end, End::TooFar), ..Rows::default() })
}

/// How to get to the last rows of a table.
enum End {
    /// They have the highest values of this column, which counts up.
    Column(String),
    /// So many rows come before them.
    Offset(u64),
    /// Counting the rows would take too long.
    TooFar,
}

async fn end_of_mysql(conn: &mut Conn, table: &Identifier, limit: usize) -> Result<End, mysql_async::Error> {
    let named = "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
    let sql = format!(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE {named} AND EXTRA LIKE '%auto_increment%'"
    );
    if let Some(column) = conn.exec_first(sql, (table.as_str(),)).await? {
        return Ok(End::Column(column));
    }
    let sql = format!("SELECT TABLE_ROWS FROM information_schema.TABLES WHERE {named}");
    let estimate: Option<Option<u64>> = conn.exec_first(sql, (table.as_str(),)).await?;
    if estimate.flatten().is_some_and(|rows| rows > COUNTED_ROWS_MAX) {
        return Ok(End::TooFar);
    }
    let count: Option<u64> = conn.query_first(format!("SELECT COUNT(*) FROM {}", table.quoted('`'))).await?;
    Ok(End::Offset(count.unwrap_or_default().saturating_sub(limit as u64 + 1)))
}

/// A name that the database gave.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn mysql_text(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        // The text protocol gives every value but NULL as bytes.
        Value::Bytes(bytes) => Some(text(&bytes)),
        other => Some(other.as_sql(true)),
    }
}

fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
