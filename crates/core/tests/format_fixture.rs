//! The committed bytes of format 1: today's code reads them as it did, and writes the same.
//!
//! The files under `fixtures/format-1/` hold the bytes in hexadecimal; what follows `#` says what they are. They were
//! made from the tables of `docs/format.md` by another encoder than the one tested here, and are never changed: a later
//! format gets a folder of its own.

use std::num::{NonZeroU8, NonZeroU64};

use bytes::Bytes;
use millpond_core::document::Document;
use millpond_core::event::{AttemptRemembered, Event, MoveTaskEvent, SendRemembered};
use millpond_core::evolve::Instance;
use millpond_core::format::batch::{Batch, BatchBuilder};
use millpond_core::format::fifo::{decode_deduplication, encode_deduplication};
use millpond_core::format::row::{
    decode_document, decode_entry, decode_instance, decode_queue, encode_document, encode_entry,
    encode_instance, encode_queue,
};
use millpond_core::message::{
    Attempt, AttemptKey, DeduplicationKey, Entry, GroupKey, MessageId, MoveNumber, QueueId, Sequence,
};
use millpond_core::outage::{BootReading, ExpiryHold, HoldReason, NotedReading};
use millpond_core::pacing::{WaitingRule, Waits};
use millpond_core::payload::{AttributeValue, MessageAttribute, Payload, verify};
use millpond_core::queue::{
    Deduplication, DeduplicationScope, FifoAttributes, FifoThroughputLimit, MoveEnd, MoveFailure, MoveOrder,
    MoveStatus, MoveTask, MoveTaskId, MoveTasks, Policy, PolicyStatement, QueueAttributes, QueueRecord,
    RedriveAllowPolicy, RedrivePolicy, Tags,
};
use millpond_core::time::Timestamp;

use crate::decoding::crc32c;
use crate::support::{document_key, key_in};

const FILES: [(&str, &str); 10] = [
    ("batch", include_str!("fixtures/format-1/batch.hex")),
    ("batch-of-attempts", include_str!("fixtures/format-1/batch-of-attempts.hex")),
    ("instance-row", include_str!("fixtures/format-1/instance-row.hex")),
    ("new-instance-row", include_str!("fixtures/format-1/new-instance-row.hex")),
    ("queue-row", include_str!("fixtures/format-1/queue-row.hex")),
    ("message-row-of-format-1", include_str!("fixtures/format-1/message-row.hex")),
    ("message-row", include_str!("fixtures/format-2/message-row.hex")),
    ("deduplication-row", include_str!("fixtures/format-1/deduplication-row.hex")),
    ("document-row", include_str!("fixtures/format-1/document-row.hex")),
    ("payload", include_str!("fixtures/format-1/payload.hex")),
];

/// The bytes of a committed file.
pub(crate) fn fixture(name: &str) -> Bytes {
    let (_, text) = FILES.iter().find(|(file, _)| *file == name).unwrap();
    let code = text.lines().map(|line| line.split('#').next().unwrap());
    let digits: Vec<u32> = code
        .flat_map(str::chars)
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_digit(16).unwrap())
        .collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

fn millis(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

const ATTEMPT: AttemptKey = AttemptKey(*b"again-42");
const GROUP: GroupKey = GroupKey::new(0x0067_726f_7570);
const READING: BootReading = BootReading { boot_id: *b"fedcba9876543210", millis: 300 };

fn hold(reason: HoldReason) -> ExpiryHold {
    ExpiryHold {
        from: millis(1_700_000_000_000),
        up_at: millis(1_700_000_000_123),
        until: millis(1_700_003_600_123),
        reason,
    }
}

fn attributes() -> QueueAttributes {
    QueueAttributes {
        delay_secs: 900,
        maximum_message_bytes: 1_048_576,
        retention_secs: 1_209_600,
        receive_wait_secs: 20,
        visibility_timeout_secs: 43_200,
        managed_sse_enabled: false,
        kms_master_key_id: Some("alias/aws/sqs".to_owned()),
        kms_data_key_reuse_secs: 86_400,
        policy: Some(policy()),
        redrive: Some(RedrivePolicy {
            target: key_in(111_122_223_333, "eu-west-1", "dead.fifo"),
            max_receive_count: 1_000,
        }),
        redrive_allow: Some(RedriveAllowPolicy::ByQueue(vec![key_in(
            111_122_223_333,
            "eu-west-1",
            "in.fifo",
        )])),
        fifo: Some(FifoAttributes {
            content_based_deduplication: true,
            deduplication_scope: DeduplicationScope::MessageGroup,
            throughput_limit: FifoThroughputLimit::PerMessageGroupId,
        }),
    }
}

fn policy() -> Policy {
    let labelled = PolicyStatement { sid: Some("a".to_owned()), text: r#"{"Sid":"a"}"#.to_owned() };
    let unlabelled = PolicyStatement { sid: None, text: " {}".to_owned() };
    Policy {
        head: r#"{"Statement":["#.to_owned(),
        statements: vec![labelled, unlabelled],
        tail: "]}".to_owned(),
    }
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn move_task(event: MoveTaskEvent) -> Event {
    Event::MoveTask { queue: QueueId(5), event }
}

fn order() -> MoveOrder {
    MoveOrder {
        id: MoveTaskId::new(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
        destination: Some(key_in(111_122_223_333, "eu-west-1", "old.fifo")),
        messages_per_sec: Some(500),
        to_move: 2,
        below: Sequence(301),
    }
}

fn move_tasks() -> MoveTasks {
    let failed = MoveOrder {
        destination: None,
        messages_per_sec: None,
        to_move: 300,
        below: Sequence(300),
        ..order()
    };
    MoveTasks::restored(vec![
        MoveTask {
            order: failed,
            started_at: millis(1_700_000_000_123),
            moved: 299,
            status: MoveStatus::Ended(MoveEnd::Failed(MoveFailure::DestinationGone)),
        },
        MoveTask {
            order: MoveOrder { id: MoveTaskId::new(1), ..order() },
            started_at: millis(1_700_000_000_124),
            moved: 1,
            status: MoveStatus::Running { next: Sequence(2), due_at: millis(1_700_000_000_224) },
        },
    ])
}

fn move_task_events() -> [Event; 4] {
    [
        move_task(MoveTaskEvent::Started(MoveOrder { to_move: 300, ..order() })),
        move_task(MoveTaskEvent::SentAgain {
            to: QueueId(300),
            visible_at: millis(1_700_000_900_123),
            moves: vec![(Sequence(1), Sequence(301))],
        }),
        move_task(MoveTaskEvent::Advanced { next: Sequence(2), due_at: millis(1_700_000_000_124) }),
        move_task(MoveTaskEvent::Ended(MoveEnd::Failed(MoveFailure::SourceUnknown))),
    ]
}

/// One event of every kind, but for those of [`attempts_value`].
pub(crate) fn batch_value() -> Batch {
    let queue = QueueId(5);
    let key = key_in(111_122_223_333, "eu-west-1", "orders_1.fifo");
    let mut events = vec![
        Event::Initialised { receipt_key: *b"0123456789abcdef" },
        Event::ExpiryHeld(hold(HoldReason::ClockJump)),
        Event::QueueCreated { queue, key, attributes: attributes() },
        Event::QueueAttributesSet { queue, attributes: QueueAttributes::default() },
        Event::QueuePurged { queue, below: Sequence(300) },
        Event::QueueDeleted { queue: QueueId(200) },
        Event::MessageSent {
            queue,
            sequence: Sequence(300),
            visible_at: millis(1_700_000_900_123),
            group: None,
            deduplication: None,
            payload: Bytes::from_static(b"payload"),
        },
        Event::MessagesReceived {
            queue,
            visible_at: millis(1_700_000_030_123),
            sequences: vec![Sequence(300), Sequence(1)],
        },
        Event::LeasesReturned { queue, sequences: vec![Sequence(1)] },
        Event::VisibilityChanged { queue, sequence: Sequence(300), visible_at: millis(1_700_000_000_123) },
        Event::MessagesDeleted { queue, sequences: vec![Sequence(300)] },
        Event::MessagesExpired { queue, sequences: vec![Sequence(1), Sequence(2), Sequence(128)] },
        Event::MessageQuarantined { queue, sequence: Sequence(u64::MAX) },
        Event::DocumentPut {
            key: document_key("stack", "customers"),
            revision: 128,
            value: Bytes::from_static(b"{}"),
        },
        Event::DocumentRemoved { key: document_key("workload", "backend") },
        Event::ClockNoted { reading: READING },
        Event::MessageSent {
            queue,
            sequence: Sequence(301),
            visible_at: millis(1_700_000_900_123),
            group: Some(GROUP),
            deduplication: Some(SendRemembered {
                group: Some(GROUP),
                key: DeduplicationKey(0x006b_6579),
                message_id: MessageId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
            }),
            payload: Bytes::from_static(b"payload"),
        },
        Event::MessagesReceivedInOrder {
            queue,
            visible_at: millis(1_700_000_030_123),
            sequences: vec![Sequence(300), Sequence(1)],
            followers: vec![Sequence(301)],
            attempt: None,
        },
        Event::DeduplicationsForgotten { queue, below: Sequence(300) },
        Event::MessagesMoved {
            from: QueueId(300),
            from_key: key_in(111_122_223_333, "eu-west-1", "old.fifo"),
            to: queue,
            in_order: true,
            moves: vec![(Sequence(1), Sequence(301))],
        },
        Event::QueueTagsSet { queue, tags: tags(&[("stage", ""), ("team", "mill")]) },
    ];
    events.extend(move_task_events());
    events.extend(wait_events());
    Batch { at: millis(1_700_000_000_123), events, payload_offsets: vec![262, 439] }
}

fn wait_events() -> [Event; 2] {
    [
        Event::WaitBegun {
            rule: WaitingRule::CreateAfterDelete,
            key: key_in(111_122_223_333, "eu-west-1", "old.fifo"),
        },
        Event::WaitsForgotten,
    ]
}

fn waits() -> Waits {
    let mut waits = Waits::default();
    let key = key_in(111_122_223_333, "eu-west-1", "old.fifo");
    waits.restore(WaitingRule::PurgeAfterPurge, key, millis(1_700_000_000_123));
    waits
}

/// A receive with a name, and the same tried again.
fn attempts_value() -> Batch {
    let queue = QueueId(5);
    let sequences = vec![Sequence(300), Sequence(1)];
    let events = vec![
        Event::MessagesReceivedInOrder {
            queue,
            visible_at: millis(1_700_000_030_123),
            sequences: sequences.clone(),
            followers: vec![Sequence(301)],
            attempt: Some(AttemptRemembered { key: ATTEMPT, superseded: vec![Sequence(128)] }),
        },
        Event::ReceiveRepeated { queue, visible_at: millis(1_700_000_900_123), sequences },
    ];
    Batch { at: millis(1_700_000_000_123), events, payload_offsets: Vec::new() }
}

pub(crate) fn instance_value() -> Instance {
    Instance {
        receipt_key: Some(*b"0123456789abcdef"),
        clock: millis(1_700_000_000_123),
        next_queue: 6,
        next_revision: 129,
        expiry_hold: Some(hold(HoldReason::Outage)),
        moves: 300,
        noted_reading: Some(NotedReading { at: millis(1_700_000_000_123), reading: READING }),
        waits: waits(),
    }
}

pub(crate) fn queue_value() -> QueueRecord {
    QueueRecord {
        id: QueueId(5),
        key: key_in(111_122_223_333, "eu-west-1", "orders_1.fifo"),
        attributes: attributes(),
        tags: tags(&[("team", "mill")]),
        sources: [(QueueId(300), key_in(111_122_223_333, "eu-west-1", "old.fifo"))].into(),
        move_tasks: move_tasks(),
        created_at: millis(1_700_000_000_123),
        modified_at: millis(1_700_000_000_124),
        next_sequence: Sequence(301),
        expired: 128,
    }
}

pub(crate) fn entry_value() -> Entry {
    Entry {
        sent_at: millis(1_700_000_000_123),
        visible_at: millis(1_700_000_030_123),
        received_at: Some(millis(1_700_000_000_123)),
        first_received_at: None,
        receive_count: 1,
        delivery: 300,
        rank: millis(1_700_000_000_124),
        payload_bytes: 1_048_576,
        group: Some(GROUP),
        source: Some(QueueId(300)),
        moved: NonZeroU64::new(300).map(MoveNumber),
        attempt: Some(Attempt { key: ATTEMPT, place: 1, count: NonZeroU8::new(10).unwrap() }),
        repeated: true,
    }
}

pub(crate) fn deduplication_value() -> Deduplication {
    Deduplication {
        group: Some(GROUP),
        key: DeduplicationKey(0x006b_6579),
        message_id: MessageId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
        sent_at: millis(1_700_000_000_123),
    }
}

pub(crate) fn document_value() -> Document {
    Document { revision: 128, value: Bytes::from_static(b"{}") }
}

/// A payload with every field.
pub(crate) fn payload_value() -> Payload {
    Payload {
        message_id: MessageId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
        body_md5: *b"MD5-of-the-body!",
        sender_id: "AIDAEXAMPLE".to_owned(),
        trace_header: Some("Root=1".to_owned()),
        group_id: Some("tenant".to_owned()),
        deduplication_id: Some("once".to_owned()),
        attributes: vec![
            MessageAttribute {
                name: "price".to_owned(),
                data_type: "Number.eur".to_owned(),
                value: AttributeValue::Text("12.5".to_owned()),
            },
            MessageAttribute {
                name: "scan".to_owned(),
                data_type: "Binary".to_owned(),
                value: AttributeValue::Binary(Bytes::from_static(&[0x00, 0xff])),
            },
        ],
        body: Bytes::from_static("Jané,UK".as_bytes()),
    }
}

#[test]
fn a_batch_of_format_1_is_read_and_written() {
    for (name, value) in [("batch", batch_value()), ("batch-of-attempts", attempts_value())] {
        check_batch(name, &value);
    }
}

fn check_batch(name: &str, value: &Batch) {
    assert_eq!(Batch::decode(fixture(name)), Ok(value.clone()));
    let mut builder = BatchBuilder::new(value.at);
    let offsets: Vec<u32> = value.events.iter().filter_map(|event| builder.push(event)).collect();
    assert_eq!(offsets, value.payload_offsets);
    assert_eq!(builder.finish(), fixture(name));
}

#[test]
fn an_instance_row_of_format_1_is_read_and_written() {
    assert_eq!(decode_instance(fixture("instance-row")), Ok(instance_value()));
    assert_eq!(encode_instance(&instance_value()), fixture("instance-row"));
    assert_eq!(decode_instance(fixture("new-instance-row")), Ok(Instance::default()));
    assert_eq!(encode_instance(&Instance::default()), fixture("new-instance-row"));
}

#[test]
fn a_queue_row_of_format_1_is_read_and_written() {
    assert_eq!(decode_queue(fixture("queue-row")), Ok(queue_value()));
    assert_eq!(encode_queue(&queue_value()), fixture("queue-row"));
}

#[test]
fn a_message_row_of_format_1_is_read() {
    // Its rank was a number of its queue, which tells no time; it was received once, so it stands where it was sent.
    let read = Entry { rank: entry_value().sent_at, ..entry_value() };
    assert_eq!(decode_entry(fixture("message-row-of-format-1")), Ok(read));
}

#[test]
fn a_message_row_of_format_2_is_read_and_written() {
    assert_eq!(decode_entry(fixture("message-row")), Ok(entry_value()));
    assert_eq!(encode_entry(&entry_value()), fixture("message-row"));
    let forgotten = Entry { attempt: None, ..entry_value() };
    assert_eq!(encode_entry(&forgotten).last(), Some(&128), "the receive was repeated and can't be any more");
}

#[test]
fn a_document_row_of_format_1_is_read_and_written() {
    assert_eq!(decode_document(fixture("document-row")), Ok(document_value()));
    assert_eq!(encode_document(&document_value()), fixture("document-row"));
}

#[test]
fn a_payload_of_format_1_is_read_and_written() {
    let bytes = fixture("payload");
    assert_eq!(bytes[..4], crc32c(&bytes[4..]).to_le_bytes());
    assert_eq!(verify(&bytes), Ok(()));
    assert_eq!(Payload::decode(&bytes), Ok(payload_value()));
    assert_eq!(payload_value().encode(), bytes);
}

#[test]
fn a_payload_without_optional_fields_is_read_as_it_was_written() {
    let value = Payload {
        trace_header: None,
        group_id: None,
        deduplication_id: None,
        attributes: Vec::new(),
        ..payload_value()
    };
    assert_eq!(Payload::decode(&value.encode()), Ok(value));
}

#[test]
fn a_deduplication_row_of_format_1_is_read_and_written() {
    let bytes = fixture("deduplication-row");
    assert_eq!(decode_deduplication(bytes.clone()), Ok(deduplication_value()));
    assert_eq!(encode_deduplication(&deduplication_value()), bytes);
}
