//! Takes whole rows along, and tells of the others.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::Instance;
use millpond_core::message::{Entry, MessageRef, QueueId, Sequence};
use millpond_core::payload;
use millpond_core::queue::{Deduplication, QueueRecord};
use millpond_store::{DamagedRow, Examiner, Flow};

use super::{UNPLACED_FILE, Work};
use crate::backup::format::Row;
use crate::rebuild::{Rebuild, RebuildError};

/// Puts rows into the new directory as they are shown.
pub(super) struct Saving<'a, 'w> {
    rebuild: &'a mut Rebuild,
    work: &'a mut Work<'w>,
    queues: BTreeMap<QueueId, Sequence>,
    instance: Option<Instance>,
    /// The highest revision that a document has.
    revision: u64,
    failure: Option<RebuildError>,
}

impl<'a, 'w> Saving<'a, 'w> {
    pub(super) fn new(rebuild: &'a mut Rebuild, work: &'a mut Work<'w>) -> Self {
        Self { rebuild, work, queues: BTreeMap::new(), instance: None, revision: 0, failure: None }
    }

    /// Numbers are never used again: without its row the instance begins behind all that is there.
    pub(super) fn finish(self) -> Result<(), RebuildError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let last_queue = self.queues.last_key_value().map(|(queue, _)| queue.0);
        let next_queue = last_queue.map_or(0, |queue| queue + 1);
        let mut instance = self.instance.unwrap_or_default();
        instance.next_queue = instance.next_queue.max(next_queue);
        instance.next_revision = instance.next_revision.max(self.revision + 1);
        self.rebuild.row(Row::Instance(instance))
    }

    fn put(&mut self, row: Row) -> Flow {
        match self.rebuild.row(row) {
            Ok(()) => Flow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                Flow::Break(())
            }
        }
    }

    fn is_placed(&self, message: MessageRef) -> bool {
        self.queues.get(&message.queue).is_some_and(|next| message.sequence < *next)
    }

    fn unplaced(&mut self, message: MessageRef, payload: &Bytes, why: &str) {
        self.work.unplaced.put(message, payload, why);
        let which = self.work.names.message(message, Some(payload));
        self.work.lose("message", which, format!("{why}; it is in {UNPLACED_FILE}"));
    }
}

impl Examiner for Saving<'_, '_> {
    fn instance(&mut self, instance: Instance) -> Flow {
        self.instance = Some(instance);
        Flow::Continue(())
    }

    fn queue(&mut self, record: QueueRecord) -> Flow {
        self.work.saved.queues += 1;
        self.work.names.learn(&record);
        self.queues.insert(record.id, record.next_sequence);
        self.put(Row::Queue(record))
    }

    fn document(&mut self, key: DocumentKey, document: Document) -> Flow {
        self.work.saved.documents += 1;
        self.revision = self.revision.max(document.revision);
        self.put(Row::Document(key, document))
    }

    fn deduplication(&mut self, message: MessageRef, row: Deduplication) -> Flow {
        if !self.queues.contains_key(&message.queue) {
            return Flow::Continue(());
        }
        self.work.saved.deduplications += 1;
        self.put(Row::Deduplication(message, row))
    }

    fn message(&mut self, message: MessageRef, mut entry: Entry, payload: Option<Bytes>) -> Flow {
        self.work.watch.progress.at("messages saved", self.work.saved.messages, None);
        let Some(payload) = payload.filter(|payload| payload::verify(payload).is_ok()) else {
            let which = self.work.names.message(message, None);
            self.work.lose("message", which, "its bytes are damaged or missing");
            return Flow::Continue(());
        };
        if !self.is_placed(message) {
            self.unplaced(message, &payload, "its queue is not known any more");
            return Flow::Continue(());
        }
        self.work.saved.messages += 1;
        entry.payload_bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.put(Row::Message(message, entry, payload))
    }

    fn damaged(&mut self, row: DamagedRow) -> Flow {
        let DamagedRow { table, row, message, what, payload, is_lone_payload: _ } = row;
        match (message, payload) {
            (Some(message), Some(payload)) if payload::verify(&payload).is_ok() => {
                self.unplaced(message, &payload, "its row is damaged or missing");
            }
            (Some(message), payload) => {
                let which = self.work.names.message(message, payload.as_ref());
                self.work.lose("message", which, format!("table {table}: {what}"));
            }
            (None, _) => {
                let kind = match table {
                    "queues" => "queue",
                    "documents" => "document",
                    _ => "row",
                };
                self.work.lose(kind, format!("table {table}, {row}"), what);
            }
        }
        Flow::Continue(())
    }
}
