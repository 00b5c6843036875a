//! In which queues a message may be: the one it was sent to, the dead-letter queues that lead on from there, and where
//! move tasks may have put it. What was ever asked for counts, whether or not it was answered.

use millpond_core::time::Timestamp;

use super::{Moment, Oracle, Sent};
use crate::topology::QUEUES;

#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// The fewest receives after which messages of one queue go to another.
    dead_after: [[Option<u32>; QUEUES.len()]; QUEUES.len()],
    /// The latest move task from one queue to another.
    moved_at: [[Option<Moment>; QUEUES.len()]; QUEUES.len()],
}

const fn bit(queue: usize) -> u8 {
    1 << queue
}

impl Oracle {
    /// A redrive policy is asked for.
    pub(crate) fn may_redrive(&mut self, from: usize, to: usize, max_receive_count: u32) {
        let least = &mut self.places.dead_after[from][to];
        *least = Some(least.map_or(max_receive_count, |before| before.min(max_receive_count)));
    }

    /// A move task is asked for; without a destination it goes back to all queues that ever led there.
    pub(crate) fn may_move(&mut self, from: usize, destination: Option<usize>) {
        let asked = self.next_moment();
        let Places { dead_after, moved_at } = &mut self.places;
        for to in 0..QUEUES.len() {
            let goes = destination.map_or(dead_after[to][from].is_some(), |destination| destination == to);
            if goes {
                moved_at[from][to] = Some(asked);
            }
        }
    }

    /// Whether messages of a queue may go to a dead-letter queue.
    pub(crate) fn has_dead_letters(&self, queue: usize) -> bool {
        self.places.dead_after[queue].iter().any(Option::is_some)
    }

    /// The queues that a message may be in, one bit each, and whether a move task may have moved it.
    pub(super) fn places(&self, sent: &Sent) -> (u8, bool) {
        let mut places = bit(sent.queue) | sent.seen_in;
        let Places { dead_after, moved_at } = &self.places;
        if dead_after[sent.queue].iter().all(Option::is_none)
            && moved_at[sent.queue].iter().all(Option::is_none)
        {
            return (places, false);
        }
        let received = self.received_at_most(sent);
        let mut moved = false;
        loop {
            let before = places;
            for from in (0..QUEUES.len()).filter(|from| before & bit(*from) != 0) {
                for to in 0..QUEUES.len() {
                    let dead = dead_after[from][to].is_some_and(|least| received >= u64::from(least));
                    let task = moved_at[from][to].is_some_and(|asked| asked > sent.asked);
                    moved |= task;
                    places |= if dead || task { bit(to) } else { 0 };
                }
            }
            if places == before {
                return (places, moved);
            }
        }
    }

    pub(super) fn may_be_in(&self, sent: &Sent, queue: usize) -> bool {
        self.places(sent).0 & bit(queue) != 0
    }

    pub(super) fn is_only_in(&self, sent: &Sent, queue: usize) -> bool {
        self.places(sent).0 == bit(queue)
    }

    /// It was handed out from there.
    pub(super) fn seen_in(&mut self, id: u128, queue: usize) {
        self.messages.entry(id).and_modify(|sent| sent.seen_in |= bit(queue));
    }

    /// Before when a message certainly does not expire.
    pub(super) fn expires_from(&self, sent: &Sent) -> Timestamp {
        let (places, _) = self.places(sent);
        let queues = (0..QUEUES.len()).filter(|queue| places & bit(*queue) != 0);
        let least = queues.map(|queue| self.expiry.least_secs(queue)).min().unwrap_or(0);
        self.expiry.held_from(sent.asked, sent.sent_at.plus_secs(u64::from(least)))
    }

    /// From when on a message is certainly never handed out again.
    pub(super) fn expires_until(&self, sent: &Sent) -> Timestamp {
        let (places, moved) = self.places(sent);
        if moved || places != bit(sent.queue) {
            // It may count as sent again.
            return Timestamp::MAX;
        }
        let most = self.expiry.most_secs(sent.queue);
        self.expiry.held_until(sent.sent_at.plus_secs(u64::from(most)))
    }
}
