//! What an engine takes in and puts out: plain values.

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::message::{MessageRef, QueueId, Receipt};
use millpond_core::outage::BootReading;
use millpond_core::outcome::Outcome;
use millpond_log::Position;
use millpond_store::{Found, Wanted};

use crate::admission::{Denied, Load};
pub use crate::bodies::BodyPlace;

/// Names a request until its reply has left. Grows with every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Names a read of payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadId(pub u64);

/// Names a read of messages that rest in the store. Grows with every read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(pub u64);

/// How long a receive waits for a first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// As long as its queue says.
    QueueDefault,
    /// So many seconds; 0 for not at all.
    Secs(u32),
}

/// A payload that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// As it was written.
    Intact(Bytes),
    /// Not to be had: the message was purged or expired meanwhile, or the read failed. A message that is still there keeps its
    /// lease, and later ones of its group in a FIFO queue are given back.
    Gone,
    /// Not as it was written.
    Damaged,
}

/// Something happened.
#[derive(Debug)]
pub enum Input {
    /// A caller asks.
    Request {
        /// The caller's name for it.
        request: RequestId,
        /// What it asks.
        command: Command,
        /// For a receive, how long it waits; without effect on others.
        wait: Wait,
    },
    /// A caller has gone away before its reply.
    Closed {
        /// Which one.
        request: RequestId,
    },
    /// Deliveries did not reach their receiver.
    Undelivered {
        /// The deliveries.
        receipts: Vec<Receipt>,
    },
    /// Payloads were read.
    Bodies {
        /// Which read.
        read: ReadId,
        /// One for each payload asked for, in order.
        bodies: Vec<Body>,
    },
    /// Messages that rest in the store were found.
    Fetched {
        /// Which read.
        fetch: FetchId,
        /// What it found.
        found: Found,
    },
    /// The log has made everything up to here durable.
    Durable(Position),
    /// The store holds everything up to here.
    Checkpointed {
        /// Its position.
        reflected: Position,
    },
    /// The space that is left.
    Space(Load),
    /// The clock was put forward, because a caller asks for it. Comes with the machine's boot clock.
    Advanced {
        /// The caller's name for it.
        request: RequestId,
        /// The boot clock now.
        reading: BootReading,
    },
    /// Time has passed. Comes with the machine's boot clock.
    Tick(BootReading),
    /// The service is about to stop: those who wait for messages are told that there are none.
    Stopping(BootReading),
    /// All inputs that were waiting have been taken: what was collected may go to the log.
    TurnEnded,
}

/// What a caller is told.
#[derive(Debug)]
pub enum Reply {
    /// The command was decided.
    Done {
        /// What it led to.
        outcome: Outcome,
        /// For a receive, one encoded payload for each delivery, in order, each verified.
        payloads: Vec<Bytes>,
    },
    /// The command was not let in; nothing has changed.
    Denied(Denied),
}

/// Something is to be done.
#[derive(Debug)]
pub enum Output {
    /// Append a batch to the log.
    Append {
        /// Its position.
        position: Position,
        /// Its bytes; empty for a batch that only notes what is durable.
        payload: Bytes,
    },
    /// Answer a caller.
    Reply {
        /// Which one.
        request: RequestId,
        /// What to tell it.
        reply: Reply,
    },
    /// Read and verify payloads, and answer with [`Input::Bodies`].
    Read {
        /// The read's name.
        read: ReadId,
        /// What to read and where it is likely to be; what is not in the log any more is in the store.
        bodies: Vec<(MessageRef, BodyPlace)>,
    },
    /// Find messages of a queue in the store, and answer with [`Input::Fetched`]. The store must reflect all that it was said
    /// to reflect by then.
    Fetch {
        /// The read's name.
        fetch: FetchId,
        /// The queue.
        queue: QueueId,
        /// Which messages.
        wanted: Wanted,
        /// At most so many.
        limit: usize,
    },
    /// Tell the operator: a message's bytes are damaged, and it was taken out of its queue.
    Quarantined {
        /// The message.
        message: MessageRef,
    },
}
