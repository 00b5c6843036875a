//! Long polls that are parked until a message comes or their time is up.
//!
//! The waiters of a queue are served in the order they came. A queue with waiters is looked at again when its next
//! hidden message becomes due, so an idle waiter costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use millpond_core::message::{AttemptKey, QueueId};
use millpond_core::name::QueueKey;
use millpond_core::time::Timestamp;

use crate::step::RequestId;

/// One parked receive.
#[derive(Clone, Debug)]
pub(crate) struct Waiter {
    pub(crate) request: RequestId,
    pub(crate) key: QueueKey,
    pub(crate) limit: usize,
    pub(crate) visibility_timeout_secs: Option<u32>,
    pub(crate) attempt: Option<AttemptKey>,
    pub(crate) deadline: Timestamp,
}

/// All parked receives.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// Request ids grow, so this is in the order they came.
    parked: BTreeMap<(QueueId, RequestId), Waiter>,
    queue_of: BTreeMap<RequestId, QueueId>,
    deadlines: BTreeSet<(Timestamp, RequestId)>,
    wake_at: BTreeMap<QueueId, Timestamp>,
    wakes: BTreeSet<(Timestamp, QueueId)>,
}

impl Waiters {
    pub(crate) fn park(&mut self, queue: QueueId, waiter: Waiter) {
        self.queue_of.insert(waiter.request, queue);
        self.deadlines.insert((waiter.deadline, waiter.request));
        self.parked.insert((queue, waiter.request), waiter);
    }

    /// Takes a waiter out, if it is still parked.
    pub(crate) fn remove(&mut self, request: RequestId) -> Option<Waiter> {
        let queue = self.queue_of.remove(&request)?;
        let waiter = self.parked.remove(&(queue, request))?;
        self.deadlines.remove(&(waiter.deadline, request));
        if self.first(queue).is_none() {
            self.wake(queue, None);
        }
        Some(waiter)
    }

    /// The waiter of a queue that is served next.
    pub(crate) fn first(&self, queue: QueueId) -> Option<&Waiter> {
        let range = (queue, RequestId(0))..=(queue, RequestId(u64::MAX));
        self.parked.range(range).next().map(|(_, waiter)| waiter)
    }

    /// Sets when a queue with waiters is to be looked at again.
    pub(crate) fn wake(&mut self, queue: QueueId, at: Option<Timestamp>) {
        if let Some(previous) = self.wake_at.remove(&queue) {
            self.wakes.remove(&(previous, queue));
        }
        if let Some(at) = at {
            self.wake_at.insert(queue, at);
            self.wakes.insert((at, queue));
        }
    }

    /// A queue that is due to be looked at.
    pub(crate) fn due_queue(&self, now: Timestamp) -> Option<QueueId> {
        self.wakes.first().filter(|(at, _)| *at <= now).map(|(_, queue)| *queue)
    }

    /// A waiter whose time is up.
    pub(crate) fn overdue(&self, now: Timestamp) -> Option<RequestId> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now).map(|(_, request)| *request)
    }

    /// When something here is due next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let wake = self.wakes.first().map(|(at, _)| *at);
        deadline.into_iter().chain(wake).min()
    }

    pub(crate) fn len(&self) -> usize {
        self.parked.len()
    }
}
