//! What each client was promised.
//!
//! The oracle hears what clients ask and what they are answered, and nothing else: not the state, not the log, not
//! which faults were planned. A request without a reply is unknown: it may have happened or not. Commands are decided
//! in the order they are asked, which is all that it presumes of the engine; a receive that was parked is decided at
//! some moment between asking and answering.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::message::Receipt;
use millpond_core::time::Timestamp;

/// What is broken, for people.
pub(crate) type Broken = String;

/// A moment in the order of what clients did and saw.
pub(crate) type Moment = u64;

/// Between which times something was decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Between {
    pub(crate) earliest: Timestamp,
    pub(crate) latest: Timestamp,
}

/// A delivery that reached its receiver.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    decided: Between,
    /// The end of the lease that the client may count on.
    pub(crate) leased_until: Timestamp,
    /// Not given back: the receive count must include it.
    counted: bool,
    /// Visibility changes asked for, so that a late answer to an early one does not undo a later one.
    changes: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Sent {
    queue: usize,
    payload: Bytes,
    asked: Moment,
    visible_from: Timestamp,
    expires_from: Timestamp,
    /// A reply has promised that it is there.
    promised: bool,
    /// The latest command that may have taken it out.
    maybe_gone_at: Option<Moment>,
    /// Receives asked after this moment must not hand it out.
    gone_from: Option<Moment>,
    pub(crate) deliveries: BTreeMap<u32, Delivered>,
    /// Visibility changes asked with a receipt whose lease had ended: they may be of any delivery made before.
    late_changes: Vec<(Moment, Timestamp)>,
}

#[derive(Clone, Debug, Default)]
struct Queue {
    /// Known since the last command that changes it was answered.
    exists: Option<bool>,
    /// Commands asked that create or delete it.
    changes: u64,
}

/// What was known of a queue when a command was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) queue: usize,
    exists: Option<bool>,
    changes: u64,
    pub(crate) asked: Moment,
}

/// All promises.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    moment: Moment,
    queues: BTreeMap<usize, Queue>,
    pub(crate) messages: BTreeMap<u128, Sent>,
}

impl Oracle {
    pub(crate) fn next_moment(&mut self) -> Moment {
        self.moment += 1;
        self.moment
    }

    /// A command on a queue is asked.
    pub(crate) fn asks(&mut self, queue: usize) -> Known {
        let asked = self.next_moment();
        let known = self.queues.entry(queue).or_default();
        Known { queue, exists: known.exists, changes: known.changes, asked }
    }

    /// A command that creates or deletes a queue is asked.
    pub(crate) fn asks_to_change(&mut self, queue: usize) -> Known {
        let before = self.asks(queue);
        let known = self.queues.entry(queue).or_default();
        known.changes += 1;
        known.exists = None;
        Known { changes: known.changes, ..before }
    }

    /// A reply shows that a queue was there, or was not, when the command was decided.
    pub(crate) fn shows(&mut self, known: Known, exists: bool, was_parked: bool) -> Result<(), Broken> {
        let queue = self.queues.entry(known.queue).or_default();
        let unchanged = queue.changes == known.changes;
        if known.exists == Some(!exists) && (unchanged || !was_parked) {
            return Err(format!(
                "queue {} was promised to {} and was found to {}",
                known.queue,
                if exists { "be gone" } else { "be there" },
                if exists { "be there" } else { "be gone" },
            ));
        }
        if unchanged {
            queue.exists = Some(exists);
        }
        Ok(())
    }

    /// What a create or delete has led to.
    pub(crate) fn changed(&mut self, known: Known, exists: bool) {
        let queue = self.queues.entry(known.queue).or_default();
        if queue.changes == known.changes {
            queue.exists = Some(exists);
        }
    }

    pub(crate) fn exists(&self, queue: usize) -> Option<bool> {
        self.queues.get(&queue).and_then(|queue| queue.exists)
    }

    pub(crate) fn sends(
        &mut self,
        known: Known,
        id: u128,
        payload: Bytes,
        visible_from: Timestamp,
        expires_from: Timestamp,
    ) {
        let sent = Sent {
            queue: known.queue,
            payload,
            asked: known.asked,
            visible_from,
            expires_from,
            promised: false,
            maybe_gone_at: None,
            gone_from: None,
            deliveries: BTreeMap::new(),
            late_changes: Vec::new(),
        };
        self.messages.insert(id, sent);
    }

    pub(crate) fn accepted(&mut self, id: u128) {
        self.messages.entry(id).and_modify(|sent| sent.promised = true);
    }

    /// The send was refused: the message never existed.
    pub(crate) fn not_accepted(&mut self, id: u128) {
        self.messages.entry(id).and_modify(|sent| sent.gone_from = Some(0));
    }

    /// A purge, or the deletion of a queue, is asked.
    pub(crate) fn asks_to_empty(&mut self, known: Known) {
        for sent in self.messages.values_mut().filter(|sent| sent.queue == known.queue) {
            sent.maybe_gone_at = Some(known.asked);
        }
    }

    /// It was acknowledged: everything sent before is gone.
    pub(crate) fn emptied(&mut self, known: Known) {
        let now = self.next_moment();
        let before = |sent: &&mut Sent| sent.queue == known.queue && sent.asked < known.asked;
        for sent in self.messages.values_mut().filter(before) {
            sent.gone_from.get_or_insert(now);
        }
    }

    /// A message arrives at a receiver.
    pub(crate) fn delivered(
        &mut self,
        known: Known,
        was_parked: bool,
        arrived: &Arrived,
        leased_until: Timestamp,
    ) -> Result<(), Broken> {
        let Arrived { id, receipt, ref payload, receive_count, decided } = *arrived;
        let sent = self.messages.get_mut(&id).ok_or(format!("message {id} was never sent"))?;
        let broken = |what: &str| Err(format!("message {id}, delivery {}: {what}", receipt.delivery));
        if sent.queue != known.queue {
            return broken("it came from another queue");
        }
        if sent.payload != *payload {
            return broken("its bytes are not those that were sent");
        }
        if sent.gone_from.is_some_and(|gone_from| known.asked > gone_from) {
            return broken("it was handed out although it is gone for good");
        }
        if decided.latest < sent.visible_from {
            return broken("it was handed out before its delay had passed");
        }
        if sent.deliveries.contains_key(&receipt.delivery) {
            return broken("two deliveries have the same number");
        }
        let may_be_changed = sent.late_changes.iter().filter(|(asked, _)| *asked > known.asked);
        let leased_until = may_be_changed.fold(leased_until, |until, (_, end)| until.min(*end));
        for (&number, other) in &sent.deliveries {
            let overlaps = if number < receipt.delivery {
                decided.latest < other.leased_until
            } else {
                other.decided.latest < leased_until
            };
            if overlaps {
                return broken(&format!("its lease overlaps that of delivery {number}"));
            }
        }
        let earlier = sent.deliveries.range(..receipt.delivery).filter(|(_, other)| other.counted).count();
        if u64::from(receive_count) <= earlier as u64 || receive_count > receipt.delivery {
            return broken(&format!("its receive count is {receive_count} after {earlier} that arrived"));
        }
        sent.promised = true;
        if !was_parked && sent.maybe_gone_at.is_none_or(|gone_at| gone_at < known.asked) {
            // Nothing that was asked before has taken it out.
            sent.maybe_gone_at = None;
        }
        let delivered = Delivered { decided, leased_until, counted: true, changes: 0 };
        sent.deliveries.insert(receipt.delivery, delivered);
        Ok(())
    }

    /// The receiver never saw a delivery.
    pub(crate) fn gave_back(&mut self, id: u128, delivery: u32) {
        let sent = self.messages.get_mut(&id);
        if let Some(delivered) = sent.and_then(|sent| sent.deliveries.get_mut(&delivery)) {
            delivered.leased_until = Timestamp::EPOCH;
            delivered.counted = false;
        }
    }

    /// A delete is asked. Whether it must work is known now.
    pub(crate) fn asks_to_delete(
        &mut self,
        known: Known,
        id: u128,
        delivery: u32,
        now: Timestamp,
    ) -> Standing {
        let standing = self.standing(known, id, delivery, now);
        self.messages.entry(id).and_modify(|sent| sent.maybe_gone_at = Some(known.asked));
        standing
    }

    /// A delete was acknowledged.
    pub(crate) fn deleted(&mut self, id: u128, standing: Standing) {
        let now = self.next_moment();
        if standing.leased {
            self.messages.entry(id).and_modify(|sent| {
                sent.gone_from.get_or_insert(now);
            });
        }
    }

    /// A visibility change is asked. From now on only the sooner of both ends counts. With a receipt whose lease has ended
    /// it is a change of the latest delivery, whichever that is.
    pub(crate) fn asks_to_change_lease(
        &mut self,
        known: Known,
        id: u128,
        delivery: u32,
        now: Timestamp,
        end: Timestamp,
    ) -> (Standing, u32) {
        let standing = self.standing(known, id, delivery, now);
        let Some(sent) = self.messages.get_mut(&id) else { return (standing, 0) };
        if !standing.leased {
            sent.late_changes.push((known.asked, end));
        }
        let changed = |number: u32| number == delivery || !standing.leased;
        for (_, delivered) in sent.deliveries.iter_mut().filter(|(number, _)| changed(**number)) {
            delivered.changes += 1;
            delivered.leased_until = delivered.leased_until.min(end);
        }
        (standing, sent.deliveries.get(&delivery).map_or(0, |delivered| delivered.changes))
    }

    /// A visibility change was acknowledged that was asked while the lease was running.
    pub(crate) fn lease_changed(&mut self, id: u128, delivery: u32, change: u32, end: Timestamp) {
        let sent = self.messages.get_mut(&id);
        if let Some(delivered) = sent.and_then(|sent| sent.deliveries.get_mut(&delivery))
            && delivered.changes == change
            && delivered.counted
        {
            delivered.leased_until = end;
        }
    }

    fn standing(&self, known: Known, id: u128, delivery: u32, now: Timestamp) -> Standing {
        let Some(sent) = self.messages.get(&id) else { return Standing::default() };
        let leased = sent.deliveries.get(&delivery).is_some_and(|delivered| now < delivered.leased_until);
        let is_there = sent.maybe_gone_at.is_none() && now < sent.expires_from;
        Standing { leased, must_work: leased && is_there && known.exists == Some(true) }
    }

    /// How many messages a queue must hold at least and can hold at most.
    pub(crate) fn bounds(&self, queue: usize, now: Timestamp) -> (usize, usize) {
        let of_queue = || self.messages.values().filter(|sent| sent.queue == queue);
        let must = of_queue().filter(|sent| sent.must_be_there(now)).count();
        let may = of_queue().filter(|sent| sent.gone_from.is_none()).count();
        (must, may)
    }

    /// Messages that have to be handed out sooner or later.
    pub(crate) fn owed(&self, now: Timestamp) -> impl Iterator<Item = u128> {
        self.messages.iter().filter(move |(_, sent)| sent.must_be_there(now)).map(|(id, _)| *id)
    }

    /// Whether a send was answered, or a delivery has shown it.
    pub(crate) fn is_promised(&self, id: u128) -> bool {
        self.messages.get(&id).is_some_and(|sent| sent.promised)
    }

    /// Leases that clients count on.
    pub(crate) fn leases(&self, now: Timestamp) -> usize {
        let deliveries = self.messages.values().flat_map(|sent| sent.deliveries.values());
        deliveries.filter(|delivered| now < delivered.leased_until).count()
    }
}

impl Sent {
    fn must_be_there(&self, now: Timestamp) -> bool {
        self.promised && self.maybe_gone_at.is_none() && self.gone_from.is_none() && now < self.expires_from
    }
}

/// A message as it reached its receiver.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) id: u128,
    pub(crate) receipt: Receipt,
    pub(crate) payload: Bytes,
    pub(crate) receive_count: u32,
    pub(crate) decided: Between,
}

/// What a receipt was worth when it was used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// The lease was running: nobody else can have received the message.
    pub(crate) leased: bool,
    /// And the message was certainly there: a refusal breaks a promise.
    pub(crate) must_work: bool,
}
