//! What a sink is told: which queue, which table, and its limits. Checked before anything is opened.

use std::time::Duration;

use crate::{
    backoff::Backoff,
    error::SinkError,
    identifier::Identifier,
    target::{TargetError, TargetKind, TargetUrl},
};

/// The name of the table that remembers what has landed, unless configured.
const LEDGER_TABLE: &str = "millpond_ledger";

/// How the body of a message is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One CSV record, its fields in the order of the columns.
    Csv,
    /// One JSON object, its keys the columns.
    Json,
}

/// When an open batch is written: at whichever bound is reached first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Messages in one transaction, at most.
    pub messages: usize,
    /// Bytes of values in one transaction, at most (a single message may exceed them).
    pub bytes: usize,
    /// How long the first message of a batch waits for others.
    pub linger: Duration,
}

/// The configuration of one sink. `SinkConfig::new` fills in defaults that fit most uses.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// The name or URL of the source queue.
    pub queue: String,
    /// The database. Its password shows in no `Debug` output.
    pub target: TargetUrl,
    /// The table that rows go to.
    pub table: Identifier,
    /// Its columns that are filled, in the order of CSV fields.
    pub columns: Vec<Identifier>,
    /// How a message is read.
    pub format: Format,
    /// Whether table and ledger are created when missing.
    pub create: bool,
    /// The table that remembers which messages have landed; several sinks may share it.
    pub ledger_table: Identifier,
    /// Long polls in parallel, 1 to 64.
    pub pollers: usize,
    /// Transactions in parallel, each on a connection of its own, 1 to 16; SQLite takes one.
    pub writers: usize,
    /// When a batch is written.
    pub batch: BatchLimits,
    /// Messages held at once, at most: those in open batches, being written, and being deleted. During an outage
    /// this is what waits outside the queue.
    pub held_messages: usize,
    /// Bytes of bodies held at once: no receive begins above this bound, so replies that are under way can exceed it.
    pub held_bytes: usize,
    /// How long a received message stays invisible unless extended, 2 to 43,200. Extended at half of it.
    pub visibility_timeout_secs: u32,
    /// How long an empty receive waits, 0 to 20.
    pub wait_time_secs: u32,
    /// The waits between attempts when the database or the queue service is away.
    pub retry: Backoff,
}

impl SinkConfig {
    /// A configuration with the defaults of everything that need not be said.
    pub fn new(
        queue: &str,
        target: TargetUrl,
        table: Identifier,
        columns: Vec<Identifier>,
        format: Format,
    ) -> Self {
        Self {
            queue: queue.to_owned(),
            target,
            table,
            columns,
            format,
            create: true,
            ledger_table: Identifier::new(LEDGER_TABLE).expect("the default name is valid"),
            pollers: 4,
            writers: 1,
            batch: BatchLimits { messages: 500, bytes: 4 << 20, linger: Duration::from_millis(50) },
            held_messages: 2_000,
            held_bytes: 16 << 20,
            visibility_timeout_secs: 30,
            wait_time_secs: 20,
            retry: Backoff { base: Duration::from_millis(500), cap: Duration::from_secs(30) },
        }
    }

    /// Checks the bounds that the types can't hold. [`run`](crate::run) calls it too.
    ///
    /// # Errors
    /// `SinkError::Configuration` with what is possible.
    pub fn check(&self) -> Result<(), SinkError> {
        let within = |name: &str, value: usize, low: usize, high: usize| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(SinkError::Configuration(format!("{name} is {value}; {low} to {high} are possible")))
        };
        within("the number of columns", self.columns.len(), 1, 1_000)?;
        within("the number of pollers", self.pollers, 1, 64)?;
        let most_writers = if matches!(self.target.0, TargetKind::Sqlite(_)) { 1 } else { 16 };
        within("the number of writers", self.writers, 1, most_writers)?;
        within("the number of messages in a batch", self.batch.messages, 1, 10_000)?;
        within("the number of messages held", self.held_messages, 10, 100_000)?;
        within("the visibility timeout in seconds", self.visibility_timeout_secs as usize, 2, 43_200)?;
        within("the wait time in seconds", self.wait_time_secs as usize, 0, 20)?;
        if self.queue_name().ends_with(".fifo") {
            return Err(SinkError::Configuration(format!(
                "{} is a FIFO queue, and the sink can't keep the order of a message group when a record fails; \
                 use a standard queue",
                self.queue
            )));
        }
        if self.table.is(self.ledger_table.as_str()) {
            return Err(SinkError::Configuration(format!(
                "{} can't be both the table and its ledger; name another ledger table",
                self.table
            )));
        }
        Ok(())
    }

    /// What went wrong, and in which database.
    pub(crate) fn at_target(&self, error: &TargetError) -> String {
        format!("{}: {error}", self.target)
    }

    /// The last part of the queue's URL, or its name.
    pub(crate) fn queue_name(&self) -> &str {
        self.queue.trim_end_matches('/').rsplit('/').next().unwrap_or(&self.queue)
    }
}
