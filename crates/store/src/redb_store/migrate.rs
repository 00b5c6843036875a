//! Brings a store of an earlier format to this one, when it is opened.
//!
//! Format 1 kept all entries in one table, without any order but that of their numbers; format 2 kept those with a group so,
//! uncounted. They are moved over in pieces, each in one transaction, so memory stays bounded. The first piece makes the store
//! one of this format; a store whose move was interrupted still has the old table, and the move goes on.
//!
//! It refuses to go back: an earlier version does not open the store any more.

use millpond_core::format::row;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableHandle, WriteTransaction};

use super::entries::Entries;
use super::fault::Fault;
use super::opened::{create_entry_tables, read_format, write_to};
use super::reader::{decode, hidden_below};
use super::rows::{self, ENTRIES_1, FORMAT, GROUPED_2, MessageBytes, MessageTable, REMOVED};

/// Tables of entries of earlier formats, each with the name that its rows are sealed with.
const EARLIER: [(MessageTable, &str); 2] = [(ENTRIES_1, "entries"), (GROUPED_2, "grouped")];

/// Does what is left to do, `at_once` entries in a transaction.
pub(crate) fn to_this_format(database: &Database, at_once: usize) -> Result<(), Fault> {
    let transaction = database.begin_read()?;
    if read_format(&transaction)? < FORMAT {
        write_to(database, create_entry_tables)?;
    }
    let left: Vec<String> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
    drop(transaction);
    for (table, name) in EARLIER {
        if left.iter().any(|left| left == name) {
            while !write_to(database, |transaction| move_some(transaction, table, name, at_once))? {}
        }
    }
    Ok(())
}

/// Moves some entries of a table. Answers whether that were all.
fn move_some(
    transaction: &WriteTransaction,
    table: MessageTable,
    name: &'static str,
    at_once: usize,
) -> Result<bool, Fault> {
    let mut old = transaction.open_table(table)?;
    let removed = transaction.open_table(REMOVED)?;
    let mut entries = Entries::open(transaction)?;
    let mut last = None;
    for row in old.iter()?.take(at_once) {
        let (key, value) = row?;
        let message = rows::message_of(key.value());
        let entry = decode(name, key.value(), value.value(), row::decode_entry)?;
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
    let done = old.is_empty()?;
    drop((old, removed));
    if done {
        transaction.delete_table(table)?;
    }
    Ok(done)
}
