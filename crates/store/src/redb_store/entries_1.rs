//! Brings the entries of a store of format 1, which lie in one table without any order but that of their numbers, into the
//! tables of today.
//!
//! What always holds: they are moved in pieces, each in one transaction; the table goes with the last of them.

use millpond_core::format::row;
use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};

use super::entries::Entries;
use super::fault::Fault;
use super::reader::{decode, hidden_below};
use super::rows::{self, ENTRIES_1, MessageBytes, REMOVED};

/// Moves some entries, at most so many.
pub(crate) fn move_some(transaction: &WriteTransaction, at_once: usize) -> Result<(), Fault> {
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
    let is_done = old.is_empty()?;
    drop((old, removed));
    if is_done {
        transaction.delete_table(ENTRIES_1)?;
    }
    Ok(())
}

/// The name that its rows are sealed with.
const ENTRIES_1_NAME: &str = "entries";
