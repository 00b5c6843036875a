//! What a database must offer to be delivered into, and how its failures are told apart. One file per database.

mod layout;
mod mysql;
mod mysql_codes;
mod mysql_schema;
mod mysql_server;
mod sqlite;
mod sqlite_codes;
mod sqlite_schema;
mod tls;
mod url;

use std::{fmt, future::Future};

pub(crate) use layout::Layout;
pub(crate) use mysql::MysqlTarget;
pub use mysql_codes::MYSQL_CODES;
pub(crate) use mysql_codes::failure as mysql_failure;
pub(crate) use mysql_server::MysqlServer;
pub(crate) use sqlite::SqliteTarget;
pub use sqlite_codes::SQLITE_CODES;
pub(crate) use sqlite_codes::failure as sqlite_failure;
pub(crate) use url::TargetKind;
pub use url::TargetUrl;

use crate::delivery::Piece;

/// What a failure of a database calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The database is away, or can't take rows from anyone now: hold what was received, stop receiving, wait.
    Outage,
    /// Another transaction was in the way: try again at once.
    Transient,
    /// The database refuses this record, and would refuse it again: isolate it.
    Poison,
    /// The table, the account or the server is not as the sink needs it: stop, someone must change something.
    Configuration,
    /// The code names no class: isolate first, and take it for an outage when no record lands.
    Unclear,
}

/// An error code of a database, and what it calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeClass {
    /// The number that the database gives the error.
    pub code: i32,
    /// What it calls for.
    pub class: FailureClass,
    /// What happened, in a few words.
    pub meaning: &'static str,
}

/// A failure of a database, classed. Its text holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetError {
    pub(crate) class: FailureClass,
    pub(crate) text: String,
}

impl TargetError {
    pub(crate) fn configuration(text: String) -> Self {
        Self { class: FailureClass::Configuration, text }
    }

    pub(crate) fn outage(text: String) -> Self {
        Self { class: FailureClass::Outage, text }
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What one committed transaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Rows that it added.
    pub(crate) landed: u64,
    /// Deliveries whose message was in the ledger.
    pub(crate) already_landed: u64,
}

/// One connection to a database that rows are delivered into.
pub(crate) trait Target: Send + 'static {
    /// Connects afresh, checks table, ledger and rights, and creates what is missing if that is configured. Returns
    /// what it created. Called at the start and after each outage.
    fn prepare(&mut self) -> impl Future<Output = Result<Vec<String>, TargetError>> + Send;

    /// Writes the rows of all messages that the ledger does not know, and their ledger rows under `source`, in one
    /// transaction: after `Ok` every message of the piece has landed durably and exactly once; after an error none
    /// of its rows was added, unless the connection broke while it was being committed, which the ledger shows at
    /// the next attempt.
    fn write(
        &mut self,
        source: &str,
        piece: &Piece,
    ) -> impl Future<Output = Result<Written, TargetError>> + Send;
}
