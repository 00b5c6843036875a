//! What only FIFO queues promise: order inside a group, no duplicates for five minutes, receives that can be tried again.

use std::collections::BTreeMap;

use millpond_core::message::{AttemptKey, MessageId, Receipt};
use millpond_core::time::Timestamp;

use super::{Between, Broken, Known, Moment, Oracle};

const DEDUPLICATION_SECS: u64 = 300;
pub(super) const ATTEMPT_SECS: u64 = 300;

/// A named send.
#[derive(Clone, Copy, Debug)]
struct Named {
    id: u128,
    /// The queue remembers it, whatever becomes of its message; open while nobody was told.
    accepted: Option<bool>,
    /// A purge or a delete of its queue was asked since: it may be forgotten.
    maybe_forgotten: bool,
}

/// What a named receive gave.
#[derive(Clone, Debug)]
struct Given {
    /// Since when it is known.
    since: Moment,
    receipts: Vec<(u128, Receipt)>,
    decided: Between,
}

/// A receive that was asked for by name.
#[derive(Clone, Copy, Debug)]
struct Tried {
    queue: usize,
    attempt: AttemptKey,
    asked: Moment,
    /// When it was answered, or its caller had gone.
    ended: Option<Moment>,
    /// The lease that it gives lasts at least until then.
    leased_until: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Fifo {
    /// By queue and group, in the order they were sent.
    groups: BTreeMap<(usize, u128), Vec<u128>>,
    /// By queue and name, in the order they were sent.
    names: BTreeMap<(usize, u128), Vec<Named>>,
    name_of: BTreeMap<u128, (usize, u128)>,
    /// When messages were last asked to be other than a receive has left them.
    touched: BTreeMap<u128, Moment>,
    /// Named receives, with the ends of their leases.
    asked: Vec<Tried>,
    /// Receives that would give the same again.
    attempts: BTreeMap<(usize, AttemptKey), Given>,
}

impl Fifo {
    pub(super) fn sends(&mut self, queue: usize, id: u128, group: Option<u128>, name: Option<u128>) {
        let Some(name) = name else { return };
        self.groups.entry((queue, group.unwrap_or(0))).or_default().push(id);
        let named = Named { id, accepted: None, maybe_forgotten: false };
        self.names.entry((queue, name)).or_default().push(named);
        self.name_of.insert(id, (queue, name));
    }

    pub(super) fn asks_to_empty(&mut self, queue: usize) {
        for (_, sends) in self.names.range_mut((queue, 0)..=(queue, u128::MAX)) {
            sends.iter_mut().for_each(|named| named.maybe_forgotten = true);
        }
        self.forget_attempts(queue);
    }

    pub(super) fn forget_attempts(&mut self, queue: usize) {
        self.attempts.retain(|(of, _), _| *of != queue);
    }

    /// Any message may be gone.
    pub(super) fn doubt(&mut self) {
        self.attempts.clear();
    }

    /// A message is certainly gone.
    pub(super) fn gone(&mut self, queue: usize, group: Option<u128>, id: u128) {
        if let Some(group) = self.groups.get_mut(&(queue, group.unwrap_or(0))) {
            group.retain(|other| *other != id);
        }
    }

    /// A message was handed out by this receipt: no receive by another can be tried again with it.
    pub(super) fn touches(&mut self, id: u128, receipt: Receipt) {
        let other = |given: &Given| given.receipts.iter().any(|(of, by)| *of == id && *by != receipt);
        self.attempts.retain(|_, given| !other(given));
    }

    /// A message is not any more as a receive has left it.
    pub(super) fn changes(&mut self, id: u128, asked: Moment) {
        self.touched.insert(id, asked);
        self.attempts.retain(|_, given| given.receipts.iter().all(|(of, _)| *of != id));
    }
}

impl Oracle {
    /// A send to a FIFO queue was accepted under this id: its own, or that of an earlier send of the same name. Answers
    /// whether it was a duplicate.
    pub(crate) fn accepted_as(
        &mut self,
        id: u128,
        told: MessageId,
        decided: Between,
    ) -> Result<bool, Broken> {
        let Some(name) = self.fifo.name_of.get(&id).copied() else { return Ok(false) };
        let Some(sends) = self.fifo.names.get_mut(&name) else { return Ok(false) };
        let sent_at = |id: u128| self.messages.get(&id).map(|sent| sent.sent_at).unwrap_or_default();
        let own = sends.iter().position(|named| named.id == id).unwrap_or(0);
        if told.0 == id {
            let remembered = |named: &&Named| {
                let ends = sent_at(named.id).plus_secs(DEDUPLICATION_SECS);
                named.accepted == Some(true) && !named.maybe_forgotten && decided.latest < ends
            };
            if let Some(earlier) = sends[..own].iter().find(remembered) {
                return Err(format!(
                    "{id} was accepted although it repeats {} inside of five minutes",
                    earlier.id
                ));
            }
            sends[own].accepted = Some(true);
            self.accepted(id);
            return Ok(false);
        }
        let ends = sent_at(told.0).plus_secs(DEDUPLICATION_SECS);
        let Some(earlier) = sends[..own].iter_mut().find(|named| named.id == told.0) else {
            return Err(format!("{id} was answered as {}, which is no send of its name", told.0));
        };
        if earlier.accepted == Some(false) || ends <= decided.earliest {
            return Err(format!("{id} was answered as {}, which is not remembered any more", told.0));
        }
        earlier.accepted = Some(true);
        sends[own].accepted = Some(false);
        self.not_accepted(id);
        Ok(true)
    }

    /// A send was refused.
    pub(crate) fn refused(&mut self, id: u128) {
        self.not_accepted(id);
        if let Some(name) = self.fifo.name_of.get(&id)
            && let Some(sends) = self.fifo.names.get_mut(name)
        {
            sends.iter_mut().filter(|named| named.id == id).for_each(|named| named.accepted = Some(false));
        }
    }

    /// Messages of a FIFO queue were handed out in this order: none before another of its group that is certainly there
    /// and was sent before it.
    pub(crate) fn checks_order(&self, queue: usize, ids: &[u128], decided: Between) -> Result<(), Broken> {
        for (place, id) in ids.iter().enumerate() {
            let Some(sent) = self.messages.get(id) else { continue };
            if !self.is_only_in(sent, queue) {
                continue;
            }
            let Some(group) = self.fifo.groups.get(&(queue, sent.group.unwrap_or(0))) else { continue };
            // A late reply may show what is gone meanwhile.
            if !group.contains(id) {
                continue;
            }
            for earlier in group.iter().take_while(|earlier| *earlier != id) {
                let Some(other) = self.messages.get(earlier) else { continue };
                let must_go_first =
                    self.must_be_there(other, decided.latest) && self.is_only_in(other, queue);
                if must_go_first && !ids[..place].contains(earlier) {
                    return Err(format!("message {id} was handed out before {earlier} of its group"));
                }
            }
        }
        Ok(())
    }

    /// A named receive gave this. Answers whether it was the same as before.
    pub(crate) fn given(
        &mut self,
        known: Known,
        attempt: AttemptKey,
        receipts: Vec<(u128, Receipt)>,
        decided: Between,
        tried: Option<Moment>,
    ) -> Result<bool, Broken> {
        let key = (known.queue, attempt);
        if let Some(before) = self.fifo.attempts.get(&key).filter(|before| Some(before.since) == tried) {
            let recent = decided.latest < before.decided.earliest.plus_secs(ATTEMPT_SECS);
            let there = |(id, receipt): &(u128, Receipt)| {
                self.messages.get(id).is_some_and(|sent| {
                    let lease = sent.deliveries.get(receipt).map(|delivered| delivered.leased_until);
                    self.must_be_there(sent, decided.latest) && lease > Some(decided.latest)
                })
            };
            if recent && before.receipts.iter().all(there) && before.receipts != receipts {
                return Err(format!("a receive that was tried again gave {receipts:?}, not {before:?}"));
            }
        }
        let same = self.fifo.attempts.get(&key).is_some_and(|before| before.receipts == receipts);
        let as_left = |(id, receipt): &(u128, Receipt)| {
            let touched = self.fifo.touched.get(id).is_some_and(|touched| *touched > known.asked);
            let deliveries = self.messages.get(id).map(|sent| &sent.deliveries);
            let last = deliveries.and_then(|deliveries| deliveries.last_key_value());
            !touched && last.is_some_and(|(last, _)| last == receipt)
        };
        if !receipts.is_empty() && !same && receipts.iter().all(as_left) {
            let since = self.next_moment();
            self.fifo.attempts.insert(key, Given { since, receipts, decided });
        }
        Ok(same)
    }

    /// A receive is asked by name: if it is one that is tried again, it begins the leases anew, from then on until `end`.
    pub(crate) fn asks_by_name(&mut self, known: Known, attempt: AttemptKey, end: Timestamp) {
        let Known { queue, asked, .. } = known;
        self.fifo.asked.push(Tried { queue, attempt, asked, ended: None, leased_until: end });
        for id in &self.live {
            let Some(sent) = self.messages.get_mut(id) else { continue };
            let named = sent.deliveries.values_mut().filter(|delivered| delivered.attempt == Some(attempt));
            for delivered in named {
                delivered.changes.push((known.asked, end));
                delivered.leased_until = delivered.leased_until.min(end);
            }
        }
    }

    /// Whoever asked for a receive at that moment was answered, or never will be: it is decided no later than now.
    pub(crate) fn receive_ended(&mut self, asked: Moment) {
        let now = self.next_moment();
        let tried = self.fifo.asked.iter_mut().rev().find(|tried| tried.asked == asked);
        tried.into_iter().for_each(|tried| tried.ended = Some(now));
    }

    /// The lease that a receive gave, as far as none of the same name that may have been decided later can have cut it.
    pub(super) fn lease_of(&self, known: Known, attempt: Option<AttemptKey>, until: Timestamp) -> Timestamp {
        let Some(attempt) = attempt else { return until };
        let same = |tried: &&Tried| {
            let may_be_later = tried.ended.is_none_or(|ended| ended > known.asked);
            tried.queue == known.queue
                && tried.attempt == attempt
                && tried.asked != known.asked
                && may_be_later
        };
        self.fifo.asked.iter().filter(same).fold(until, |until, tried| until.min(tried.leased_until))
    }

    /// What a named receive would give again, as far as known now: since when.
    pub(crate) fn can_be_tried_again(&self, queue: usize, attempt: AttemptKey) -> Option<Moment> {
        self.fifo.attempts.get(&(queue, attempt)).map(|given| given.since)
    }
}
