//! Hand-outs: leases that do not overlap, receive counts that rise and match, receipts that must still work.

use bytes::Bytes;
use millpond_core::message::{AttemptKey, Receipt};
use millpond_core::time::Timestamp;

use super::fifo::ATTEMPT_SECS;
use super::{Between, Broken, Known, Moment, Oracle, Sent};

/// A delivery that reached its receiver.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(super) decided: Between,
    /// The end of the lease that the client may count on.
    pub(crate) leased_until: Timestamp,
    /// Not given back: the receive count must include it.
    pub(super) counted: bool,
    receive_count: u32,
    pub(super) attempt: Option<AttemptKey>,
    /// Ends of the lease that were asked for, and when: a late answer to an early one does not undo a later one.
    pub(super) changes: Vec<(Moment, Timestamp)>,
}

/// A message as it reached its receiver.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) id: u128,
    pub(crate) receipt: Receipt,
    pub(crate) payload: Bytes,
    pub(crate) receive_count: u32,
    pub(crate) sent_at: Timestamp,
    pub(crate) attempt: Option<AttemptKey>,
    pub(crate) decided: Between,
    pub(crate) leased_until: Timestamp,
}

/// What a receipt was worth when it was used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// The lease was running: nobody else can have received the message.
    pub(crate) leased: bool,
    /// And the message was certainly there: a refusal breaks a promise.
    pub(crate) must_work: bool,
}

impl Sent {
    /// Which of two deliveries was first, where their numbers tell.
    fn comes_before(one: Receipt, other: Receipt) -> Option<bool> {
        let same = one.queue == other.queue && one.sequence == other.sequence;
        same.then_some(one.delivery < other.delivery)
    }

    /// The receipt of another delivery whose lease can't have ended, in whatever order they came.
    fn overlapping(&self, arrived: &Arrived, leased_until: Timestamp) -> Option<Receipt> {
        let overlaps = |receipt: Receipt, other: &Delivered| {
            let as_second = arrived.decided.latest < other.leased_until;
            let as_first = other.decided.latest < leased_until;
            match Self::comes_before(receipt, arrived.receipt) {
                Some(true) => as_second,
                Some(false) => as_first,
                None => as_first && as_second,
            }
        };
        self.deliveries
            .iter()
            .find(|(receipt, other)| overlaps(**receipt, other))
            .map(|(receipt, _)| *receipt)
    }

    /// How many deliveries before this one the receive count must include.
    fn counted_before(&self, arrived: &Arrived, moved: bool) -> usize {
        let before = |(receipt, other): &(&Receipt, &Delivered)| match Self::comes_before(
            **receipt,
            arrived.receipt,
        ) {
            Some(is_before) => is_before,
            // A move task begins the count anew.
            None => !moved && other.decided.latest < arrived.decided.earliest,
        };
        self.deliveries.iter().filter(before).filter(|(_, other)| other.counted).count()
    }
}

impl Oracle {
    /// A message arrives at a receiver. Answers whether it was handed out before.
    pub(crate) fn delivered(
        &mut self,
        known: Known,
        was_parked: bool,
        arrived: &Arrived,
    ) -> Result<bool, Broken> {
        let Arrived { id, receipt, ref payload, receive_count, sent_at, decided, leased_until, .. } =
            *arrived;
        let broken = |what: &str| Err(format!("message {id}, {receipt:?}: {what}"));
        let Some(sent) = self.messages.get(&id) else { return broken("it was never sent") };
        let (_, moved) = self.places(sent);
        if !self.may_be_in(sent, known.queue) {
            return broken(&format!("it was sent to queue {} and came from {}", sent.queue, known.queue));
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
        if decided.earliest >= self.expires_until(sent) {
            return broken(&format!("it was handed out after its retention, held {:?}", self.holds()));
        }
        if self.is_only_in(sent, sent.queue) && sent_at != sent.sent_at {
            return broken(&format!("it shows {sent_at} as the time it was sent at, not {}", sent.sent_at));
        }
        if sent.deliveries.contains_key(&receipt) {
            return self.delivered_again(known, arrived).map(|()| true);
        }
        let leased_until = self.lease_of(known, arrived.attempt, leased_until);
        let may_be_changed = sent.late_changes.iter().filter(|(asked, _)| *asked > known.asked);
        let leased_until = may_be_changed.fold(leased_until, |until, (_, end)| until.min(*end));
        if let Some(other) = sent.overlapping(arrived, leased_until) {
            return broken(&format!("its lease overlaps that of {other:?}"));
        }
        let least = sent.counted_before(arrived, moved) as u64 + 1;
        let most = self.received_at_most(sent) + 1;
        if !(least..=most).contains(&u64::from(receive_count)) {
            return broken(&format!("its receive count is {receive_count}; it must be {least} to {most}"));
        }
        let again = !sent.deliveries.is_empty();
        self.note(known, was_parked, arrived, leased_until);
        Ok(again)
    }

    fn note(&mut self, known: Known, was_parked: bool, arrived: &Arrived, leased_until: Timestamp) {
        let Arrived { id, receipt, receive_count, attempt, decided, .. } = *arrived;
        let Some(sent) = self.messages.get_mut(&id) else { return };
        sent.promised = true;
        if !was_parked && sent.maybe_gone_at.is_some_and(|gone_at| gone_at < known.asked) {
            // Nothing that was asked before has taken it out.
            sent.maybe_gone_at = None;
        }
        let delivered =
            Delivered { decided, leased_until, counted: true, receive_count, attempt, changes: Vec::new() };
        sent.deliveries.insert(receipt, delivered);
        self.seen_in(id, known.queue);
        self.fifo.touches(id, receipt);
    }

    /// The same delivery came once more: only a receive that was tried again may give it, and it counts no receive.
    fn delivered_again(&mut self, known: Known, arrived: &Arrived) -> Result<(), Broken> {
        let Arrived { id, receipt, receive_count, attempt, decided, leased_until, .. } = *arrived;
        let leased_until = self.lease_of(known, attempt, leased_until);
        let sent = self.messages.get_mut(&id);
        let Some(earlier) = sent.and_then(|sent| sent.deliveries.get_mut(&receipt)) else { return Ok(()) };
        let recent = decided.earliest < earlier.decided.latest.plus_secs(ATTEMPT_SECS);
        if attempt.is_none() || attempt != earlier.attempt || !recent {
            return Err(format!("message {id}: two deliveries are {receipt:?}"));
        }
        if receive_count != earlier.receive_count {
            return Err(format!("message {id}: a receive that was tried again counts as one more"));
        }
        let later = earlier.changes.iter().filter(|(asked, _)| *asked > known.asked);
        earlier.leased_until = later.fold(leased_until, |until, (_, end)| until.min(*end));
        Ok(())
    }

    /// The receiver never saw a delivery.
    pub(crate) fn gave_back(&mut self, id: u128, receipt: Receipt) {
        let sent = self.messages.get_mut(&id);
        if let Some(delivered) = sent.and_then(|sent| sent.deliveries.get_mut(&receipt)) {
            delivered.leased_until = Timestamp::EPOCH;
            delivered.counted = false;
        }
        let now = self.next_moment();
        self.fifo.changes(id, now);
    }

    /// A delete is asked. Whether it must work is known now.
    pub(crate) fn asks_to_delete(
        &mut self,
        known: Known,
        id: u128,
        receipt: Receipt,
        now: Timestamp,
    ) -> Standing {
        let standing = self.standing(known, id, receipt, now);
        self.messages.entry(id).and_modify(|sent| sent.maybe_gone_at = Some(known.asked));
        self.fifo.changes(id, known.asked);
        standing
    }

    /// A delete was acknowledged.
    pub(crate) fn deleted(&mut self, id: u128, standing: Standing) {
        let now = self.next_moment();
        if standing.leased {
            self.gone(id, now);
        }
    }

    /// A visibility change is asked. From now on only the sooner of both ends counts. With a receipt whose lease has ended
    /// it is a change of the latest delivery, whichever that is.
    pub(crate) fn asks_to_change_lease(
        &mut self,
        known: Known,
        id: u128,
        receipt: Receipt,
        now: Timestamp,
        end: Timestamp,
    ) -> Standing {
        let standing = self.standing(known, id, receipt, now);
        self.fifo.changes(id, known.asked);
        let Some(sent) = self.messages.get_mut(&id) else { return standing };
        if !standing.leased {
            sent.late_changes.push((known.asked, end));
        }
        let changed = |other: &Receipt| *other == receipt || !standing.leased;
        for (_, delivered) in sent.deliveries.iter_mut().filter(|(other, _)| changed(other)) {
            delivered.changes.push((known.asked, end));
            delivered.leased_until = delivered.leased_until.min(end);
        }
        standing
    }

    /// A visibility change was acknowledged that was asked while the lease was running.
    pub(crate) fn lease_changed(&mut self, known: Known, id: u128, receipt: Receipt, end: Timestamp) {
        let sent = self.messages.get_mut(&id);
        if let Some(delivered) = sent.and_then(|sent| sent.deliveries.get_mut(&receipt))
            && delivered.changes.last().is_some_and(|(asked, _)| *asked == known.asked)
            && delivered.counted
        {
            delivered.leased_until = end;
        }
    }

    fn standing(&self, known: Known, id: u128, receipt: Receipt, now: Timestamp) -> Standing {
        let Some(sent) = self.messages.get(&id) else { return Standing::default() };
        let leased = sent.deliveries.get(&receipt).is_some_and(|delivered| now < delivered.leased_until);
        let is_there = sent.maybe_gone_at.is_none() && now < self.expires_from(sent);
        Standing { leased, must_work: leased && is_there && known.exists == Some(true) }
    }
}
