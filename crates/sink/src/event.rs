//! What a sink tells while it runs, as values: whoever starts it decides whether they become lines, a page or
//! numbers. Every text is for people, names what to do where something can be done, and holds no secret.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Queue and table were checked; receiving begins.
    Started {
        /// The ARN of the source queue.
        queue_arn: String,
        /// The database, without its password.
        target: String,
        /// The table that rows go to.
        table: String,
        /// The tables that were missing and are there now.
        created: Vec<String>,
    },
    /// The database can't be reached or can't take rows now. Told once per outage and rarely again.
    DatabaseDown {
        /// What the database or the network said.
        reason: String,
        /// When it is tried again, at most.
        retry_in: Duration,
        /// Messages that are held until it returns; none is lost.
        held_messages: usize,
    },
    /// The database takes rows again.
    DatabaseUp {
        /// How long it did not.
        after: Duration,
    },
    /// Tables were gone after an outage, and were created again: what had landed in them is not there any more.
    TablesRecreated {
        /// Their names.
        tables: Vec<String>,
    },
    /// The queue service can't be reached or refuses. Told once per outage and rarely again.
    QueueDown {
        /// The service answers, and has no such queue.
        missing: bool,
        /// What it said.
        reason: String,
        /// When it is tried again, at most.
        retry_in: Duration,
    },
    /// The queue service answers again.
    QueueUp {
        /// How long it did not.
        after: Duration,
    },
    /// A transaction has committed.
    Wrote {
        /// Rows that it added.
        landed: u64,
        /// Messages that had landed before and were only deleted.
        already_landed: u64,
    },
    /// A record that can't become a row. It stays in the queue.
    Poison {
        /// The message.
        message_id: String,
        /// How often it has been delivered.
        receive_count: u32,
        /// Why.
        reason: String,
        /// When the queue delivers it again.
        hidden_secs: u32,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { queue_arn, target, table, created } => {
                write!(f, "delivering from {queue_arn} into table {table} of {target}")?;
                if created.is_empty() { Ok(()) } else { write!(f, "; created {}", created.join(" and ")) }
            }
            Self::DatabaseDown { reason, retry_in, held_messages } => write!(
                f,
                "database unreachable: {reason}; retrying within {}; nothing is lost, {} held",
                seconds(*retry_in),
                counted(*held_messages as u64, "message")
            ),
            Self::DatabaseUp { after } => write!(f, "database takes rows again after {}", seconds(*after)),
            Self::TablesRecreated { tables } => {
                write!(f, "the database came back without {}; created again", tables.join(" and "))
            }
            Self::QueueDown { reason, missing, retry_in } => {
                let what = if *missing { "the queue is missing" } else { "queue service unavailable" };
                write!(f, "{what}: {reason}; retrying within {}", seconds(*retry_in))
            }
            Self::QueueUp { after } => write!(f, "queue service answers again after {}", seconds(*after)),
            Self::Wrote { landed, already_landed: 0 } => write!(f, "{} landed", counted(*landed, "row")),
            Self::Wrote { landed, already_landed } => {
                let (rows, messages) = (counted(*landed, "row"), counted(*already_landed, "message"));
                write!(f, "{rows} landed, {messages} had landed before")
            }
            Self::Poison { message_id, receive_count, reason, hidden_secs } => write!(
                f,
                "message {message_id} can't become a row (delivery {receive_count}): {reason}; it stays in the queue \
                 and is tried again in {hidden_secs} s, or goes to the queue's dead-letter queue"
            ),
        }
    }
}

/// "1 row", "2 rows".
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Takes what a sink tells. Called from its tasks: it must return quickly.
pub trait Reporter: Send + Sync + 'static {
    /// Takes one event.
    fn report(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> Reporter for F {
    fn report(&self, event: &Event) {
        self(event);
    }
}

/// What a sink has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Deliveries received.
    pub received: u64,
    /// Rows added.
    pub landed: u64,
    /// Deliveries of messages whose row was there already.
    pub already_landed: u64,
    /// Messages deleted from the queue.
    pub deleted: u64,
    /// Deliveries that could not become a row.
    pub poison: u64,
    /// Deliveries given back to the queue unwritten.
    pub released: u64,
}

/// The counters behind a summary.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) received: AtomicU64,
    pub(crate) landed: AtomicU64,
    pub(crate) already_landed: AtomicU64,
    pub(crate) deleted: AtomicU64,
    pub(crate) poison: AtomicU64,
    pub(crate) released: AtomicU64,
}

impl Tally {
    pub(crate) fn summary(&self) -> Summary {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Summary {
            received: count(&self.received),
            landed: count(&self.landed),
            already_landed: count(&self.already_landed),
            deleted: count(&self.deleted),
            poison: count(&self.poison),
            released: count(&self.released),
        }
    }
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
