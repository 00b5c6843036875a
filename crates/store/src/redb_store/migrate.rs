//! Brings a store of an earlier format to this one, when it is opened: each change that was made since in a step of its own.
//!
//! What always holds: a step goes in pieces, each in one transaction, so memory stays bounded; what a piece has moved is gone
//! from where it was, so a store whose migration was interrupted goes on with it. The row that tells the format is written last.
//!
//! It refuses to go back: an earlier version does not open the store any more.

use redb::{Database, ReadableDatabase, TableHandle};

use super::earlier_entries;
use super::earlier_payloads;
use super::fault::Fault;
use super::opened::{create_message_tables, put_format, read_format, write_to};
use super::payloads;
use super::remembered;
use super::rows::{FORMAT, PAYLOADS_2};
use crate::payload_files::Files;

/// Does what is left to do, `at_once` rows in a transaction.
pub(crate) fn to_this_format(database: &Database, files: &Files, at_once: usize) -> Result<(), Fault> {
    if read_format(&database.begin_read()?)? == FORMAT {
        return Ok(());
    }
    write_to(database, create_message_tables)?;
    write_to(database, remembered::create_tables)?;
    files.learn(payloads::ledger(&database.begin_read()?)?);
    files.verify()?;
    for table in earlier_entries::TABLES {
        while has_table(database, table.name())? {
            write_to(database, |transaction| earlier_entries::move_some(transaction, table, at_once))?;
        }
    }
    while has_table(database, remembered::earlier_table())? {
        write_to(database, |transaction| remembered::move_some(transaction, at_once))?;
    }
    while has_table(database, PAYLOADS_2.name())? {
        let mut writer = files.writer();
        write_to(database, |transaction| earlier_payloads::move_some(transaction, &mut writer, at_once))?;
        writer.committed();
    }
    write_to(database, put_format)
}

fn has_table(database: &Database, name: &str) -> Result<bool, Fault> {
    Ok(database.begin_read()?.list_tables()?.any(|table| table.name() == name))
}
