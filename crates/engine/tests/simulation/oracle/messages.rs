//! Messages: sent, promised, possibly gone, certainly gone; and how many a queue can hold.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::message::Receipt;
use millpond_core::outcome::QueueDescription;
use millpond_core::time::Timestamp;

use super::{Between, Broken, Delivered, Known, Moment, Oracle};

#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The queue it was sent to.
    pub(crate) queue: usize,
    /// Queues that it was handed out from, one bit each.
    pub(super) seen_in: u8,
    pub(super) payload: Bytes,
    pub(super) asked: Moment,
    pub(super) sent_at: Timestamp,
    pub(super) visible_from: Timestamp,
    pub(super) group: Option<u128>,
    /// A reply has promised that it is there.
    pub(super) promised: bool,
    /// The latest command that may have taken it out.
    pub(super) maybe_gone_at: Option<Moment>,
    /// Receives asked after this moment must not hand it out.
    pub(super) gone_from: Option<Moment>,
    pub(super) deliveries: BTreeMap<Receipt, Delivered>,
    /// Visibility changes asked with a receipt whose lease had ended: they may be of any delivery made before.
    pub(super) late_changes: Vec<(Moment, Timestamp)>,
}

/// A message as a client sends it.
pub(crate) struct NewSend {
    pub(crate) id: u128,
    pub(crate) payload: Bytes,
    pub(crate) sent_at: Timestamp,
    pub(crate) visible_from: Timestamp,
    pub(crate) group: Option<u128>,
    /// What names the send to a FIFO queue.
    pub(crate) name: Option<u128>,
}

impl Oracle {
    pub(crate) fn sends(&mut self, known: Known, new: NewSend) {
        let NewSend { id, payload, sent_at, visible_from, group, name } = new;
        let sent = Sent {
            queue: known.queue,
            seen_in: 0,
            payload,
            asked: known.asked,
            sent_at,
            visible_from,
            group,
            promised: false,
            maybe_gone_at: None,
            gone_from: None,
            deliveries: BTreeMap::new(),
            late_changes: Vec::new(),
        };
        self.messages.insert(id, sent);
        self.live.insert(id);
        self.fifo.sends(known.queue, id, group, name);
    }

    pub(crate) fn accepted(&mut self, id: u128) {
        self.messages.entry(id).and_modify(|sent| sent.promised = true);
    }

    /// The send was refused: the message never existed.
    pub(crate) fn not_accepted(&mut self, id: u128) {
        self.gone(id, 0);
    }

    pub(super) fn gone(&mut self, id: u128, from: Moment) {
        if let Some(sent) = self.messages.get_mut(&id) {
            sent.gone_from.get_or_insert(from);
            if self.live.remove(&id) {
                self.fifo.gone(sent.queue, sent.group, id);
            }
        }
    }

    fn live_in(&self, queue: usize) -> impl Iterator<Item = (u128, &Sent)> {
        let all = self.live.iter().filter_map(|id| Some((*id, self.messages.get(id)?)));
        all.filter(move |(_, sent)| self.may_be_in(sent, queue))
    }

    /// A purge, or the deletion of a queue, is asked.
    pub(crate) fn asks_to_empty(&mut self, known: Known) {
        let there: Vec<u128> = self.live_in(known.queue).map(|(id, _)| id).collect();
        for id in there {
            self.messages.entry(id).and_modify(|sent| sent.maybe_gone_at = Some(known.asked));
        }
        self.fifo.asks_to_empty(known.queue);
    }

    /// It was acknowledged: everything sent before is gone.
    pub(crate) fn emptied(&mut self, known: Known) {
        let now = self.next_moment();
        let gone = self.live_in(known.queue).filter(|(_, sent)| sent.asked < known.asked);
        let gone: Vec<u128> =
            gone.filter(|(_, sent)| self.is_only_in(sent, known.queue)).map(|(id, _)| id).collect();
        gone.into_iter().for_each(|id| self.gone(id, now));
    }

    /// A message's bytes are damaged and it was taken out. Without its number it may be any.
    pub(crate) fn quarantined(&mut self) {
        let asked = self.next_moment();
        for sent in self.messages.values_mut() {
            sent.maybe_gone_at = Some(asked);
        }
        self.fifo.doubt();
    }

    /// Whether a message is certainly there, whenever it is looked between these times.
    pub(super) fn must_be_there(&self, sent: &Sent, latest: Timestamp) -> bool {
        sent.promised
            && sent.maybe_gone_at.is_none()
            && sent.gone_from.is_none()
            && latest < self.expires_from(sent)
    }

    /// How many messages a queue must hold at least and can hold at most.
    pub(crate) fn bounds(&self, queue: usize, decided: Between) -> (u64, u64) {
        let (mut must, mut may) = (0, 0);
        for (_, sent) in self.live_in(queue) {
            may += u64::from(decided.earliest < self.expires_until(sent));
            let there = self.is_only_in(sent, queue) && self.must_be_there(sent, decided.latest);
            must += u64::from(there);
        }
        (must, may)
    }

    /// How many messages there must be at least in all queues.
    pub(crate) fn bound_of_all(&self, latest: Timestamp) -> u64 {
        self.owed(latest).count() as u64
    }

    /// Whether counts are possible. They were asked for at the moment when `bounds` was.
    pub(crate) fn checks_counts(
        &self,
        (must, may): (u64, u64),
        description: &QueueDescription,
    ) -> Result<(), Broken> {
        let counts = description.counts;
        let count = (counts.visible + counts.in_flight + counts.delayed) as u64;
        if !(must..=may).contains(&count) {
            return Err(format!("a queue shows {count} messages; it must hold {must} to {may}"));
        }
        if description.usage.messages != count {
            return Err(format!("a queue shows {count} messages and uses {:?}", description.usage));
        }
        Ok(())
    }

    /// Messages certainly in flight and certainly delayed in a queue.
    pub(crate) fn hidden(&self, queue: usize, decided: Between) -> (u64, u64) {
        let (mut in_flight, mut delayed) = (0, 0);
        for (_, sent) in self.live_in(queue) {
            if !self.is_only_in(sent, queue) || !self.must_be_there(sent, decided.latest) {
                continue;
            }
            let leased = sent.deliveries.values().any(|delivered| decided.latest < delivered.leased_until);
            in_flight += u64::from(leased);
            let untouched = sent.deliveries.is_empty() && self.unseen_since(sent) == 0;
            delayed += u64::from(!leased && untouched && decided.latest < sent.visible_from);
        }
        (in_flight, delayed)
    }

    /// Messages that have to be handed out sooner or later.
    pub(crate) fn owed(&self, now: Timestamp) -> impl Iterator<Item = u128> {
        let live = self.live.iter().filter_map(|id| Some((*id, self.messages.get(id)?)));
        live.filter(move |(_, sent)| self.must_be_there(sent, now)).map(|(id, _)| id)
    }

    /// Sends that nobody knows the outcome of.
    pub(crate) fn unanswered(&self) -> Vec<u128> {
        let live = self.live.iter();
        live.filter(|id| self.messages.get(id).is_some_and(|sent| !sent.promised)).copied().collect()
    }

    /// Receives without a seen answer that may have handed the message out.
    fn unseen_since(&self, sent: &Sent) -> u64 {
        let before = self.unseen_receives.partition_point(|moment| *moment < sent.asked);
        (self.unseen_receives.len() - before) as u64 + self.pending_receives
    }

    /// How often it can have been received.
    pub(super) fn received_at_most(&self, sent: &Sent) -> u64 {
        sent.deliveries.len() as u64 + self.unseen_since(sent)
    }

    /// Leases that clients count on.
    pub(crate) fn leases(&self, now: Timestamp) -> usize {
        let live = self.live.iter().filter_map(|id| self.messages.get(id));
        let deliveries = live.flat_map(|sent| sent.deliveries.values());
        deliveries.filter(|delivered| now < delivered.leased_until).count()
    }
}
