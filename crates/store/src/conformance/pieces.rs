//! What is found of a backlog in pieces, against the model: every order, from the first piece to the last.

use std::collections::BTreeMap;

use millpond_core::message::{Entry, QueueId, Sequence};
use millpond_core::queue::{Backlog, Edge};
use millpond_core::time::Timestamp;

use super::script;
use super::seen::Seen;
use crate::contract::{Found, Store, StoreReader, Wanted};

/// A piece holds so many messages.
const LIMIT: usize = 3;

/// Panics unless both stores show the same in pieces.
pub(super) fn are_equal(store: &dyn Store, model: &dyn Store) {
    let (reader, expected) = (store.reader(), model.reader());
    let seen = Seen::of(model);
    let mut queues: Vec<QueueId> = seen.queues.iter().map(|record| record.id).collect();
    queues.extend(seen.messages.iter().map(|row| row.0.queue));
    queues.push(QueueId(u64::MAX));
    queues.dedup();
    let middle = script::entry(1).sent_at.minus_secs(20);
    for queue in queues {
        behind_edges(&*reader, &*expected, queue);
        for until in [middle, Timestamp::MAX] {
            sent_until(&*reader, &*expected, queue, until);
        }
        by_number(&*reader, &*expected, queue);
        sends(&*reader, &*expected, queue, &seen);
    }
    let (all, half) = (u64::MAX, seen.messages.len() as u64 / 2);
    for limit in [0, half, all] {
        let shown = |store| Seen::rows_within(store, limit).expect("all rows can be read");
        let (shown, expected) = (shown(store), shown(model));
        assert_eq!(shown.messages, expected.messages);
        let clock = shown.instance.clock;
        assert_eq!(to_come(shown.backlogs, clock), to_come(expected.backlogs, clock));
    }
}

/// Backlogs without the seconds that have passed, which may be left out.
fn to_come(backlogs: Vec<(QueueId, Backlog)>, clock: Timestamp) -> BTreeMap<QueueId, Backlog> {
    let to_come = |backlog: Backlog| {
        let delayed = backlog.delayed.into_iter().filter(|(second, _)| *second >= clock.as_secs()).collect();
        Backlog { delayed, ..backlog }
    };
    backlogs.into_iter().map(|(queue, backlog)| (queue, to_come(backlog))).collect()
}

fn found(reader: &dyn StoreReader, queue: QueueId, wanted: &Wanted) -> Found {
    reader.find(queue, wanted, LIMIT).expect("readable")
}

fn behind_edges(reader: &dyn StoreReader, model: &dyn StoreReader, queue: QueueId) {
    let mut all: Vec<(Sequence, Entry)> = Vec::new();
    let mut edge = Some(Edge::START);
    while let Some(from) = edge {
        let wanted = Wanted::Behind(from);
        let (piece, expected) = (found(reader, queue, &wanted), found(model, queue, &wanted));
        assert_eq!((&piece.messages, piece.end), (&expected.messages, expected.end), "behind {from:?}");
        assert_eq!(piece.reflected, expected.reflected);
        // The model looks at each message; the store tells a bound.
        assert!(piece.oldest_sent_at <= expected.oldest_sent_at);
        all.extend(piece.messages);
        edge = piece.end;
    }
    assert!(all.is_sorted_by_key(|(sequence, entry)| (entry.rank, *sequence)), "in the order of the turns");
}

fn sent_until(reader: &dyn StoreReader, model: &dyn StoreReader, queue: QueueId, until: Timestamp) {
    let mut edge = Some(Edge::START);
    while let Some(from) = edge {
        let wanted = Wanted::SentUntil(until, from);
        let (piece, expected) = (found(reader, queue, &wanted), found(model, queue, &wanted));
        assert_eq!(piece, expected, "sent until {until}, behind {from:?}");
        edge = piece.end;
    }
}

fn by_number(reader: &dyn StoreReader, model: &dyn StoreReader, queue: QueueId) {
    let mut first = Some(Sequence(0));
    while let Some(from) = first {
        let wanted = Wanted::From(from);
        let (piece, expected) = (found(reader, queue, &wanted), found(model, queue, &wanted));
        assert_eq!((&piece.messages, piece.end.is_some()), (&expected.messages, expected.end.is_some()));
        let numbers: Vec<Sequence> = piece.messages.iter().map(|(sequence, _)| *sequence).collect();
        let asked = Wanted::Messages([numbers.clone(), vec![Sequence(u64::MAX)]].concat());
        assert_eq!(found(reader, queue, &asked).messages, piece.messages, "one by one");
        first = piece.end.and(numbers.last()).map(|last| last.next());
    }
}

/// What is remembered, by number: those that are there, and others before, between and behind them.
fn sends(reader: &dyn StoreReader, model: &dyn StoreReader, queue: QueueId, seen: &Seen) {
    let own = seen.deduplications.iter().filter(|(message, _)| message.queue == queue);
    let last = own.clone().next_back().map_or(0, |(message, _)| message.sequence.0);
    let numbers: Vec<Sequence> = (0..last + 3).rev().chain([u64::MAX]).map(Sequence).collect();
    let wanted = Wanted::Sends(numbers);
    let (piece, expected) = (found(reader, queue, &wanted), found(model, queue, &wanted));
    assert_eq!(piece, expected);
    assert_eq!(piece.sends.len(), own.count(), "each is found");
}
