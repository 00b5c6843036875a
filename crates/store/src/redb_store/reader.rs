//! Reads of single rows, from any thread, each from a fresh snapshot.

use std::sync::Arc;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::Instance;
use millpond_core::format::{Malformed, row};
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::queue::QueueRecord;
use redb::{ReadTransaction, ReadableTable};

use super::fault::Fault;
use super::find::find;
use super::opened::Opened;
use super::payloads::extent;
use super::rows::{
    self, BacklogRow, DOCUMENTS, EXTENTS, INSTANCE_ROW, MessageBytes, Place, QUEUES, QueueBytes, REMOVED,
    STORE,
};
use crate::contract::{Found, Snapshot, StoreReader, Wanted};
use crate::error::StoreError;
use crate::payload_files::Hold;

/// A handle for reads.
#[derive(Clone)]
pub(crate) struct RedbReader {
    opened: Arc<Opened>,
}

impl RedbReader {
    pub(crate) fn new(opened: Arc<Opened>) -> Self {
        Self { opened }
    }
}

impl StoreReader for RedbReader {
    fn payload(&self, message: MessageRef) -> Result<Option<Bytes>, StoreError> {
        let hold = self.opened.files().hold();
        self.opened.read(|transaction| payload(transaction, &hold, message))
    }

    fn payloads(&self, messages: &[MessageRef]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let hold = self.opened.files().hold();
        self.opened.read(|transaction| {
            messages.iter().map(|message| payload(transaction, &hold, *message)).collect()
        })
    }

    fn entry(&self, message: MessageRef) -> Result<Option<Entry>, StoreError> {
        self.opened.read(|transaction| {
            if message.sequence < hidden_below(&transaction.open_table(REMOVED)?, message.queue)? {
                return Ok(None);
            }
            for place in Place::ALL {
                let entry = entry(&transaction.open_table(place.entries())?, place, message)?;
                if entry.is_some() {
                    return Ok(entry);
                }
            }
            Ok(None)
        })
    }

    fn find(&self, queue: QueueId, wanted: &Wanted, limit: usize) -> Result<Found, StoreError> {
        self.opened.read(|transaction| find(transaction, queue, wanted, limit))
    }

    fn queue(&self, queue: QueueId) -> Result<Option<QueueRecord>, StoreError> {
        self.opened.read(|transaction| queue_row(transaction, queue))
    }

    fn instance(&self) -> Result<Instance, StoreError> {
        self.opened.read(instance)
    }

    fn document(&self, key: &DocumentKey) -> Result<Option<Document>, StoreError> {
        self.opened.read(|transaction| {
            let row = transaction.open_table(DOCUMENTS)?.get((&key.collection[..], &key.name[..]))?;
            let seal_key = rows::document_seal_key(key);
            row.map(|row| decode("documents", &seal_key, row.value(), row::decode_document)).transpose()
        })
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.opened.snapshot()
    }
}

/// The entry of a message, hidden or not, if it is in this table.
pub(crate) fn entry(
    table: &impl ReadableTable<&'static MessageBytes, &'static [u8]>,
    place: Place,
    message: MessageRef,
) -> Result<Option<Entry>, Fault> {
    let key = rows::message_key(message);
    let row = table.get(&key)?;
    row.map(|row| decode(place.table(), &key, row.value(), row::decode_entry)).transpose()
}

/// The backlog row of a queue, or an empty one.
pub(crate) fn backlog(
    backlogs: &impl ReadableTable<&'static QueueBytes, &'static [u8]>,
    queue: QueueId,
) -> Result<BacklogRow, Fault> {
    let key = rows::queue_key(queue);
    let row = backlogs.get(&key)?;
    row.map_or(Ok(BacklogRow::default()), |row| decode("backlogs", &key, row.value(), BacklogRow::decode))
}

/// Checks and reads one row.
pub(crate) fn decode<T>(
    table: &'static str,
    key: &[u8],
    row: &[u8],
    read: impl FnOnce(Bytes) -> Result<T, Malformed>,
) -> Result<T, Fault> {
    read(rows::open(table, key, row)?).map_err(|malformed| Fault::Row(table, malformed))
}

/// The value of a row of the table `store`, checked.
pub(crate) fn store_row(transaction: &ReadTransaction, name: &str) -> Result<Option<Bytes>, Fault> {
    let row = transaction.open_table(STORE)?.get(name)?;
    row.map(|row| rows::open("store", name.as_bytes(), row.value())).transpose()
}

/// The instance row, or the default one.
pub(crate) fn instance(transaction: &ReadTransaction) -> Result<Instance, Fault> {
    let Some(value) = store_row(transaction, INSTANCE_ROW)? else { return Ok(Instance::default()) };
    row::decode_instance(value).map_err(|malformed| Fault::Row("store", malformed))
}

/// The first sequence of a queue that no bulk removal took out.
pub(crate) fn hidden_below(
    removed: &impl ReadableTable<&'static QueueBytes, &'static [u8]>,
    queue: QueueId,
) -> Result<Sequence, Fault> {
    let key = rows::queue_key(queue);
    let Some(row) = removed.get(&key)? else { return Ok(Sequence(0)) };
    decode("removed_below", &key, row.value(), |value| {
        let number = value[..].try_into().map_err(|_| Malformed::Impossible("the sequence"))?;
        Ok(Sequence(u64::from_le_bytes(number)))
    })
}

fn payload(transaction: &ReadTransaction, files: &Hold, message: MessageRef) -> Result<Option<Bytes>, Fault> {
    if message.sequence < hidden_below(&transaction.open_table(REMOVED)?, message.queue)? {
        return Ok(None);
    }
    let extent = extent(&transaction.open_table(EXTENTS)?, message)?;
    Ok(extent.map(|extent| files.read(extent)).transpose()?)
}

/// The record of a queue.
pub(crate) fn queue_row(transaction: &ReadTransaction, queue: QueueId) -> Result<Option<QueueRecord>, Fault> {
    let key = rows::queue_key(queue);
    let row = transaction.open_table(QUEUES)?.get(&key)?;
    row.map(|row| decode("queues", &key, row.value(), row::decode_queue)).transpose()
}
