//! Extends the visibility of every held message at half of its timeout, so that nothing the sink still works on, or
//! holds through an outage, is delivered to anyone again and burns a receive.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    hold::{Due, Hold},
    queue::{BATCH_ENTRIES, Queue},
};

/// Runs until it is aborted. A call that fails is repeated at the next beat, which comes early enough for several.
pub(crate) async fn run(queue: Queue, hold: Arc<Hold>, timeout: Duration) {
    let mut beat = tokio::time::interval(timeout / 8);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        for due in hold.due(Instant::now(), timeout).chunks(BATCH_ENTRIES) {
            extend(&queue, &hold, due).await;
        }
    }
}

async fn extend(queue: &Queue, hold: &Hold, due: &[Due]) {
    let entries: Vec<_> = due.iter().map(|due| (&*due.receipt_handle, due.timeout_secs)).collect();
    // The queue counts from when it gets the call, so the lease is noted as renewed when the call left.
    let now = Instant::now();
    match queue.hide(&entries).await {
        Ok(failures) => {
            let failed = |index| failures.iter().find(|failure| failure.index == index);
            let renewed = due.iter().enumerate().filter(|(index, _)| failed(*index).is_none());
            hold.renewed(renewed.map(|(_, due)| due.key), now);
            for failure in failures.iter().filter(|failure| !failure.retry) {
                if let Some(due) = due.get(failure.index) {
                    hold.stop_extending(due.key);
                }
            }
        }
        Err(error) => tracing::debug!(%error, messages = due.len(), "held messages were not extended"),
    }
}
