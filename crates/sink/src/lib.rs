//! The delivery worker: messages from an SQS queue become rows of a database table, each one once.
//!
//! What always holds:
//! - A row and the ledger row that remembers its message are written in one transaction, so a message that is
//!   delivered again is recognised and lands no second time.
//! - A message is deleted from the queue only after the transaction that holds its row has committed.
//! - While the database is away no message is received; what was received before is held by extending its
//!   visibility timeout.
//! - A record that can't be parsed or inserted stays in the queue; its neighbours land.
//!
//! It refuses to use anything but the SQS API, through the AWS SDK, so the same worker runs against Amazon SQS;
//! and it refuses FIFO queues, because it could not keep the order of a message group past a record that fails.

mod backoff;
mod batch;
mod client;
mod condition;
mod config;
mod contacted;
mod context;
mod delivery;
mod error;
mod event;
mod heartbeat;
mod hold;
mod identifier;
mod poller;
mod queue;
mod record;
mod rows;
mod run;
mod settle;
mod target;
mod writer;

pub use backoff::Backoff;
pub use client::{Endpoint, Keys, connect};
pub use config::{BatchLimits, Format, SinkConfig};
pub use error::SinkError;
pub use event::{Event, Reporter, Summary};
pub use identifier::Identifier;
pub use record::{RecordError, Row, parse};
pub use rows::{Rows, read_rows};
pub use run::run;
pub use target::{CodeClass, FailureClass, MYSQL_CODES, SQLITE_CODES, TargetUrl};
