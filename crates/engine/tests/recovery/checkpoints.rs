//! A checkpoint folded at any position gives the same state, and leaves no trace of what came and went.

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::document::{DocumentKey, ExpectedRevision};
use millpond_core::event::Event;
use millpond_core::format::batch::BatchBuilder;
use millpond_core::message::{MessageRef, QueueId, Sequence};
use millpond_core::queue::{AttributePatch, QueueAttributes};
use millpond_engine::checkpoint::{self, CheckpointError};
use millpond_engine::recovery::recover;
use millpond_log::{Log, MemoryConfig, MemoryLog, MemoryStorage, Position, SealedSegment, Usage};
use millpond_store::{MemoryStore, Store};

use crate::support::workload::Workload;
use crate::support::{START, Stage, create, delete, key, payload, receive, receive_for, send, send_sized};

/// A log with these batches.
fn log_of(batches: impl IntoIterator<Item = Bytes>) -> MemoryLog {
    let mut log = MemoryLog::open(MemoryStorage::default(), MemoryConfig::default());
    for payload in batches {
        let tail = log.bounds().tail;
        log.submit(tail, payload).unwrap();
        log.poll();
    }
    log
}

/// The batches that a stage has appended.
fn batches(stage: &Stage) -> Vec<Bytes> {
    stage.appended.iter().map(|(_, payload)| payload.clone()).collect()
}

/// Folds the log into a store at the given positions, and checks that store and log bring the stage's state back.
fn folded(stage: &Stage, positions: &[u64]) -> MemoryStore {
    let mut log = log_of(batches(stage));
    let mut store = MemoryStore::new();
    for &position in positions {
        let reached = checkpoint::advance(&mut store, &*log.reader(), Position(position)).unwrap();
        assert_eq!(reached, Position(position));
        let recovered = recover(&mut log, &store).unwrap();
        assert_eq!(recovered.state.digest(), stage.engine.state().digest(), "folded up to {position}");
    }
    store
}

fn last(stage: &Stage) -> u64 {
    stage.last_appended().unwrap().0
}

#[test]
fn a_checkpoint_at_any_position_gives_the_same_state() {
    let mut workload = Workload::new(77);
    let mut stage = Stage::new();
    for _ in 0..150 {
        let millis = workload.millis_until_next();
        stage.pass_millis(millis);
        let command = workload.next();
        let outcome = stage.carry(command.clone());
        workload.learn(&command, &outcome);
    }
    for position in 1..=last(&stage) {
        folded(&stage, &[position]);
    }
    let all: Vec<u64> = (1..=last(&stage)).collect();
    folded(&stage, &all);
    let some: Vec<u64> = all.into_iter().filter(|position| position % 7 == 3).collect();
    folded(&stage, &some);
}

/// Positions around every batch of a stage in which something happened, as two checkpoints.
fn folded_everywhere(stage: &Stage) -> MemoryStore {
    for cut in 1..last(stage) {
        folded(stage, &[cut, last(stage)]);
    }
    folded(stage, &[last(stage)])
}

#[test]
fn what_was_sent_and_deleted_inside_the_range_leaves_no_row() {
    let mut stage = Stage::new();
    for id in 1..=5 {
        stage.carry(send_sized("q", id, 100));
    }
    let receipts: Vec<_> = stage.hand_out(receive("q", 4)).iter().map(|handed| handed.receipt).collect();
    stage.carry(delete("q", &receipts));
    let store = folded_everywhere(&stage);
    assert_eq!(store.usage().messages, 1);
    let left = MessageRef { queue: stage.queue_id("q"), sequence: Sequence(5) };
    assert_eq!(store.reader().payload(left).unwrap(), Some(payload(5, &[b'a' + 5; 100])));
}

#[test]
fn leases_returns_and_changes_of_stored_messages_are_kept() {
    let mut stage = Stage::new();
    for id in 1..=3 {
        stage.carry(send("q", id));
    }
    let handed = stage.hand_out(receive_for("q", 3, 40));
    let change = vec![(handed[1].receipt, 90)];
    stage.carry(Command::ChangeVisibility { key: key("q"), changes: change });
    stage.carry(Command::ReturnLeases { receipts: vec![handed[2].receipt] });
    stage.pass_secs(41);
    stage.hand_out(receive("q", 3));
    folded_everywhere(&stage);
}

#[test]
fn a_purge_takes_stored_and_new_messages_and_spares_later_ones() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    stage.carry(send("q", 2));
    stage.hand_out(receive("q", 1));
    stage.carry(Command::PurgeQueue { key: key("q") });
    stage.carry(send("q", 3));
    stage.carry(send("q", 4));
    stage.carry(Command::PurgeQueue { key: key("q") });
    stage.carry(send("q", 5));
    assert_eq!(folded_everywhere(&stage).usage().messages, 1);
}

#[test]
fn a_deleted_queue_takes_its_messages_and_its_successor_starts_anew() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    stage.carry(Command::DeleteQueue { key: key("q") });
    stage.carry(create("q", AttributePatch { delay_secs: Some(3), ..AttributePatch::default() }));
    stage.carry(send("q", 2));
    stage.carry(create("gone", AttributePatch::default()));
    stage.carry(send("gone", 3));
    stage.carry(Command::PurgeQueue { key: key("gone") });
    stage.carry(Command::DeleteQueue { key: key("gone") });
    let store = folded_everywhere(&stage);
    assert_eq!(store.usage().messages, 1);
}

#[test]
fn documents_settings_and_expiry_are_folded() {
    let mut stage = Stage::new();
    let document = |name: &str| DocumentKey { collection: "stack".to_owned(), name: name.to_owned() };
    let put = |name: &str, value: &'static str| Command::PutDocument {
        key: document(name),
        expected: ExpectedRevision::Any,
        value: Bytes::from_static(value.as_bytes()),
    };
    stage.carry(put("a", "1"));
    stage.carry(put("b", "1"));
    stage.carry(put("a", "2"));
    stage.carry(Command::RemoveDocument { key: document("b"), expected: ExpectedRevision::Any });
    stage.carry(send("q", 1));
    let attributes = AttributePatch { retention_secs: Some(60), ..AttributePatch::default() };
    stage.carry(Command::SetQueueAttributes { key: key("q"), attributes: attributes.into() });
    stage.pass_secs(60);
    stage.tick();
    stage.settle();
    let store = folded_everywhere(&stage);
    assert_eq!(store.usage().messages, 0);
    assert!(store.reader().document(&document("a")).unwrap().is_some());
    assert_eq!(store.reader().document(&document("b")).unwrap(), None);
}

#[test]
fn an_idle_note_moves_the_position_only() {
    let mut stage = Stage::new();
    stage.tick();
    stage.settle();
    assert!(stage.appended.last().unwrap().1.is_empty());
    let store = folded(&stage, &[last(&stage)]);
    assert_eq!(store.reflected(), Position(last(&stage)));
}

#[test]
fn a_checkpoint_never_goes_back_or_beyond_what_is_durable() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let mut log = log_of(batches(&stage));
    let mut store = MemoryStore::new();
    let all = Position(last(&stage));
    checkpoint::advance(&mut store, &*log.reader(), all).unwrap();
    assert_eq!(checkpoint::advance(&mut store, &*log.reader(), Position(1)).unwrap(), all);
    // Submitted and not durable.
    log.submit(all.next(), BatchBuilder::new(START).finish()).unwrap();
    let beyond = checkpoint::advance(&mut store, &*log.reader(), all.next());
    assert!(matches!(beyond, Err(CheckpointError::Log(_))), "{beyond:?}");
    assert_eq!(store.reflected(), all);
}

#[test]
fn a_batch_that_does_not_fit_is_refused_and_the_store_stays() {
    let mut good = BatchBuilder::new(START);
    let queue = QueueId(0);
    good.push(&Event::QueueCreated { queue, key: key("q"), attributes: QueueAttributes::default() });
    let mut bad = BatchBuilder::new(START);
    bad.push(&Event::MessagesDeleted { queue, sequences: vec![Sequence(9)] });
    let log = log_of([good.finish(), bad.finish(), Bytes::from_static(b"no batch at all")]);
    let mut store = MemoryStore::new();
    let reader = log.reader();
    let refused = checkpoint::advance(&mut store, &*reader, Position(2));
    assert!(
        matches!(refused, Err(CheckpointError::Inconsistent { position: Position(2), .. })),
        "{refused:?}"
    );
    assert_eq!(store.reflected(), Position::NONE);
    checkpoint::advance(&mut store, &*reader, Position(1)).unwrap();
    let refused = checkpoint::advance(&mut store, &*log_of_three(), Position(2));
    assert!(matches!(refused, Err(CheckpointError::Malformed { position: Position(2), .. })), "{refused:?}");
}

#[test]
fn an_event_about_a_message_that_went_with_its_queue_or_a_purge_is_refused() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let queue = stage.queue_id("q");
    let below = Sequence(2);
    for gone in [Event::QueueDeleted { queue }, Event::QueuePurged { queue, below }] {
        let mut bad = BatchBuilder::new(START);
        bad.push(&gone);
        bad.push(&Event::LeasesReturned { queue, sequences: vec![Sequence(1)] });
        let log = log_of(batches(&stage).into_iter().chain([bad.finish()]));
        let mut store = MemoryStore::new();
        checkpoint::advance(&mut store, &*log.reader(), Position(last(&stage))).unwrap();
        let refused = checkpoint::advance(&mut store, &*log.reader(), Position(last(&stage) + 1));
        assert!(matches!(refused, Err(CheckpointError::Inconsistent { .. })), "{gone:?}: {refused:?}");
    }
}

/// A log whose second batch is no batch.
fn log_of_three() -> std::sync::Arc<dyn millpond_log::LogReader> {
    log_of([Bytes::new(), Bytes::from_static(b"no batch at all")]).reader()
}

#[test]
fn a_checkpoint_is_due_when_the_log_is_half_full_or_the_disk_is_full() {
    let segment =
        |first: u64, last: u64| SealedSegment { first: Position(first), last: Position(last), bytes: 10 };
    let usage = Usage {
        budget_bytes: 100,
        used_bytes: 50,
        ready_bytes: 10,
        disk_full: false,
        sealed: vec![segment(1, 9), segment(10, 19)],
    };
    assert_eq!(checkpoint::due(&usage, Position(30)), None);
    let crowded = Usage { used_bytes: 51, ..usage.clone() };
    assert_eq!(checkpoint::due(&crowded, Position(30)), Some(Position(9)), "one segment at a time");
    assert_eq!(checkpoint::due(&crowded, Position(8)), None, "not beyond what is durable");
    let full = Usage { disk_full: true, ..usage };
    assert_eq!(checkpoint::due(&full, Position(9)), Some(Position(9)));
    assert_eq!(checkpoint::due(&Usage { sealed: Vec::new(), ..full }, Position(9)), None);
}

#[test]
fn a_checkpoint_reaches_further_where_it_found_no_space() {
    let segment = |first, last| SealedSegment { first: Position(first), last: Position(last), bytes: 10 };
    let sealed = vec![segment(1, 5), segment(6, 9), segment(10, 12)];
    let full = Usage { budget_bytes: 1_000, used_bytes: 30, disk_full: true, sealed, ..Usage::default() };
    let due = |segments| checkpoint::due_reaching(&full, Position(14), segments);
    assert_eq!([due(1), due(2), due(4)], [Position(5), Position(9), Position(14)].map(Some));
    assert_eq!(checkpoint::due(&full, Position(14)), due(1));
    assert_eq!(
        checkpoint::due_reaching(&full, Position(7), 2),
        Some(Position(7)),
        "nothing that is not durable"
    );
    let roomy = Usage { disk_full: false, ..full.clone() };
    assert_eq!(checkpoint::due_reaching(&roomy, Position(14), 4), None);
}

#[test]
fn the_batches_that_are_replayed_are_counted() {
    let mut stage = Stage::new();
    stage.carry(send("q", 1));
    let replayed = batches(&stage).iter().filter(|payload| !payload.is_empty()).count();
    assert!(replayed > 1);
    let recovered = recover(&mut log_of(batches(&stage)), &MemoryStore::new()).unwrap();
    assert_eq!(recovered.replayed_batches, replayed as u64);
}
