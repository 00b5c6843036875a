//! Brings the payloads of a store of format 1 or 2, which lie in parts in a table of the engine, into payload files.
//!
//! What always holds: they are moved in pieces, each in one transaction, so memory stays bounded; a store whose move was
//! interrupted has some of its payloads here and some there, and the move goes on. The table goes with the last of them.

use bytes::{Bytes, BytesMut};
use millpond_core::message::MessageRef;
use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};

use super::fault::Fault;
use super::payloads::Payloads;
use super::rows::{self, PAYLOADS_2, PartBytes};
use crate::payload_files::Writer;

/// Bytes of payloads that are moved in one transaction, about.
const BYTES_AT_ONCE: usize = 32 << 20;

/// Moves some payloads, at most so many.
pub(crate) fn move_some(
    transaction: &WriteTransaction,
    writer: &mut Writer<'_>,
    at_once: usize,
) -> Result<(), Fault> {
    let mut old = transaction.open_table(PAYLOADS_2)?;
    let moved = some_payloads(&old, at_once)?;
    let mut payloads = Payloads::open(transaction, writer, 0)?;
    for (message, payload) in &moved {
        payloads.insert(*message, payload)?;
    }
    payloads.finish()?;
    if let Some((last, _)) = moved.last() {
        let end = last_part_key(*last);
        old.retain_in::<&PartBytes, _>(&[0; 18]..=&end, |_, _| false)?;
    }
    let is_done = old.is_empty()?;
    drop(old);
    if is_done {
        transaction.delete_table(PAYLOADS_2)?;
    }
    Ok(())
}

/// The first payloads of the table, whole.
fn some_payloads(
    old: &impl ReadableTable<&'static PartBytes, &'static [u8]>,
    at_once: usize,
) -> Result<Vec<(MessageRef, Bytes)>, Fault> {
    let mut some: Vec<(MessageRef, BytesMut)> = Vec::new();
    let mut bytes = 0;
    for row in old.iter()? {
        let (key, part) = row?;
        let message = rows::message_of_part(key.value());
        let is_full = some.len() >= at_once || bytes >= BYTES_AT_ONCE;
        match some.last_mut() {
            Some((last, payload)) if *last == message => payload.extend_from_slice(part.value()),
            _ if is_full => break,
            _ => some.push((message, BytesMut::from(part.value()))),
        }
        bytes += part.value().len();
    }
    Ok(some.into_iter().map(|(message, payload)| (message, payload.freeze())).collect())
}

/// The last key that a part of a message may have.
fn last_part_key(message: MessageRef) -> PartBytes {
    let mut last = [u8::MAX; 18];
    last[..16].copy_from_slice(&rows::message_key(message));
    last
}
