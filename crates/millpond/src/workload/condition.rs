//! What a workload tells its supervisor of itself.
//!
//! Told when it changes, and only then: a file is written each time. A condition that can't be told is logged and stops
//! nothing. A record that can't become a row is told until it should have come again: then it either is told anew, or is
//! gone, or has landed.

use std::sync::{Mutex, PoisonError};

use millpond_sink::Event;
use millpond_stack::driver::{Condition, workload_side};

use crate::note::now_millis;

/// How the reason begins when a workload waits for the service that it belongs to.
pub(crate) const QUEUE_SERVICE_AWAY: &str = "the queue service can't be reached";
/// How the reason begins when policies deny a workload what it needs.
pub(crate) const ROLE_MAY_NOT: &str = "its role may not do what it needs";
/// How much later than its time a message may come again.
const LATE_MS: u64 = 5_000;

/// Tells the supervisor.
pub(super) fn tell(condition: &Condition) {
    if let Err(error) = workload_side::tell_condition(condition) {
        tracing::warn!(%error, "the supervisor could not be told how this workload fares");
    }
}

/// Follows the events of a sink, and tells what they mean for its condition.
#[derive(Debug)]
pub(super) struct SinkCondition(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    started: bool,
    database_down: Option<String>,
    queue_down: Option<QueueDown>,
    unfit: Option<Unfit>,
    told: Option<Condition>,
}

/// A record that can't become a row. Of many, one is told for as long as it comes again.
#[derive(Debug)]
struct Unfit {
    message_id: String,
    reason: String,
    until_unix_ms: u64,
}

#[derive(Debug)]
struct QueueDown {
    reason: String,
    /// The service answers, and has no such queue.
    missing: bool,
}

impl SinkCondition {
    /// Of a sink that has told nothing yet.
    pub(super) fn new() -> Self {
        Self(Mutex::new(Known::default()))
    }

    /// Takes an event.
    pub(super) fn follow(&self, event: &Event) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.note(event, now_millis());
        let condition = known.condition();
        // Under the lock, so that the last word told is the last one that was true.
        if let Some(condition) = condition.filter(|condition| known.told.as_ref() != Some(condition)) {
            tell(&condition);
            known.told = Some(condition);
        }
    }
}

impl Known {
    fn note(&mut self, event: &Event, now_unix_ms: u64) {
        match event {
            Event::Started { .. } => self.started = true,
            Event::DatabaseDown { reason, .. } => self.database_down = Some(reason.clone()),
            Event::DatabaseUp { .. } => self.database_down = None,
            Event::QueueDown { reason, missing, .. } => {
                self.queue_down = Some(QueueDown { reason: reason.clone(), missing: *missing });
            }
            Event::QueueUp { .. } => self.queue_down = None,
            Event::Poison { message_id, reason, hidden_secs, .. } => {
                let unfit = Unfit {
                    message_id: message_id.clone(),
                    reason: reason.clone(),
                    until_unix_ms: now_unix_ms + u64::from(*hidden_secs) * 1_000 + LATE_MS,
                };
                let gives_way =
                    |shown: &Unfit| shown.message_id == *message_id || now_unix_ms >= shown.until_unix_ms;
                if self.unfit.as_ref().is_none_or(gives_way) {
                    self.unfit = Some(unfit);
                }
            }
            _ => {}
        }
    }

    /// `None` before anything can be said: its checks are under way.
    fn condition(&self) -> Option<Condition> {
        let waiting = |what: &str, reason: &str| Condition::Waiting { reason: format!("{what}: {reason}") };
        match (&self.database_down, &self.queue_down) {
            (Some(reason), _) => Some(waiting("the database can't be reached", reason)),
            (None, Some(QueueDown { reason, missing: true })) => {
                Some(waiting("the queue is missing; `millpond up` makes it again", reason))
            }
            (None, Some(QueueDown { reason, missing: false })) => Some(match denied(reason) {
                Some(reason) => Condition::Waiting { reason },
                None => waiting(QUEUE_SERVICE_AWAY, reason),
            }),
            (None, None) => {
                self.started.then(|| self.unfit.as_ref().map_or(Condition::Ready, Unfit::condition))
            }
        }
    }
}

/// What is told of a denial, in the words of AWS: `User: ARN is not authorized to perform: ACTION on resource: ARN because …`.
/// `None` when it is none.
pub(super) fn denied(reason: &str) -> Option<String> {
    let (_, denial) = reason.split_once("User: ")?;
    let (user, denial) = denial.split_once(" is not authorized to perform: ")?;
    let (action, denial) = denial.split_once(" on resource: ")?;
    let resource = denial.split([' ', '(']).next().unwrap_or_default().trim_end_matches('.');
    let role = user.split('/').nth(1).unwrap_or(user);
    Some(format!(
        "{ROLE_MAY_NOT}: policies do not let the role {role} {action} on {resource}; `millpond why {action} {resource} --as \
         {user}` tells which decides"
    ))
}

impl Unfit {
    fn condition(&self) -> Condition {
        let Self { message_id, reason, until_unix_ms, .. } = self;
        let reason = format!(
            "message {message_id} can't become a row: {reason}; the others land, and it stays in the queue, or goes to \
             the queue's dead-letter queue"
        );
        Condition::ReadyExcept { reason, until_unix_ms: *until_unix_ms }
    }
}

#[cfg(test)]
mod tests;
