//! Brings the entries of a store of an earlier format into the tables of today. Format 1 kept all of them in one table, without
//! any order but that of their numbers; format 2 kept those with a group so, uncounted.
//!
//! What always holds: they are moved in pieces, each in one transaction; a table goes with the last of its rows.

use millpond_core::format::row;
use redb::{ReadableTable, ReadableTableMetadata, TableHandle, WriteTransaction};

use super::entries::Entries;
use super::fault::Fault;
use super::reader::{decode, hidden_below};
use super::rows::{self, ENTRIES_1, GROUPED_2, MessageBytes, MessageTable, REMOVED};

/// The tables that entries were in.
pub(crate) const TABLES: [MessageTable; 2] = [ENTRIES_1, GROUPED_2];

/// Moves some entries of a table, at most so many.
pub(crate) fn move_some(
    transaction: &WriteTransaction,
    table: MessageTable,
    at_once: usize,
) -> Result<(), Fault> {
    let mut old = transaction.open_table(table)?;
    let removed = transaction.open_table(REMOVED)?;
    let mut entries = Entries::open(transaction)?;
    let mut last = None;
    for row in old.iter()?.take(at_once) {
        let (key, value) = row?;
        let message = rows::message_of(key.value());
        let entry = decode(name_of(table), key.value(), value.value(), row::decode_entry)?;
        if message.sequence < hidden_below(&removed, message.queue)? {
            entries.insert_hidden(message, &entry)?;
        } else {
            entries.insert(message, &entry)?;
        }
        last = Some(*key.value());
    }
    if let Some(last) = last {
        old.retain_in::<&MessageBytes, _>(&[0; 16]..=&last, |_, _| false)?;
    }
    entries.finish(None)?;
    let is_done = old.is_empty()?;
    drop((old, removed));
    if is_done {
        transaction.delete_table(table)?;
    }
    Ok(())
}

/// The name that its rows are sealed with.
fn name_of(table: MessageTable) -> &'static str {
    if table.name() == ENTRIES_1.name() { "entries" } else { "grouped" }
}
