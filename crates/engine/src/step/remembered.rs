//! Remembered sends of FIFO queues: those that the store has leave memory when there are too many, and a send that may
//! repeat one of them waits until its row was read.
//!
//! A send waits only when a few bits say that a row at rest may be its own (see `sends_at_rest` of the core), others go on
//! meanwhile: requests that are under way together have no order among them, as with Amazon SQS. When it goes on it is
//! asked anew what it needs, as rows may have come to rest since, and is decided on what is remembered then.
//!
//! What always holds: only rows leave memory that every read to come finds; what was read is kept no longer than the
//! commands that waited for it are decided. Nothing here is an event.

use millpond_core::message::{QueueId, Sequence};
use millpond_core::time::Timestamp;
use millpond_log::Position;
use millpond_store::{Found, Wanted};

use super::{Engine, FetchId, Output};
use crate::backlog::{Fetch, Purpose};

/// Rows that leave memory in one turn.
const RESTED_AT_ONCE: usize = 1_000;
/// Queues that are asked for them in one turn.
const QUEUES_AT_ONCE: usize = 100;

/// How far the round has come that lets rows rest.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// The queue that was asked last.
    cursor: Option<QueueId>,
    any: bool,
    /// Up to here the store has followed, and there is no row that may rest.
    done_through: Option<Position>,
}

impl Engine {
    /// Reads what a queue remembers of these sends.
    pub(super) fn fetch_sends(
        &mut self,
        queue: QueueId,
        sequences: Vec<Sequence>,
        out: &mut Vec<Output>,
    ) -> FetchId {
        let limit = sequences.len();
        let fetch = self.backlog.begin(queue, Purpose::Sends(sequences.clone()));
        out.push(Output::Fetch { fetch, queue, wanted: Wanted::Sends(sequences), limit });
        self.stats.sends_read += 1;
        fetch
    }

    /// Rows were read: who waited for them goes on.
    pub(super) fn sends_fetched(
        &mut self,
        now: Timestamp,
        fetch: Fetch,
        asked: &[Sequence],
        found: &Found,
        out: &mut Vec<Output>,
    ) {
        self.state.recall_sends(fetch.queue, asked, &found.sends);
        self.go_on(now, fetch.parked, false, out);
        self.state.drop_recalled_sends(fetch.queue);
    }

    /// Lets some rows rest when memory holds too many.
    pub(super) fn rest_some_sends(&mut self) {
        if !self.has_more_sends_to_rest() {
            return;
        }
        let through = self.backlog.reflected();
        let excess = self.state.remembered_sends().in_memory.saturating_sub(self.config.sends_in_memory);
        let mut left = excess.min(RESTED_AT_ONCE);
        for _ in 0..QUEUES_AT_ONCE {
            let Some(queue) = self.state.queue_after(self.sends_round.cursor) else {
                // A round without a row that may go: nothing changes until the store has followed.
                let done_through = (!self.sends_round.any).then_some(through);
                self.sends_round = Round { done_through, ..Round::default() };
                return;
            };
            let rested = self.state.rest_sends(queue, left, through.0);
            self.sends_round.any |= rested > 0;
            self.rests |= rested > 0;
            left -= rested;
            if left == 0 {
                return;
            }
            self.sends_round.cursor = Some(queue);
        }
    }

    /// Whether the next turn may let more remembered sends rest.
    #[must_use]
    pub fn has_more_sends_to_rest(&self) -> bool {
        self.remembers_too_many() && self.sends_round.done_through != Some(self.backlog.reflected())
    }

    /// Whether memory holds more remembered sends than it should.
    pub(super) fn remembers_too_many(&self) -> bool {
        self.state.remembered_sends().in_memory > self.config.sends_in_memory
    }
}
