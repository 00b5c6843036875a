//! The tables a sink needs in MySQL and MariaDB: their SQL, the rights, and whether those that are there fit.

use mysql_async::{Conn, prelude::Queryable};

use super::{
    FailureClass, TargetError,
    layout::{FoundColumn, Layout, absent_tables, mismatch},
    mysql_failure,
};
use crate::identifier::Identifier;

/// Keeps only tables of the connection's database with exactly this name, where names are told apart by case.
const NAMED: &str = "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND (@@lower_case_table_names > 0 \
                     OR CAST(TABLE_NAME AS BINARY) = CAST(? AS BINARY))";

/// The SQL that creates the table. MEDIUMTEXT holds any value that a message can carry; TEXT ends at 64 KiB, a
/// sixteenth of the largest message.
pub(crate) fn create_table(layout: &Layout) -> String {
    let columns: Vec<_> =
        layout.columns.iter().map(|column| format!("{} MEDIUMTEXT", column.quoted('`'))).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {} ({}) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4",
        layout.table.quoted('`'),
        columns.join(", ")
    )
}

/// The SQL that creates the ledger. Its primary key is what makes a row land once; compared by bytes, so that two
/// keys are one only if they are equal.
pub(crate) fn create_ledger(layout: &Layout) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (queue VARCHAR(255) NOT NULL, message_key VARCHAR(255) NOT NULL, \
         landed_at DATETIME(3) NOT NULL, PRIMARY KEY (queue, message_key)) \
         ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        layout.ledger_table.quoted('`')
    )
}

/// The least rights that delivering takes, without those to create the tables.
fn grants(layout: &Layout) -> String {
    format!(
        "GRANT INSERT ON {} TO …; GRANT SELECT, INSERT ON {} TO …;",
        layout.table.quoted('`'),
        layout.ledger_table.quoted('`')
    )
}

/// Checks both tables and the rights on them, and creates what is missing if that is configured. Returns what it
/// created.
pub(crate) async fn prepare(conn: &mut Conn, layout: &Layout) -> Result<Vec<String>, TargetError> {
    if !layout.create
        && let Some(text) = missing(conn, layout).await?
    {
        return Err(TargetError::configuration(text));
    }
    let mut created = ensure(conn, layout, &layout.table, &create_table(layout)).await?;
    let found = columns(conn, &layout.table).await?;
    if let Some(text) = mismatch(&layout.table, &layout.columns, &found) {
        return Err(TargetError::configuration(text));
    }
    created.extend(ensure(conn, layout, &layout.ledger_table, &create_ledger(layout)).await?);
    check_ledger(conn, layout).await?;
    check_rights(conn, layout).await?;
    Ok(created)
}

/// Whether the table exists and takes part in transactions, without which rows and ledger could come apart.
async fn is_there(conn: &mut Conn, table: &Identifier) -> Result<bool, TargetError> {
    let sql = format!(
        "SELECT TABLE_TYPE, TABLES.ENGINE, TRANSACTIONS FROM information_schema.TABLES \
         LEFT JOIN information_schema.ENGINES ON ENGINES.ENGINE = TABLES.ENGINE WHERE {NAMED}"
    );
    let found: Option<(String, Option<String>, Option<String>)> =
        conn.exec_first(sql, (table.as_str(), table.as_str())).await.map_err(mysql_failure)?;
    match found {
        None => Ok(false),
        Some((kind, ..)) if kind != "BASE TABLE" => Err(TargetError::configuration(format!(
            "{table} is a {}; a table is needed",
            kind.to_lowercase()
        ))),
        Some((_, engine, transactions)) if transactions.as_deref() != Some("YES") => {
            let engine = engine.unwrap_or_default();
            Err(TargetError::configuration(format!(
                "table {table} uses the engine {engine}, which has no transactions, so a row could land twice or be \
                 lost; convert it with: ALTER TABLE {} ENGINE = InnoDB;",
                table.quoted('`')
            )))
        }
        Some(_) => Ok(true),
    }
}

/// Which tables are missing, and the SQL to create them; None when none is.
async fn missing(conn: &mut Conn, layout: &Layout) -> Result<Option<String>, TargetError> {
    let mut absent = Vec::new();
    for (table, sql) in [(&layout.table, create_table(layout)), (&layout.ledger_table, create_ledger(layout))]
    {
        if !is_there(conn, table).await? {
            absent.push((table, sql));
        }
    }
    let text = absent_tables(&absent, " that this account can see");
    Ok(text.map(|text| format!("{text} and give the account its rights: {}", grants(layout))))
}

/// Creates the table when it is missing. Returns its name if it did.
async fn ensure(
    conn: &mut Conn,
    layout: &Layout,
    table: &Identifier,
    sql: &str,
) -> Result<Vec<String>, TargetError> {
    if is_there(conn, table).await? {
        return Ok(Vec::new());
    }
    let refused = |reason: &str| {
        TargetError::configuration(format!(
            "there is no table {table} that this account can see, and {reason}. Create it with: {sql}; and give the \
             account its rights: {}",
            grants(layout)
        ))
    };
    conn.query_drop(sql).await.map_err(mysql_failure).map_err(|error| match error.class {
        FailureClass::Configuration => refused(&error.text),
        _ => error,
    })?;
    Ok(vec![table.to_string()])
}

async fn columns(conn: &mut Conn, table: &Identifier) -> Result<Vec<FoundColumn>, TargetError> {
    let sql = format!(
        "SELECT COLUMN_NAME, IS_NULLABLE = 'NO' AND COLUMN_DEFAULT IS NULL, EXTRA \
         FROM information_schema.COLUMNS WHERE {NAMED} ORDER BY ORDINAL_POSITION"
    );
    let column = |(name, unfilled, extra): (String, bool, String)| {
        let extra = extra.to_lowercase();
        let generated = ["virtual", "stored", "persistent"].iter().any(|kind| extra.contains(kind));
        FoundColumn { name, required: unfilled && !generated && !extra.contains("auto_increment"), generated }
    };
    conn.exec_map(sql, (table.as_str(), table.as_str()), column).await.map_err(mysql_failure)
}

/// A ledger without its unique key would let a message land twice, so a table of another shape is refused.
async fn check_ledger(conn: &mut Conn, layout: &Layout) -> Result<(), TargetError> {
    let ledger = &layout.ledger_table;
    let sql = format!(
        "SELECT GROUP_CONCAT(LOWER(COLUMN_NAME) ORDER BY COLUMN_NAME SEPARATOR ' ') \
         FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND {NAMED} \
         GROUP BY INDEX_NAME HAVING COUNT(SUB_PART) = 0"
    );
    let keys: Vec<String> =
        conn.exec(sql, (ledger.as_str(), ledger.as_str())).await.map_err(mysql_failure)?;
    let has_landed_at = columns(conn, ledger).await?.iter().any(|column| column.name == "landed_at");
    if has_landed_at && keys.iter().any(|key| key == "message_key queue") {
        return Ok(());
    }
    Err(TargetError::configuration(format!(
        "the table {ledger} is no ledger of a sink; name another ledger table, or create it with: {};",
        create_ledger(layout)
    )))
}

/// Runs each statement of a delivery on no rows, so that a missing right shows before a message is received.
async fn check_rights(conn: &mut Conn, layout: &Layout) -> Result<(), TargetError> {
    let columns: Vec<_> = layout.columns.iter().map(|column| column.quoted('`')).collect();
    let (table, ledger) = (layout.table.quoted('`'), layout.ledger_table.quoted('`'));
    let nothing = "FROM (SELECT 1) AS nothing WHERE FALSE";
    let nulls = vec!["NULL"; columns.len()].join(", ");
    for sql in [
        format!("SELECT message_key FROM {ledger} WHERE FALSE"),
        format!(
            "INSERT INTO {ledger} (queue, message_key, landed_at) SELECT '', '', UTC_TIMESTAMP(3) {nothing}"
        ),
        format!("INSERT INTO {table} ({}) SELECT {nulls} {nothing}", columns.join(", ")),
    ] {
        conn.query_drop(sql).await.map_err(mysql_failure).map_err(|error| match error.class {
            FailureClass::Configuration => TargetError::configuration(format!(
                "{}; delivering takes these rights: {}",
                error.text,
                grants(layout)
            )),
            _ => error,
        })?;
    }
    Ok(())
}
