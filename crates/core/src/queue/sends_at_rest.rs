//! What memory keeps of remembered sends that rest in the store: for each a few bits that name its row, and no more.
//!
//! Sends rest in slices of their time. A slice is a table of fixed size without pointers: where a send stands in it
//! follows from a keyed hash of its key, and the six bytes there are 24 other bits of that hash and the place of the send's
//! number in the slice. So a key leads to the few numbers whose rows may be its own, mostly to none; who has read those
//! rows says so by [`SendsAtRest::recall`], and then the answer is exact. A row never changes, so what was read stays
//! true until it is forgotten.
//!
//! What always holds: every send that rests is found among the candidates of its key. Slices are as large as the sends of
//! their time, as the slice before lets expect, and none is ever built anew, so no step takes long.
//!
//! It refuses to answer from bits alone, and to read a store.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Deduplication;
use crate::message::{DeduplicationKey, GroupKey, Sequence};
use crate::time::Timestamp;

/// A slice ends after this time, so that it can soon be forgotten as a whole.
const SLICE_MILLIS: u64 = 30_000;
/// The first slice of a queue holds so many sends.
const FIRST_SENDS: usize = 7;
/// No slice holds more: it is allocated as a whole.
const MOST_SENDS: usize = 1 << 22;
/// Of so many slots, all but one may be taken.
const SLOTS_PER_FREE_ONE: usize = 8;
/// Numbers that one slice can tell apart.
const NUMBERS: u64 = 1 << 24;
/// Bits of a hash that a slot keeps.
const PRINT_MASK: u64 = 0xff_ffff;

/// Three bytes of the hash, which are not all zero unless the slot is free, and three of the number.
type Slot = [u8; 6];

/// Sends of one time.
#[derive(Clone, Debug)]
struct Slice {
    first: Sequence,
    last: Sequence,
    first_sent_at: Timestamp,
    last_sent_at: Timestamp,
    sends: usize,
    slots: Vec<Slot>,
}

/// The sends of one queue that rest.
#[derive(Clone, Debug)]
pub(super) struct SendsAtRest {
    /// Of the hash: nobody else can tell which keys meet in a slot.
    secret: [u8; 16],
    /// The oldest first.
    slices: VecDeque<Slice>,
    sends: u64,
    forgotten_below: Sequence,
    /// Rows that were read; `None` for what the store does not have.
    recalled: BTreeMap<Sequence, Option<Deduplication>>,
}

impl SendsAtRest {
    pub(super) const fn new(secret: [u8; 16]) -> Self {
        Self {
            secret,
            slices: VecDeque::new(),
            sends: 0,
            forgotten_below: Sequence(0),
            recalled: BTreeMap::new(),
        }
    }

    /// How many sends rest; those of a slice count until all of it is forgotten.
    pub(super) const fn sends(&self) -> u64 {
        self.sends
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Bytes that the slices take.
    pub(super) fn bytes(&self) -> usize {
        self.slices.iter().map(|slice| slice.slots.len() * size_of::<Slot>()).sum()
    }

    /// A send rests from now on; its number is larger than those before it.
    pub(super) fn add(&mut self, sequence: Sequence, row: &Deduplication) {
        if !self.slices.back().is_some_and(|slice| slice.takes(sequence, row.sent_at)) {
            let sends =
                self.slices.back().map_or(FIRST_SENDS, |last| last.sends_expected_behind(row.sent_at));
            self.slices.push_back(Slice::of(sends, sequence, row.sent_at));
        }
        let hash = self.hash(row.group, row.key);
        if let Some(slice) = self.slices.back_mut() {
            slice.add(hash, sequence, row.sent_at);
            self.sends += 1;
        }
    }

    /// The latest send of that key, as far as its row was read; what was not counts as another's.
    pub(super) fn find(
        &self,
        group: Option<GroupKey>,
        key: DeduplicationKey,
        now: Timestamp,
    ) -> Option<(Sequence, Deduplication)> {
        // Almost always: nothing was read, as there was no candidate.
        if self.recalled.is_empty() {
            return None;
        }
        let rows = self.candidates(group, key, now).filter_map(|sequence| {
            let row = (*self.recalled.get(&sequence)?)?;
            (row.group == group && row.key == key).then_some((sequence, row))
        });
        rows.max_by_key(|(sequence, _)| *sequence)
    }

    /// Whether the row of a send was read.
    pub(super) fn is_recalled(&self, sequence: Sequence) -> bool {
        self.recalled.contains_key(&sequence)
    }

    /// The row of a send was read, or is not there.
    pub(super) fn recall(&mut self, sequence: Sequence, row: Option<Deduplication>) {
        self.recalled.insert(sequence, row);
    }

    /// What was read is of no use any more.
    pub(super) fn drop_recalled(&mut self) {
        self.recalled.clear();
    }

    /// When the last send of the first slice was accepted.
    pub(super) fn first_slice_ends_at(&self) -> Option<Timestamp> {
        self.slices.front().map(|slice| slice.last_sent_at)
    }

    /// The number behind the last slice, from the first one on, of which `is_stale` holds, and whether that is all of them.
    pub(super) fn stale_below(&self, is_stale: impl Fn(Timestamp) -> bool) -> (Option<Sequence>, bool) {
        let stale = self.slices.iter().take_while(|slice| is_stale(slice.last_sent_at));
        let (below, count) = stale.fold((None, 0), |(_, count), slice| (Some(slice.last.next()), count + 1));
        (below, count == self.slices.len())
    }

    pub(super) fn forget_below(&mut self, below: Sequence) {
        self.forgotten_below = self.forgotten_below.max(below);
        while let Some(slice) = self.slices.pop_front_if(|slice| slice.last < below) {
            self.sends -= slice.sends as u64;
        }
    }

    /// The numbers of sends that may have that key. Slices in which it would be a duplicate no more are passed over.
    pub(super) fn candidates(
        &self,
        group: Option<GroupKey>,
        key: DeduplicationKey,
        now: Timestamp,
    ) -> impl Iterator<Item = Sequence> {
        let hash = self.hash(group, key);
        let slices =
            self.slices.iter().filter(move |slice| super::deduplication::holds(slice.last_sent_at, now));
        let found = slices.flat_map(move |slice| slice.candidates(hash));
        found.filter(|sequence| *sequence >= self.forgotten_below)
    }

    fn hash(&self, group: Option<GroupKey>, key: DeduplicationKey) -> u64 {
        // SipHash of a secret and what is hashed with it.
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.secret);
        (group, key).hash(&mut hasher);
        hasher.finish()
    }
}

impl Slice {
    fn of(sends: usize, first: Sequence, first_sent_at: Timestamp) -> Self {
        let slots = sends + sends.div_ceil(SLOTS_PER_FREE_ONE - 1);
        Self {
            first,
            last: first,
            first_sent_at,
            last_sent_at: first_sent_at,
            sends: 0,
            slots: vec![[0; 6]; slots],
        }
    }

    fn takes(&self, sequence: Sequence, sent_at: Timestamp) -> bool {
        let is_full = self.sends + self.slots.len().div_ceil(SLOTS_PER_FREE_ONE) >= self.slots.len();
        let is_near = sequence >= self.first && sequence.0 - self.first.0 < NUMBERS;
        !is_full && is_near && sent_at.millis_since(self.first_sent_at) < SLICE_MILLIS
    }

    /// How many sends the slice behind this one is likely to get, which begins at that time.
    fn sends_expected_behind(&self, next_sent_at: Timestamp) -> usize {
        let millis = next_sent_at.millis_since(self.first_sent_at).max(1);
        let sends = self.sends as u64;
        let expected = (sends * SLICE_MILLIS / millis).clamp(sends / 2, sends * 2);
        // One that was too small is followed by another one, so there is no need of a reserve.
        usize::try_from(expected).unwrap_or(MOST_SENDS).clamp(FIRST_SENDS, MOST_SENDS)
    }

    /// There is a free slot.
    fn add(&mut self, hash: u64, sequence: Sequence, sent_at: Timestamp) {
        let mut at = self.home(hash);
        while self.slots.get(at).is_some_and(|slot| !is_free(*slot)) {
            at = self.behind(at);
        }
        let [_, _, _, _, _, a, b, c] = print(hash).to_be_bytes();
        let [_, _, _, _, _, d, e, f] = (sequence.0 - self.first.0).to_be_bytes();
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = [a, b, c, d, e, f];
        }
        self.sends += 1;
        self.last = sequence;
        self.last_sent_at = sent_at;
    }

    fn candidates(&self, hash: u64) -> impl Iterator<Item = Sequence> {
        let [_, _, _, _, _, a, b, c] = print(hash).to_be_bytes();
        let places = std::iter::successors(Some(self.home(hash)), |at| Some(self.behind(*at)));
        let slots = places.map_while(|at| self.slots.get(at)).take_while(|slot| !is_free(**slot));
        slots.filter_map(move |[x, y, z, d, e, f]| {
            let number = u64::from_be_bytes([0, 0, 0, 0, 0, *d, *e, *f]);
            ([*x, *y, *z] == [a, b, c]).then_some(Sequence(self.first.0 + number))
        })
    }

    /// Where a hash would best stand.
    fn home(&self, hash: u64) -> usize {
        // The bits that are not in the print, spread over all slots.
        let spread = (hash >> 32) * self.slots.len() as u64;
        usize::try_from(spread >> 32).unwrap_or(0)
    }

    fn behind(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
    }
}

fn print(hash: u64) -> u64 {
    (hash & PRINT_MASK).max(1)
}

fn is_free([a, b, c, ..]: Slot) -> bool {
    [a, b, c] == [0; 3]
}
