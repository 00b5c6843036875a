//! Any value of what rows and events hold.

use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroU64};

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::document::DocumentKey;
use crate::event::{AttemptRemembered, Event, MoveTaskEvent, SendRemembered};
use crate::evolve::Instance;
use crate::limits;
use crate::message::{
    Attempt, AttemptKey, DeduplicationKey, Entry, GroupKey, MessageId, MoveNumber, QueueId, Sequence,
};
use crate::name::{AccountId, QueueKey, QueueName, Region};
use crate::outage::{BootReading, ExpiryHold, HoldReason, NotedReading};
use crate::pacing::{WaitingRule, Waits};
use crate::payload::{AttributeValue, MessageAttribute, Payload};
use crate::queue::{
    DeduplicationScope, FifoAttributes, FifoThroughputLimit, MoveEnd, MoveFailure, MoveOrder, MoveStatus,
    MoveTask, MoveTaskId, MoveTasks, Policy, PolicyStatement, QueueAttributes, QueueRecord,
    RedriveAllowPolicy, RedrivePolicy, Tags,
};
use crate::time::Timestamp;

/// Any time but the very last: an optional one is stored plus 1.
pub(super) fn time() -> impl Strategy<Value = Timestamp> {
    (0..u64::MAX).prop_map(Timestamp::from_millis)
}

pub(super) fn byte_string() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

pub(super) fn queue() -> impl Strategy<Value = QueueId> {
    any::<u64>().prop_map(QueueId)
}

pub(super) fn sequence() -> impl Strategy<Value = Sequence> {
    any::<u64>().prop_map(Sequence)
}

pub(super) fn sequences() -> impl Strategy<Value = Vec<Sequence>> {
    vec(sequence(), 0..20)
}

pub(super) fn queue_key() -> impl Strategy<Value = QueueKey> {
    (0..1_000_000_000_000u64, "[a-z0-9-]{1,32}", "[A-Za-z0-9_-]{1,75}(\\.fifo)?").prop_map(
        |(account, region, name)| QueueKey {
            account: AccountId::from_number(account).unwrap(),
            region: Region::parse(&region).unwrap(),
            name: QueueName::parse(&name).unwrap(),
        },
    )
}

pub(super) fn attributes() -> impl Strategy<Value = QueueAttributes> {
    let redrive = (queue_key(), any::<u32>())
        .prop_map(|(target, max_receive_count)| RedrivePolicy { target, max_receive_count });
    let absent =
        (option::of(".{1,9}"), option::of(policy()), option::of(redrive), option::of(redrive_allow()));
    (any::<[u32; 6]>(), any::<bool>(), absent, option::of(fifo_attributes())).prop_map(
        |(numbers, managed_sse_enabled, absent, fifo)| QueueAttributes {
            delay_secs: numbers[0],
            maximum_message_bytes: numbers[1],
            retention_secs: numbers[2],
            receive_wait_secs: numbers[3],
            visibility_timeout_secs: numbers[4],
            managed_sse_enabled,
            kms_master_key_id: absent.0,
            kms_data_key_reuse_secs: numbers[5],
            policy: absent.1,
            redrive: absent.2,
            redrive_allow: absent.3,
            fifo,
        },
    )
}

pub(super) fn policy() -> impl Strategy<Value = Policy> {
    let statement = (option::of(".{1,5}"), ".{0,9}").prop_map(|(sid, text)| PolicyStatement { sid, text });
    (".{0,9}", vec(statement, 0..4), ".{0,9}").prop_map(|(head, statements, tail)| Policy {
        head,
        statements,
        tail,
    })
}

pub(super) fn redrive_allow() -> impl Strategy<Value = RedriveAllowPolicy> {
    prop_oneof![
        Just(RedriveAllowPolicy::AllowAll),
        Just(RedriveAllowPolicy::DenyAll),
        vec(queue_key(), 0..4).prop_map(RedriveAllowPolicy::ByQueue),
    ]
}

pub(super) fn tags() -> impl Strategy<Value = Tags> {
    btree_map(".{0,5}", ".{0,5}", 0..4)
}

pub(super) fn fifo_attributes() -> impl Strategy<Value = FifoAttributes> {
    let scope = select(vec![DeduplicationScope::Queue, DeduplicationScope::MessageGroup]);
    let limit = select(vec![FifoThroughputLimit::PerQueue, FifoThroughputLimit::PerMessageGroupId]);
    (any::<bool>(), scope, limit).prop_map(
        |(content_based_deduplication, deduplication_scope, throughput_limit)| FifoAttributes {
            content_based_deduplication,
            deduplication_scope,
            throughput_limit,
        },
    )
}

pub(super) fn document_key() -> impl Strategy<Value = DocumentKey> {
    (".{0,20}", ".{0,20}").prop_map(|(collection, name)| DocumentKey { collection, name })
}

pub(super) fn reading() -> impl Strategy<Value = BootReading> {
    (any::<[u8; 16]>(), any::<u64>()).prop_map(|(boot_id, millis)| BootReading { boot_id, millis })
}

pub(super) fn hold() -> impl Strategy<Value = ExpiryHold> {
    let reason = prop_oneof![Just(HoldReason::Outage), Just(HoldReason::ClockJump)];
    (time(), time(), time(), reason).prop_map(|(from, up_at, until, reason)| ExpiryHold {
        from,
        up_at,
        until,
        reason,
    })
}

pub(super) fn instance() -> impl Strategy<Value = Instance> {
    let noted = (time(), reading()).prop_map(|(at, reading)| NotedReading { at, reading });
    let known = (option::of(hold()), option::of(noted), waits());
    (option::of(any::<[u8; 16]>()), time(), any::<[u64; 3]>(), known).prop_map(
        |(receipt_key, clock, [next_queue, next_revision, moves], (expiry_hold, noted_reading, waits))| {
            Instance {
                receipt_key,
                clock,
                next_queue,
                next_revision,
                expiry_hold,
                moves,
                noted_reading,
                waits,
            }
        },
    )
}

pub(super) fn waiting_rule() -> impl Strategy<Value = WaitingRule> {
    select(vec![WaitingRule::CreateAfterDelete, WaitingRule::PurgeAfterPurge])
}

pub(super) fn waits() -> impl Strategy<Value = Waits> {
    vec((waiting_rule(), queue_key(), time()), 0..3).prop_map(|entries| {
        let mut waits = Waits::default();
        entries.into_iter().for_each(|(rule, key, since)| waits.restore(rule, key, since));
        waits
    })
}

pub(super) fn sources() -> impl Strategy<Value = BTreeMap<QueueId, QueueKey>> {
    btree_map(queue(), queue_key(), 0..3)
}

pub(super) fn move_order() -> impl Strategy<Value = MoveOrder> {
    let rate = option::of(1..=u32::MAX);
    (any::<u128>(), option::of(queue_key()), rate, any::<u64>(), sequence()).prop_map(
        |(id, destination, messages_per_sec, to_move, below)| MoveOrder {
            id: MoveTaskId::new(id),
            destination,
            messages_per_sec,
            to_move,
            below,
        },
    )
}

pub(super) fn move_end() -> impl Strategy<Value = MoveEnd> {
    select(vec![
        MoveEnd::Completed,
        MoveEnd::Cancelled,
        MoveEnd::Failed(MoveFailure::SourceUnknown),
        MoveEnd::Failed(MoveFailure::DestinationGone),
    ])
}

pub(super) fn move_tasks() -> impl Strategy<Value = MoveTasks> {
    let status = prop_oneof![
        (sequence(), time()).prop_map(|(next, due_at)| MoveStatus::Running { next, due_at }),
        move_end().prop_map(MoveStatus::Ended),
    ];
    let task = (move_order(), time(), any::<u64>(), status)
        .prop_map(|(order, started_at, moved, status)| MoveTask { order, started_at, moved, status });
    vec(task, 0..4).prop_map(MoveTasks::restored)
}

pub(super) fn move_task_event() -> impl Strategy<Value = MoveTaskEvent> {
    prop_oneof![
        move_order().prop_map(MoveTaskEvent::Started),
        (queue(), time(), vec((sequence(), sequence()), 0..5))
            .prop_map(|(to, visible_at, moves)| MoveTaskEvent::SentAgain { to, visible_at, moves }),
        (sequence(), time()).prop_map(|(next, due_at)| MoveTaskEvent::Advanced { next, due_at }),
        move_end().prop_map(MoveTaskEvent::Ended),
    ]
}

pub(super) fn record() -> impl Strategy<Value = QueueRecord> {
    let rest = (sequence(), any::<u64>());
    (queue(), queue_key(), attributes(), tags(), sources(), move_tasks(), [time(), time()], rest).prop_map(
        |(
            id,
            key,
            attributes,
            tags,
            sources,
            move_tasks,
            [created_at, modified_at],
            (next_sequence, expired),
        )| {
            QueueRecord {
                id,
                key,
                attributes,
                tags,
                sources,
                move_tasks,
                created_at,
                modified_at,
                next_sequence,
                expired,
            }
        },
    )
}

pub(super) fn entry() -> impl Strategy<Value = Entry> {
    let optional = || option::of(time());
    let origin = (group(), source(), any::<u64>(), option::of(attempt()), any::<bool>());
    (time(), time(), optional(), optional(), any::<[u32; 3]>(), time(), origin).prop_map(
        |(sent_at, visible_at, received_at, first_received_at, numbers, rank, origin)| Entry {
            sent_at,
            visible_at,
            received_at,
            first_received_at,
            receive_count: numbers[0],
            delivery: numbers[1],
            rank,
            payload_bytes: numbers[2],
            group: origin.0,
            source: origin.1,
            moved: NonZeroU64::new(origin.2).map(MoveNumber),
            attempt: origin.3,
            repeated: origin.4,
        },
    )
}

pub(super) fn attempt() -> impl Strategy<Value = Attempt> {
    let place_and_count = (1..=limits::ATTEMPT_MESSAGES).prop_flat_map(|count| (0..count, Just(count)));
    (any::<[u8; 8]>(), place_and_count).prop_map(|(key, (place, count))| Attempt {
        key: AttemptKey(key),
        place,
        count: NonZeroU8::new(count).unwrap(),
    })
}

pub(super) fn remembered_attempt() -> impl Strategy<Value = AttemptRemembered> {
    (any::<[u8; 8]>(), sequences())
        .prop_map(|(key, superseded)| AttemptRemembered { key: AttemptKey(key), superseded })
}

pub(super) fn source() -> impl Strategy<Value = Option<QueueId>> {
    option::of((0..u64::MAX).prop_map(QueueId))
}

pub(super) fn group() -> impl Strategy<Value = Option<GroupKey>> {
    option::of(any::<u128>().prop_map(GroupKey::new))
}

/// The group of a message, and what is remembered of its send.
pub(super) fn remembered() -> impl Strategy<Value = (Option<GroupKey>, Option<SendRemembered>)> {
    (group(), option::of(any::<(bool, u128, u128)>())).prop_map(|(group, remembered)| {
        let remembered = remembered.map(|(in_group, key, id)| SendRemembered {
            group: group.filter(|_| in_group),
            key: DeduplicationKey(key),
            message_id: MessageId(id),
        });
        (group, remembered)
    })
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let message_sent = (queue(), sequence(), time(), byte_string(), remembered());
    let document_put = (document_key(), any::<u64>(), byte_string());
    prop_oneof![
        any::<[u8; 16]>().prop_map(|receipt_key| Event::Initialised { receipt_key }),
        hold().prop_map(Event::ExpiryHeld),
        reading().prop_map(|reading| Event::ClockNoted { reading }),
        (queue(), queue_key(), attributes()).prop_map(|(queue, key, attributes)| Event::QueueCreated {
            queue,
            key,
            attributes
        }),
        (queue(), attributes())
            .prop_map(|(queue, attributes)| Event::QueueAttributesSet { queue, attributes }),
        (queue(), tags()).prop_map(|(queue, tags)| Event::QueueTagsSet { queue, tags }),
        (queue(), sequence()).prop_map(|(queue, below)| Event::QueuePurged { queue, below }),
        queue().prop_map(|queue| Event::QueueDeleted { queue }),
        message_sent.prop_map(|(queue, sequence, visible_at, payload, (group, deduplication))| {
            Event::MessageSent { queue, sequence, visible_at, group, deduplication, payload }
        }),
        (queue(), time(), sequences(), sequences(), option::of(remembered_attempt())).prop_map(
            |(queue, visible_at, sequences, followers, attempt)| Event::MessagesReceivedInOrder {
                queue,
                visible_at,
                sequences,
                followers,
                attempt
            }
        ),
        (queue(), time(), sequences()).prop_map(|(queue, visible_at, sequences)| Event::ReceiveRepeated {
            queue,
            visible_at,
            sequences
        }),
        (queue(), sequence()).prop_map(|(queue, below)| Event::DeduplicationsForgotten { queue, below }),
        (queue(), queue_key(), queue(), any::<bool>(), vec((sequence(), sequence()), 0..5)).prop_map(
            |(from, from_key, to, in_order, moves)| Event::MessagesMoved {
                from,
                from_key,
                to,
                in_order,
                moves
            }
        ),
        (queue(), move_task_event()).prop_map(|(queue, event)| Event::MoveTask { queue, event }),
        (queue(), time(), sequences()).prop_map(|(queue, visible_at, sequences)| Event::MessagesReceived {
            queue,
            visible_at,
            sequences
        }),
        (queue(), sequences()).prop_map(|(queue, sequences)| Event::LeasesReturned { queue, sequences }),
        (queue(), sequence(), time()).prop_map(|(queue, sequence, visible_at)| Event::VisibilityChanged {
            queue,
            sequence,
            visible_at
        }),
        (queue(), sequences()).prop_map(|(queue, sequences)| Event::MessagesDeleted { queue, sequences }),
        (queue(), sequences()).prop_map(|(queue, sequences)| Event::MessagesExpired { queue, sequences }),
        (queue(), sequence()).prop_map(|(queue, sequence)| Event::MessageQuarantined { queue, sequence }),
        (waiting_rule(), queue_key()).prop_map(|(rule, key)| Event::WaitBegun { rule, key }),
        Just(Event::WaitsForgotten),
        document_put.prop_map(|(key, revision, value)| Event::DocumentPut { key, revision, value }),
        document_key().prop_map(|key| Event::DocumentRemoved { key }),
    ]
}

pub(super) fn payload() -> impl Strategy<Value = Payload> {
    let value =
        prop_oneof![".{0,30}".prop_map(AttributeValue::Text), byte_string().prop_map(AttributeValue::Binary)];
    let attribute = (".{0,20}", ".{0,20}", value).prop_map(|(name, data_type, value)| MessageAttribute {
        name,
        data_type,
        value,
    });
    let texts = (".{0,20}", option::of(".{0,20}"), option::of(".{0,20}"), option::of(".{0,20}"));
    (any::<u128>(), any::<[u8; 16]>(), texts, vec(attribute, 0..10), byte_string()).prop_map(
        |(id, body_md5, (sender_id, trace_header, group_id, deduplication_id), attributes, body)| Payload {
            message_id: MessageId(id),
            body_md5,
            sender_id,
            trace_header,
            group_id,
            deduplication_id,
            attributes,
            body,
        },
    )
}
