//! The tables a sink needs in SQLite: their SQL, and whether those that are there fit.

use rusqlite::Connection;

use super::{
    TargetError,
    layout::{FoundColumn, Layout, absent_tables, mismatch},
    sqlite_failure,
};
use crate::identifier::Identifier;

/// The SQL that creates the table: every column is TEXT, in the order given.
pub(crate) fn create_table(layout: &Layout) -> String {
    let columns: Vec<_> =
        layout.columns.iter().map(|column| format!("{} TEXT", column.quoted('"'))).collect();
    format!("CREATE TABLE {} ({})", layout.table.quoted('"'), columns.join(", "))
}

/// The SQL that creates the ledger. Its primary key is what makes a row land once.
pub(crate) fn create_ledger(layout: &Layout) -> String {
    format!(
        "CREATE TABLE {} (queue TEXT NOT NULL, message_key TEXT NOT NULL, landed_at TEXT NOT NULL, \
         PRIMARY KEY (queue, message_key)) WITHOUT ROWID",
        layout.ledger_table.quoted('"')
    )
}

/// Checks both tables inside the caller's transaction and creates what is missing, if that is configured. Returns
/// what it created.
pub(crate) fn prepare(connection: &Connection, layout: &Layout) -> Result<Vec<String>, TargetError> {
    if !layout.create
        && let Some(text) = missing(connection, layout)?
    {
        return Err(TargetError::configuration(text));
    }
    let mut created = ensure(connection, &layout.table, &create_table(layout))?;
    let found = columns(connection, &layout.table)?;
    if let Some(text) = mismatch(&layout.table, &layout.columns, &found) {
        return Err(TargetError::configuration(text));
    }
    created.extend(ensure(connection, &layout.ledger_table, &create_ledger(layout))?);
    check_ledger(connection, layout)?;
    Ok(created)
}

/// The SQL of everything that a sink needs in a file.
pub(crate) fn advice(layout: &Layout) -> String {
    format!("Create it with: {}; {};", create_table(layout), create_ledger(layout))
}

/// Which tables are missing, and the SQL to create them; None when none is.
fn missing(connection: &Connection, layout: &Layout) -> Result<Option<String>, TargetError> {
    let mut absent = Vec::new();
    for (table, sql) in [(&layout.table, create_table(layout)), (&layout.ledger_table, create_ledger(layout))]
    {
        if kind(connection, table)?.is_none() {
            absent.push((table, sql));
        }
    }
    Ok(absent_tables(&absent, ""))
}

/// Creates the table when it is missing. Returns its name if it did.
fn ensure(connection: &Connection, table: &Identifier, sql: &str) -> Result<Vec<String>, TargetError> {
    match kind(connection, table)?.as_deref() {
        Some("table") => Ok(Vec::new()),
        Some(other) => Err(TargetError::configuration(format!("{table} is a {other}; a table is needed"))),
        None => {
            connection.execute(sql, ()).map_err(sqlite_failure)?;
            Ok(vec![table.to_string()])
        }
    }
}

fn kind(connection: &Connection, table: &Identifier) -> Result<Option<String>, TargetError> {
    let sql = "SELECT type FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE";
    let mut statement = connection.prepare(sql).map_err(sqlite_failure)?;
    let mut rows = statement.query([table.as_str()]).map_err(sqlite_failure)?;
    rows.next().and_then(|row| row.map(|row| row.get(0)).transpose()).map_err(sqlite_failure)
}

fn columns(connection: &Connection, table: &Identifier) -> Result<Vec<FoundColumn>, TargetError> {
    // An INTEGER PRIMARY KEY fills itself.
    let sql = "SELECT name, \"notnull\" AND dflt_value IS NULL AND NOT (pk > 0 AND upper(type) = 'INTEGER'), \
               hidden IN (2, 3) FROM pragma_table_xinfo(?1)";
    let mut statement = connection.prepare(sql).map_err(sqlite_failure)?;
    let column = |row: &rusqlite::Row<'_>| {
        Ok(FoundColumn { name: row.get(0)?, required: row.get(1)?, generated: row.get(2)? })
    };
    let found = statement.query_map([table.as_str()], column).map_err(sqlite_failure)?;
    found.collect::<Result<_, _>>().map_err(sqlite_failure)
}

/// A ledger without its unique key would let a message land twice, so a table of another shape is refused.
fn check_ledger(connection: &Connection, layout: &Layout) -> Result<(), TargetError> {
    let sql = "SELECT group_concat(name, ' ') FROM (SELECT list.name AS list, info.name AS name \
               FROM pragma_index_list(?1) AS list, pragma_index_info(list.name) AS info \
               WHERE list.\"unique\" AND NOT list.partial ORDER BY list.name, info.name) GROUP BY list";
    let mut statement = connection.prepare(sql).map_err(sqlite_failure)?;
    let keys = statement.query_map([layout.ledger_table.as_str()], |row| row.get::<_, String>(0));
    let keys: Vec<String> =
        keys.map_err(sqlite_failure)?.collect::<Result<_, _>>().map_err(sqlite_failure)?;
    let has_landed_at =
        columns(connection, &layout.ledger_table)?.iter().any(|column| column.name == "landed_at");
    if has_landed_at && keys.iter().any(|key| key == "message_key queue") {
        return Ok(());
    }
    Err(TargetError::configuration(format!(
        "the table {} is no ledger of a sink; name another ledger table, or create it with: {};",
        layout.ledger_table,
        create_ledger(layout)
    )))
}
