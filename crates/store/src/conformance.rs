//! The suite that every store must pass, whatever lies under it.
//!
//! A test makes a [`Subject`] for its store and runs [`every_promise`]. Each promise of [`crate::contract`] that can be
//! seen without crashing is one function here. [`script`] makes the random histories, which crash tests use too.

mod pieces;
pub mod script;
pub mod seen;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::document::{Document, DocumentKey};
use millpond_core::evolve::{Inconsistent, Instance};
use millpond_core::message::{MessageRef, QueueId, Sequence};
use millpond_core::queue::Deduplication;
use millpond_core::time::Timestamp;
use millpond_log::Position;

use crate::contract::{Changes, MessageChange, Store, StoreReader, Usage, Wanted};
use crate::error::StoreError;
use crate::memory_store::MemoryStore;
use script::{Script, deduplication, entry, message, payload, put, queue};
use seen::{Refusing, Seen};

/// One storage, and how to open a store on it.
pub trait Subject {
    /// Opens the store: an empty one at first, then what the last one left. Only one store is open at a time.
    fn open(&mut self) -> Box<dyn Store>;
}

/// Runs the whole suite; `subject` makes a new, empty storage each time.
pub fn every_promise<S: Subject>(mut subject: impl FnMut() -> S) {
    a_new_store_is_empty(&mut subject());
    rows_come_back_after_a_reopen(&mut subject());
    an_update_keeps_the_payload(&mut subject());
    a_put_replaces_entry_and_payload(&mut subject());
    payloads_of_every_size_come_back(&mut subject());
    removed_messages_are_gone(&mut subject());
    a_purge_takes_what_is_below_and_nothing_else(&mut subject());
    a_removed_queue_takes_its_messages_along(&mut subject());
    remembered_sends_outlive_their_messages_until_they_are_forgotten(&mut subject());
    a_big_removal_is_reclaimed_piece_by_piece(&mut subject());
    forgotten_sends_are_reclaimed_piece_by_piece(&mut subject());
    sends_come_in_any_order_of_numbers(&mut subject());
    changes_that_do_not_follow_change_nothing(&mut subject());
    the_position_never_goes_back(&mut subject());
    a_refused_row_ends_the_load(&mut subject());
    readers_see_the_latest_state_from_other_threads(&mut subject());
    for seed in 0..8 {
        a_random_history_equals_the_model(&mut subject(), seed);
    }
}

fn applied(store: &mut dyn Store, changes: Changes, position: u64) {
    store.apply(changes, Position(position)).expect("the changes follow");
    assert_eq!(store.reflected(), Position(position));
}

fn puts(changes: impl IntoIterator<Item = (MessageRef, MessageChange)>) -> Changes {
    Changes { messages: changes.into_iter().collect(), ..Changes::default() }
}

fn three_in_queue_one() -> Changes {
    puts([put(1, 1, 10), put(1, 2, 2_000), put(1, 3, 30)])
}

fn a_new_store_is_empty<S: Subject>(subject: &mut S) {
    let store = subject.open();
    assert_eq!(store.reflected(), Position::NONE);
    assert_eq!(Seen::of(&*store), Seen::default());
    let usage = Usage { disk_bytes: store.usage().disk_bytes, ..Usage::default() };
    assert_eq!(store.usage(), usage);
    assert_eq!(store.reader().queue(QueueId(1)).expect("readable"), None);
}

fn rows_come_back_after_a_reopen<S: Subject>(subject: &mut S) {
    let instance = Instance { receipt_key: Some([7; 16]), next_queue: 3, ..Instance::default() };
    let key = DocumentKey { collection: "stack".to_owned(), name: "customers".to_owned() };
    let document = Document { revision: 4, value: Bytes::from_static(b"body") };
    let changes = Changes {
        instance: Some(instance.clone()),
        queues: [(QueueId(1), Some(queue(1))), (QueueId(2), Some(queue(2)))].into(),
        documents: [(key.clone(), Some(document.clone()))].into(),
        ..puts([put(1, 1, 10), put(2, 1, 20)])
    };
    applied(&mut *subject.open(), changes, 5);
    let store = subject.open();
    assert_eq!(store.reflected(), Position(5));
    let seen = Seen::of(&*store);
    assert_eq!(seen.instance, instance);
    assert_eq!(seen.queues, [queue(1), queue(2)]);
    assert_eq!(seen.documents, [(key.clone(), document.clone())]);
    assert_eq!(seen.messages[0], (message(1, 1), entry(10), payload(message(1, 1), 10)));
    assert_eq!(seen.messages[1], (message(2, 1), entry(20), payload(message(2, 1), 20)));
    let reader = store.reader();
    assert_eq!(reader.instance().expect("readable"), instance);
    assert_eq!(reader.queue(QueueId(2)).expect("readable"), Some(queue(2)));
    assert_eq!(reader.document(&key).expect("readable"), Some(document));
    assert_eq!(reader.entry(message(1, 1)).expect("readable"), Some(entry(10)));
    assert_eq!(reader.entry(message(1, 2)).expect("readable"), None);
    let usage = store.usage();
    assert_eq!((usage.messages, usage.payload_bytes), (2, 30));
}

fn an_update_keeps_the_payload<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    applied(&mut *store, three_in_queue_one(), 1);
    let mut leased = entry(2_000);
    leased.receive(Timestamp::from_millis(9), Timestamp::from_millis(99));
    applied(&mut *store, puts([(message(1, 2), MessageChange::Update { entry: leased })]), 2);
    let seen = Seen::of(&*store);
    assert_eq!(seen.messages[1], (message(1, 2), leased, payload(message(1, 2), 2_000)));
    assert_eq!(seen.messages.len(), 3);
    assert_eq!(store.usage().payload_bytes, 2_040);
}

fn a_put_replaces_entry_and_payload<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    applied(&mut *store, puts([put(1, 1, 9_000), put(1, 2, 5)]), 1);
    applied(&mut *store, puts([put(1, 1, 7), put(1, 3, 1)]), 2);
    let seen = Seen::of(&*store);
    assert_eq!(seen.messages[0], (message(1, 1), entry(7), payload(message(1, 1), 7)));
    assert_eq!((store.usage().messages, store.usage().payload_bytes), (3, 13));
}

fn payloads_of_every_size_come_back<S: Subject>(subject: &mut S) {
    let sizes = [0, 1, 1_339, 1_340, 1_341, 2_680, 2_681, 4_096, 65_536, 1_100_000];
    let all = || sizes.iter().zip(1..).map(|(size, sequence)| (message(3, sequence), *size));
    let mut store = subject.open();
    applied(&mut *store, puts(all().map(|(message, size)| put(3, message.sequence.0, size))), 1);
    let reader = store.reader();
    for (message, size) in all() {
        assert_eq!(reader.payload(message).expect("readable"), Some(payload(message, size)), "{size} bytes");
    }
    let asked = [message(3, 9), message(3, 77), message(3, 1), message(4, 1)];
    let expected = [Some(payload(asked[0], 65_536)), None, Some(Bytes::new()), None];
    assert_eq!(reader.payloads(&asked).expect("readable"), expected);
    assert_eq!(store.usage().payload_bytes, sizes.iter().map(|size| *size as u64).sum::<u64>());
}

fn removed_messages_are_gone<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    let many = (1..=20).map(|sequence| put(1, sequence, 3_000));
    applied(&mut *store, puts(many.chain([put(2, 5, 10)])), 1);
    let removed = [1, 2, 3, 4, 9, 17, 18].map(|sequence| (message(1, sequence), MessageChange::Remove));
    let absent = [(message(1, 40), MessageChange::Remove), (message(7, 1), MessageChange::Remove)];
    applied(&mut *store, puts(removed.into_iter().chain(absent)), 2);
    let left: Vec<u64> = Seen::of(&*store).messages.iter().map(|(message, ..)| message.sequence.0).collect();
    assert_eq!(left, [5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 19, 20, 5]);
    assert_eq!(store.reader().payload(message(1, 9)).expect("readable"), None);
    assert_eq!((store.usage().messages, store.usage().payload_bytes), (14, 39_010));
}

fn a_purge_takes_what_is_below_and_nothing_else<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    let both = [1, 2].into_iter().flat_map(|queue| (1..=5).map(move |sequence| put(queue, sequence, 50)));
    applied(&mut *store, puts(both), 1);
    let purge = Changes { removed_below: [(QueueId(1), Sequence(4))].into(), ..puts([put(1, 6, 1)]) };
    applied(&mut *store, purge, 2);
    let left: Vec<MessageRef> = Seen::of(&*store).messages.iter().map(|row| row.0).collect();
    let expected = [(1, 4), (1, 5), (1, 6), (2, 1), (2, 2), (2, 3), (2, 4), (2, 5)];
    assert_eq!(left, expected.map(|(queue, sequence)| message(queue, sequence)));
    let reader = store.reader();
    assert_eq!(reader.entry(message(1, 3)).expect("readable"), None);
    assert_eq!(reader.payload(message(1, 3)).expect("readable"), None);
    assert_eq!(reader.payload(message(1, 4)).expect("readable"), Some(payload(message(1, 4), 50)));
    drop(store);
    assert_eq!(Seen::of(&*subject.open()).messages.len(), 8);
}

fn a_removed_queue_takes_its_messages_along<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    let queues = [1, 2, 3].map(|id| (QueueId(id), Some(queue(id)))).into();
    let three = [1, 2, 3].into_iter().flat_map(|queue| (1..=5).map(move |sequence| put(queue, sequence, 50)));
    applied(&mut *store, Changes { queues, ..puts(three) }, 1);
    let removed = Changes { queues: [(QueueId(2), None)].into(), ..Changes::default() };
    applied(&mut *store, removed, 2);
    while store.reclaim(2).expect("nothing fails") {}
    let seen = Seen::of(&*store);
    assert_eq!(seen.queues, [queue(1), queue(3)]);
    assert!(seen.messages.iter().all(|(message, ..)| message.queue != QueueId(2)));
    assert_eq!((store.usage().messages, store.usage().payload_bytes), (10, 500));
}

/// More rows than one apply deletes by itself.
fn remembered_sends_outlive_their_messages_until_they_are_forgotten<S: Subject>(subject: &mut S) {
    let rows = |numbers: &[u64]| -> BTreeMap<MessageRef, Deduplication> {
        let row = |number: u64| {
            [(message(1, number), deduplication(number)), (message(2, number), deduplication(9))]
        };
        numbers.iter().flat_map(|number| row(*number)).collect()
    };
    let mut store = subject.open();
    let remembered = Changes { deduplications: rows(&[1, 2, 3]), ..three_in_queue_one() };
    applied(&mut *store, remembered, 1);
    applied(&mut *store, puts([1, 2, 3].map(|number| (message(1, number), MessageChange::Remove))), 2);
    drop(store);
    let mut store = subject.open();
    assert_eq!(Seen::of(&*store).deduplications, rows(&[1, 2, 3]).into_iter().collect::<Vec<_>>());
    let forgotten_below = [(QueueId(1), Sequence(3))].into();
    let later: BTreeMap<_, _> = [(message(1, 4), deduplication(4))].into();
    applied(&mut *store, Changes { forgotten_below, deduplications: later, ..Changes::default() }, 3);
    let left: Vec<MessageRef> = Seen::of(&*store).deduplications.iter().map(|row| row.0).collect();
    assert_eq!(left, [message(1, 3), message(1, 4), message(2, 1), message(2, 2), message(2, 3)]);
    applied(&mut *store, Changes { queues: [(QueueId(2), None)].into(), ..Changes::default() }, 4);
    assert_eq!(Seen::of(&*store).deduplications.len(), 2, "a removed queue remembers nothing");
}

fn a_big_removal_is_reclaimed_piece_by_piece<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    for (position, first) in (1..).zip((1..=60_000).step_by(20_000)) {
        applied(&mut *store, puts((first..first + 20_000).map(|sequence| put(1, sequence, 1))), position);
    }
    applied(&mut *store, puts([put(2, 1, 1)]), 4);
    let purge = Changes { removed_below: [(QueueId(1), Sequence(60_000))].into(), ..Changes::default() };
    applied(&mut *store, purge, 5);
    let left = || [(message(1, 60_000), entry(1)), (message(2, 1), entry(1))];
    let seen = |store: &dyn Store| Seen::of(store).messages.into_iter().map(|row| (row.0, row.1));
    assert!(seen(&*store).eq(left()));
    let reader = store.reader();
    for gone in [message(1, 1), message(1, 59_999)] {
        assert_eq!(reader.entry(gone).expect("readable"), None);
        assert_eq!(reader.payload(gone).expect("readable"), None);
    }
    drop((reader, store));
    let mut store = subject.open();
    assert!(seen(&*store).eq(left()), "what was removed must not come back");
    while store.reclaim(4_000).expect("nothing fails") {
        assert!(seen(&*store).eq(left()));
    }
    assert!(!store.reclaim(4_000).expect("nothing fails"));
    assert_eq!((store.usage().messages, store.usage().payload_bytes), (2, 2));
    assert_eq!(store.reflected(), Position(5));
}

fn changes_that_do_not_follow_change_nothing<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    applied(&mut *store, three_in_queue_one(), 1);
    let before = Seen::of(&*store);
    let absent = puts([put(1, 4, 9), (message(1, 5), MessageChange::Update { entry: entry(1) })]);
    let purged = Changes {
        removed_below: [(QueueId(1), Sequence(3))].into(),
        ..puts([(message(1, 2), MessageChange::Update { entry: entry(1) })])
    };
    for (changes, missing) in [(absent, message(1, 5)), (purged, message(1, 2))] {
        let refused = store.apply(changes, Position(2));
        let expected = Inconsistent::NoSuchMessage(missing);
        assert!(matches!(refused, Err(StoreError::Inconsistent(why)) if why == expected));
    }
    let below = Changes { removed_below: [(QueueId(1), Sequence(3))].into(), ..puts([put(1, 2, 9)]) };
    let orphan = Changes { queues: [(QueueId(5), None)].into(), ..puts([put(5, 1, 9)]) };
    for (changes, lost) in [(below, message(1, 2)), (orphan, message(5, 1))] {
        let refused = store.apply(changes, Position(2));
        let expected = Inconsistent::OutOfSequence(lost);
        assert!(matches!(refused, Err(StoreError::Inconsistent(why)) if why == expected));
    }
    assert_eq!(Seen::of(&*store), before);
    drop(store);
    assert_eq!(Seen::of(&*subject.open()), before);
}

fn the_position_never_goes_back<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    applied(&mut *store, Changes::default(), 7);
    let refused = store.apply(three_in_queue_one(), Position(6));
    let expected = (Position(7), Position(6));
    assert!(
        matches!(refused, Err(StoreError::Backwards { reflected, offered }) if (reflected, offered) == expected)
    );
    applied(&mut *store, three_in_queue_one(), 7);
    drop(store);
    assert_eq!(subject.open().reflected(), Position(7));
}

fn a_refused_row_ends_the_load<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    applied(&mut *store, three_in_queue_one(), 1);
    let mut refusing = Refusing::after(1);
    let refused = store.load(u64::MAX, &mut refusing);
    assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{refused:?}");
    assert_eq!(refusing.shown, 2);
}

fn readers_see_the_latest_state_from_other_threads<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    let reader: Arc<dyn StoreReader> = store.reader();
    assert_eq!(reader.payload(message(1, 1)).expect("readable"), None);
    // Every state holds exactly one message, and a reader must find exactly one in each of its snapshots.
    applied(&mut *store, puts([put(1, 1, 40)]), 1);
    let asked: Vec<MessageRef> = (1..=60).map(|sequence| message(1, sequence)).collect();
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            loop {
                let found = reader.payloads(&asked).expect("readable");
                let present: Vec<usize> = (0..asked.len()).filter(|at| found[*at].is_some()).collect();
                assert_eq!(present.len(), 1, "one state at a time: {present:?}");
                if present == [59] {
                    return;
                }
            }
        });
        for sequence in 2..=60 {
            let moved = puts([(message(1, sequence - 1), MessageChange::Remove), put(1, sequence, 40)]);
            applied(&mut *store, moved, sequence);
        }
        looking.join().expect("the reader saw whole states");
    });
}

fn sends(numbers: impl IntoIterator<Item = u64>) -> Changes {
    let rows = numbers.into_iter().map(|number| (message(1, number), deduplication(number)));
    Changes { deduplications: rows.collect(), ..Changes::default() }
}

fn forgotten_sends_are_reclaimed_piece_by_piece<S: Subject>(subject: &mut S) {
    const SENDS: u64 = 40_000;
    let mut store = subject.open();
    applied(&mut *store, sends(1..=SENDS), 1);
    let below = SENDS - 20;
    let forgotten_below = [(QueueId(1), Sequence(below))].into();
    applied(&mut *store, Changes { forgotten_below, ..Changes::default() }, 2);
    let expected: Vec<_> =
        (below..=SENDS).map(|number| (message(1, number), deduplication(number))).collect();
    let wanted = Wanted::Sends([1, below - 1, below, SENDS].map(Sequence).to_vec());
    let mut pieces = 0;
    loop {
        assert_eq!(Seen::of(&*store).deduplications, expected, "in piece {pieces}");
        let found = store.reader().find(QueueId(1), &wanted, 1).expect("readable").sends;
        assert_eq!(found, [below, SENDS].map(|number| (Sequence(number), deduplication(number))));
        if pieces == 1 {
            applied(&mut *store, sends([SENDS + 1]), 3);
            let forgotten_below = [(QueueId(1), Sequence(SENDS + 1))].into();
            applied(&mut *store, Changes { forgotten_below, ..Changes::default() }, 4);
            assert_eq!(Seen::of(&*store).deduplications, [(message(1, SENDS + 1), deduplication(SENDS + 1))]);
            break;
        }
        store.reclaim(10).expect("nothing fails");
        pieces += 1;
    }
    while store.reclaim(100).expect("nothing fails") {}
    assert_eq!(Seen::of(&*store).deduplications.len(), 1);
}

fn sends_come_in_any_order_of_numbers<S: Subject>(subject: &mut S) {
    let mut store = subject.open();
    for (step, numbers) in (1..).zip([100..300, 50..60, 340..341, 290..345, 55..110, 7..8]) {
        applied(&mut *store, sends(numbers), step);
    }
    let expected: Vec<_> = [7..8, 50..345].into_iter().flatten().collect();
    let seen = Seen::of(&*store).deduplications;
    assert_eq!(seen, Vec::from_iter(sends(expected).deduplications));
}

fn a_random_history_equals_the_model<S: Subject>(subject: &mut S, seed: u64) {
    let mut script = Script::new(seed);
    let mut model = MemoryStore::new();
    let mut store = subject.open();
    for step in 1..=40 {
        let changes = script.next_changes();
        let position = Position(step * 3);
        model.apply(changes.clone(), position).expect("the script follows");
        store.apply(changes, position).expect("the script follows");
        if step % 7 == 0 {
            store.reclaim(5).expect("nothing fails");
        }
        if step % 5 == 0 {
            drop(store);
            store = subject.open();
        }
        assert_eq!(Seen::of(&*store), Seen::of(&model), "seed {seed}, step {step}");
        pieces::are_equal(&*store, &model);
    }
    while store.reclaim(1_000).expect("nothing fails") {}
    let (usage, expected) = (store.usage(), model.usage());
    assert_eq!((usage.messages, usage.payload_bytes), (expected.messages, expected.payload_bytes));
}
