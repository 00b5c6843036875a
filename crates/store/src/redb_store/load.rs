//! Shows rows to a visitor: every one, or of a large backlog only those that can't rest; and notices when some are missing.

use std::cell::Cell;

use millpond_core::document::DocumentKey;
use millpond_core::evolve::Inconsistent;
use millpond_core::format::row;
use millpond_core::message::{MessageRef, QueueId, Sequence};
use millpond_core::queue::Backlog;
use millpond_core::time::Timestamp;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::fault::Fault;
use super::find;
use super::reader::{decode, hidden_below, instance, queue_row};
use super::remembered::{REMEMBERED, REMEMBERED_NAME, Visible};
use super::rows::{self, ASIDE, BACKLOGS, BacklogRow, DOCUMENTS, LINE, Place, QUEUES, REMOVED};
use crate::contract::Visitor;

/// Shows the rows of one snapshot: the instance, then queues, documents, remembered sends, each in key order, and entries, or
/// backlogs and some entries if there are more than `limit`.
///
/// `in_visitor` is true while the visitor runs, so that its panic is not taken for the engine's.
pub(crate) fn load(
    transaction: &ReadTransaction,
    limit: u64,
    visitor: &mut dyn Visitor,
    in_visitor: &Cell<bool>,
) -> Result<(), Fault> {
    let mut visitor = Guest { visitor, in_visitor };
    let instance = instance(transaction)?;
    let clock = instance.clock;
    visitor.show(|visitor| visitor.instance(instance))?;
    load_queues(transaction, &mut visitor)?;
    load_documents(transaction, &mut visitor)?;
    load_deduplications(transaction, &mut visitor)?;
    let messages = transaction.open_table(LINE)?.len()? + transaction.open_table(ASIDE)?.len()?;
    if messages > limit {
        load_backlogs(transaction, clock, &mut visitor)?;
    } else {
        load_entries(transaction, Place::Line, &mut visitor)?;
        load_entries(transaction, Place::Aside, &mut visitor)?;
    }
    Ok(())
}

struct Guest<'v> {
    visitor: &'v mut dyn Visitor,
    in_visitor: &'v Cell<bool>,
}

impl Guest<'_> {
    fn show(&mut self, row: impl FnOnce(&mut dyn Visitor) -> Result<(), Inconsistent>) -> Result<(), Fault> {
        self.in_visitor.set(true);
        let answer = row(self.visitor);
        self.in_visitor.set(false);
        answer.map_err(|refusal| Fault::Rows(refusal.to_string()))
    }
}

fn load_queues(transaction: &ReadTransaction, visitor: &mut Guest<'_>) -> Result<(), Fault> {
    let table = transaction.open_table(QUEUES)?;
    let mut found = 0;
    let mut before = None;
    for row in table.iter()? {
        let (key, value) = row?;
        in_order("queues", &mut before, key.value())?;
        let record = decode("queues", key.value(), value.value(), row::decode_queue)?;
        visitor.show(|visitor| visitor.queue(record))?;
        found += 1;
    }
    all_found("queues", found, table.len()?)
}

fn load_documents(transaction: &ReadTransaction, visitor: &mut Guest<'_>) -> Result<(), Fault> {
    let table = transaction.open_table(DOCUMENTS)?;
    let mut found = 0;
    let mut before = None;
    for row in table.iter()? {
        let (key, value) = row?;
        let (collection, name) = key.value();
        let key = DocumentKey { collection: collection.to_owned(), name: name.to_owned() };
        in_order("documents", &mut before, &key)?;
        let seal_key = rows::document_seal_key(&key);
        let document = decode("documents", &seal_key, value.value(), row::decode_document)?;
        visitor.show(|visitor| visitor.document(key, document))?;
        found += 1;
    }
    all_found("documents", found, table.len()?)
}

fn load_deduplications(transaction: &ReadTransaction, visitor: &mut Guest<'_>) -> Result<(), Fault> {
    let visible = Visible::open(transaction)?;
    let table = transaction.open_table(REMEMBERED)?;
    let mut found = 0;
    let mut before = None;
    for row in table.iter()? {
        let (key, value) = row?;
        let queue = rows::message_of(key.value()).queue;
        for (sequence, row) in visible.of_row(key.value(), value.value())? {
            let message = MessageRef { queue, sequence };
            in_order(REMEMBERED_NAME, &mut before, &message)?;
            visitor.show(|visitor| visitor.deduplication(message, row))?;
        }
        found += 1;
    }
    all_found(REMEMBERED_NAME, found, table.len()?)
}

/// Shows what each queue holds, and those of its messages that may be in flight, or that were ever delivered by a FIFO queue.
fn load_backlogs(
    transaction: &ReadTransaction,
    clock: Timestamp,
    visitor: &mut Guest<'_>,
) -> Result<(), Fault> {
    let table = transaction.open_table(BACKLOGS)?;
    let mut before = None;
    for row in table.iter()? {
        let (key, value) = row?;
        in_order("backlogs", &mut before, key.value())?;
        let row = decode("backlogs", key.value(), value.value(), BacklogRow::decode)?;
        if row.messages == 0 {
            continue;
        }
        let queue = rows::queue_of(key.value());
        let tables = find::Queue::open(transaction, queue)?;
        let BacklogRow { era: _, messages, bytes, delayed } = row;
        let oldest_sent_at = tables.oldest_sent_at(Sequence(0))?;
        let backlog = Backlog { messages, bytes, delayed, oldest_sent_at };
        visitor.show(|visitor| visitor.backlog(queue, backlog))?;
        let is_fifo = queue_row(transaction, queue)?.is_some_and(|record| record.attributes.fifo.is_some());
        for (sequence, entry) in tables.leased_after(if is_fifo { Timestamp::EPOCH } else { clock })? {
            visitor.show(|visitor| visitor.entry(MessageRef { queue, sequence }, entry))?;
        }
    }
    Ok(())
}

fn load_entries(transaction: &ReadTransaction, place: Place, visitor: &mut Guest<'_>) -> Result<(), Fault> {
    let removed = transaction.open_table(REMOVED)?;
    let table = transaction.open_table(place.entries())?;
    let mut found = 0;
    let mut hidden: Option<(QueueId, Sequence)> = None;
    let mut before = None;
    for row in table.iter()? {
        let (key, value) = row?;
        let message = rows::message_of(key.value());
        in_order(place.table(), &mut before, &message)?;
        found += 1;
        let below = match hidden {
            Some((queue, below)) if queue == message.queue => below,
            _ => hidden_below(&removed, message.queue)?,
        };
        hidden = Some((message.queue, below));
        if message.sequence >= below {
            let entry = decode(place.table(), key.value(), value.value(), row::decode_entry)?;
            visitor.show(|visitor| visitor.entry(message, entry))?;
        }
    }
    all_found(place.table(), found, table.len()?)
}

/// An old page among new ones may show rows twice and others not at all, without being noticed by the engine.
fn in_order<K: Ord + Clone>(table: &str, before: &mut Option<K>, key: &K) -> Result<(), Fault> {
    if before.replace(key.clone()).is_some_and(|before| before >= *key) {
        return Err(Fault::Rows(format!("rows of table {table} are out of order")));
    }
    Ok(())
}

/// A damaged page may hide rows without being noticed by the engine.
fn all_found(table: &str, found: u64, expected: u64) -> Result<(), Fault> {
    if found == expected {
        Ok(())
    } else {
        Err(Fault::Rows(format!("table {table} holds {found} rows where {expected} were counted")))
    }
}
