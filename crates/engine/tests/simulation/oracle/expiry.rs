//! How long messages stay: never shorter than their retention, never longer but for a hold.
//!
//! What would expire while the service was down is kept for an hour after it is up again, and longer where the clock has
//! jumped.

use millpond_core::time::Timestamp;

use super::{Moment, Oracle};
use crate::topology::QUEUES;

/// A stop that takes no longer is no outage.
const RESTART_MILLIS: u64 = 1_000;
const GRACE_SECS: u64 = 3_600;

/// Expiry may be held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    from: Timestamp,
    /// It ends between these.
    until: (Timestamp, Timestamp),
    /// Only what was sent before has a right to it: without any message there is no hold.
    begun: Moment,
    /// A reply was heard since: it is durable.
    certain: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Expiry {
    holds: Vec<Hold>,
    /// Shortest and longest retention that was ever asked for, by queue.
    retention_secs: [Option<(u32, u32)>; QUEUES.len()],
}

impl Expiry {
    /// The service began to run at `now`; its last batch before was of `last`.
    pub(super) fn begins(&mut self, begun: Moment, last: Timestamp, now: Timestamp) {
        let down_millis = now.millis_since(last);
        if last == Timestamp::EPOCH || down_millis <= RESTART_MILLIS {
            return;
        }
        let grace = now.plus_secs(GRACE_SECS);
        let until = (grace, grace.max(now.plus_millis(down_millis)));
        self.holds.push(Hold { from: last, until, begun, certain: false });
    }

    /// Some reply came.
    pub(super) fn settles(&mut self) {
        self.holds.iter_mut().rev().take_while(|hold| !hold.certain).for_each(|hold| hold.certain = true);
    }

    /// The service has died: a hold that no reply has followed may never have been.
    pub(super) fn died(&mut self) {
        for hold in self.holds.iter_mut().rev().take_while(|hold| !hold.certain) {
            hold.until.0 = hold.from;
            hold.certain = true;
        }
    }

    pub(super) fn least_secs(&self, queue: usize) -> u32 {
        self.retention_secs[queue].map_or(QUEUES[queue].retention_secs, |(least, _)| least)
    }

    pub(super) fn most_secs(&self, queue: usize) -> u32 {
        self.retention_secs[queue].map_or(QUEUES[queue].retention_secs, |(_, most)| most)
    }

    /// Before when what ends at `natural` and was asked for at that moment is certainly there.
    pub(super) fn held_from(&self, asked: Moment, natural: Timestamp) -> Timestamp {
        self.holds.iter().filter(|hold| hold.begun > asked).fold(natural, |end, hold| {
            if end >= hold.from && end < hold.until.0 { hold.until.0 } else { end }
        })
    }

    /// From when on what ends at `natural` is certainly gone.
    pub(super) fn held_until(&self, natural: Timestamp) -> Timestamp {
        self.holds.iter().fold(natural, |end, hold| {
            if end >= hold.from && end < hold.until.1 { hold.until.1 } else { end }
        })
    }
}

impl Oracle {
    /// The holds that may count, for people.
    pub(super) fn holds(&self) -> &[Hold] {
        &self.expiry.holds
    }

    /// A retention is asked for.
    pub(crate) fn may_retain(&mut self, queue: usize, secs: u32) {
        let (least, most) = (self.expiry.least_secs(queue), self.expiry.most_secs(queue));
        self.expiry.retention_secs[queue] = Some((least.min(secs), most.max(secs)));
    }

    /// Whether any message is there only because expiry is held.
    pub(crate) fn outlives(&self, now: Timestamp) -> bool {
        self.live.iter().filter_map(|id| self.messages.get(id)).any(|sent| {
            let natural = sent.sent_at.plus_secs(u64::from(self.expiry.most_secs(sent.queue)));
            natural <= now && self.must_be_there(sent, now)
        })
    }
}
