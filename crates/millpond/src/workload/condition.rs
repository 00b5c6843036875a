//! What a workload tells its supervisor of itself.
//!
//! Told when it changes, and only then: a file is written each time. A condition that can't be told is logged and stops
//! nothing.

use std::sync::{Mutex, PoisonError};

use millpond_sink::Event;
use millpond_stack::driver::{Condition, workload_side};

/// How the reason begins when a workload waits for the service that it belongs to.
pub(crate) const QUEUE_SERVICE_AWAY: &str = "the queue service can't be reached";

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
    told: Option<Condition>,
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
        known.note(event);
        let condition = known.condition();
        // Under the lock, so that the last word told is the last one that was true.
        if let Some(condition) = condition.filter(|condition| known.told.as_ref() != Some(condition)) {
            tell(&condition);
            known.told = Some(condition);
        }
    }
}

impl Known {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Started { .. } => self.started = true,
            Event::DatabaseDown { reason, .. } => self.database_down = Some(reason.clone()),
            Event::DatabaseUp { .. } => self.database_down = None,
            Event::QueueDown { reason, missing, .. } => {
                self.queue_down = Some(QueueDown { reason: reason.clone(), missing: *missing });
            }
            Event::QueueUp { .. } => self.queue_down = None,
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
            (None, Some(QueueDown { reason, missing: false })) => Some(waiting(QUEUE_SERVICE_AWAY, reason)),
            (None, None) => self.started.then_some(Condition::Ready),
        }
    }
}

#[cfg(test)]
mod tests;
