//! A whole data directory that an earlier build wrote opens, and holds what it was given.
//!
//! The directory was left by a service that was killed: some of it is in the store, some in the log alone. Whatever the
//! formats become, today's code must open it, or migrate it; never change the committed files. After a deliberate
//! change of a format: add a directory for the new one, and write it with
//! `MILLPOND_WRITE_FIXTURE=directory-N cargo test -p millpond-engine --test directory_fixture`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

mod life;
mod packed;
mod script;
#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::message::{MessageId, Sequence};
use millpond_core::outcome::{Accepted, Outcome, QueueDescription, Refusal};
use millpond_core::payload::Payload;
use millpond_engine::step::Reply;
use millpond_log::{Disk, FaultyDisk, RealDisk};

use life::Life;
use script::{FIFO, ORDERS, TASK, document, receipt, receive_attempt, send, send_in_order};
use support::{START, delete, handed, ids, key, receive};

/// All directories that were ever committed.
const DIRECTORIES: [&str; 1] = ["directory-1"];

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Ends without closing store or log, as a service that is killed.
fn write(disk: &FaultyDisk) {
    let mut life = Life::open(Arc::new(disk.clone()), START);
    script::before_the_checkpoint(&mut life);
    script::behind_the_checkpoint(&mut life);
    disk.kill();
}

fn files(disk: &FaultyDisk) -> impl Iterator<Item = (String, Vec<u8>)> {
    let names = disk.list().unwrap().into_iter().filter(|name| !name.starts_with("spare-"));
    names.map(|name| (name.clone(), disk.content(&name).unwrap()))
}

/// Opens a copy of a committed directory at the moment at which it was left.
fn opened(name: &str) -> (tempfile::TempDir, Life) {
    let directory = tempfile::tempdir().unwrap();
    packed::unpack_into(&fixture(name), directory.path());
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    (directory, Life::open(disk, START.plus_secs(2)))
}

/// Does something with each committed directory, twice: as it opens, and when a checkpoint and a restart of today's code
/// are behind it.
fn each(holds: impl Fn(&mut Life)) {
    for name in DIRECTORIES {
        let (_directory, mut life) = opened(name);
        holds(&mut life);
        let (directory, mut life) = opened(name);
        life.checkpoint();
        let now = life.now;
        drop(life);
        let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
        holds(&mut Life::open(disk, now));
    }
}

fn described(life: &mut Life) -> Vec<QueueDescription> {
    let outcome = life.carry(Command::DescribeQueues { after: None, limit: 100 });
    let Outcome::Descriptions { queues, .. } = outcome else { panic!("{outcome:?}") };
    queues
}

/// The bodies of all that a queue hands out are those that were sent.
fn received(life: &mut Life, queue: &str) -> Vec<u128> {
    let mut all = Vec::new();
    loop {
        let reply = life.reply(receive(queue, 10));
        let Reply::Done { payloads, .. } = &reply else { panic!("{reply:?}") };
        if payloads.is_empty() {
            return all;
        }
        for payload in payloads {
            let payload = Payload::decode(payload).unwrap();
            let id = payload.message_id.0;
            assert!([script::body(id), b"later".to_vec()].contains(&payload.body.to_vec()), "message {id}");
        }
        all.extend(ids(&reply));
    }
}

#[test]
fn the_script_of_the_fixture_can_still_be_run() {
    let disk = FaultyDisk::new(1);
    write(&disk);
    if let Some(name) = std::env::var_os("MILLPOND_WRITE_FIXTURE") {
        packed::write(&fixture(name.to_str().unwrap()), files(&disk));
    }
}

#[test]
fn queues_and_counts_are_back() {
    each(|life| {
        let of = |queue: &QueueDescription| {
            let counts = queue.counts;
            (queue.key.name.as_str().to_owned(), counts.visible, counts.in_flight, counts.delayed)
        };
        let mut counts: Vec<_> = described(life).iter().map(of).collect();
        counts.sort();
        let expected = [
            ("again", 3, 0, 0),
            ("emptied", 1, 0, 0),
            ("late", 2, 0, 0),
            ("ordered.fifo", 4, 2, 0),
            ("orders", 5, 2, 1),
            ("orders-dead", 1, 0, 0),
            ("slow", 0, 0, 3),
        ];
        assert_eq!(counts, expected.map(|(name, a, b, c)| (name.to_owned(), a, b, c)));
        let orders = &described(life)[0];
        assert_eq!(orders.key, key("orders"));
        assert_eq!(orders.tags, [("team".to_owned(), "mill".to_owned())].into());
        let redrive = orders.attributes.redrive.as_ref().unwrap();
        assert_eq!((&redrive.target, redrive.max_receive_count), (&key("orders-dead"), 1));
    });
}

#[test]
fn messages_are_handed_out_with_their_bodies_and_old_handles_delete() {
    each(|life| {
        assert_eq!(received(life, "orders"), [9, 10, 12, 13, 14]);
        assert_eq!(received(life, "emptied"), [72]);
        assert_eq!(received(life, "late"), [90, 91]);
        let old = [receipt(ORDERS, 6), receipt(ORDERS, 7)];
        assert_eq!(life.carry(delete("orders", &old)), Outcome::Deleted(vec![Ok(()), Ok(())]));
        life.pass_secs(1_000);
        assert!(received(life, "orders").contains(&11), "it was delayed");
        assert_eq!(received(life, "slow"), [20, 21, 22]);
        assert_eq!(life.carry(send("orders", [100])), accepted(15));
    });
}

/// The reply to one message that got a sequence.
fn accepted(sequence: u64) -> Outcome {
    Outcome::Sent(vec![Ok(Accepted { id: MessageId(100), sequence: Sequence(sequence) })])
}

#[test]
fn dead_letters_know_where_they_come_from_and_their_task_goes_on() {
    each(|life| {
        let outcome = life.carry(Command::ListMoveTasks { key: key("orders-dead"), limit: 10 });
        let Outcome::MoveTasks(tasks) = outcome else { panic!("{outcome:?}") };
        let task: Vec<_> = tasks.iter().map(|task| (task.order.id, task.order.to_move, task.moved)).collect();
        assert_eq!(task, [(TASK, 4, 3)]);
        life.pass_secs(2);
        let again = handed(&life.reply(receive("again", 10)));
        assert_eq!(again.len(), 4, "the task has moved the last");
        assert!(again.iter().all(|handed| handed.delivery.moved.is_some()));
        assert_eq!(again.iter().map(|handed| handed.id).collect::<Vec<_>>(), [1, 2, 3, 15]);
    });
}

#[test]
fn a_fifo_queue_keeps_order_attempts_and_what_it_remembers_of_sends() {
    each(|life| {
        // A duplicate of a send that is in the store, and of one that is in the log.
        for (id, group, name) in [(180, 1, 80), (185, 3, 85)] {
            let outcome = life.carry(send_in_order(id, group, name));
            let Outcome::Sent(sent) = &outcome else { panic!("{outcome:?}") };
            assert_eq!(sent[0].as_ref().unwrap().id.0, name);
        }
        assert_eq!(ids(&life.reply(receive_attempt(1))), [80, 81], "the same receive again");
        assert_eq!(ids(&life.reply(receive_attempt(2))), [82, 83]);
        assert_eq!(ids(&life.reply(receive_attempt(3))), [84, 85]);
        let deleted = life.carry(delete("ordered.fifo", &[receipt(FIFO, 1)]));
        assert_eq!(deleted, Outcome::Deleted(vec![Ok(())]));
    });
}

#[test]
fn documents_and_what_waits_are_back() {
    each(|life| {
        let outcome = life.carry(Command::ListDocuments { collection: "stack".to_owned() });
        let Outcome::Documents(documents) = outcome else { panic!("{outcome:?}") };
        let documents: Vec<_> =
            documents.into_iter().map(|(key, document)| (key, document.revision, document.value)).collect();
        let value = |text: &'static str| Bytes::from_static(text.as_bytes());
        let first = documents[0].1;
        let expected =
            [(document("one"), first, value("first")), (document("two"), first + 3, value("second again"))];
        assert_eq!(documents, expected);
        let purge = Command::Paced(Box::new(Command::PurgeQueue { key: key("emptied") }));
        assert_eq!(life.carry(purge), Outcome::Refused(Refusal::PurgeInProgress));
    });
}
