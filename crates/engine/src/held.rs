//! Replies that wait: for the log to make durable what they reveal, and for the payloads they carry.
//!
//! A reply leaves when its position is durable and all its payloads are there, whichever comes last. Replies without
//! payloads to read leave in the order they were decided.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use millpond_log::Position;

use crate::step::{ReadId, Reply, RequestId};

/// A reply that is complete but not yet durable.
#[derive(Debug)]
struct Held {
    position: Position,
    request: RequestId,
    reply: Reply,
}

/// A receive that waits for payloads.
#[derive(Debug)]
pub(crate) struct Incomplete {
    /// What its reply reveals.
    pub(crate) position: Position,
    /// Who asked.
    pub(crate) request: RequestId,
    /// The reply so far, without payloads.
    pub(crate) reply: Reply,
    /// The payloads by delivery; `None` is being read.
    pub(crate) payloads: Vec<Option<Bytes>>,
    /// What they will take together.
    pub(crate) payload_bytes: usize,
}

/// All replies that have not left.
#[derive(Debug, Default)]
pub(crate) struct HeldReplies {
    held: VecDeque<Held>,
    reading: BTreeMap<ReadId, Incomplete>,
    late: BTreeMap<(Position, RequestId), Reply>,
    payload_bytes: usize,
}

impl HeldReplies {
    /// Holds a complete reply. Positions never go back from one call to the next.
    pub(crate) fn hold(&mut self, position: Position, request: RequestId, reply: Reply) {
        self.payload_bytes += payload_bytes(&reply);
        self.held.push_back(Held { position, request, reply });
    }

    /// Holds a complete reply whose position may lie behind others: its payloads were read meanwhile.
    pub(crate) fn hold_late(&mut self, position: Position, request: RequestId, reply: Reply) {
        self.payload_bytes += payload_bytes(&reply);
        self.late.insert((position, request), reply);
    }

    /// Holds a reply whose payloads are being read.
    pub(crate) fn wait_for_payloads(&mut self, read: ReadId, incomplete: Incomplete) {
        self.payload_bytes += incomplete.payload_bytes;
        self.reading.insert(read, incomplete);
    }

    /// Takes the reply that a read belongs to.
    pub(crate) fn take_reading(&mut self, read: ReadId) -> Option<Incomplete> {
        let incomplete = self.reading.remove(&read)?;
        self.payload_bytes -= incomplete.payload_bytes;
        Some(incomplete)
    }

    /// Takes the next reply that may leave when everything up to `durable` is durable.
    pub(crate) fn release(&mut self, durable: Position) -> Option<(RequestId, Reply)> {
        let (request, reply) = self.next(durable)?;
        self.payload_bytes -= payload_bytes(&reply);
        Some((request, reply))
    }

    fn next(&mut self, durable: Position) -> Option<(RequestId, Reply)> {
        if self.held.front().is_some_and(|held| held.position <= durable) {
            return self.held.pop_front().map(|held| (held.request, held.reply));
        }
        let first = self.late.first_entry().filter(|entry| entry.key().0 <= durable)?;
        let ((_, request), reply) = first.remove_entry();
        Some((request, reply))
    }

    /// Bytes of the payloads in replies that wait.
    pub(crate) fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }

    /// How many replies wait.
    pub(crate) fn len(&self) -> usize {
        self.held.len() + self.late.len() + self.reading.len()
    }
}

/// Lets replies go that no event can have led to, where that bug is planted.
#[cfg(feature = "simulation")]
pub(crate) fn planted_position(reply: &Reply, position: Position) -> Position {
    use millpond_core::outcome::Outcome;
    use millpond_log::planted::{Bug, is_planted};
    let Reply::Done { outcome, .. } = reply else { return position };
    let eventless = match outcome {
        Outcome::Received { deliveries, .. } => deliveries.is_empty(),
        Outcome::Description(_)
        | Outcome::Descriptions { .. }
        | Outcome::Documents(_)
        | Outcome::Queues { .. }
        | Outcome::Refused(_)
        | Outcome::Tags(_) => true,
        _ => false,
    };
    if eventless && is_planted(Bug::EventlessReplyNotHeld) { Position::NONE } else { position }
}
fn payload_bytes(reply: &Reply) -> usize {
    match reply {
        Reply::Done { payloads, .. } => payloads.iter().map(Bytes::len).sum(),
        Reply::Denied(_) => 0,
    }
}

#[cfg(test)]
mod tests;
