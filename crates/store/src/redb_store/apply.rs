//! Writes one set of changes into the tables of a transaction.
//!
//! What always holds: nothing here commits, so a fault leaves the store as it was.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::format::codec::{Put, Take};
use millpond_core::format::row;
use millpond_core::message::{QueueId, Sequence};
use millpond_core::queue::QueueRecord;
use millpond_log::Position;
use redb::{ReadTransaction, ReadableTableMetadata, WriteTransaction};

use super::fault::Fault;
use super::messages::Messages;
use super::remembered;
use super::rows::{self, CHECKPOINT_ROW, DOCUMENTS, INSTANCE_ROW, QUEUES, REMOVED, STORE};
use crate::contract::Changes;
use crate::payload_files::Writer;

/// Messages that one apply deletes for earlier bulk removals. Enough to keep ahead of a caller that never rests,
/// little enough (tens of milliseconds) not to hold it up.
const RECLAIM_ROWS_PER_APPLY: usize = 50_000;

/// What the store reflects, and the counters that are kept with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) reflected: Position,
    pub(crate) messages: u64,
    pub(crate) payload_bytes: u64,
}

/// Writes all changes and the new checkpoint row. Merges payload files that are due, at least so many bytes of them, if it
/// is told how many.
pub(crate) fn apply(
    transaction: &WriteTransaction,
    writer: &mut Writer<'_>,
    merge: Option<u64>,
    changes: &Changes,
    before: Checkpoint,
    reflected: Position,
) -> Result<Checkpoint, Fault> {
    let Changes { instance, queues, removed_below, messages, forgotten_below, deduplications, documents } =
        changes;
    let mut tables = Messages::open(transaction, writer, before)?;
    if let Some(instance) = instance {
        put_store_row(transaction, INSTANCE_ROW, row::encode_instance(instance))?;
    }
    apply_queues(transaction, queues)?;
    let gone = queues.iter().filter(|(_, record)| record.is_none()).map(|(queue, _)| *queue);
    for queue in gone.clone() {
        tables.hide_queue(queue)?;
    }
    for (queue, below) in removed_below {
        tables.hide_below(*queue, *below)?;
    }
    tables.apply(messages)?;
    let forgotten = gone.map(|queue| (queue, Sequence(u64::MAX)));
    let forgotten = forgotten.chain(forgotten_below.iter().map(|(queue, below)| (*queue, *below)));
    remembered::apply(transaction, forgotten, deduplications)?;
    apply_documents(transaction, documents)?;
    tables.reclaim(RECLAIM_ROWS_PER_APPLY)?;
    merge.map(|bytes| tables.merge(bytes)).transpose()?;
    let after = tables.checkpoint(reflected)?;
    tables.finish(instance.as_ref().map(|instance| instance.clock))?;
    put_checkpoint(transaction, after)?;
    Ok(after)
}

/// Deletes messages that bulk removals took out, and merges as [`apply`] does. Says whether more is left.
pub(crate) fn reclaim(
    transaction: &WriteTransaction,
    writer: &mut Writer<'_>,
    merge: Option<u64>,
    before: Checkpoint,
    limit_rows: usize,
) -> Result<(Checkpoint, bool), Fault> {
    let mut tables = Messages::open(transaction, writer, before)?;
    tables.reclaim(limit_rows)?;
    remembered::reclaim(transaction, limit_rows)?;
    let merge_is_left = merge.map(|bytes| tables.merge(bytes)).transpose()?.unwrap_or(false);
    let more = tables.has_hidden()? || remembered::still_has_forgotten(transaction)? || merge_is_left;
    let after = tables.checkpoint(before.reflected)?;
    tables.finish(None)?;
    put_checkpoint(transaction, after)?;
    Ok((after, more))
}

/// Whether [`reclaim`] has anything to do.
pub(crate) fn has_hidden(transaction: &ReadTransaction) -> Result<bool, Fault> {
    Ok(!transaction.open_table(REMOVED)?.is_empty()? || remembered::has_forgotten(transaction)?)
}

/// Writes a row of the table `store`.
pub(crate) fn put_store_row(transaction: &WriteTransaction, name: &str, value: Vec<u8>) -> Result<(), Fault> {
    let sealed = rows::seal("store", name.as_bytes(), value);
    transaction.open_table(STORE)?.insert(name, &sealed[..])?;
    Ok(())
}

/// Writes what the store reflects.
pub(crate) fn put_checkpoint(transaction: &WriteTransaction, checkpoint: Checkpoint) -> Result<(), Fault> {
    let mut value = Vec::new();
    value.put_varint(checkpoint.reflected.0);
    value.put_varint(checkpoint.payload_bytes);
    put_store_row(transaction, CHECKPOINT_ROW, value)
}

/// Reads what [`put_checkpoint`] wrote; the number of messages is the length of their table.
pub(crate) fn decode_checkpoint(value: Bytes, messages: u64) -> Result<Checkpoint, Fault> {
    let mut take = Take::new(value);
    let mut number = || take.varint("checkpoint row");
    let mut read = || Ok(Checkpoint { reflected: Position(number()?), messages, payload_bytes: number()? });
    let checkpoint = read().map_err(|malformed| Fault::Row("store", malformed))?;
    take.finish("checkpoint row").map_err(|malformed| Fault::Row("store", malformed))?;
    Ok(checkpoint)
}

fn apply_queues(
    transaction: &WriteTransaction,
    queues: &BTreeMap<QueueId, Option<QueueRecord>>,
) -> Result<(), Fault> {
    let mut table = transaction.open_table(QUEUES)?;
    for (queue, record) in queues {
        let key = rows::queue_key(*queue);
        match record {
            Some(record) => {
                let sealed = rows::seal("queues", &key, row::encode_queue(record));
                table.insert(&key, &sealed[..])?;
            }
            None => {
                table.remove(&key)?;
            }
        }
    }
    Ok(())
}

fn apply_documents(
    transaction: &WriteTransaction,
    documents: &BTreeMap<DocumentKey, Option<Document>>,
) -> Result<(), Fault> {
    let mut table = transaction.open_table(DOCUMENTS)?;
    for (key, document) in documents {
        let name = (&key.collection[..], &key.name[..]);
        match document {
            Some(document) => {
                let value = row::encode_document(document);
                let sealed = rows::seal("documents", &rows::document_seal_key(key), value);
                table.insert(name, &sealed[..])?;
            }
            None => {
                table.remove(name)?;
            }
        }
    }
    Ok(())
}
