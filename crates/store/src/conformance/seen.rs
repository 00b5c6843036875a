//! All that can be seen of a store, as one value to compare.

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::{Inconsistent, Instance};
use millpond_core::message::{Entry, MessageRef, QueueId};
use millpond_core::queue::{Backlog, Deduplication, QueueRecord};
use millpond_log::Position;

use crate::contract::{Store, Visitor};
use crate::error::StoreError;

/// All rows of a store, in the order they were shown, with the payloads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the store says it reflects.
    pub reflected: Position,
    /// The instance row.
    pub instance: Instance,
    /// All queues.
    pub queues: Vec<QueueRecord>,
    /// All documents.
    pub documents: Vec<(DocumentKey, Document)>,
    /// All remembered sends.
    pub deduplications: Vec<(MessageRef, Deduplication)>,
    /// What queues hold of which not all messages were shown.
    pub backlogs: Vec<(QueueId, Backlog)>,
    /// All messages that were shown.
    pub messages: Vec<(MessageRef, Entry, Bytes)>,
}

impl Seen {
    /// Looks at everything.
    ///
    /// # Panics
    /// When a row can't be read, comes out of order, or has no payload.
    #[must_use]
    pub fn of(store: &dyn Store) -> Self {
        let mut seen = Self::rows_of(store).expect("all rows can be read");
        let asked: Vec<MessageRef> = seen.messages.iter().map(|row| row.0).collect();
        let payloads = store.reader().payloads(&asked).expect("all payloads can be read");
        for (row, payload) in seen.messages.iter_mut().zip(payloads) {
            row.2 = payload.expect("every entry has a payload");
        }
        seen
    }

    /// Looks at everything but payloads, which are left empty. For a store that may be damaged.
    ///
    /// # Errors
    /// What the store answers.
    ///
    /// # Panics
    /// When a row comes out of order.
    pub fn rows_of(store: &dyn Store) -> Result<Self, StoreError> {
        Self::rows_within(store, u64::MAX)
    }

    /// As [`Seen::rows_of`], where no more than `limit` entries without a group may be shown.
    ///
    /// # Errors
    /// What the store answers.
    ///
    /// # Panics
    /// When a row comes out of order.
    pub fn rows_within(store: &dyn Store, limit: u64) -> Result<Self, StoreError> {
        let mut seen = Self { reflected: store.reflected(), ..Self::default() };
        store.load(limit, &mut seen)?;
        assert!(seen.queues.is_sorted_by(|one, next| one.id < next.id), "queues in key order");
        assert!(seen.documents.is_sorted_by(|one, next| one.0 < next.0), "documents in key order");
        assert!(
            seen.deduplications.is_sorted_by(|one, next| one.0 < next.0),
            "remembered sends in key order"
        );
        seen.messages.sort_by_key(|row| row.0);
        assert!(seen.messages.is_sorted_by(|one, next| one.0 < next.0), "each entry once");
        Ok(seen)
    }
}

impl Visitor for Seen {
    fn instance(&mut self, instance: Instance) -> Result<(), Inconsistent> {
        self.instance = instance;
        Ok(())
    }

    fn queue(&mut self, record: QueueRecord) -> Result<(), Inconsistent> {
        assert!(self.documents.is_empty() && self.messages.is_empty(), "queues come first");
        self.queues.push(record);
        Ok(())
    }

    fn document(&mut self, key: DocumentKey, document: Document) -> Result<(), Inconsistent> {
        assert!(self.deduplications.is_empty(), "documents come before remembered sends");
        self.documents.push((key, document));
        Ok(())
    }

    fn deduplication(&mut self, message: MessageRef, row: Deduplication) -> Result<(), Inconsistent> {
        assert!(self.messages.is_empty(), "remembered sends come before entries");
        self.deduplications.push((message, row));
        Ok(())
    }

    fn backlog(&mut self, queue: QueueId, backlog: Backlog) -> Result<(), Inconsistent> {
        assert!(self.messages.iter().all(|row| row.0.queue != queue), "a backlog comes before its entries");
        self.backlogs.push((queue, backlog));
        Ok(())
    }

    fn entry(&mut self, message: MessageRef, entry: Entry) -> Result<(), Inconsistent> {
        self.messages.push((message, entry, Bytes::new()));
        Ok(())
    }
}

/// Refuses an entry after having taken some.
#[derive(Debug)]
pub struct Refusing {
    taken_before: usize,
    /// Entries shown so far, the refused one included.
    pub shown: usize,
}

impl Refusing {
    /// Takes `taken_before` entries, then refuses.
    #[must_use]
    pub fn after(taken_before: usize) -> Self {
        Self { taken_before, shown: 0 }
    }
}

impl Visitor for Refusing {
    fn instance(&mut self, _: Instance) -> Result<(), Inconsistent> {
        Ok(())
    }

    fn queue(&mut self, _: QueueRecord) -> Result<(), Inconsistent> {
        Ok(())
    }

    fn document(&mut self, _: DocumentKey, _: Document) -> Result<(), Inconsistent> {
        Ok(())
    }

    fn deduplication(&mut self, _: MessageRef, _: Deduplication) -> Result<(), Inconsistent> {
        Ok(())
    }

    fn backlog(&mut self, _: QueueId, _: Backlog) -> Result<(), Inconsistent> {
        Ok(())
    }

    fn entry(&mut self, message: MessageRef, _: Entry) -> Result<(), Inconsistent> {
        self.shown += 1;
        if self.shown > self.taken_before { Err(Inconsistent::NoSuchQueue(message.queue)) } else { Ok(()) }
    }
}
