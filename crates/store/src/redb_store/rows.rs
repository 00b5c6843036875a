//! Tables, keys and sealed rows, as `docs/format/store.md` lists them.
//!
//! What always holds: keys are big-endian, so their order is the order of the numbers; every row ends in a checksum of its
//! table, key and value, so that a damaged, moved or swapped row is found when it is read. (The parts of payloads in stores
//! of format 2 do not.)

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::document::DocumentKey;
use millpond_core::format::Malformed;
use millpond_core::format::codec::{Put, Take};
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::time::Timestamp;
use redb::TableDefinition;

use super::fault::Fault;

/// The format of the tables and rows listed here.
pub(crate) const FORMAT: u64 = 3;
/// The first format. Stores of it and of those in between are brought to this one when they are opened.
pub(crate) const FORMAT_1: u64 = 1;

pub(crate) type QueueBytes = [u8; 8];
pub(crate) type MessageBytes = [u8; 16];
pub(crate) type PartBytes = [u8; 18];
/// Queue, era, time, sequence.
pub(crate) type TimeBytes = [u8; 32];
pub(crate) type MessageTable = TableDefinition<'static, &'static MessageBytes, &'static [u8]>;
pub(crate) type TimeTable = TableDefinition<'static, &'static TimeBytes, &'static [u8]>;

pub(crate) const STORE: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("store");
pub(crate) const QUEUES: TableDefinition<'static, &QueueBytes, &[u8]> = TableDefinition::new("queues");
pub(crate) const REMOVED: TableDefinition<'static, &QueueBytes, &[u8]> =
    TableDefinition::new("removed_below");
pub(crate) const DOCUMENTS: TableDefinition<'static, (&str, &str), &[u8]> = TableDefinition::new("documents");
/// All messages of a store of format 1; not there in another.
pub(crate) const ENTRIES_1: MessageTable = TableDefinition::new("entries");
/// Messages whose place follows from their number, see [`Entry::is_in_line`].
pub(crate) const LINE: MessageTable = TableDefinition::new("line");
/// Messages whose place does not, each with a row in `turns` and `ages`, and in `leases` if it was delivered.
pub(crate) const ASIDE: MessageTable = TableDefinition::new("aside");
/// Messages with a group of a store of format 2; not there in another.
pub(crate) const GROUPED_2: MessageTable = TableDefinition::new("grouped");
/// What each queue holds in `line` and `aside`.
pub(crate) const BACKLOGS: TableDefinition<'static, &QueueBytes, &[u8]> = TableDefinition::new("backlogs");
/// Where the payload of each message lies.
pub(crate) const EXTENTS: MessageTable = TableDefinition::new("extents");
/// What each payload file holds, by its number.
pub(crate) const PAYLOAD_FILES: TableDefinition<'static, &QueueBytes, &[u8]> =
    TableDefinition::new("payload_files");
/// The payloads of a store of format 1 or 2, in parts; not there in another.
pub(crate) const PAYLOADS_2: TableDefinition<'static, &PartBytes, &[u8]> = TableDefinition::new("payloads");

/// Rows of the table `store`.
pub(crate) const FORMAT_ROW: &str = "format";
/// The position reflected and the counters that go with it.
pub(crate) const CHECKPOINT_ROW: &str = "checkpoint";
/// The instance row.
pub(crate) const INSTANCE_ROW: &str = "instance";

pub(crate) fn queue_key(queue: QueueId) -> QueueBytes {
    queue.0.to_be_bytes()
}

pub(crate) fn queue_of(key: &QueueBytes) -> QueueId {
    QueueId(u64::from_be_bytes(*key))
}

pub(crate) fn message_key(message: MessageRef) -> MessageBytes {
    let bits = u128::from(message.queue.0) << 64 | u128::from(message.sequence.0);
    bits.to_be_bytes()
}

pub(crate) fn message_of(key: &MessageBytes) -> MessageRef {
    let bits = u128::from_be_bytes(*key);
    // The two halves of the key, cut on purpose.
    #[allow(clippy::cast_possible_truncation)]
    MessageRef { queue: QueueId((bits >> 64) as u64), sequence: Sequence(bits as u64) }
}

/// The message that a part in [`PAYLOADS_2`] belongs to.
pub(crate) fn message_of_part(key: &PartBytes) -> MessageRef {
    let mut message = [0; 16];
    message.copy_from_slice(&key[..16]);
    message_of(&message)
}

/// The key bytes that a document's row is sealed with.
pub(crate) fn document_seal_key(key: &DocumentKey) -> Vec<u8> {
    [key.collection.as_bytes(), &[0], key.name.as_bytes()].concat()
}

/// The key of a message in a table that is ordered by a time.
pub(crate) fn time_key(queue: QueueId, era: u64, (time, sequence): (Timestamp, Sequence)) -> TimeBytes {
    let mut key = [0; 32];
    let numbers = [queue.0, era, time.as_millis(), sequence.0];
    for (bytes, number) in key.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
        *bytes = number.to_be_bytes();
    }
    key
}

/// The time and the message that such a key names.
pub(crate) fn turn_of(key: &TimeBytes) -> (Timestamp, Sequence) {
    let number = |at: usize| key.as_chunks::<8>().0.get(at).map_or(0, |bytes| u64::from_be_bytes(*bytes));
    (Timestamp::from_millis(number(2)), Sequence(number(3)))
}

/// Where the entry of a message has its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Line,
    Aside,
}

impl Place {
    pub(crate) const ALL: [Self; 2] = [Self::Line, Self::Aside];

    pub(crate) fn of(entry: &Entry) -> Self {
        if entry.is_in_line() { Self::Line } else { Self::Aside }
    }

    /// Its table.
    pub(crate) const fn entries(self) -> MessageTable {
        match self {
            Self::Line => LINE,
            Self::Aside => ASIDE,
        }
    }

    /// The name of its table.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Aside => "aside",
        }
    }
}

/// An order that is kept of the messages in `aside`: a table of keys without values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By rank.
    Turns,
    /// By the end of the latest lease.
    Leases,
    /// By the time they were sent.
    Ages,
}

impl Order {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Leases => "leases",
            Self::Ages => "ages",
        }
    }

    pub(crate) const fn table(self) -> TimeTable {
        TableDefinition::new(self.name())
    }
}

/// What a queue holds in `line` and `aside`, and the era of its rows in the tables ordered by time. A bulk removal of all
/// messages begins a new era, so that no reader passes over what it took out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BacklogRow {
    pub(crate) era: u64,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// By the second in which the delay ends; seconds that have passed may be left out.
    pub(crate) delayed: BTreeMap<u64, u64>,
}

impl BacklogRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { era, messages, bytes, delayed } = self;
        let mut out = Vec::new();
        for number in [*era, *messages, *bytes, delayed.len() as u64] {
            out.put_varint(number);
        }
        for (second, count) in delayed {
            out.put_varint(*second);
            out.put_varint(*count);
        }
        out
    }

    pub(crate) fn decode(bytes: Bytes) -> Result<Self, Malformed> {
        const WHAT: &str = "backlog row";
        let mut take = Take::new(bytes);
        let (era, messages, bytes) = (take.varint(WHAT)?, take.varint(WHAT)?, take.varint(WHAT)?);
        let count = take.count(WHAT)?;
        let delayed = (0..count)
            .map(|_| Ok((take.varint(WHAT)?, take.varint(WHAT)?)))
            .collect::<Result<_, Malformed>>()?;
        take.finish(WHAT)?;
        Ok(Self { era, messages, bytes, delayed })
    }
}

/// Appends the checksum to a row's value.
pub(crate) fn seal(table: &'static str, key: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    let checksum = checksum(table, key, &value);
    value.extend_from_slice(&checksum.to_le_bytes());
    value
}

/// Checks a row as it lies in its table, and gives its value.
pub(crate) fn open(table: &'static str, key: &[u8], row: &[u8]) -> Result<Bytes, Fault> {
    let Some((value, stored)) = row.split_last_chunk::<4>() else {
        return Err(Fault::Row(table, Malformed::Truncated("its checksum")));
    };
    if checksum(table, key, value) == u32::from_le_bytes(*stored) {
        Ok(Bytes::copy_from_slice(value))
    } else {
        Err(Fault::Row(table, Malformed::Checksum("it")))
    }
}

fn checksum(table: &'static str, key: &[u8], value: &[u8]) -> u32 {
    let of_table = crc32c::crc32c(table.as_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(of_table, key), value)
}
