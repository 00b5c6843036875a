//! Receives: from the queue or from a parked wait, with their payloads.
//!
//! A receive is decided first, then its payloads are gathered: from the cache, or by a read that goes on while the
//! lease is being synced. A damaged payload takes its message out of the queue and leaves its neighbours alone. One that
//! can't be had for another reason stays with its lease, and no later message of its group overtakes it.

use std::collections::BTreeSet;

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::message::{AttemptKey, GroupKey, MessageRef, QueueId, Receipt, Sequence};
use millpond_core::name::QueueKey;
use millpond_core::outcome::{Delivery, Outcome, Refusal};
use millpond_core::time::Timestamp;
use millpond_log::Position;

use super::{Body, BodyPlace, Engine, Output, ReadId, Reply, RequestId, Wait};
use crate::admission::{Denied, Load};
use crate::bodies::Cached;
use crate::held::Incomplete;
use crate::waiters::Waiter;

/// When replies hold as much as they may, those who wait are served after this time.
const ROOM_MILLIS: u64 = 20;

impl Engine {
    #[expect(clippy::too_many_arguments, reason = "the fields of the command, taken apart once")]
    pub(super) fn receive(
        &mut self,
        now: Timestamp,
        request: RequestId,
        key: QueueKey,
        limit: usize,
        visibility_timeout_secs: Option<u32>,
        attempt: Option<AttemptKey>,
        wait: Wait,
        out: &mut Vec<Output>,
    ) {
        let queue = self.queue_named(&key);
        let wait_secs = match (wait, queue.and_then(|queue| self.state.queue(queue))) {
            (Wait::Secs(secs), _) => secs,
            (Wait::QueueDefault, Some(queue)) => queue.record.attributes.receive_wait_secs,
            (Wait::QueueDefault, None) => 0,
        };
        let command = Command::Receive { key: key.clone(), limit, visibility_timeout_secs, attempt };
        let events = self.stats.events;
        let outcome = self.execute(now, command);
        let moved = self.stats.events > events;
        if let Some(queue) = queue {
            self.look_ahead(now, queue, out);
        }
        let Some(queue) = queue.filter(|_| wait_secs > 0 && is_empty(&outcome)) else {
            self.deliver(request, outcome, out);
            return;
        };
        if self.waiters.len() >= self.config.limits.waiters {
            out.push(Output::Reply { request, reply: Reply::Denied(Denied::Overloaded) });
            return;
        }
        let deadline = now.plus_secs(u64::from(wait_secs));
        self.waiters.park(queue, Waiter { request, key, limit, visibility_timeout_secs, attempt, deadline });
        self.wake_when_due(now, queue);
        if moved {
            // Behind as many dead letters as one step moves there may be messages to hand out.
            self.waiters.wake(queue, Some(now));
        }
    }

    /// Hands what a queue has to those who wait for it.
    pub(super) fn serve(&mut self, now: Timestamp, queue: QueueId, out: &mut Vec<Output>) {
        while let Some(waiter) = self.waiters.first(queue).cloned() {
            if self.state.queue(queue).is_some() {
                self.refresh(now, queue);
                let nothing = self.state.queue(queue).is_some_and(|held| !held.messages.has_available());
                if nothing {
                    break;
                }
            }
            if self.held.payload_bytes() >= self.config.limits.reply_bytes {
                self.waiters.wake(queue, Some(now.plus_millis(ROOM_MILLIS)));
                return;
            }
            let Waiter { request, key, limit, visibility_timeout_secs, attempt, .. } = waiter;
            let events = self.stats.events;
            let command = Command::Receive { key, limit, visibility_timeout_secs, attempt };
            let outcome = self.execute(now, command);
            if is_empty(&outcome) {
                if self.stats.events > events {
                    continue;
                }
                break;
            }
            self.waiters.remove(request);
            self.deliver(request, outcome, out);
        }
        if self.waiters.first(queue).is_some() {
            self.wake_when_due(now, queue);
            self.look_ahead(now, queue, out);
        }
    }

    /// What may be received of messages that rest is being read: who waits is served when it comes.
    fn wake_when_due(&mut self, now: Timestamp, queue: QueueId) {
        let messages = self.state.queue(queue).map(|held| &held.messages);
        let held = messages.and_then(|messages| messages.next_visible_at());
        let resting = messages.and_then(|messages| messages.standard()?.resting());
        let resting = resting.filter(|resting| !resting.may_give(now));
        let at = held.into_iter().chain(resting.map(|resting| resting.edge().turn.0)).min();
        self.waiters.wake(queue, at);
    }

    /// Answers a receive that found nothing.
    pub(super) fn deliver_nothing(&mut self, queue: QueueId, request: RequestId, out: &mut Vec<Output>) {
        self.deliver(request, Outcome::Received { queue, deliveries: Vec::new() }, out);
    }

    fn deliver(&mut self, request: RequestId, outcome: Outcome, out: &mut Vec<Output>) {
        let Outcome::Received { queue, deliveries } = &outcome else {
            self.reply(request, Reply::Done { outcome, payloads: Vec::new() }, out);
            return;
        };
        let queue = *queue;
        if deliveries.is_empty() {
            self.counters.empty_receive(queue);
        }
        let messages: Vec<MessageRef> =
            deliveries.iter().map(|delivery| MessageRef { queue, sequence: delivery.sequence }).collect();
        let payloads: Vec<Option<Bytes>> = messages.iter().map(|message| self.cached(*message)).collect();
        if payloads.iter().all(Option::is_some) {
            let payloads = payloads.into_iter().flatten().collect();
            self.reply(request, Reply::Done { outcome, payloads }, out);
            return;
        }
        let payload_bytes = messages.iter().map(|message| self.payload_bytes(*message)).sum();
        let missing = messages.iter().zip(&payloads).filter(|(_, payload)| payload.is_none());
        let bodies = missing.map(|(message, _)| (*message, self.place(*message))).collect();
        let read = ReadId(self.next_read);
        self.next_read += 1;
        out.push(Output::Read { read, bodies });
        let reply = Reply::Done { outcome, payloads: Vec::new() };
        let position = self.evolved();
        self.held.wait_for_payloads(read, Incomplete { position, request, reply, payloads, payload_bytes });
    }

    fn cached(&self, message: MessageRef) -> Option<Bytes> {
        match self.bodies.cached(message)? {
            Cached::Whole(payload) => Some(payload),
            // Its batch goes on growing, so its bytes can't be shared yet.
            Cached::Collected(range) => {
                let batch = self.batch.as_ref()?;
                batch.bytes().get(range).map(Bytes::copy_from_slice)
            }
        }
    }

    /// What is there now, beside the space of the log.
    pub(super) fn present_load(&self) -> Load {
        Load {
            pending_bytes: self.pending_bytes(),
            held_replies: self.held.len(),
            reply_bytes: self.held.payload_bytes(),
            store_is_behind: self.store_is_behind(),
            ..self.load
        }
    }

    fn payload_bytes(&self, message: MessageRef) -> usize {
        let entry = self.state.queue(message.queue).and_then(|queue| queue.messages.get(message.sequence));
        entry.map_or(0, |entry| entry.payload_bytes as usize)
    }

    fn place(&self, message: MessageRef) -> BodyPlace {
        let entry = self.state.queue(message.queue).and_then(|queue| queue.messages.get(message.sequence));
        self.bodies.place(message, entry.map_or(0, |entry| entry.payload_bytes))
    }

    pub(super) fn bodies_read(
        &mut self,
        now: Timestamp,
        read: ReadId,
        bodies: Vec<Body>,
        out: &mut Vec<Output>,
    ) {
        let Some(incomplete) = self.held.take_reading(read) else { return };
        let Incomplete { position, request, reply, payloads, .. } = incomplete;
        let Reply::Done { outcome: Outcome::Received { queue, deliveries }, .. } = reply else { return };
        let mut bodies = bodies.into_iter();
        let mut kept: Vec<(Delivery, Bytes)> = Vec::with_capacity(deliveries.len());
        let mut overtaken = Overtaken::default();
        for (delivery, cached) in deliveries.into_iter().zip(payloads) {
            let body = cached.map_or_else(|| bodies.next().unwrap_or(Body::Gone), Body::Intact);
            let group = self.group_in_order(queue, delivery.sequence);
            if group.is_some_and(|group| overtaken.groups.contains(&group)) {
                let (sequence, delivery) = (delivery.sequence, delivery.delivery);
                overtaken.receipts.push(Receipt { queue, sequence, delivery });
                continue;
            }
            match body {
                Body::Intact(payload) => kept.push((delivery, payload)),
                Body::Gone => overtaken.groups.extend(group),
                Body::Damaged => {
                    let message = MessageRef { queue, sequence: delivery.sequence };
                    let quarantined = self.stats.quarantined;
                    self.execute(now, Command::Quarantine { queue, sequence: delivery.sequence });
                    // Not when it was purged or deleted while it was read.
                    if self.stats.quarantined > quarantined {
                        out.push(Output::Quarantined { message });
                    }
                }
            }
        }
        let (deliveries, payloads) = kept.into_iter().unzip();
        let reply = Reply::Done { outcome: Outcome::Received { queue, deliveries }, payloads };
        self.reply_late(position, request, reply, out);
        if !overtaken.receipts.is_empty() {
            self.give_back(now, overtaken.receipts, out);
        }
    }

    /// The group in which a message must not be overtaken. `None` in a standard queue, and for a message that is not there
    /// any more.
    fn group_in_order(&self, queue: QueueId, sequence: Sequence) -> Option<GroupKey> {
        let queue = self.state.queue(queue)?;
        queue.record.attributes.fifo.as_ref()?;
        queue.messages.get(sequence)?.group
    }

    /// Deliveries that did not reach their receiver are not counted and can be handed out again.
    pub(super) fn give_back(&mut self, now: Timestamp, receipts: Vec<Receipt>, out: &mut Vec<Output>) {
        let queues: Vec<QueueId> = receipts.iter().map(|receipt| receipt.queue).collect();
        let command = Command::ReturnLeases { receipts };
        if let Some((command, _)) = self.unless_it_needs_more(now, None, command, Wait::Secs(0), out) {
            self.execute(now, command);
        }
        queues.into_iter().for_each(|queue| self.serve(now, queue, out));
    }

    fn reply_late(&mut self, position: Position, request: RequestId, reply: Reply, out: &mut Vec<Output>) {
        if position <= self.durable {
            out.push(Output::Reply { request, reply });
        } else {
            self.held.hold_late(position, request, reply);
        }
    }
}

/// What must not leave because an earlier message of its group does not.
#[derive(Default)]
struct Overtaken {
    groups: BTreeSet<GroupKey>,
    receipts: Vec<Receipt>,
}

/// Whether a long poll goes on waiting after this outcome. With too many messages in flight it does: only a short
/// poll is told.
fn is_empty(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Received { deliveries, .. } => deliveries.is_empty(),
        Outcome::Refused(refusal) => *refusal == Refusal::TooManyInFlight,
        _ => false,
    }
}
