//! The order in which a receive takes the messages of a queue with groups.
//!
//! Messages that no noisy group holds come first, in the order of their turns: a merge of those without a group with
//! those of each group, which looks at a group only when its first message is due. Then the noisy groups give, one
//! message at a time. A step costs the logarithm of what it chooses from, and nothing is collected ahead.

use std::collections::{BTreeMap, btree_map, btree_set};
use std::iter::Peekable;

use super::fair::Fair;
use super::processing_time::ProcessingTime;
use crate::message::{GroupKey, Sequence};
use crate::time::Timestamp;

/// The place of a message among the visible: its rank, then its sequence.
pub type Turn = (Timestamp, Sequence);

/// A group that gives when nothing else is left.
pub(super) struct NoisyGroup {
    pub(super) key: GroupKey,
    pub(super) in_flight: usize,
    pub(super) spent: ProcessingTime,
    pub(super) next: Option<Turn>,
}

/// All visible messages of a queue, in order.
pub(super) struct Turns<'a> {
    pub(super) fair: &'a Fair,
    /// Messages without a group.
    pub(super) plain: Peekable<btree_set::Iter<'a, Turn>>,
    /// Groups by their first message; those that have given stand in `begun`.
    pub(super) heads: Peekable<btree_map::Iter<'a, Turn, GroupKey>>,
    /// Groups that have given, by their next message.
    pub(super) begun: BTreeMap<Turn, GroupKey>,
    pub(super) noisy: Vec<NoisyGroup>,
}

impl<'a> Turns<'a> {
    /// Only the messages that no noisy group holds.
    pub(super) fn quiet_ones(mut self) -> impl Iterator<Item = Turn> + 'a {
        std::iter::from_fn(move || self.quiet())
    }

    fn quiet(&mut self) -> Option<Turn> {
        let Self { fair, plain, heads, begun, noisy } = self;
        while heads.next_if(|(_, key)| noisy.iter().any(|group| group.key == **key)).is_some() {}
        let plain_turn = plain.peek().map(|turn| **turn);
        let head = heads.peek().map(|(turn, _)| **turn);
        let begun_turn = begun.first_key_value().map(|(turn, _)| *turn);
        let turn = [plain_turn, head, begun_turn].into_iter().flatten().min()?;
        if plain_turn == Some(turn) {
            plain.next();
            return Some(turn);
        }
        let first_time = || heads.next_if(|(head, _)| **head == turn).map(|(_, key)| *key);
        let key = begun.remove(&turn).or_else(first_time)?;
        fair.following(key, turn).map(|next| begun.insert(next, key));
        Some(turn)
    }

    fn noisy(&mut self) -> Option<Turn> {
        let waiting = self.noisy.iter_mut().filter_map(|group| Some((group.next?, group)));
        let (turn, group) = waiting.min_by_key(|(turn, group)| (group.in_flight, group.spent, *turn))?;
        group.next = self.fair.following(group.key, turn);
        group.in_flight += 1;
        Some(turn)
    }
}

impl Iterator for Turns<'_> {
    type Item = Turn;

    fn next(&mut self) -> Option<Turn> {
        self.quiet().or_else(|| self.noisy())
    }
}
