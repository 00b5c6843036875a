//! What all tasks of one sink share.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use crate::{
    condition::{Condition, User},
    config::SinkConfig,
    event::{Event, Reporter, Tally},
    hold::Hold,
    queue::{Queue, QueueError},
};

/// One running sink.
pub(crate) struct Context {
    pub(crate) config: SinkConfig,
    pub(crate) queue: Queue,
    pub(crate) hold: Arc<Hold>,
    pub(crate) database_condition: Arc<Condition>,
    pub(crate) queue_condition: Arc<Condition>,
    pub(crate) tally: Tally,
    pub(crate) reporter: Arc<dyn Reporter>,
    /// Becomes true once the sink is to end.
    pub(crate) stop: watch::Sender<bool>,
}

impl Context {
    pub(crate) fn report(&self, event: &Event) {
        self.reporter.report(event);
    }

    /// The wait before attempt `attempt` of something that an outage prevents.
    pub(crate) fn retry_delay(&self, attempt: u32) -> Duration {
        self.config.retry.delay(attempt, fastrand::f64())
    }

    /// The longest that wait can be, which is what people are told.
    pub(crate) fn longest_retry_delay(&self, attempt: u32) -> Duration {
        self.config.retry.delay(attempt, 1.0)
    }

    /// Notes that the queue service failed, and tells people when they should know.
    pub(crate) fn queue_failed(&self, user: &mut User, error: &QueueError, attempt: u32) {
        if user.failed(Instant::now()) {
            let retry_in = self.longest_retry_delay(attempt);
            let missing = matches!(error, QueueError::Missing(_));
            self.report(&Event::QueueDown { reason: error.to_string(), missing, retry_in });
        }
    }

    /// Has the sink end: the pollers stop, what they received is settled, and the tasks return.
    pub(crate) fn end(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the sink is to end.
    pub(crate) async fn stopped(&self) {
        stopped(self.stop.subscribe()).await;
    }

    /// Sleeps, unless the sink is to end first. True when it slept.
    pub(crate) async fn sleep(&self, duration: Duration) -> bool {
        tokio::select! {
            () = self.stopped() => false,
            () = tokio::time::sleep(duration) => true,
        }
    }
}

/// Waits until `stop` is true, or until nobody is left who could make it so.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|&stop| stop).await;
}
