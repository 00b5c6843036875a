//! One submission, one send at a time: joins the memory of recent submissions to the outbox.
//!
//! A send runs on its own, so that a visitor who leaves (a double click does) neither stops it nor starts another.
//! The number of sends under way is bounded.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{
    config::Limits,
    outbox::{Outbox, SendError},
    recent::{Begin, Outcome, Pending, RecentSubmissions},
    submission::{MessageId, Submission, SubmissionId},
};

/// Why a submission has no message id. What to tell the visitor follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeliveryError {
    /// Not confirmed; sending it again with the same id may help.
    Unavailable,
    /// Not accepted; the operator has to act.
    Refused,
}

/// See the module.
pub(crate) struct Deliveries<O> {
    outbox: Arc<O>,
    recent: Arc<Mutex<RecentSubmissions>>,
    sends: Arc<Semaphore>,
    sends_max: u32,
}

impl<O: Outbox> Deliveries<O> {
    pub(crate) fn new(outbox: O, limits: &Limits) -> Self {
        let sends_max = u32::try_from(limits.sends).unwrap_or(u32::MAX);
        Self {
            outbox: Arc::new(outbox),
            recent: Arc::new(Mutex::new(RecentSubmissions::new(
                limits.remembered_submissions,
                limits.remembered_for,
            ))),
            sends: Arc::new(Semaphore::new(sends_max as usize)),
            sends_max,
        }
    }

    /// The id of the message that carries this submission, sent now or before.
    pub(crate) async fn deliver(&self, submission: Submission) -> Result<MessageId, DeliveryError> {
        let begin = lock(&self.recent).begin(submission.id(), Instant::now());
        let pending = match begin {
            Begin::Accepted(message_id) => return Ok(message_id),
            Begin::Wait(pending) => pending,
            Begin::Send(outcome) => self.start(submission, outcome),
        };
        match outcome_of(pending).await {
            Ok(message_id) => Ok(message_id),
            Err(SendError::Unavailable(_)) => Err(DeliveryError::Unavailable),
            Err(SendError::Refused(_)) => Err(DeliveryError::Refused),
        }
    }

    fn start(&self, submission: Submission, outcome: watch::Sender<Option<Outcome>>) -> Pending {
        let pending = outcome.subscribe();
        match Arc::clone(&self.sends).try_acquire_owned() {
            Ok(permit) => {
                let (outbox, recent) = (Arc::clone(&self.outbox), Arc::clone(&self.recent));
                tokio::spawn(send(outbox, recent, submission, outcome, permit));
            }
            Err(_) => {
                let busy = SendError::Unavailable(format!("{} sends are under way already", self.sends_max));
                settle(&self.recent, submission.id(), Err(busy), &outcome);
            }
        }
        pending
    }

    /// Waits until no send is under way, for `patience` at most.
    pub(crate) async fn drain(&self, patience: Duration) {
        if tokio::time::timeout(patience, self.sends.acquire_many(self.sends_max)).await.is_err() {
            tracing::warn!(
                "the form stops while sends are under way; their visitors were not told that they arrived"
            );
        }
    }
}

async fn send<O: Outbox>(
    outbox: Arc<O>,
    recent: Arc<Mutex<RecentSubmissions>>,
    submission: Submission,
    outcome: watch::Sender<Option<Outcome>>,
    _permit: OwnedSemaphorePermit,
) {
    let sent = outbox.send(&submission).await;
    settle(&recent, submission.id(), sent, &outcome);
}

fn settle(
    recent: &Mutex<RecentSubmissions>,
    id: &SubmissionId,
    sent: Outcome,
    outcome: &watch::Sender<Option<Outcome>>,
) {
    if let Err(error) = &sent {
        tracing::warn!(submission_id = %id, "an entry was not sent: {error}");
    }
    lock(recent).finish(id, &sent, Instant::now());
    outcome.send_replace(Some(sent));
}

async fn outcome_of(mut pending: Pending) -> Outcome {
    match pending.wait_for(Option::is_some).await.map(|outcome| outcome.clone()) {
        Ok(Some(outcome)) => outcome,
        _ => Err(SendError::Unavailable("the send ended without an outcome".to_owned())),
    }
}

/// A panic elsewhere leaves the memory usable: each of its changes is whole.
fn lock(recent: &Mutex<RecentSubmissions>) -> MutexGuard<'_, RecentSubmissions> {
    recent.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
