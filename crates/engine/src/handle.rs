//! How callers reach the engine from any thread.
//!
//! A call costs one message to the engine's thread and one back. A caller that goes away takes its parked wait with
//! it; deliveries that it never saw are given back by the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::message::{QueueId, Receipt};
use millpond_core::outcome::Outcome;
use tokio::sync::oneshot;

use crate::admission::Denied;
use crate::counters::QueueCounters;
use crate::driver::Message;
use crate::driver::{HeldLog, Status};
use crate::step::{Reply, RequestId, Wait};

/// Why a call has no outcome. Nothing that was acknowledged is lost in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The command was not let in; nothing has changed, and the caller may try again.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The engine has stopped. Whether the command took effect is unknown.
    #[error("the service is stopping")]
    Stopped,
}

/// What a call led to.
#[derive(Debug)]
pub struct Answer {
    /// The outcome; all that it reveals is durable.
    pub outcome: Outcome,
    /// For a receive, one encoded payload for each delivery, in order, each verified.
    pub payloads: Vec<Bytes>,
    /// For a receive: gives the deliveries back unless it is told that they have left.
    pub lease: LeaseGuard,
    /// What the payloads hold in memory; to be kept as long as they, or a reply made of them, are.
    pub room: ReplyRoom,
}

/// Memory that a reply holds. Dropped, it is given back.
#[derive(Debug, Default)]
pub struct ReplyRoom {
    bytes: usize,
    total: Arc<AtomicUsize>,
}

impl ReplyRoom {
    /// The reply takes so many bytes from now on.
    pub fn resize(&mut self, bytes: usize) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for ReplyRoom {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Deliveries on their way to the receiver. Dropped, they are given back to their queue.
#[derive(Debug, Default)]
pub struct LeaseGuard {
    receipts: Vec<Receipt>,
    inbox: Option<Sender<Message>>,
}

impl LeaseGuard {
    /// The reply has been handed to the receiver's connection.
    pub fn delivered(mut self) {
        self.inbox = None;
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        if let Some(inbox) = self.inbox.take() {
            // A stopped engine has no one to give them to; the leases then end by themselves.
            let _ = inbox.send(Message::Undelivered { receipts: std::mem::take(&mut self.receipts) });
        }
    }
}

/// Reaches the engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    inbox: Sender<Message>,
    next_request: Arc<AtomicU64>,
    under_way_bytes: Arc<AtomicUsize>,
    /// Of replies with payloads that nobody has taken yet.
    reply_bytes: Arc<AtomicUsize>,
    /// For requests under way, and as much again for replies.
    under_way_limit_bytes: usize,
}

impl EngineHandle {
    pub(crate) fn new(inbox: Sender<Message>, under_way_limit_bytes: usize) -> Self {
        Self {
            inbox,
            next_request: Arc::new(AtomicU64::new(1)),
            under_way_bytes: Arc::new(AtomicUsize::new(0)),
            reply_bytes: Arc::new(AtomicUsize::new(0)),
            under_way_limit_bytes,
        }
    }

    /// Has a command carried out. `size_bytes` is what the request holds in memory until it is answered.
    ///
    /// # Errors
    /// [`CallError`]: the command was not let in, or the engine has stopped.
    pub async fn call(&self, command: Command, wait: Wait, size_bytes: usize) -> Result<Answer, CallError> {
        let _under_way = self.enter(size_bytes)?;
        if matches!(command, Command::Receive { .. }) {
            // What can't be taken to the receiver is better not handed out.
            self.check_reply_room(0)?;
        }
        let request = RequestId(self.next_request.fetch_add(1, Ordering::Relaxed));
        let (reply_to, reply) = oneshot::channel();
        self.inbox
            .send(Message::Request { request, command, wait, reply_to })
            .map_err(|_| CallError::Stopped)?;
        let mut caller = Caller { request, reply, inbox: Some(&self.inbox) };
        let reply = (&mut caller.reply).await;
        caller.inbox = None;
        match reply.map_err(|_| CallError::Stopped)? {
            Reply::Denied(denied) => Err(denied.into()),
            Reply::Done { outcome, payloads } => {
                let receipts = receipts(&outcome);
                let inbox = (!receipts.is_empty()).then(|| self.inbox.clone());
                let lease = LeaseGuard { receipts, inbox };
                // Without room the deliveries go back.
                let room = self.reply_room(payloads.iter().map(Bytes::len).sum())?;
                Ok(Answer { outcome, payloads, lease, room })
            }
        }
    }

    /// Puts the service's clock forward, for tests: what is due by then has happened when this returns, and the time
    /// does not go back behind it.
    ///
    /// # Errors
    /// [`CallError::Stopped`] when the engine has stopped.
    pub async fn advance_clock(&self, by: Duration) -> Result<(), CallError> {
        let request = RequestId(self.next_request.fetch_add(1, Ordering::Relaxed));
        let (reply_to, reply) = oneshot::channel();
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.inbox.send(Message::Advance { request, millis, reply_to }).map_err(|_| CallError::Stopped)?;
        match reply.await.map_err(|_| CallError::Stopped)? {
            Reply::Denied(denied) => Err(denied.into()),
            Reply::Done { .. } => Ok(()),
        }
    }

    /// Figures of engine, log and store.
    ///
    /// # Errors
    /// [`CallError::Stopped`] when the engine has stopped.
    pub async fn status(&self) -> Result<Status, CallError> {
        let (reply_to, reply) = oneshot::channel();
        self.inbox.send(Message::Status { reply_to }).map_err(|_| CallError::Stopped)?;
        reply.await.map_err(|_| CallError::Stopped)
    }

    /// The counters of at most `limit` queues after one, in the order of their numbers. They may tell of what is not
    /// durable yet: do not pass them on before an answer to a [`call`](Self::call) made afterwards is there.
    ///
    /// # Errors
    /// [`CallError::Stopped`] when the engine has stopped.
    pub async fn queue_counters(
        &self,
        after: Option<QueueId>,
        limit: usize,
    ) -> Result<Vec<(QueueId, QueueCounters)>, CallError> {
        let (reply_to, reply) = oneshot::channel();
        let message = Message::QueueCounters { after, limit, reply_to };
        self.inbox.send(message).map_err(|_| CallError::Stopped)?;
        reply.await.map_err(|_| CallError::Stopped)
    }

    /// Log and store, for who reads all that is there.
    ///
    /// # Errors
    /// [`CallError::Stopped`] when the engine has stopped.
    pub async fn hold_log(&self) -> Result<HeldLog, CallError> {
        let (reply_to, reply) = oneshot::channel();
        self.inbox.send(Message::HoldLog { reply_to }).map_err(|_| CallError::Stopped)?;
        reply.await.map_err(|_| CallError::Stopped)
    }

    /// Bytes of requests that are under way.
    #[must_use]
    pub fn under_way_bytes(&self) -> usize {
        self.under_way_bytes.load(Ordering::Relaxed)
    }

    /// Tells the engine that it is about to stop: waiting receives are answered at once, and no other waits. Everything else
    /// goes on until [`stop`](Self::stop).
    pub fn drain(&self) {
        // As below.
        let _ = self.inbox.send(Message::Drain);
    }

    /// Asks the engine to stop when everything it has taken in is durable and answered. Waiting receives are answered
    /// at once.
    pub fn stop(&self) {
        // An engine that has stopped already needs no telling.
        let _ = self.inbox.send(Message::Stop);
    }

    /// Room for a reply. One reply may be larger than the limit when it is the only one.
    fn reply_room(&self, bytes: usize) -> Result<ReplyRoom, Denied> {
        if bytes == 0 {
            return Ok(ReplyRoom::default());
        }
        let mut room = ReplyRoom { bytes: 0, total: self.reply_bytes.clone() };
        room.resize(bytes);
        self.check_reply_room(bytes).map(|()| room)
    }

    /// Whether replies hold more than they may, of which one may be `own_bytes` long.
    fn check_reply_room(&self, own_bytes: usize) -> Result<(), Denied> {
        let held = self.reply_bytes.load(Ordering::Relaxed);
        if held > own_bytes && held > self.under_way_limit_bytes { Err(Denied::Overloaded) } else { Ok(()) }
    }

    fn enter(&self, size_bytes: usize) -> Result<UnderWay<'_>, Denied> {
        let before = self.under_way_bytes.fetch_add(size_bytes, Ordering::Relaxed);
        let under_way = UnderWay { bytes: size_bytes, total: &self.under_way_bytes };
        if before + size_bytes > self.under_way_limit_bytes { Err(Denied::Overloaded) } else { Ok(under_way) }
    }
}

/// The receipts of what an outcome hands out.
pub(crate) fn receipts(outcome: &Outcome) -> Vec<Receipt> {
    let Outcome::Received { queue, deliveries } = outcome else { return Vec::new() };
    deliveries
        .iter()
        .map(|delivery| Receipt { queue: *queue, sequence: delivery.sequence, delivery: delivery.delivery })
        .collect()
}

struct UnderWay<'a> {
    bytes: usize,
    total: &'a AtomicUsize,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Tells the engine when the caller goes away before it has seen its reply.
struct Caller<'a> {
    request: RequestId,
    reply: oneshot::Receiver<Reply>,
    /// `None` once the reply was seen.
    inbox: Option<&'a Sender<Message>>,
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        let Some(inbox) = self.inbox else { return };
        // From here on the engine can't send any more, and gives deliveries back by itself. What it sent before and
        // nobody saw is given back here.
        self.reply.close();
        let message = match self.reply.try_recv() {
            Ok(Reply::Done { outcome, .. }) => Message::Undelivered { receipts: receipts(&outcome) },
            Ok(Reply::Denied(_)) => return,
            Err(_) => Message::Closed { request: self.request },
        };
        // A stopped engine has forgotten the request already.
        let _ = inbox.send(message);
    }
}
