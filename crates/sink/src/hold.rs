//! The messages that this sink holds: received, not yet deleted or given back.
//!
//! Two bounds are kept here, in messages and in bytes: a receive begins only with room for all it can bring. And the
//! leases are kept here: when each message's visibility timeout was last set, so that the heartbeat can extend it.
//! What is dropped anywhere leaves the register by itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

/// SQS refuses to keep a message invisible for longer than this after its receive.
const MAX_INVISIBLE: Duration = Duration::from_secs(43_200);

/// The register of held messages.
#[derive(Debug)]
pub(crate) struct Hold {
    room: Arc<Semaphore>,
    bytes: watch::Sender<usize>,
    max_bytes: usize,
    leases: Mutex<Leases>,
}

#[derive(Debug, Default)]
struct Leases {
    next_key: u64,
    by_key: BTreeMap<u64, Lease>,
}

#[derive(Debug)]
struct Lease {
    receipt_handle: Arc<str>,
    received_at: Instant,
    renewed_at: Instant,
}

/// A lease that is due, and how long to extend it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) key: u64,
    pub(crate) receipt_handle: Arc<str>,
    pub(crate) timeout_secs: i32,
}

/// One held message. Dropping it ends the holding: the sink forgets it, the queue gives it out again in time.
#[derive(Debug)]
pub(crate) struct Held {
    hold: Arc<Hold>,
    key: u64,
    receipt_handle: Arc<str>,
    bytes: usize,
    _room: OwnedSemaphorePermit,
}

impl Hold {
    pub(crate) fn new(max_messages: usize, max_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            room: Arc::new(Semaphore::new(max_messages)),
            bytes: watch::Sender::new(0),
            max_bytes,
            leases: Mutex::default(),
        })
    }

    /// Waits for room for `count` messages.
    pub(crate) async fn reserve(&self, count: u32) -> OwnedSemaphorePermit {
        let room =
            Arc::clone(&self.room).acquire_many_owned(count).await.expect("the semaphore is never closed");
        let mut bytes = self.bytes.subscribe();
        bytes.wait_for(|&bytes| bytes < self.max_bytes).await.expect("its sender lives in self");
        room
    }

    /// Registers a message received at `now`; `room` is one permit of the reservation.
    pub(crate) fn hold(
        self: &Arc<Self>,
        receipt_handle: &str,
        bytes: usize,
        room: OwnedSemaphorePermit,
        now: Instant,
    ) -> Arc<Held> {
        let receipt_handle: Arc<str> = receipt_handle.into();
        let mut leases = self.leases();
        let key = leases.next_key;
        leases.next_key += 1;
        let lease = Lease { receipt_handle: Arc::clone(&receipt_handle), received_at: now, renewed_at: now };
        leases.by_key.insert(key, lease);
        self.bytes.send_modify(|total| *total += bytes);
        Arc::new(Held { hold: Arc::clone(self), key, receipt_handle, bytes, _room: room })
    }

    /// The leases whose last renewal is half of `timeout` ago. One that SQS would no longer extend leaves the
    /// register of leases; its message is still written, and recognised when it comes again.
    pub(crate) fn due(&self, now: Instant, timeout: Duration) -> Vec<Due> {
        let mut due = Vec::new();
        self.leases().by_key.retain(|&key, lease| {
            if now < lease.renewed_at + timeout / 2 {
                return true;
            }
            let left = MAX_INVISIBLE.saturating_sub(now - lease.received_at);
            let timeout_secs = i32::try_from(timeout.min(left).as_secs()).unwrap_or(i32::MAX);
            if timeout_secs > 0 {
                due.push(Due { key, receipt_handle: Arc::clone(&lease.receipt_handle), timeout_secs });
            }
            timeout_secs > 0
        });
        due
    }

    /// Notes that the leases were extended at `now`.
    pub(crate) fn renewed(&self, keys: impl IntoIterator<Item = u64>, now: Instant) {
        let mut leases = self.leases();
        for key in keys {
            if let Some(lease) = leases.by_key.get_mut(&key) {
                lease.renewed_at = now;
            }
        }
    }

    /// Stops extending a lease that the queue refuses to extend, or that is about to be given back.
    pub(crate) fn stop_extending(&self, key: u64) {
        self.leases().by_key.remove(&key);
    }

    /// How many messages are held.
    pub(crate) fn messages(&self) -> usize {
        self.leases().by_key.len()
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    pub(crate) fn receipt_handle(&self) -> &str {
        &self.receipt_handle
    }

    /// Ends the heartbeat of this message: from here on its visibility is set once, by whoever settles it.
    pub(crate) fn stop_extending(&self) {
        self.hold.stop_extending(self.key);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stop_extending();
        self.hold.bytes.send_modify(|total| *total -= self.bytes);
    }
}

#[cfg(test)]
mod tests;
