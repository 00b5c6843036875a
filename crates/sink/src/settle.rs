//! Tells the queue what became of each message: deleted once its row is committed, hidden for a while when it can't
//! become a row, given back when the sink stops. Calls run in parallel, ten messages each.
//!
//! A delete is repeated for as long as it takes: until then the message is held. If the sink dies before, the message
//! comes again, is recognised by the ledger and deleted then. In a queue that is missing there is nothing to delete.

use std::sync::Arc;

use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinSet,
    time::Instant,
};

use crate::{
    context::Context,
    event::{Event, add},
    hold::Held,
    queue::{BATCH_ENTRIES, EntryFailure, QueueError},
};

/// Attempts to change a visibility; when all fail the message comes back at the end of its timeout anyway.
const HIDE_ATTEMPTS: u32 = 3;

/// Where workers hand in what they are done with. Unbounded, because what may be held at once bounds it already.
#[derive(Clone, Debug)]
pub(crate) struct Settler(UnboundedSender<Settlement>);

/// The other end of a settler.
pub(crate) type Settlements = UnboundedReceiver<Settlement>;

/// A message, and what becomes of it.
#[derive(Debug)]
pub(crate) enum Settlement {
    Delete(Arc<Held>),
    /// Invisible for so many seconds from now; 0 gives it back.
    Hide(Arc<Held>, u32),
}

impl Settler {
    pub(crate) fn new() -> (Self, Settlements) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(crate) fn delete(&self, held: &Arc<Held>) {
        self.hand_in(Settlement::Delete(Arc::clone(held)));
    }

    pub(crate) fn hide(&self, held: &Arc<Held>, secs: u32) {
        held.stop_extending();
        self.hand_in(Settlement::Hide(Arc::clone(held), secs));
    }

    pub(crate) fn release(&self, held: &Arc<Held>) {
        self.hide(held, 0);
    }

    fn hand_in(&self, settlement: Settlement) {
        // The other end lives until every settler is gone; when the sink is torn down the message returns by itself.
        let _ = self.0.send(settlement);
    }
}

/// For how long a record that can't become a row is hidden: doubling with each delivery from the visibility timeout
/// to 15 minutes, so that it is no hot loop, and still reaches the dead-letter queue of a queue that has one.
pub(crate) fn poison_hidden_secs(visibility_timeout_secs: u32, receive_count: u32) -> u32 {
    const MOST_SECS: u32 = 900;
    let doublings = receive_count.saturating_sub(1).min(16);
    visibility_timeout_secs.saturating_mul(1 << doublings).min(MOST_SECS)
}

/// Runs until every settler is gone and all they handed in is settled.
pub(crate) async fn run(context: Arc<Context>, mut settlements: Settlements) {
    let mut calls = JoinSet::new();
    let mut handed_in = Vec::new();
    while settlements.recv_many(&mut handed_in, BATCH_ENTRIES * context.config.pollers).await > 0 {
        let (mut deletes, mut hides) = (Vec::new(), Vec::new());
        for settlement in handed_in.drain(..) {
            match settlement {
                Settlement::Delete(held) => deletes.push(held),
                Settlement::Hide(held, secs) => hides.push((held, secs)),
            }
        }
        for chunk in deletes.chunks(BATCH_ENTRIES) {
            wait_below(&mut calls, context.config.pollers).await;
            calls.spawn(delete(Arc::clone(&context), chunk.to_vec()));
        }
        for chunk in hides.chunks(BATCH_ENTRIES) {
            wait_below(&mut calls, context.config.pollers).await;
            calls.spawn(hide(Arc::clone(&context), chunk.to_vec()));
        }
    }
    wait_below(&mut calls, 1).await;
}

async fn wait_below(calls: &mut JoinSet<()>, limit: usize) {
    while calls.len() >= limit {
        calls.join_next().await;
    }
}

/// Deletes up to ten messages. One whose claim is void is left: it is deleted already, or was delivered to another
/// sink, where the ledger recognises it.
async fn delete(context: Arc<Context>, mut left: Vec<Arc<Held>>) {
    let mut user = context.queue_condition.user();
    for attempt in 0.. {
        let handles: Vec<_> = left.iter().map(|held| held.receipt_handle()).collect();
        match context.queue.delete(&handles).await {
            Ok(failures) => {
                if let Some(after) = user.worked(Instant::now()) {
                    context.report(&Event::QueueUp { after });
                }
                add(&context.tally.deleted, left.len().saturating_sub(failures.len()) as u64);
                left = to_retry(&failures, &left);
            }
            Err(error) => {
                context.queue_failed(&mut user, &error, attempt);
                if matches!(error, QueueError::Missing(_)) {
                    return;
                }
            }
        }
        if left.is_empty() {
            return;
        }
        tokio::time::sleep(context.retry_delay(attempt)).await;
    }
}

async fn hide(context: Arc<Context>, mut left: Vec<(Arc<Held>, u32)>) {
    for attempt in 0..HIDE_ATTEMPTS {
        let entries: Vec<_> =
            left.iter().map(|(held, secs)| (held.receipt_handle(), secs.cast_signed())).collect();
        match context.queue.hide(&entries).await {
            Ok(failures) => {
                let failed = |index| failures.iter().any(|failure| failure.index == index);
                let given_back =
                    |(index, (_, secs)): &(usize, &(Arc<Held>, u32))| *secs == 0 && !failed(*index);
                add(&context.tally.released, left.iter().enumerate().filter(given_back).count() as u64);
                left = to_retry(&failures, &left);
            }
            Err(error) => {
                tracing::debug!(%error, messages = left.len(), "a visibility timeout was not changed")
            }
        }
        if left.is_empty() {
            return;
        }
        tokio::time::sleep(context.retry_delay(attempt)).await;
    }
}

fn to_retry<T: Clone>(failures: &[EntryFailure], entries: &[T]) -> Vec<T> {
    failures
        .iter()
        .filter(|failure| failure.retry)
        .filter_map(|failure| entries.get(failure.index).cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::poison_hidden_secs;

    #[test]
    fn poison_is_hidden_longer_each_time_up_to_fifteen_minutes() {
        let waits: Vec<_> = (1..8).map(|count| poison_hidden_secs(30, count)).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(poison_hidden_secs(43_200, u32::MAX), 900);
        assert_eq!(poison_hidden_secs(30, 0), 30);
    }
}
