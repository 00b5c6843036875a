//! Each shape is what it says, seen through an engine that opens the directory afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its functions beside #[test] too"
)]

use std::path::Path;

use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::message::{DeduplicationKey, GroupKey, MessageId};
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::outcome::{Delivery, Outcome, QueueDescription};
use millpond_core::payload::Payload;
use millpond_embed::fill::{Fill, FillError, Filled, Shape, fill};
use millpond_embed::open_without_server;
use millpond_engine::driver::Running;
use millpond_engine::step::Wait;
use sha2::{Digest, Sha256};

/// No multiple of a batch, and more than all pipelines together have under way at once.
const COUNT: u64 = 1_234;

struct Opened {
    running: Running,
    runtime: tokio::runtime::Runtime,
}

impl Opened {
    fn new(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let running = {
            let _inside = runtime.enter();
            open_without_server(path).unwrap()
        };
        Self { running, runtime }
    }

    fn call(&self, command: Command) -> (Outcome, Vec<Payload>) {
        let answer = self.runtime.block_on(self.running.handle.call(command, Wait::Secs(0), 0)).unwrap();
        answer.lease.delivered();
        let payloads = answer.payloads.iter().map(|payload| Payload::decode(payload).unwrap()).collect();
        (answer.outcome, payloads)
    }

    fn describe(&self, name: &str) -> QueueDescription {
        match self.call(Command::DescribeQueue { key: key(name) }).0 {
            Outcome::Description(description) => *description,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn receive(&self, name: &str) -> Vec<(Delivery, Payload)> {
        let command =
            Command::Receive { key: key(name), limit: 10, visibility_timeout_secs: None, attempt: None };
        match self.call(command) {
            (Outcome::Received { deliveries, .. }, payloads) => {
                deliveries.into_iter().zip(payloads).collect()
            }
            other => panic!("{name}: {other:?}"),
        }
    }

    fn end(self) {
        self.running.handle.stop();
        self.running.join().unwrap();
    }
}

fn key(name: &str) -> QueueKey {
    let name = QueueName::parse(name).unwrap();
    QueueKey { account: AccountId::DEFAULT, region: Region::default(), name }
}

/// Makes the shape, and opens what came out.
fn made(shape: Shape, groups: Option<u64>) -> (Filled, Opened, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut steps: Vec<(u64, u64)> = Vec::new();
    let asked = Fill { shape, count: COUNT, size_bytes: 200, groups };
    let filled = fill(folder.path(), &asked, &mut |tick| steps.push((tick.done, tick.count))).unwrap();
    let last = steps.last().unwrap();
    assert_eq!(last.0, last.1, "progress comes to its end");
    let opened = Opened::new(folder.path());
    (filled, opened, folder)
}

#[test]
fn waiting_messages_were_never_received() {
    let (filled, opened, _folder) = made(Shape::Waiting, None);
    assert_eq!((filled.queue.as_str(), filled.queues, filled.messages), ("waiting", 1, COUNT));
    assert_eq!(opened.describe("waiting").counts.visible as u64, COUNT);
    let received = opened.receive("waiting");
    assert_eq!(received.len(), 10);
    for (delivery, payload) in &received {
        assert_eq!((delivery.receive_count, payload.body.len()), (1, 200));
        assert_eq!(payload.body_md5, <[u8; 16]>::from(md5::Md5::digest(&payload.body)));
    }
    opened.end();
}

#[test]
fn returned_messages_have_been_received_once_or_three_times() {
    for (shape, name, before) in
        [(Shape::Returned, "returned", 1), (Shape::ReturnedOften, "returned-often", 3)]
    {
        let (_, opened, _folder) = made(shape, None);
        let counts = opened.describe(name).counts;
        assert_eq!((counts.visible as u64, counts.in_flight), (COUNT, 0));
        let (mut seen, mut receives) = (0, 0);
        while seen < COUNT {
            for (delivery, _) in opened.receive(name) {
                seen += 1;
                receives += u64::from(delivery.receive_count) - 1;
            }
        }
        assert_eq!(receives, before * COUNT, "{name}");
        opened.end();
    }
}

#[test]
fn delayed_messages_are_hidden_for_different_times() {
    let (_, opened, _folder) = made(Shape::Delayed, None);
    let counts = opened.describe("delayed").counts;
    assert_eq!(counts.visible + counts.delayed, COUNT as usize);
    assert!(counts.delayed > COUNT as usize / 2, "{counts:?}");
    opened.end();
}

#[test]
fn dead_letters_have_a_source_and_are_kept_for_14_days() {
    let (filled, opened, _folder) = made(Shape::DeadLetters, None);
    assert_eq!((filled.queue.as_str(), filled.queues), ("dead-letters", 2));
    let queue = opened.describe("dead-letters");
    assert_eq!((queue.counts.visible as u64, queue.attributes.retention_secs), (COUNT, 1_209_600));
    assert_eq!(opened.describe("dead-letters-source").usage.messages, 0);
    for (delivery, _) in opened.receive("dead-letters") {
        assert_eq!((delivery.source, delivery.receive_count), (Some(key("dead-letters-source")), 2));
    }
    opened.end();
}

#[test]
fn fifo_groups_are_as_many_as_asked_and_named_as_clients_name_them() {
    let (_, opened, _folder) = made(Shape::FifoGroups, Some(2));
    assert_eq!(opened.describe("fifo-groups.fifo").counts.visible as u64, COUNT);
    let received: Vec<_> = opened.receive("fifo-groups.fifo");
    let group = received[0].1.group_id.clone().unwrap();
    assert!(received.iter().all(|(_, payload)| payload.group_id.as_ref() == Some(&group)));
    assert_eq!(opened.describe("fifo-groups.fifo").groups_in_flight, Some(1));
    let other = opened.receive("fifo-groups.fifo")[0].1.group_id.clone().unwrap();
    assert_ne!(group, other);
    assert!(opened.receive("fifo-groups.fifo").is_empty(), "both are in flight");
    opened.end();
}

#[test]
fn tenants_are_groups_of_a_standard_queue_a_tenth_as_many_as_messages() {
    let (_, opened, _folder) = made(Shape::Tenants, None);
    let queue = opened.describe("tenants");
    assert_eq!((queue.counts.visible as u64, queue.attributes.fifo), (COUNT, None));
    assert!(queue.fair.is_some(), "it has groups");
    for (_, payload) in opened.receive("tenants") {
        let number: u64 = payload.group_id.unwrap().strip_prefix("group-").unwrap().parse().unwrap();
        assert!(number < COUNT / 10, "{number}");
    }
    opened.end();
}

#[test]
fn deduplication_remembers_every_id_and_holds_no_message() {
    let (filled, opened, _folder) = made(Shape::Deduplication, None);
    assert_eq!(filled.messages, 0);
    let queue = "deduplication.fifo";
    assert_eq!(opened.describe(queue).usage.messages, 0);
    let send = |id: String| {
        let digest: [u8; 32] = Sha256::digest(&id).into();
        let bits = u128::from_be_bytes(digest[..16].try_into().unwrap());
        let payload = Payload {
            message_id: MessageId(1),
            body_md5: [0; 16],
            sender_id: String::new(),
            trace_header: None,
            group_id: None,
            deduplication_id: Some(id),
            attributes: Vec::new(),
            body: "x".into(),
        };
        let message = NewMessage {
            id: MessageId(1),
            payload: payload.encode(),
            size_bytes: 1,
            delay_secs: None,
            group: Some(GroupKey::new(1)),
            deduplication: Some(SendName::Given(DeduplicationKey(bits))),
        };
        opened.call(Command::Send { key: key(queue), messages: vec![message] });
        opened.describe(queue).usage.messages
    };
    for number in 0..COUNT {
        assert_eq!(send(format!("fill-{number}")), 0, "{number} is a duplicate");
    }
    assert_eq!(send(format!("fill-{COUNT}")), 1, "this one is new");
    opened.end();
}

#[test]
fn queues_are_all_there() {
    let (filled, opened, _folder) = made(Shape::Queues, None);
    assert_eq!((filled.queues, filled.messages), (COUNT, 0));
    opened.describe("queues-0");
    opened.describe(&format!("queues-{}", COUNT - 1));
    opened.end();
}

#[test]
fn a_directory_that_holds_anything_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "x").unwrap();
    let asked = Fill { shape: Shape::Waiting, count: 1, size_bytes: 1, groups: None };
    let refused = |asked: &Fill| fill(folder.path(), asked, &mut |_| {}).unwrap_err();
    assert!(matches!(refused(&asked), FillError::NotEmpty(_)));
    assert!(matches!(refused(&Fill { count: 0, ..asked }), FillError::Nothing));
    assert!(matches!(refused(&Fill { groups: Some(0), ..asked }), FillError::Nothing));
    assert!(matches!(refused(&Fill { size_bytes: 0, ..asked }), FillError::Size { size_bytes: 0 }));
    assert!(matches!(refused(&Fill { size_bytes: 1_048_577, ..asked }), FillError::Size { .. }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn shapes_are_found_by_their_names() {
    for shape in Shape::ALL {
        assert_eq!(Shape::named(shape.name()), Some(shape));
    }
    assert_eq!(Shape::named("deep"), None);
}
