//! Brings a store of an earlier format to this one, when it is opened: each change that was made since in a step of its own.
//!
//! What always holds: a step goes in pieces, each in one transaction, so memory stays bounded; a piece that is done is not
//! done again, so a store whose migration was interrupted goes on with it. The row that tells the format is written last.
//!
//! It refuses to go back: an earlier version does not open the store any more.

use redb::{Database, ReadableDatabase, TableHandle};

use super::apply::put_store_row;
use super::entries_1;
use super::fault::Fault;
use super::opened::{create_message_tables, read_format, write_to};
use super::payloads;
use super::payloads_2;
use super::rows::{ENTRIES_1, FORMAT, FORMAT_ROW, PAYLOADS_2};
use crate::payload_files::Files;

/// Does what is left to do, `at_once` rows of messages in a transaction.
pub(crate) fn to_this_format(database: &Database, files: &Files, at_once: usize) -> Result<(), Fault> {
    if read_format(&database.begin_read()?)? == FORMAT {
        return Ok(());
    }
    write_to(database, create_message_tables)?;
    files.learn(payloads::ledger(&database.begin_read()?)?);
    files.verify()?;
    while has_table(database, ENTRIES_1.name())? {
        write_to(database, |transaction| entries_1::move_some(transaction, at_once))?;
    }
    while has_table(database, PAYLOADS_2.name())? {
        let mut writer = files.writer();
        write_to(database, |transaction| payloads_2::move_some(transaction, &mut writer, at_once))?;
        writer.committed();
    }
    write_to(database, |transaction| put_store_row(transaction, FORMAT_ROW, FORMAT.to_le_bytes().to_vec()))
}

fn has_table(database: &Database, name: &str) -> Result<bool, Fault> {
    Ok(database.begin_read()?.list_tables()?.any(|table| table.name() == name))
}
