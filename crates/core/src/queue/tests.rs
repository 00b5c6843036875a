//! The index of a queue's messages against a plain list, after every step of random operations.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::StandardMessages;
use crate::message::{Entry, Sequence};
use crate::time::Timestamp;

#[derive(Clone, Debug)]
enum Operation {
    Put { sequence: u64, visible_at: u64, rank: u64, delivered: bool },
    Receive { sequence: u64, visible_at: u64 },
    ChangeVisibility { sequence: u64, visible_at: u64 },
    GiveBack { sequence: u64 },
    Remove { sequence: u64 },
    RemoveBelow { sequence: u64 },
    Advance { millis: u64 },
    Settle { limit: usize },
}

fn operation() -> impl Strategy<Value = Operation> {
    let (sequence, time) = (|| 0..12u64, || 0..60u64);
    prop_oneof![
        (sequence(), time(), 0..15u64, any::<bool>()).prop_map(|(sequence, visible_at, rank, delivered)| {
            Operation::Put { sequence, visible_at, rank, delivered }
        }),
        (sequence(), time()).prop_map(|(sequence, visible_at)| Operation::Receive { sequence, visible_at }),
        (sequence(), time())
            .prop_map(|(sequence, visible_at)| Operation::ChangeVisibility { sequence, visible_at }),
        sequence().prop_map(|sequence| Operation::GiveBack { sequence }),
        sequence().prop_map(|sequence| Operation::Remove { sequence }),
        sequence().prop_map(|sequence| Operation::RemoveBelow { sequence }),
        (1..10u64).prop_map(|millis| Operation::Advance { millis }),
        (0..4usize).prop_map(|limit| Operation::Settle { limit }),
    ]
}

/// The index, and what it should hold: each entry with whether it has been made visible.
#[derive(Default)]
struct Pair {
    now: u64,
    index: StandardMessages,
    plain: BTreeMap<u64, (Entry, bool)>,
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

impl Pair {
    fn put(&mut self, sequence: u64, entry: Entry) {
        self.index.put(Sequence(sequence), entry, at(self.now), 0);
        self.plain.insert(sequence, (entry, entry.visible_at <= at(self.now)));
    }

    fn update(&mut self, sequence: u64, change: impl Fn(&mut Entry)) {
        let now = at(self.now);
        let found = self.index.update(Sequence(sequence), now, 0, &change);
        let plain = self.plain.get_mut(&sequence).map(|(entry, visible)| {
            change(entry);
            *visible = entry.visible_at <= now;
        });
        assert_eq!(found, plain.is_some());
    }

    fn settle(&mut self, limit: usize) {
        let now = at(self.now);
        let more = self.index.settle(now, limit);
        let mut due: Vec<_> = self
            .plain
            .iter_mut()
            .filter(|(_, (entry, visible))| !*visible && entry.visible_at <= now)
            .collect();
        due.sort_by_key(|(sequence, (entry, _))| (entry.visible_at, **sequence));
        assert_eq!(more, due.len() > limit, "it says whether more is due");
        due.into_iter().take(limit).for_each(|(_, (_, visible))| *visible = true);
    }

    fn take(&mut self, operation: &Operation) {
        match *operation {
            Operation::Put { sequence, visible_at, rank, delivered } => {
                let sent = Entry::sent(at(0), at(visible_at), 1, None);
                self.put(sequence, Entry { rank: at(rank), delivery: u32::from(delivered), ..sent });
            }
            Operation::Receive { sequence, visible_at } => {
                let now = at(self.now);
                self.update(sequence, |entry| entry.receive(now, at(visible_at)));
            }
            Operation::ChangeVisibility { sequence, visible_at } => {
                self.update(sequence, |entry| entry.change_visibility(at(visible_at)));
            }
            Operation::GiveBack { sequence } => {
                let now = at(self.now);
                self.update(sequence, |entry| entry.return_lease(now));
            }
            Operation::Remove { sequence } => {
                let removed = self.index.remove(Sequence(sequence), at(self.now));
                assert_eq!(removed, self.plain.remove(&sequence).map(|(entry, _)| entry));
            }
            Operation::RemoveBelow { sequence } => {
                self.index.remove_below(Sequence(sequence));
                self.plain.retain(|held, _| *held >= sequence);
            }
            Operation::Advance { millis } => self.now += millis,
            Operation::Settle { limit } => self.settle(limit),
        }
    }

    fn check(&self) {
        let all: Vec<_> =
            self.plain.iter().map(|(sequence, (entry, _))| (Sequence(*sequence), entry)).collect();
        assert_eq!(self.index.iter().collect::<Vec<_>>(), all);
        assert_eq!(self.index.oldest(), all.first().copied());
        assert_eq!((self.index.len(), self.index.is_empty()), (all.len(), all.is_empty()));
        for sequence in (0..20).map(Sequence) {
            assert_eq!(self.index.get(sequence), self.plain.get(&sequence.0).map(|(entry, _)| entry));
        }

        let (visible, hidden): (Vec<_>, Vec<_>) = self.plain.iter().partition(|(_, (_, visible))| *visible);
        let mut visible: Vec<_> =
            visible.into_iter().map(|(sequence, (entry, _))| (Sequence(*sequence), entry)).collect();
        visible.sort_by_key(|(sequence, entry)| (entry.rank, *sequence));
        assert_eq!(self.index.available(at(self.now)).collect::<Vec<_>>(), visible);
        let delayed = hidden.iter().filter(|(_, (entry, _))| entry.delivery == 0).count();
        let counts = self.index.counts();
        assert_eq!(
            (counts.visible, counts.in_flight, counts.delayed),
            (visible.len(), hidden.len() - delayed, delayed)
        );
        let soonest = hidden.iter().map(|(_, (entry, _))| entry.visible_at).min();
        assert_eq!(self.index.next_visible_at(), soonest);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_entry_is_visible_or_hidden_and_the_counts_are_right(operations in vec(operation(), 1..120)) {
        let mut pair = Pair::default();
        for operation in &operations {
            pair.take(operation);
            pair.check();
        }
    }
}
