//! The memory that makes a repeated submission one: which ids are under way, and which were accepted as which message.
//!
//! It never lets two sends of one id be under way at once, and never forgets one that is. Accepted ones are forgotten
//! by age and number, and all with the process: then the id in the message still tells a repeated one to whoever
//! lands it. Time comes in as an argument.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{
    outbox::SendError,
    submission::{MessageId, SubmissionId},
};

/// How a send ended.
pub(crate) type Outcome = Result<MessageId, SendError>;
/// Where the outcome of a send under way will appear.
pub(crate) type Pending = watch::Receiver<Option<Outcome>>;

/// What is to be done with a submission.
#[derive(Debug)]
pub(crate) enum Begin {
    /// It is new, or failed before: send it and put the outcome here.
    Send(watch::Sender<Option<Outcome>>),
    /// The same is under way: wait for its outcome.
    Wait(Pending),
    /// The same was accepted as this message.
    Accepted(MessageId),
}

#[derive(Debug)]
enum State {
    UnderWay(Pending),
    Accepted(MessageId),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct RecentSubmissions {
    entries: HashMap<SubmissionId, State>,
    accepted: VecDeque<(Instant, SubmissionId)>,
    accepted_max: usize,
    window: Duration,
}

impl RecentSubmissions {
    pub(crate) fn new(accepted_max: usize, window: Duration) -> Self {
        Self { entries: HashMap::new(), accepted: VecDeque::new(), accepted_max, window }
    }

    /// Decides what to do with a submission and, when it is to be sent, marks it as under way.
    pub(crate) fn begin(&mut self, id: &SubmissionId, now: Instant) -> Begin {
        self.forget_old(now);
        match self.entries.get(id) {
            // When the sender is gone without an outcome, its task died, and nothing is under way.
            Some(State::UnderWay(pending)) if pending.has_changed().is_ok() => {
                return Begin::Wait(pending.clone());
            }
            Some(State::Accepted(message_id)) => return Begin::Accepted(message_id.clone()),
            Some(State::UnderWay(_)) | None => {}
        }
        let (sender, pending) = watch::channel(None);
        self.entries.insert(id.clone(), State::UnderWay(pending));
        Begin::Send(sender)
    }

    /// Records how the send of `id` ended. One that failed is forgotten, so that the next attempt sends again.
    pub(crate) fn finish(&mut self, id: &SubmissionId, outcome: &Outcome, now: Instant) {
        match outcome {
            Err(_) => {
                self.entries.remove(id);
            }
            Ok(message_id) => {
                self.entries.insert(id.clone(), State::Accepted(message_id.clone()));
                self.accepted.push_back((now, id.clone()));
            }
        }
        self.forget_old(now);
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((at, _)) = self.accepted.front() {
            let expired = now.saturating_duration_since(*at) >= self.window;
            if !expired && self.accepted.len() <= self.accepted_max {
                return;
            }
            if let Some((_, id)) = self.accepted.pop_front() {
                self.entries.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
