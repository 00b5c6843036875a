//! Reads back what has landed, for people: the first rows of a table as text. It changes nothing, and it is no query
//! tool: a table name and a limit is all it takes.

use std::{path::Path, time::Duration};

use mysql_async::{Value, prelude::Queryable};
use rusqlite::{Connection, OpenFlags, types::ValueRef};

use crate::{
    error::SinkError,
    identifier::Identifier,
    target::{MysqlServer, TargetError, TargetKind, TargetUrl, mysql_failure, sqlite_failure},
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// MySQL's code for a table that does not exist.
const NO_SUCH_TABLE: u16 = 1146;

/// The first rows of a table, in the order the database gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The names of the table's columns.
    pub columns: Vec<String>,
    /// Their values as text; `None` is NULL. Bytes that are no text are shown in hexadecimal.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether the table has more rows than were asked for.
    pub more: bool,
}

/// Reads up to `limit` rows of `table`. A table that does not exist has no rows and no columns: the sink that makes it
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
    rows.more = rows.rows.len() > limit;
    rows.rows.truncate(limit);
    Ok(rows)
}

fn read_sqlite(path: &Path, table: &Identifier, limit: usize) -> Result<Rows, TargetError> {
    // What can't be told from an absent file is left to the opening, which says why.
    if !path.try_exists().unwrap_or(true) {
        return Ok(Rows::default());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite_failure)?;
    connection.busy_timeout(TIMEOUT).map_err(sqlite_failure)?;
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE)";
    if !connection.query_row(exists, [table.as_str()], |row| row.get(0)).map_err(sqlite_failure)? {
        return Ok(Rows::default());
    }
    let sql = format!("SELECT * FROM {} LIMIT {}", table.quoted('"'), limit.saturating_add(1));
    let mut statement = connection.prepare(&sql).map_err(sqlite_failure)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let row = |row: &rusqlite::Row<'_>| {
        (0..columns.len()).map(|index| row.get_ref(index).map(sqlite_text)).collect()
    };
    let rows = statement.query_map((), row).map_err(sqlite_failure)?;
    let rows = rows.collect::<Result<_, _>>().map_err(sqlite_failure)?;
    Ok(Rows { columns, rows, more: false })
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
    let sql = format!("SELECT * FROM {} LIMIT {}", table.quoted('`'), limit.saturating_add(1));
    let mut result = match conn.query_iter(sql).await {
        Err(mysql_async::Error::Server(error)) if error.code == NO_SUCH_TABLE => return Ok(Rows::default()),
        result => result.map_err(mysql_failure)?,
    };
    let columns = result.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    let rows =
        result.map(|row| row.unwrap().into_iter().map(mysql_text).collect()).await.map_err(mysql_failure)?;
    Ok(Rows { columns, rows, more: false })
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
