//! What was done to the directory that is committed: part of it before the last checkpoint, part of it behind.

use bytes::Bytes;
use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::document::{DocumentKey, ExpectedRevision};
use millpond_core::message::{AttemptKey, DeduplicationKey, GroupKey, QueueId, Receipt, Sequence};
use millpond_core::queue::{AttributePatch, MoveTaskId, RedrivePolicy};

use crate::life::Life;
use crate::support::{create, delete, key, message, receive_for, send_delayed};

pub(crate) const TASK: MoveTaskId = MoveTaskId::new(0x7a5c);
/// The numbers of the queues, in the order they were created.
pub(crate) const ORDERS: QueueId = QueueId(0);
pub(crate) const FIFO: QueueId = QueueId(4);

pub(crate) fn body(id: u128) -> Vec<u8> {
    // Some take several parts of the store, one is empty.
    let length = [40, 3_000, 0, 700][usize::try_from(id % 4).unwrap()];
    (0..length).map(|index| b'a' + u8::try_from((id + index) % 26).unwrap()).collect()
}

pub(crate) fn send(queue: &str, ids: impl IntoIterator<Item = u128>) -> Command {
    let messages = ids.into_iter().map(|id| message(id, &body(id), None)).collect();
    Command::Send { key: key(queue), messages }
}

pub(crate) fn send_in_order(id: u128, group: u128, name: u128) -> Command {
    let message = NewMessage {
        group: Some(GroupKey::new(group)),
        deduplication: Some(SendName::Given(DeduplicationKey(name))),
        ..message(id, &body(id), None)
    };
    Command::Send { key: key("ordered.fifo"), messages: vec![message] }
}

pub(crate) fn receive_attempt(attempt: u8) -> Command {
    Command::Receive {
        key: key("ordered.fifo"),
        limit: 2,
        visibility_timeout_secs: Some(10_000),
        attempt: Some(AttemptKey([attempt; 8])),
    }
}

pub(crate) fn receipt(queue: QueueId, sequence: u64) -> Receipt {
    Receipt { queue, sequence: Sequence(sequence), delivery: 1 }
}

pub(crate) fn document(name: &str) -> DocumentKey {
    DocumentKey { collection: "stack".to_owned(), name: name.to_owned() }
}

fn put(name: &str, value: &'static str) -> Command {
    let value = Bytes::from_static(value.as_bytes());
    Command::PutDocument { key: document(name), expected: ExpectedRevision::Any, value }
}

fn remove(name: &str) -> Command {
    Command::RemoveDocument { key: document(name), expected: ExpectedRevision::Any }
}

fn create_queues(life: &mut Life) {
    life.carry(create("orders", AttributePatch::default()));
    life.carry(create("orders-dead", AttributePatch::default()));
    life.carry(create("slow", AttributePatch { delay_secs: Some(600), ..AttributePatch::default() }));
    life.carry(create("emptied", AttributePatch::default()));
    let fifo_queue = Some(true);
    life.carry(create("ordered.fifo", AttributePatch { fifo_queue, ..AttributePatch::default() }));
    life.carry(create("gone", AttributePatch::default()));
    life.carry(create("again", AttributePatch::default()));
    let policy = RedrivePolicy { target: key("orders-dead"), max_receive_count: 1 };
    let attributes = AttributePatch { redrive: Some(Some(policy)), ..AttributePatch::default() };
    life.carry(Command::SetQueueAttributes { key: key("orders"), attributes: attributes.into() });
    let tags = [("team".to_owned(), "mill".to_owned())].into();
    life.carry(Command::TagQueue { key: key("orders"), tags });
}

/// Everything that lies in the store.
pub(crate) fn before_the_checkpoint(life: &mut Life) {
    create_queues(life);
    // Three dead letters and one sent there, moved on by a task that moves one a second.
    life.carry(send("orders", 1..=3));
    life.carry(receive_for("orders", 3, 0));
    life.carry(receive_for("orders", 3, 0));
    life.carry(send("orders-dead", [15]));
    // Three in flight for hours, one of them deleted; four visible.
    life.carry(send("orders", 4..=10));
    life.carry(receive_for("orders", 3, 10_000));
    life.carry(delete("orders", &[receipt(ORDERS, 4)]));
    life.carry(send_delayed("orders", 11, 900));
    life.carry(send("slow", 20..=21));
    life.carry(send("emptied", 30..=49));
    life.carry(send("emptied", 50..=69));
    life.carry(send("gone", 70..=71));
    for (id, group) in [(80, 1), (81, 1), (82, 2), (83, 2), (84, 3)] {
        life.carry(send_in_order(id, group, id));
    }
    life.carry(receive_attempt(1));
    life.carry(put("one", "first"));
    life.carry(put("two", "second"));
    life.carry(put("three", "third"));
    life.carry(Command::StartMoveTask {
        key: key("orders-dead"),
        id: TASK,
        destination: Some(key("again").into()),
        back_to: None,
        messages_per_sec: Some(1),
    });
    life.pass_secs(1);
    life.checkpoint();
    // Hidden at once, given back piece by piece: some rows of it are still in the store.
    life.carry(Command::Paced(Box::new(Command::PurgeQueue { key: key("emptied") })));
    life.checkpoint();
}

/// Everything that lies in the log alone.
pub(crate) fn behind_the_checkpoint(life: &mut Life) {
    life.carry(send("orders", 12..=14));
    // Number 5 was in flight in the store; 7 is received now and stays, 8 goes.
    life.carry(delete("orders", &[receipt(ORDERS, 5)]));
    life.carry(receive_for("orders", 2, 10_000));
    life.carry(delete("orders", &[receipt(ORDERS, 8)]));
    life.carry(send_delayed("slow", 22, 800));
    life.carry(send("emptied", 72..=72));
    life.carry(Command::DeleteQueue { key: key("gone") });
    life.carry(send_in_order(85, 3, 85));
    life.carry(create("late", AttributePatch::default()));
    life.carry(send("late", 90..=91));
    life.carry(put("two", "second again"));
    life.carry(remove("three"));
    life.pass_secs(1);
}
