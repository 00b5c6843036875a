//! What queues remember of their sends, in memory and at rest.
//!
//! What always holds: the counts over all queues are those of the queues together.

use super::State;
use crate::evolve::Inconsistent;
use crate::message::{MessageRef, QueueId, Sequence};
use crate::queue::{Deduplication, Deduplications};

/// How many sends are remembered, over all queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RememberedSends {
    /// Those in memory.
    pub in_memory: usize,
    /// Those that rest in the store.
    pub at_rest: u64,
}

impl State {
    /// How many sends are remembered, over all queues.
    #[must_use]
    pub fn remembered_sends(&self) -> RememberedSends {
        self.remembered
    }

    /// Puts back what a queue remembers of a send, as it was read from a store.
    ///
    /// # Errors
    /// [`Inconsistent::NoSuchQueue`] when its queue was not restored before.
    pub fn restore_deduplication(
        &mut self,
        message: MessageRef,
        row: Deduplication,
    ) -> Result<(), Inconsistent> {
        // The store has it, whatever the batch.
        let put = self.with_sends(message.queue, |sends| sends.put(message.sequence, row, 0));
        put.ok_or(Inconsistent::NoSuchQueue(message.queue))
    }

    /// Puts back what a queue remembers of a send, as it was read from a store, where it stays at rest.
    ///
    /// # Errors
    /// [`Inconsistent::NoSuchQueue`] when its queue was not restored before, [`Inconsistent::OutOfSequence`] when a row is in
    /// memory already that came before it.
    pub fn restore_resting_deduplication(
        &mut self,
        message: MessageRef,
        row: &Deduplication,
    ) -> Result<(), Inconsistent> {
        let secret = self.secret();
        let restore = |sends: &mut Deduplications| sends.restore_resting(message.sequence, row, secret);
        match self.with_sends(message.queue, restore) {
            Some(true) => Ok(()),
            Some(false) => Err(Inconsistent::OutOfSequence(message)),
            None => Err(Inconsistent::NoSuchQueue(message.queue)),
        }
    }

    /// Lets remembered sends of a queue rest, see [`Deduplications::rest`]. Returns how many went.
    pub fn rest_sends(&mut self, queue: QueueId, limit: usize, through: u64) -> usize {
        let secret = self.secret();
        self.with_sends(queue, |sends| sends.rest(limit, through, secret)).unwrap_or(0)
    }

    /// Brings back what was read of remembered sends that rest, until [`State::drop_recalled_sends`].
    pub fn recall_sends(&mut self, queue: QueueId, asked: &[Sequence], found: &[(Sequence, Deduplication)]) {
        self.with_sends(queue, |sends| sends.recall(asked, found));
    }

    /// What was brought back of a queue's remembered sends is of no use any more.
    pub fn drop_recalled_sends(&mut self, queue: QueueId) {
        self.with_sends(queue, Deduplications::drop_recalled);
    }

    /// Changes what a queue remembers; `None` when it is not there.
    pub(super) fn with_sends<T>(
        &mut self,
        queue: QueueId,
        change: impl FnOnce(&mut Deduplications) -> T,
    ) -> Option<T> {
        let sends = &mut self.queues.get_mut(&queue)?.deduplications;
        let (in_memory, at_rest) = (sends.in_memory(), sends.at_rest());
        let done = change(sends);
        self.remembered.in_memory = self.remembered.in_memory + sends.in_memory() - in_memory;
        self.remembered.at_rest = self.remembered.at_rest + sends.at_rest() - at_rest;
        Some(done)
    }

    /// What nobody else knows.
    fn secret(&self) -> [u8; 16] {
        self.instance.receipt_key.unwrap_or_default()
    }
}
