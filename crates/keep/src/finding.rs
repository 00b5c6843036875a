//! What a look at a data directory has found.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use millpond_core::message::{MessageId, MessageRef, QueueId};
use millpond_core::queue::QueueRecord;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something that was acknowledged is damaged or missing.
    Damage,
    /// Nothing is lost; it may be good to know.
    Remark,
}

impl Severity {
    /// One word, for scripts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Damage => "damage",
            Self::Remark => "remark",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file in the directory.
    pub file: String,
    /// Where in the file: a byte, a row, a batch.
    pub place: String,
    /// What is wrong there.
    pub what: String,
    /// What it concerns.
    pub affected: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, file, place, what, affected } = self;
        write!(f, "{}: {file}, {place}: {what}. {affected}", severity.as_str())
    }
}

/// The names of queues, for messages to people.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueNames(BTreeMap<QueueId, String>);

impl QueueNames {
    /// Learns of a queue.
    pub(crate) fn learn(&mut self, record: &QueueRecord) {
        self.0.insert(record.id, record.key.name.as_str().to_owned());
    }

    /// A queue in words.
    pub(crate) fn queue(&self, queue: QueueId) -> String {
        match self.0.get(&queue) {
            Some(name) => format!("queue {name} (number {})", queue.0),
            None => format!("queue number {}", queue.0),
        }
    }

    /// A message in words. The id stands in front of its payload; that of a damaged one may be damaged itself.
    pub(crate) fn message(&self, message: MessageRef, payload: Option<&Bytes>) -> String {
        let id = payload.and_then(|payload| payload.get(4..20)?.try_into().ok());
        let id = id.map(|id| format!(" (id {})", MessageId(u128::from_le_bytes(id))));
        format!("message {} of {}{}", message.sequence.0, self.queue(message.queue), id.unwrap_or_default())
    }
}
