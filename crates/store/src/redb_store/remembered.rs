//! The table of remembered sends: many in a row, by their numbers.
//!
//! What always holds: the rows of a queue do not overlap, each begins with the number in its key, and the sends below the
//! number that `forgotten_below` names for their queue are hidden from every reader. So forgetting costs one row however
//! many sends it hits, and giving back their space goes in pieces.
//!
//! It refuses to find a send by its key: who asks knows its number.

use std::collections::BTreeMap;

use millpond_core::format::sends::{ROW_BYTES, SendsRow, decode_sends};
use millpond_core::format::{Malformed, fifo};
use millpond_core::message::{MessageRef, QueueId, Sequence};
use millpond_core::queue::Deduplication;
use redb::{
    ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition, TableHandle,
    WriteTransaction,
};

use super::fault::Fault;
use super::reader::decode;
use super::rows::{self, MessageBytes, MessageTable, QueueBytes};

/// The sends that a queue remembers, under the number of the first in each row.
pub(crate) const REMEMBERED: MessageTable = TableDefinition::new(REMEMBERED_NAME);
pub(crate) const REMEMBERED_NAME: &str = "remembered";
/// The first number of a queue that is not forgotten, while rows below it are still there.
const FORGOTTEN: TableDefinition<'static, &QueueBytes, &[u8]> = TableDefinition::new(FORGOTTEN_NAME);
const FORGOTTEN_NAME: &str = "forgotten_below";
/// One send in a row; of stores of formats 1 and 2.
const SINGLE: MessageTable = TableDefinition::new(SINGLE_NAME);
const SINGLE_NAME: &str = "deduplications";
/// A row with less room than for one more send without a group stays as it is.
const SEND_BYTES: usize = 40;
/// Rows of forgotten sends that one apply deletes, some 18,000 sends; a caller that has nothing to apply deletes more.
const RECLAIM_ROWS_PER_APPLY: usize = 500;

type Sends = Vec<(Sequence, Deduplication)>;
type Rows<'t> = Table<'t, &'static MessageBytes, &'static [u8]>;

pub(crate) fn create_tables(transaction: &WriteTransaction) -> Result<(), Fault> {
    transaction.open_table(REMEMBERED)?;
    transaction.open_table(FORGOTTEN)?;
    Ok(())
}

/// Forgets what is below a number, then puts sends in.
pub(crate) fn apply(
    transaction: &WriteTransaction,
    forgotten_below: impl Iterator<Item = (QueueId, Sequence)>,
    sends: &BTreeMap<MessageRef, Deduplication>,
) -> Result<(), Fault> {
    for (queue, below) in forgotten_below {
        forget(transaction, queue, below)?;
    }
    put(transaction, sends)?;
    reclaim(transaction, RECLAIM_ROWS_PER_APPLY)
}

/// Whether [`reclaim`] has anything to do.
pub(crate) fn has_forgotten(transaction: &ReadTransaction) -> Result<bool, Fault> {
    Ok(!transaction.open_table(FORGOTTEN)?.is_empty()?)
}

/// As [`has_forgotten`], while changes are written.
pub(crate) fn still_has_forgotten(transaction: &WriteTransaction) -> Result<bool, Fault> {
    Ok(!transaction.open_table(FORGOTTEN)?.is_empty()?)
}

/// Deletes rows of forgotten sends, at most so many.
pub(crate) fn reclaim(transaction: &WriteTransaction, limit_rows: usize) -> Result<(), Fault> {
    let mut forgotten = transaction.open_table(FORGOTTEN)?;
    let mut table = transaction.open_table(REMEMBERED)?;
    let mut left = limit_rows;
    while left > 0 {
        let Some(queue) = forgotten.first()?.map(|(key, _)| rows::queue_of(key.value())) else {
            return Ok(());
        };
        let below = forgotten_below(&forgotten, queue)?;
        let range = [0, below.0].map(|number| key(queue, Sequence(number)));
        let mut old = Vec::new();
        for row in table.range::<&MessageBytes>(&range[0]..&range[1])?.take(left + 1) {
            old.push(*row?.0.value());
        }
        // The last one may reach beyond the number.
        let is_last = old.len() <= left;
        let kept = match old.last() {
            Some(last) if is_last => not_below(read(&table, last)?, below),
            _ => Vec::new(),
        };
        old.truncate(left);
        left -= old.len();
        if let Some(last) = old.last() {
            table.retain_in::<&MessageBytes, _>(&range[0]..=last, |_, _| false)?;
        }
        write(&mut table, queue, kept.into_iter())?;
        if !is_last {
            return Ok(());
        }
        forgotten.remove(&rows::queue_key(queue))?;
    }
    Ok(())
}

/// What a queue remembers of these sends.
pub(crate) fn find(
    transaction: &ReadTransaction,
    queue: QueueId,
    sequences: &[Sequence],
) -> Result<Sends, Fault> {
    let table = transaction.open_table(REMEMBERED)?;
    let below = forgotten_below(&transaction.open_table(FORGOTTEN)?, queue)?;
    let mut found = Vec::new();
    for sequence in sequences.iter().filter(|sequence| **sequence >= below) {
        let Some(row) = row_of(&table, queue, *sequence)? else { continue };
        found.extend(read(&table, &row)?.into_iter().filter(|(number, _)| number == sequence));
    }
    Ok(found)
}

/// The sends of one row that are not forgotten, for who goes through all rows.
pub(crate) struct Visible {
    forgotten: BTreeMap<QueueId, Sequence>,
}

impl Visible {
    pub(crate) fn open(transaction: &ReadTransaction) -> Result<Self, Fault> {
        let table = transaction.open_table(FORGOTTEN)?;
        let mut forgotten = BTreeMap::new();
        for row in table.iter()? {
            let queue = rows::queue_of(row?.0.value());
            forgotten.insert(queue, forgotten_below(&table, queue)?);
        }
        Ok(Self { forgotten })
    }

    /// Everything is visible.
    pub(crate) const fn all() -> Self {
        Self { forgotten: BTreeMap::new() }
    }

    pub(crate) fn of_row(&self, key: &MessageBytes, value: &[u8]) -> Result<Sends, Fault> {
        let MessageRef { queue, sequence } = rows::message_of(key);
        let sends = decode(REMEMBERED_NAME, key, value, |bytes| decode_sends(sequence, bytes))?;
        Ok(not_below(sends, self.forgotten.get(&queue).copied().unwrap_or(Sequence(0))))
    }
}

/// The name of the table that is moved.
pub(crate) fn earlier_table() -> &'static str {
    SINGLE.name()
}

/// Moves some sends of a store of format 1 or 2, which has a row for each.
pub(crate) fn move_some(transaction: &WriteTransaction, at_once: usize) -> Result<(), Fault> {
    let mut old = transaction.open_table(SINGLE)?;
    let (mut sends, mut last) = (BTreeMap::new(), None);
    for row in old.iter()?.take(at_once) {
        let (key, value) = row?;
        let row = decode(SINGLE_NAME, key.value(), value.value(), fifo::decode_deduplication)?;
        sends.insert(rows::message_of(key.value()), row);
        last = Some(*key.value());
    }
    put(transaction, &sends)?;
    if let Some(last) = last {
        old.retain_in::<&MessageBytes, _>(&[0; 16]..=&last, |_, _| false)?;
    }
    let done = old.is_empty()?;
    drop(old);
    if done {
        transaction.delete_table(SINGLE)?;
    }
    Ok(())
}

fn forget(transaction: &WriteTransaction, queue: QueueId, below: Sequence) -> Result<(), Fault> {
    let table = transaction.open_table(REMEMBERED)?;
    let mut forgotten = transaction.open_table(FORGOTTEN)?;
    let before = forgotten_below(&forgotten, queue)?;
    let [first, end] = [Sequence(0), below].map(|number| key(queue, number));
    if below <= before || table.range::<&MessageBytes>(&first..&end)?.next().transpose()?.is_none() {
        return Ok(());
    }
    let key = rows::queue_key(queue);
    let sealed = rows::seal(FORGOTTEN_NAME, &key, below.0.to_le_bytes().to_vec());
    forgotten.insert(&key, &sealed[..])?;
    Ok(())
}

fn put(transaction: &WriteTransaction, sends: &BTreeMap<MessageRef, Deduplication>) -> Result<(), Fault> {
    let forgotten = transaction.open_table(FORGOTTEN)?;
    let mut table = transaction.open_table(REMEMBERED)?;
    let mut next = sends.first_key_value().map(|(message, _)| message.queue);
    while let Some(queue) = next {
        let whole = |number| MessageRef { queue, sequence: Sequence(number) };
        let of_queue = sends.range(whole(0)..=whole(u64::MAX));
        let of_queue = of_queue.map(|(message, row)| (message.sequence, *row));
        let Some((last, _)) = of_queue.clone().next_back() else { break };
        let Some((first, _)) = of_queue.clone().next() else { break };
        let before =
            not_below(take_near(&mut table, queue, first, last)?, forgotten_below(&forgotten, queue)?);
        if before.last().is_none_or(|(sequence, _)| *sequence < first) {
            write(&mut table, queue, before.into_iter().chain(of_queue))?;
        } else {
            let merged: BTreeMap<Sequence, Deduplication> = before.into_iter().chain(of_queue).collect();
            write(&mut table, queue, merged.into_iter())?;
        }
        next = sends.range(whole(u64::MAX)..).map(|(message, _)| message.queue).find(|other| *other != queue);
    }
    Ok(())
}

/// Takes the rows out that new ones between two numbers would overlap, and a row before them that has room.
fn take_near(table: &mut Rows<'_>, queue: QueueId, first: Sequence, last: Sequence) -> Result<Sends, Fault> {
    let mut from = key(queue, first);
    if let Some(before) = row_of(table, queue, first)? {
        let sends = read(table, &before)?;
        let len = table.get(&before)?.map_or(0, |row| row.value().len());
        if len + SEND_BYTES <= ROW_BYTES || sends.last().is_some_and(|(sequence, _)| *sequence >= first) {
            from = before;
        }
    }
    let to = key(queue, last);
    let (mut keys, mut sends) = (Vec::new(), Vec::new());
    for row in table.range::<&MessageBytes>(&from..=&to)? {
        keys.push(*row?.0.value());
    }
    for key in keys {
        sends.extend(read(table, &key)?);
        table.remove(&key)?;
    }
    Ok(sends)
}

/// Writes sends, which come in the order of their numbers, into rows of their own.
fn write(
    table: &mut Rows<'_>,
    queue: QueueId,
    sends: impl Iterator<Item = (Sequence, Deduplication)>,
) -> Result<(), Fault> {
    let mut open: Option<SendsRow> = None;
    for (sequence, row) in sends {
        if open.as_mut().is_some_and(|open| open.push(sequence, &row)) {
            continue;
        }
        if let Some(full) = open.replace(SendsRow::new(sequence, &row)) {
            insert(table, queue, full)?;
        }
    }
    open.map_or(Ok(()), |last| insert(table, queue, last))
}

fn insert(table: &mut Rows<'_>, queue: QueueId, row: SendsRow) -> Result<(), Fault> {
    let key = key(queue, row.first);
    let sealed = rows::seal(REMEMBERED_NAME, &key, row.into_bytes());
    table.insert(&key, &sealed[..])?;
    Ok(())
}

/// The key of the row in which a send stands if it is there.
fn row_of(
    table: &impl ReadableTable<&'static MessageBytes, &'static [u8]>,
    queue: QueueId,
    sequence: Sequence,
) -> Result<Option<MessageBytes>, Fault> {
    let [first, last] = [Sequence(0), sequence].map(|number| key(queue, number));
    let row = table.range::<&MessageBytes>(&first..=&last)?.next_back().transpose()?;
    Ok(row.map(|(key, _)| *key.value()))
}

fn read(
    table: &impl ReadableTable<&'static MessageBytes, &'static [u8]>,
    key: &MessageBytes,
) -> Result<Sends, Fault> {
    let Some(row) = table.get(key)? else { return Ok(Vec::new()) };
    Visible::all().of_row(key, row.value())
}

fn not_below(mut sends: Sends, below: Sequence) -> Sends {
    sends.retain(|(sequence, _)| *sequence >= below);
    sends
}

fn forgotten_below(
    table: &impl ReadableTable<&'static QueueBytes, &'static [u8]>,
    queue: QueueId,
) -> Result<Sequence, Fault> {
    let key = rows::queue_key(queue);
    let Some(row) = table.get(&key)? else { return Ok(Sequence(0)) };
    decode(FORGOTTEN_NAME, &key, row.value(), |value| {
        let number = value[..].try_into().map_err(|_| Malformed::Impossible("the sequence"))?;
        Ok(Sequence(u64::from_le_bytes(number)))
    })
}

fn key(queue: QueueId, sequence: Sequence) -> MessageBytes {
    rows::message_key(MessageRef { queue, sequence })
}
