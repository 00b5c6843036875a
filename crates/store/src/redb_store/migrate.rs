//! Brings a store of an earlier format to this one, when it is opened.
//!
//! Each change of the tables is a step of its own, and the steps follow each other. A step moves rows in pieces, each in one
//! transaction, so memory stays bounded; what it moved is gone from where it was, so a step that was interrupted goes on. The
//! row that tells the format is written behind the last of them.
//!
//! It refuses to go back: an earlier version does not open the store any more.

use millpond_core::format::row;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableHandle, WriteTransaction};

use super::entries::Entries;
use super::fault::Fault;
use super::opened::{create_entry_tables, put_format, read_format, write_to};
use super::reader::{decode, hidden_below};
use super::remembered;
use super::rows::{self, ENTRIES_1, FORMAT, MessageBytes, REMOVED};

/// Does what is left to do, `at_once` rows in a transaction.
pub(crate) fn to_this_format(database: &Database, at_once: usize) -> Result<(), Fault> {
    let transaction = database.begin_read()?;
    if read_format(&transaction)? == FORMAT {
        return Ok(());
    }
    let tables: Vec<String> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
    let has_table = |name: &str| tables.iter().any(|table| table == name);
    drop(transaction);
    entries_to_2(database, has_table(ENTRIES_1.name()), at_once)?;
    let write = |operation: &dyn Fn(&WriteTransaction) -> Result<bool, Fault>| write_to(database, operation);
    remembered::migrate(has_table(remembered::earlier_table()), at_once, write)?;
    write_to(database, put_format)
}

/// Format 1 kept all entries in one table, without any order but that of their numbers.
fn entries_to_2(database: &Database, has_table: bool, at_once: usize) -> Result<(), Fault> {
    write_to(database, create_entry_tables)?;
    while has_table && !write_to(database, |transaction| move_some(transaction, at_once))? {}
    Ok(())
}

/// Moves some entries. Answers whether that were all.
fn move_some(transaction: &WriteTransaction, at_once: usize) -> Result<bool, Fault> {
    let mut old = transaction.open_table(ENTRIES_1)?;
    let removed = transaction.open_table(REMOVED)?;
    let mut entries = Entries::open(transaction)?;
    let mut last = None;
    for row in old.iter()?.take(at_once) {
        let (key, value) = row?;
        let message = rows::message_of(key.value());
        let entry = decode(ENTRIES_1_NAME, key.value(), value.value(), row::decode_entry)?;
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
        transaction.delete_table(ENTRIES_1)?;
    }
    Ok(done)
}

/// The name that its rows are sealed with.
const ENTRIES_1_NAME: &str = "entries";
