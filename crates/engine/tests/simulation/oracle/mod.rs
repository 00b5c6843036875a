//! What each client was promised.
//!
//! The oracle hears what clients ask and what they are answered, the time of the service, and nothing else: not the state,
//! not the log, not which faults were planned. A request without a reply is unknown: it may have happened or not.
//! Commands are decided in the order they are asked, which is all that it presumes of the engine; a receive that was
//! parked is decided at some moment between asking and answering.
//!
//! One file per kind of promise: what a message is worth (`messages.rs`), its hand-outs (`deliveries.rs`), how long it
//! stays (`expiry.rs`), order, duplicates and repeated receives (`fifo.rs`), where it may be (`places.rs`), and all that
//! is not about messages (`catalogue.rs`, `possible.rs`).

mod catalogue;
mod deliveries;
mod expiry;
mod fifo;
mod messages;
mod places;
mod possible;

use std::collections::{BTreeMap, BTreeSet};

use millpond_core::time::Timestamp;

pub(crate) use catalogue::{Change, LABELS, Query};
pub(crate) use deliveries::{Arrived, Delivered, Standing};
pub(crate) use messages::{NewSend, Sent};
pub(crate) use possible::{Catalogues, Expectation};

use expiry::Expiry;
use fifo::Fifo;
use places::Places;

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

/// A command as it was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) queue: usize,
    pub(crate) exists: Option<bool>,
    pub(crate) asked: Moment,
}

/// All promises.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    moment: Moment,
    pub(crate) catalogues: Catalogues,
    pub(crate) messages: BTreeMap<u128, Sent>,
    /// Those that are not certainly gone.
    live: BTreeSet<u128>,
    expiry: Expiry,
    places: Places,
    fifo: Fifo,
    /// Receives of each queue that nobody has seen an answer to, by the last moment at which they can have been decided.
    unseen_receives: Vec<Moment>,
    /// Receives that have no reply yet: what they hand out may be heard of later than what was handed out behind them.
    pub(crate) pending_receives: u64,
}

impl Oracle {
    pub(crate) fn next_moment(&mut self) -> Moment {
        self.moment += 1;
        self.moment
    }

    /// A command on a queue is asked.
    pub(crate) fn asks(&mut self, queue: usize) -> Known {
        let asked = self.next_moment();
        Known { queue, exists: self.catalogues.exists(queue), asked }
    }

    /// A receive whose answer nobody will see was asked or may have been decided now.
    pub(crate) fn never_sees_receive(&mut self, fifo: Option<usize>) {
        let now = self.next_moment();
        self.unseen_receives.push(now);
        fifo.into_iter().for_each(|queue| self.fifo.forget_attempts(queue));
    }

    /// A reply came to what was asked at that moment: all that was asked up to then is durable.
    pub(crate) fn settles(&mut self, asked: Moment) {
        self.catalogues.settles(asked);
        self.expiry.settles();
    }

    /// The service has died. Answers how many catalogues are possible.
    pub(crate) fn died(&mut self) -> usize {
        self.expiry.died();
        self.catalogues.died()
    }

    /// The service began to run at `now`; its last batch before was of `last`.
    pub(crate) fn begins(&mut self, last: Timestamp, now: Timestamp) {
        let begun = self.next_moment();
        self.expiry.begins(begun, last, now);
    }
}
