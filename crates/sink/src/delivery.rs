//! One message on its way to the table, and slices of a batch of them.
//!
//! A piece never copies rows: splitting a batch to find the record that fails costs nothing but two ranges.

use std::{
    ops::{Deref, Range},
    sync::Arc,
};

use crate::{hold::Held, record::Row};

/// A received and parsed message.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Names the message in what is told about it.
    pub(crate) message_id: String,
    /// What the ledger remembers, within the source queue: the same for every delivery of a message, and for every
    /// message of one submission.
    pub(crate) ledger_key: String,
    /// How often the queue has delivered the message, this time included.
    pub(crate) receive_count: u32,
    pub(crate) row: Row,
    /// The claim on the message, and its share of what may be held.
    pub(crate) held: Arc<Held>,
}

/// A run of deliveries out of one batch.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    batch: Arc<[Delivery]>,
    range: Range<usize>,
}

impl Piece {
    pub(crate) fn whole(batch: Vec<Delivery>) -> Self {
        Self { range: 0..batch.len(), batch: batch.into() }
    }

    /// The two halves, in order. A piece of one delivery gives an empty first half.
    pub(crate) fn halves(&self) -> (Self, Self) {
        let middle = self.range.start + self.range.len() / 2;
        let half = |range| Self { batch: Arc::clone(&self.batch), range };
        (half(self.range.start..middle), half(middle..self.range.end))
    }
}

impl Deref for Piece {
    type Target = [Delivery];

    fn deref(&self) -> &[Delivery] {
        &self.batch[self.range.clone()]
    }
}
