//! Delivery into MySQL and MariaDB.
//!
//! The ledger's primary key decides between sinks that got the same message: the second one's insert waits for the
//! first one's commit, fails, and its whole transaction is done again without that row. Ledger rows are inserted in
//! the order of their keys, so that two sinks never wait for each other in a circle. READ COMMITTED keeps the reads
//! of a repeated attempt fresh and takes no gap locks; strict mode keeps the server from shortening values silently.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use mysql_async::{Conn, Value, prelude::Queryable};

use super::{FailureClass, Layout, MysqlServer, Target, TargetError, Written, mysql_failure, mysql_schema};
use crate::delivery::{Delivery, Piece};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A transaction that takes longer has lost its server. The waits for locks are shorter, so they end first.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// How every connection is set up.
const SESSION: [&str; 3] = [
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
    "SET SESSION innodb_lock_wait_timeout = 10, lock_wait_timeout = 10",
];

/// The most placeholders in one statement, of the 65,535 that the protocol allows.
const MAX_PLACEHOLDERS: usize = 32_768;

/// What the server answers when a key is there already.
const DUPLICATE_KEY: u16 = 1062;

/// One connection to a server.
pub(crate) struct MysqlTarget {
    server: MysqlServer,
    layout: Arc<Layout>,
    conn: Option<Conn>,
}

/// Why a transaction was not committed.
enum Undone {
    /// A ledger row was there already: another delivery of the message has landed since, or unseen.
    Landed,
    Failed(TargetError),
}

impl MysqlTarget {
    pub(crate) fn new(server: MysqlServer, layout: Arc<Layout>) -> Self {
        Self { server, layout, conn: None }
    }
}

impl Target for MysqlTarget {
    async fn prepare(&mut self) -> Result<Vec<String>, TargetError> {
        self.conn = None;
        let work = async {
            let mut conn = self.server.connect().await?;
            for setting in SESSION {
                conn.query_drop(setting).await.map_err(mysql_failure)?;
            }
            let created = mysql_schema::prepare(&mut conn, &self.layout).await?;
            Ok((conn, created))
        };
        let (conn, created) = within(CONNECT_TIMEOUT, work).await?;
        self.conn = Some(conn);
        Ok(created)
    }

    async fn write(&mut self, source: &str, piece: &Piece) -> Result<Written, TargetError> {
        // Taken out, so that a write that is cut off leaves no half-used connection behind.
        let mut conn = self.conn.take().ok_or_else(|| TargetError::outage("not connected".to_owned()))?;
        let layout = &self.layout;
        let outcome = within(WRITE_TIMEOUT, async {
            let outcome = write(&mut conn, layout, source, piece).await;
            let usable = match &outcome {
                Ok(_) => true,
                Err(error) if error.class == FailureClass::Outage => false,
                Err(_) => conn.query_drop("ROLLBACK").await.is_ok(),
            };
            Ok((outcome, usable))
        });
        let (outcome, usable) = outcome.await?;
        self.conn = usable.then_some(conn);
        outcome
    }
}

async fn within<T>(
    timeout: Duration,
    work: impl Future<Output = Result<T, TargetError>>,
) -> Result<T, TargetError> {
    let silent = || TargetError::outage(format!("the server did not answer within {} s", timeout.as_secs()));
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(silent()))
}

/// Writes a piece. Asking the ledger first is skipped while every message says that it is delivered for the first
/// time: its primary key catches those that say so wrongly.
async fn write(
    conn: &mut Conn,
    layout: &Layout,
    source: &str,
    piece: &Piece,
) -> Result<Written, TargetError> {
    let redelivered = piece.iter().any(|delivery| delivery.receive_count > 1);
    if !redelivered {
        match transaction(conn, layout, source, piece, false).await {
            Ok(written) => return Ok(written),
            Err(Undone::Failed(error)) => return Err(error),
            Err(Undone::Landed) => conn.query_drop("ROLLBACK").await.map_err(mysql_failure)?,
        }
    }
    transaction(conn, layout, source, piece, true).await.map_err(|undone| match undone {
        Undone::Failed(error) => error,
        Undone::Landed => TargetError {
            class: FailureClass::Transient,
            text: "another sink landed one of the messages at the same moment".to_owned(),
        },
    })
}

async fn transaction(
    conn: &mut Conn,
    layout: &Layout,
    source: &str,
    piece: &Piece,
    ask_ledger: bool,
) -> Result<Written, Undone> {
    run(conn, "START TRANSACTION").await?;
    let mut seen = if ask_ledger { landed(conn, layout, source, piece).await? } else { BTreeSet::new() };
    let fresh: Vec<&Delivery> = piece.iter().filter(|d| seen.insert(d.ledger_key.clone())).collect();
    remember(conn, layout, source, &fresh).await?;
    insert(conn, layout, &fresh).await?;
    run(conn, "COMMIT").await?;
    let landed = fresh.len() as u64;
    Ok(Written { landed, already_landed: piece.len() as u64 - landed })
}

/// The keys of the piece's messages that are in the ledger.
async fn landed(
    conn: &mut Conn,
    layout: &Layout,
    source: &str,
    piece: &Piece,
) -> Result<BTreeSet<String>, Undone> {
    let mut found = BTreeSet::new();
    for chunk in chunks(piece, 1) {
        let sql = format!(
            "SELECT message_key FROM {} WHERE queue = ? AND message_key IN ({})",
            layout.ledger_table.quoted('`'),
            vec!["?"; chunk.len()].join(", ")
        );
        let keys = chunk.iter().map(|delivery| delivery.ledger_key.as_str());
        let values: Vec<Value> = std::iter::once(source).chain(keys).map(Value::from).collect();
        found.extend(conn.exec::<String, _, _>(sql, values).await.map_err(failed)?);
    }
    Ok(found)
}

async fn remember(conn: &mut Conn, layout: &Layout, source: &str, fresh: &[&Delivery]) -> Result<(), Undone> {
    let mut keys: Vec<&str> = fresh.iter().map(|delivery| delivery.ledger_key.as_str()).collect();
    keys.sort_unstable();
    for chunk in chunks(&keys, 2) {
        let sql = format!(
            "INSERT INTO {} (queue, message_key, landed_at) VALUES {}",
            layout.ledger_table.quoted('`'),
            vec!["(?, ?, UTC_TIMESTAMP(3))"; chunk.len()].join(", ")
        );
        let values: Vec<Value> =
            chunk.iter().flat_map(|key| [Value::from(source), Value::from(*key)]).collect();
        conn.exec_drop(sql, values).await.map_err(|error| match error {
            mysql_async::Error::Server(server) if server.code == DUPLICATE_KEY => Undone::Landed,
            other => Undone::Failed(ledger_failure(other)),
        })?;
    }
    Ok(())
}

async fn insert(conn: &mut Conn, layout: &Layout, fresh: &[&Delivery]) -> Result<(), Undone> {
    let columns: Vec<_> = layout.columns.iter().map(|column| column.quoted('`')).collect();
    let placeholders = format!("({})", vec!["?"; columns.len()].join(", "));
    for chunk in chunks(fresh, columns.len()) {
        let sql = format!(
            "INSERT INTO {} ({}) VALUES {}",
            layout.table.quoted('`'),
            columns.join(", "),
            vec![placeholders.as_str(); chunk.len()].join(", ")
        );
        let cells = chunk.iter().flat_map(|delivery| delivery.row.0.iter());
        let values: Vec<Value> = cells.map(|cell| cell.as_deref().map_or(Value::NULL, Value::from)).collect();
        conn.exec_drop(sql, values).await.map_err(failed)?;
    }
    Ok(())
}

/// Splits rows into runs whose lengths are powers of two, largest first: few different statements to prepare, and
/// few round trips.
fn chunks<T>(rows: &[T], placeholders_per_row: usize) -> impl Iterator<Item = &[T]> {
    let most = (MAX_PLACEHOLDERS / placeholders_per_row.max(1)).max(1);
    let mut rest = rows;
    std::iter::from_fn(move || {
        let longest = rest.len().min(most).checked_ilog2()?;
        let (chunk, after) = rest.split_at(1 << longest);
        rest = after;
        Some(chunk)
    })
}

async fn run(conn: &mut Conn, sql: &str) -> Result<(), Undone> {
    conn.query_drop(sql).await.map_err(failed)
}

fn failed(error: mysql_async::Error) -> Undone {
    Undone::Failed(mysql_failure(error))
}

/// The ledger's values are the sink's own: when the ledger refuses one, its table is not as it must be.
fn ledger_failure(error: mysql_async::Error) -> TargetError {
    let error = mysql_failure(error);
    match error.class {
        FailureClass::Poison => {
            TargetError::configuration(format!("the ledger can't hold a message's key: {}", error.text))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunks_are_powers_of_two_that_cover_every_row_in_order() {
        let rows: Vec<usize> = (0..500).collect();
        let lengths: Vec<_> = chunks(&rows, 2).map(<[usize]>::len).collect();
        assert_eq!(lengths, [256, 128, 64, 32, 16, 4]);
        assert_eq!(chunks(&rows, 2).flatten().copied().collect::<Vec<_>>(), rows);
        assert!(chunks(&rows, 1_000).all(|chunk| chunk.len() <= 32));
        assert_eq!(chunks(&rows[..0], 2).count(), 0);
    }
}
