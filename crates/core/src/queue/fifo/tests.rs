//! An index that keeps few messages in memory against one that keeps all, after every step of random operations: it knows of
//! each group a part without a gap, and once it misses nothing, it gives the same messages.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{FifoMessages, Missing};
use crate::message::{Entry, GroupKey, Sequence};
use crate::time::Timestamp;

const DELAY_SECS: u32 = 2;

#[derive(Clone, Debug)]
enum Operation {
    Send {
        group: u128,
    },
    /// Of the messages that can be received, the one at this place, with those of its group before it.
    Receive {
        place: usize,
        millis: u64,
    },
    Delete {
        place: usize,
    },
    Purge,
    Advance {
        millis: u64,
    },
    Release {
        keep: usize,
        limit: usize,
    },
    /// All is in the store that was changed until now.
    Checkpoint,
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (0..4u128).prop_map(|group| Operation::Send { group }),
        4 => (0..20usize, 0..3_000u64).prop_map(|(place, millis)| Operation::Receive { place, millis }),
        3 => (0..20usize).prop_map(|place| Operation::Delete { place }),
        1 => Just(Operation::Purge),
        4 => (0..2_000u64).prop_map(|millis| Operation::Advance { millis }),
        4 => (0..6usize, 1..8usize).prop_map(|(keep, limit)| Operation::Release { keep, limit }),
        4 => Just(Operation::Checkpoint),
        1 => Just(Operation::Restart),
    ]
}

struct Pair {
    now: Timestamp,
    batch: u64,
    next: Sequence,
    full: FifoMessages,
    spare: FifoMessages,
    store: BTreeMap<Sequence, Entry>,
    stored_through: u64,
}

impl Pair {
    fn new() -> Self {
        Self {
            now: Timestamp::from_millis(1_000_000),
            batch: 1,
            next: Sequence::FIRST,
            full: FifoMessages::new(DELAY_SECS),
            spare: FifoMessages::new(DELAY_SECS),
            store: BTreeMap::new(),
            stored_through: 0,
        }
    }

    fn take(&mut self, operation: &Operation) {
        self.batch += 1;
        match *operation {
            Operation::Send { group } => {
                let visible_at = self.now.plus_secs(u64::from(DELAY_SECS));
                let entry = Entry::sent(self.now, visible_at, 1, Some(GroupKey::new(group)));
                for index in [&mut self.full, &mut self.spare] {
                    index.put(self.next, entry, self.now, self.batch);
                }
                self.next = self.next.next();
            }
            Operation::Receive { place, millis } => {
                let Some((last, entry)) = self.full.available().nth(place) else { return };
                let group = entry.group;
                let of_group =
                    |(sequence, entry): &(Sequence, &Entry)| entry.group == group && *sequence <= last;
                let taken: Vec<Sequence> =
                    self.full.available().filter(of_group).map(|(sequence, _)| sequence).collect();
                self.read_what_is_missing();
                let (now, batch) = (self.now, self.batch);
                for sequence in taken {
                    for index in [&mut self.full, &mut self.spare] {
                        let change = |entry: &mut Entry| entry.receive_in_order(now, now.plus_millis(millis));
                        assert!(index.update(sequence, now, batch, change), "{sequence:?}");
                    }
                }
            }
            Operation::Delete { place } => {
                let delivered = self.full.iter().filter(|(_, entry)| !entry.never_delivered());
                let Some(sequence) = delivered.map(|(sequence, _)| sequence).nth(place) else { return };
                assert_eq!(self.full.remove(sequence), self.spare.remove(sequence));
                self.store.remove(&sequence);
            }
            Operation::Purge => {
                self.full.remove_below(self.next);
                self.spare.remove_below(self.next);
                self.store.clear();
            }
            Operation::Advance { millis } => self.now = self.now.plus_millis(millis),
            Operation::Release { keep, limit } => {
                self.spare.release(self.now, keep, limit, self.stored_through, Sequence(0));
            }
            Operation::Checkpoint => {
                self.store = self.full.iter().map(|(sequence, entry)| (sequence, *entry)).collect();
                self.stored_through = self.batch;
            }
            Operation::Restart => self.restart(),
        }
        for index in [&mut self.full, &mut self.spare] {
            while index.settle(self.now, 3) {}
        }
    }

    fn restart(&mut self) {
        self.take(&Operation::Checkpoint);
        let mut backlog = crate::queue::Backlog::default();
        for entry in self.store.values() {
            backlog.messages += 1;
            if let Some(second) = crate::queue::resting::delay_second(entry) {
                *backlog.delayed.entry(second).or_default() += 1;
            }
        }
        backlog.oldest_sent_at = self.store.values().map(|entry| entry.sent_at).min().unwrap_or(self.now);
        self.spare = FifoMessages::new(DELAY_SECS);
        self.spare.rest(&backlog, self.now);
        for (sequence, entry) in self.store.iter().filter(|(_, entry)| !entry.never_delivered()) {
            self.spare.admit(*sequence, *entry, self.now);
        }
    }

    /// As an engine does, few messages at a time.
    fn read_what_is_missing(&mut self) {
        const LIMIT: usize = 2;
        while let Some(missing) = self.spare.missing(self.now) {
            let edge = self.spare.edge();
            let (from, group) = match missing {
                Missing::Window => (edge.next(), None),
                Missing::Group(group, from) => (from, Some(group)),
            };
            let mut rows = self
                .store
                .range(from..)
                .filter(|(_, entry)| group.is_none() || entry.group == group)
                .map(|(sequence, entry)| (*sequence, *entry));
            let read: Vec<(Sequence, Entry)> = rows.by_ref().take(LIMIT).collect();
            let last = rows.next().and(read.last().map(|(last, _)| *last));
            for (sequence, entry) in &read {
                if group.is_some() {
                    self.spare.admit(*sequence, *entry, self.now);
                } else {
                    self.spare.admit_ahead(*sequence, *entry, self.now, LIMIT);
                }
            }
            match group {
                Some(group) => self.spare.reach_of_group(group, from, last.map(Sequence::next)),
                None => self.spare.reach(last.unwrap_or(Sequence(u64::MAX)), Timestamp::MAX, 3),
            }
            // Once nothing rests, time alone brings the rest in.
            while self.spare.settle(self.now, 3) {}
        }
        while self.spare.resting().is_some_and(|resting| resting.messages() == 0)
            && self.spare.edge() != Sequence(u64::MAX)
            && self.spare.ready.len() < 10
        {
            self.spare.settle(self.now, 3);
        }
    }

    fn check(&self) {
        let (full, spare) = (self.full.counts(), self.spare.counts());
        assert_eq!(self.spare.len(), self.full.len());
        assert_eq!(spare.in_flight, full.in_flight);
        assert_eq!(spare.visible + spare.delayed, full.visible + full.delayed);
        assert_eq!(self.spare.groups_in_flight(), self.full.groups_in_flight());
        let of_group = |index: &FifoMessages, group| {
            let available = index.available().filter(|(_, entry)| entry.group == Some(group));
            available.map(|(sequence, entry)| (sequence, *entry)).collect::<Vec<_>>()
        };
        for group in (0..4).map(GroupKey::new) {
            let (full, spare) = (of_group(&self.full, group), of_group(&self.spare, group));
            assert!(full.starts_with(&spare), "{spare:?} of {full:?}");
        }
    }
}

fn set(index: &FifoMessages) -> BTreeSet<Sequence> {
    index.available().map(|(sequence, _)| sequence).collect()
}

proptest! {
    #[test]
    fn where_messages_lie_changes_nothing_of_a_group(operations in vec(operation(), 1..120)) {
        let mut pair = Pair::new();
        for operation in &operations {
            pair.take(operation);
            pair.check();
            if let Operation::Advance { .. } = operation {
                pair.read_what_is_missing();
                pair.check();
                prop_assert_eq!(set(&pair.spare), set(&pair.full));
            }
        }
    }
}
