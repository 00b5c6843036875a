//! What a queue remembers of its sends, where some rest: no send is ever missed, few are asked for in vain, and once what
//! is asked for was read, the answer is that of a queue that has all in memory.

use std::collections::BTreeMap;

use millpond_core::limits::DEDUPLICATION_SECS;
use millpond_core::message::{DeduplicationKey, GroupKey, MessageId, Sequence};
use millpond_core::queue::{Deduplication, Deduplications};
use millpond_core::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

const SECRET: [u8; 16] = [3; 16];
const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn row(key: u128, group: Option<u128>, sequence: u64, sent_at: Timestamp) -> Deduplication {
    Deduplication {
        group: group.map(GroupKey::new),
        key: DeduplicationKey(key),
        message_id: MessageId(u128::from(sequence) << 64),
        sent_at,
    }
}

/// A key as SHA-256 would make it.
fn spread(number: u64) -> u128 {
    let half = |salt: u64| {
        let mut bits = number.wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        u128::from(bits ^ bits >> 27)
    };
    half(1) << 64 | half(2)
}

fn candidates(sends: &Deduplications, key: u128, now: Timestamp) -> Vec<Sequence> {
    sends.candidates(None, DeduplicationKey(key), now).collect()
}

/// At full speed: all that rest are found, hardly any other is asked for, and each takes next to no memory.
#[test]
fn no_send_at_rest_is_missed_and_few_are_asked_for_in_vain() {
    const SENDS: u64 = 40_000;
    let mut sends = Deduplications::default();
    for sequence in 1..=SENDS {
        // Seven slices of five minutes.
        let sent_at = START.plus_millis(sequence * 5);
        sends.put(Sequence(sequence), row(spread(sequence), None, sequence, sent_at), sequence / 500);
        sends.rest(1_000, (sequence / 500).saturating_sub(1), SECRET);
    }
    assert!(sends.in_memory() <= 1_000, "{} in memory", sends.in_memory());
    let now = START.plus_millis(SENDS * 5);
    let at_rest = sends.at_rest();
    for sequence in 1..=at_rest {
        let asked = candidates(&sends, spread(sequence), now);
        assert!(asked.contains(&Sequence(sequence)), "{sequence} is missed");
    }
    let in_vain: usize =
        (0..at_rest).map(|other| candidates(&sends, spread(other + (1 << 40)), now).len()).sum();
    assert!(in_vain < 4, "{in_vain} of {at_rest}: one in ten thousand would be bad");
    let bytes_per_send = sends.bytes_at_rest() as f64 / at_rest as f64;
    assert!(bytes_per_send < 10.0, "{bytes_per_send} bytes each");
}

/// Those who know no secret can't choose keys that meet.
#[test]
fn where_sends_stand_depends_on_the_secret() {
    let in_vain = |secret: [u8; 16]| {
        let mut sends = Deduplications::default();
        for sequence in 1..20_000 {
            sends.put(Sequence(sequence), row(spread(sequence), None, sequence, START), 0);
        }
        sends.rest(usize::MAX, 0, secret);
        let others =
            (1 << 40..(1 << 40) + 250_000).filter(|key| !candidates(&sends, spread(*key), START).is_empty());
        others.collect::<Vec<u64>>()
    };
    let (one, other) = (in_vain([1; 16]), in_vain([2; 16]));
    assert!(!one.is_empty() && !other.is_empty());
    assert!(one.iter().all(|key| !other.contains(key)), "{one:?} {other:?}");
}

#[derive(Clone, Debug)]
enum Operation {
    Send { key: u128, group: Option<u128> },
    Rest { limit: usize, batches_back: u64 },
    ForgetBelow { back: u64 },
    ForgetStale,
    Advance { millis: u64 },
}

fn operation() -> impl Strategy<Value = Operation> {
    let group = prop_oneof![Just(None), (0..2u128).prop_map(Some)];
    prop_oneof![
        8 => (0..9u128, group).prop_map(|(key, group)| Operation::Send { key, group }),
        4 => (1..30usize, 0..4u64).prop_map(|(limit, batches_back)| Operation::Rest { limit, batches_back }),
        1 => (0..12u64).prop_map(|back| Operation::ForgetBelow { back }),
        1 => Just(Operation::ForgetStale),
        3 => (1..90_000u64).prop_map(|millis| Operation::Advance { millis }),
    ]
}

/// A queue that lets its sends rest, one that does not, the rows that are not forgotten, and those of a store, which follows
/// behind: it has not heard of anything that was forgotten.
#[derive(Default)]
struct Pair {
    resting: Deduplications,
    whole: Deduplications,
    rows: BTreeMap<Sequence, Deduplication>,
    store: BTreeMap<Sequence, Deduplication>,
    next: u64,
    millis: u64,
}

impl Pair {
    fn now(&self) -> Timestamp {
        START.plus_millis(self.millis)
    }

    fn do_it(&mut self, operation: &Operation) {
        match *operation {
            Operation::Send { key, group } => {
                self.next += 1;
                let (sequence, row) = (Sequence(self.next), row(key, group, self.next, self.now()));
                self.resting.put(sequence, row, self.next / 3);
                self.whole.put(sequence, row, 0);
                self.rows.insert(sequence, row);
                self.store.insert(sequence, row);
            }
            Operation::Rest { limit, batches_back } => {
                let through = (self.next / 3).saturating_sub(batches_back);
                self.resting.rest(limit, through, SECRET);
                let first = self.resting.iter().next().map(|(sequence, _)| sequence);
                assert!(first.is_none_or(|first| first.0 / 3 <= through || self.resting.in_memory() > 0));
            }
            Operation::ForgetBelow { back } => self.forget_below(Sequence(self.next.saturating_sub(back))),
            Operation::ForgetStale => {
                if let Some(below) = self.resting.stale_below(self.now(), 5) {
                    let stale = self.rows.range(..below).all(|(_, row)| !row.holds_at(self.now()));
                    assert!(stale, "what still counts is not forgotten");
                    self.forget_below(below);
                }
            }
            Operation::Advance { millis } => self.millis += millis,
        }
    }

    fn forget_below(&mut self, below: Sequence) {
        self.resting.forget_below(below);
        self.whole.forget_below(below);
        self.rows = self.rows.split_off(&below);
    }

    fn check(&mut self) {
        for key in (0..10).map(DeduplicationKey) {
            for group in [None, Some(GroupKey::new(0)), Some(GroupKey::new(1))] {
                let now = self.now();
                let asked: Vec<Sequence> = self.resting.candidates(group, key, now).collect();
                let found: Vec<_> = asked
                    .iter()
                    .filter_map(|sequence| self.store.get(sequence).map(|row| (*sequence, *row)))
                    .collect();
                self.resting.recall(&asked, &found);
                assert!(asked.iter().all(|candidate| self.resting.is_recalled(*candidate)));
                assert_eq!(self.resting.find(group, key, now), self.whole.find(group, key, now));
                self.resting.drop_recalled();
            }
        }
        assert!(self.resting.in_memory() as u64 + self.resting.at_rest() >= self.rows.len() as u64);
        assert!(self.rows.is_empty() || !self.resting.is_empty());
        let ends_at = self.rows.last_key_value().map(|(_, row)| row.sent_at.plus_secs(DEDUPLICATION_SECS));
        assert!(
            ends_at.is_none_or(|ends_at| ends_at > self.now())
                || self.resting.stale_below(self.now(), 5).is_some()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn where_sends_lie_changes_nothing(operations in vec(operation(), 1..120)) {
        let mut pair = Pair::default();
        for operation in &operations {
            pair.do_it(operation);
            pair.check();
        }
    }
}
