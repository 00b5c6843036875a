//! Random commands with time, against the naive model, a replica that reads what was encoded, and rows.

use bytes::Bytes;
use millpond_core::command::{Command, NewMessage};
use millpond_core::decide::decide;
use millpond_core::document::ExpectedRevision;
use millpond_core::event::Event;
use millpond_core::format::batch::{Batch, BatchBuilder};
use millpond_core::limits;
use millpond_core::message::{MessageId, QueueId, Receipt, Sequence};
use millpond_core::name::QueueKey;
use millpond_core::outcome::{Outcome, QueueDescription};
use millpond_core::queue::{AttributePatch, MoveTaskId, RedrivePolicy, Tags};
use millpond_core::state::State;
use millpond_core::time::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::model::Model;
use crate::support::{
    START, check_accounts, check_index, document_key, key, key_in, reading, settle_all, through_rows,
};

/// One step; what it names by an index is looked up when it is taken.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Advance { millis: u64 },
    Settle { queue: Index, limit: usize },
    EndBatch,
    RestartFromRows,
    RestartFromLog,
    Outage { secs: u64 },
    Create { queue: Index, attributes: AttributePatch },
    DeleteQueue { queue: Index },
    Set { queue: Index, attributes: AttributePatch },
    Purge { queue: Index },
    Describe { queue: Index },
    DescribeAll { after: Option<u64>, limit: usize },
    List { prefix: &'static str, after: Option<Index>, limit: usize },
    Send { queue: Index, messages: Vec<(u32, Option<u32>)> },
    Receive { queue: Index, limit: usize, timeout_secs: Option<u32> },
    Delete { queue: Index, receipts: Vec<Index> },
    ChangeVisibility { queue: Index, changes: Vec<(Index, u32)> },
    GiveBack { receipts: Vec<Index> },
    Expire { queue: Index },
    StartMove { queue: Index, destination: Option<Index>, rate: Option<u32> },
    CancelMove { queue: Index, id: u128 },
    ListMoves { queue: Index, limit: usize },
    GoOnMoving { queue: Index },
    Quarantine { receipt: Index },
    Put { name: &'static str, expected: Option<u64>, value: u8 },
    Remove { name: &'static str, expected: Option<u64> },
    Documents,
}

fn patch() -> impl Strategy<Value = AttributePatch> {
    let delay = option::weighted(0.3, select(vec![0, 5, 900]));
    let size = option::weighted(0.2, select(vec![1_024, 1_048_576]));
    let retention = option::weighted(0.5, select(vec![60, 3_600, 345_600]));
    let visibility = option::weighted(0.3, select(vec![0, 5, 30, 43_200]));
    let redrive = option::weighted(0.5, option::weighted(0.8, redrive()));
    let rest = (option::weighted(0.2, 0..=20u32), option::weighted(0.1, any::<bool>()), redrive);
    (delay, size, retention, visibility, rest).prop_map(
        |(delay_secs, maximum_message_bytes, retention_secs, visibility_timeout_secs, rest)| AttributePatch {
            delay_secs,
            maximum_message_bytes,
            retention_secs,
            visibility_timeout_secs,
            receive_wait_secs: rest.0,
            managed_sse_enabled: rest.1,
            redrive: rest.2,
            ..AttributePatch::default()
        },
    )
}

fn redrive() -> impl Strategy<Value = RedrivePolicy> {
    let target = prop_oneof![9 => Just("orders-dead"), 1 => Just("orders")];
    (target, 1..3u32)
        .prop_map(|(target, max_receive_count)| RedrivePolicy { target: key(target), max_receive_count })
}

fn step() -> impl Strategy<Value = Step> {
    let queue = any::<Index>;
    let receipts = || vec(any::<Index>(), 1..4);
    let timeout = || select(vec![0, 1, 5, 30, 600, 43_200]);
    let millis =
        select(vec![1, 999, 1_000, 5_000, 30_000, 30_001, 60_000, 3_600_000, 43_200_000, 400_000_000]);
    let message = (select(vec![1, 1_024, 1_025]), option::weighted(0.3, select(vec![0, 1, 5, 900])));
    let revision = || option::of(0..4u64);
    let name = || select(vec!["a", "b"]);
    prop_oneof![
        14 => millis.prop_map(|millis| Step::Advance { millis }),
        4 => (queue(), 0..4usize).prop_map(|(queue, limit)| Step::Settle { queue, limit }),
        3 => Just(Step::EndBatch),
        2 => Just(Step::RestartFromRows),
        2 => Just(Step::RestartFromLog),
        1 => select(vec![2, 100, 5_000]).prop_map(|secs| Step::Outage { secs }),
        3 => (queue(), patch()).prop_map(|(queue, attributes)| Step::Create { queue, attributes }),
        1 => queue().prop_map(|queue| Step::DeleteQueue { queue }),
        3 => (queue(), patch()).prop_map(|(queue, attributes)| Step::Set { queue, attributes }),
        1 => queue().prop_map(|queue| Step::Purge { queue }),
        3 => queue().prop_map(|queue| Step::Describe { queue }),
        1 => (option::of(0..4u64), 1..4usize).prop_map(|(after, limit)| Step::DescribeAll { after, limit }),
        1 => (select(vec!["", "o", "orders", "orders.", "z"]), option::of(queue()), 1..4usize)
            .prop_map(|(prefix, after, limit)| Step::List { prefix, after, limit }),
        14 => (queue(), vec(message, 1..4)).prop_map(|(queue, messages)| Step::Send { queue, messages }),
        18 => (queue(), 1..=10usize, option::of(timeout()))
            .prop_map(|(queue, limit, timeout_secs)| Step::Receive { queue, limit, timeout_secs }),
        8 => (queue(), receipts()).prop_map(|(queue, receipts)| Step::Delete { queue, receipts }),
        8 => (queue(), vec((any::<Index>(), timeout()), 1..4))
            .prop_map(|(queue, changes)| Step::ChangeVisibility { queue, changes }),
        5 => receipts().prop_map(|receipts| Step::GiveBack { receipts }),
        4 => queue().prop_map(|queue| Step::Expire { queue }),
        4 => (queue(), option::of(queue()), select(vec![None, Some(1), Some(120)]))
            .prop_map(|(queue, destination, rate)| Step::StartMove { queue, destination, rate }),
        1 => (queue(), 0..4u128).prop_map(|(queue, id)| Step::CancelMove { queue, id }),
        2 => (queue(), 1..12usize).prop_map(|(queue, limit)| Step::ListMoves { queue, limit }),
        8 => queue().prop_map(|queue| Step::GoOnMoving { queue }),
        1 => any::<Index>().prop_map(|receipt| Step::Quarantine { receipt }),
        2 => (name(), revision(), any::<u8>())
            .prop_map(|(name, expected, value)| Step::Put { name, expected, value }),
        1 => (name(), revision()).prop_map(|(name, expected)| Step::Remove { name, expected }),
        1 => Just(Step::Documents),
    ]
}

/// The queues there may be: the first comes up most, so that it sees long histories.
fn queue_keys() -> Vec<QueueKey> {
    let often = key("orders");
    let dead = key("orders-dead");
    vec![often.clone(), often.clone(), often, dead.clone(), dead, key_in(7, "eu-west-1", "orders")]
}

pub(crate) struct Run {
    keys: Vec<QueueKey>,
    now: Timestamp,
    live: State,
    model: Model,
    batch: BatchBuilder,
    replica: State,
    receipts: Vec<Receipt>,
    sent: u128,
    tasks: u128,
}

impl Run {
    /// With these queues; one that is named twice comes up twice as often.
    pub(crate) fn new(keys: Vec<QueueKey>) -> Self {
        let mut run = Self {
            keys,
            now: START,
            live: State::new(),
            model: Model::default(),
            batch: BatchBuilder::new(START),
            replica: State::new(),
            receipts: Vec::new(),
            sent: 0,
            tasks: 0,
        };
        run.begin();
        for key in run.keys.clone() {
            run.execute(&Command::CreateQueue {
                key,
                attributes: AttributePatch::default().into(),
                tags: Tags::new(),
            });
        }
        run
    }

    pub(crate) fn take(&mut self, step: &Step) {
        match step {
            Step::Advance { millis } => {
                self.end_batch();
                self.now = self.now.plus_millis(*millis);
            }
            Step::Settle { queue, limit } => {
                if let Some(queue) = self.live.queue_named(queue.get(&self.keys)) {
                    let queue = queue.record.id;
                    self.live.settle(queue, self.now, *limit);
                }
            }
            Step::EndBatch => self.end_batch(),
            Step::RestartFromRows => self.live = through_rows(&self.live),
            Step::RestartFromLog => {
                self.end_batch();
                self.live = self.replica.clone();
            }
            Step::Outage { secs } => self.outage(*secs),
            _ => {
                let command = self.command(step);
                self.execute(&command);
            }
        }
        self.live.queues().for_each(check_index);
        check_accounts(&self.live);
    }

    fn outage(&mut self, secs: u64) {
        self.end_batch();
        let from = self.live.clock();
        self.now = self.now.plus_secs(secs);
        let until = self.now.plus_secs(limits::EXPIRY_GRACE_SECS);
        // Nothing is held for messages that come later.
        if self.live.holds_messages() {
            self.model.outage(from, until);
        }
        self.begin();
    }

    fn begin(&mut self) {
        let command = Command::Begin { receipt_key: [1; 16], reading: reading(self.now) };
        let (events, _) = decide(&self.live, self.now, command);
        self.apply(&events);
    }

    pub(crate) fn end_batch(&mut self) {
        let next = BatchBuilder::new(self.now);
        let bytes = std::mem::replace(&mut self.batch, next).finish();
        let batch = Batch::decode(bytes.clone()).unwrap();
        let payloads = batch.events.iter().filter_map(|event| match event {
            Event::MessageSent { payload, .. } => Some(payload),
            _ => None,
        });
        assert_eq!(payloads.clone().count(), batch.payload_offsets.len());
        for (payload, offset) in payloads.zip(&batch.payload_offsets) {
            assert!(bytes[*offset as usize..].starts_with(payload));
        }
        self.replica.apply(batch.at, &batch.events).unwrap();
        assert_eq!(self.replica.digest(), self.live.digest(), "live and replayed state differ");
    }

    fn apply(&mut self, events: &[Event]) {
        if self.batch.is_empty() {
            self.batch = BatchBuilder::new(self.now);
        }
        for event in events {
            let offset = self.batch.push(event);
            assert_eq!(offset.is_some(), matches!(event, Event::MessageSent { .. }));
        }
        self.live.apply(self.now, events).unwrap();
        assert_eq!(through_rows(&self.live).digest(), self.live.digest(), "the rows lost something");
    }

    pub(crate) fn execute(&mut self, command: &Command) {
        let (_, late) = decide(&self.live, self.now, command.clone());
        self.check_late(command, &late);
        let unsettled = self.live.digest();
        settle_all(&mut self.live, self.now);
        assert_eq!(self.live.digest(), unsettled, "settling changes nothing that lasts");
        self.live.queues().for_each(check_index);
        check_accounts(&self.live);

        let (events, outcome) = decide(&self.live, self.now, command.clone());
        let expected = self.model.run(self.now, command);
        assert_eq!(self.comparable(outcome.clone()), self.comparable(expected), "{command:?}");
        if let Outcome::Received { queue, deliveries } = outcome {
            for delivery in deliveries {
                let (sequence, delivery) = (delivery.sequence, delivery.delivery);
                self.receipts.push(Receipt { queue, sequence, delivery });
            }
        }
        self.apply(&events);
    }

    /// A state that is not settled up to now may be late, and nothing else: a receive gives what may be had, and what
    /// does not ask for visible messages is answered as ever.
    fn check_late(&self, command: &Command, late: &Outcome) {
        let mut settled = self.live.clone();
        settle_all(&mut settled, self.now);
        let (_, punctual) = decide(&settled, self.now, command.clone());
        match (command, late) {
            (Command::Receive { key, .. }, Outcome::Received { deliveries, .. }) => {
                let available = self.model.available(key, self.now);
                for delivery in deliveries {
                    assert!(available.contains(&delivery.sequence.0), "{delivery:?} is not to be had yet");
                }
            }
            (Command::DescribeQueue { .. } | Command::DescribeQueues { .. }, _) => {}
            _ => assert_eq!(*late, punctual, "{command:?}"),
        }
    }

    /// When what has expired did so is not told: only that it has.
    fn comparable(&self, mut outcome: Outcome) -> Outcome {
        let round = |description: &mut QueueDescription| {
            description.oldest_expires_at = description.oldest_expires_at.map(|at| at.max(self.now));
        };
        match &mut outcome {
            Outcome::Description(description) => round(description),
            Outcome::Descriptions { queues, .. } => queues.iter_mut().for_each(round),
            _ => {}
        }
        outcome
    }

    fn receipt(&self, index: &Index) -> Receipt {
        if self.receipts.is_empty() {
            return Receipt { queue: QueueId(0), sequence: Sequence(1), delivery: 1 };
        }
        *index.get(&self.receipts)
    }

    fn receipts(&self, indices: &[Index]) -> Vec<Receipt> {
        indices.iter().map(|index| self.receipt(index)).collect()
    }

    fn new_message(&mut self, size_bytes: u32, delay_secs: Option<u32>) -> NewMessage {
        self.sent += 1;
        let payload = Bytes::from(vec![b'x'; usize::try_from(self.sent % 200).unwrap()]);
        NewMessage {
            id: MessageId(self.sent),
            payload,
            size_bytes,
            delay_secs,
            group: None,
            deduplication: None,
        }
    }

    fn move_command(&mut self, step: &Step) -> Command {
        let named = |queue: &Index| queue.get(&self.keys).clone();
        match step {
            Step::StartMove { queue, destination, rate } => {
                self.tasks += 1;
                Command::StartMoveTask {
                    key: named(queue),
                    id: MoveTaskId::new(self.tasks),
                    destination: destination.as_ref().map(|queue| named(queue).into()),
                    back_to: None,
                    messages_per_sec: *rate,
                }
            }
            Step::CancelMove { queue, id } => {
                let id = MoveTaskId::new(self.tasks.saturating_sub(*id));
                Command::CancelMoveTask { key: named(queue), id }
            }
            Step::ListMoves { queue, limit } => Command::ListMoveTasks { key: named(queue), limit: *limit },
            Step::GoOnMoving { queue } => {
                let queue = self.live.queue_named(&named(queue)).map_or(QueueId(0), |queue| queue.record.id);
                Command::StepMoveTask { queue }
            }
            other => panic!("{other:?} is about no move task"),
        }
    }

    fn command(&mut self, step: &Step) -> Command {
        let named = |queue: &Index| queue.get(&self.keys).clone();
        match step {
            Step::Create { queue, attributes } => Command::CreateQueue {
                key: named(queue),
                attributes: attributes.clone().into(),
                tags: Tags::new(),
            },
            Step::DeleteQueue { queue } => Command::DeleteQueue { key: named(queue) },
            Step::Set { queue, attributes } => {
                Command::SetQueueAttributes { key: named(queue), attributes: attributes.clone().into() }
            }
            Step::Purge { queue } => Command::PurgeQueue { key: named(queue) },
            Step::Describe { queue } => Command::DescribeQueue { key: named(queue) },
            Step::DescribeAll { after, limit } => {
                Command::DescribeQueues { after: after.map(QueueId), limit: *limit }
            }
            Step::List { prefix, after, limit } => {
                let QueueKey { account, region, .. } = key("orders");
                let after = after.as_ref().map(|queue| named(queue).name);
                Command::ListQueues { account, region, prefix: (*prefix).to_owned(), after, limit: *limit }
            }
            Step::Send { queue, messages } => {
                let key = named(queue);
                let messages = messages.iter().map(|(size, delay)| self.new_message(*size, *delay)).collect();
                Command::Send { key, messages }
            }
            Step::Receive { queue, limit, timeout_secs } => {
                let (limit, visibility_timeout_secs) = (*limit, *timeout_secs);
                Command::Receive { key: named(queue), limit, visibility_timeout_secs, attempt: None }
            }
            Step::Delete { queue, receipts } => {
                Command::Delete { key: named(queue), receipts: self.receipts(receipts) }
            }
            Step::ChangeVisibility { queue, changes } => {
                let changes = changes.iter().map(|(index, secs)| (self.receipt(index), *secs)).collect();
                Command::ChangeVisibility { key: named(queue), changes }
            }
            Step::GiveBack { receipts } => Command::ReturnLeases { receipts: self.receipts(receipts) },
            Step::Expire { queue } => {
                let queue = self.live.queue_named(&named(queue)).map_or(QueueId(0), |queue| queue.record.id);
                Command::Expire { queue }
            }
            Step::StartMove { .. }
            | Step::CancelMove { .. }
            | Step::ListMoves { .. }
            | Step::GoOnMoving { .. } => self.move_command(step),
            Step::Quarantine { receipt } => {
                let Receipt { queue, sequence, .. } = self.receipt(receipt);
                Command::Quarantine { queue, sequence }
            }
            Step::Put { name, expected, value } => Command::PutDocument {
                key: document_key("stack", name),
                expected: expectation(*expected),
                value: Bytes::from(vec![*value]),
            },
            Step::Remove { name, expected } => {
                Command::RemoveDocument { key: document_key("stack", name), expected: expectation(*expected) }
            }
            _ => Command::ListDocuments { collection: "stack".to_owned() },
        }
    }
}

fn expectation(drawn: Option<u64>) -> ExpectedRevision {
    match drawn {
        None => ExpectedRevision::Any,
        Some(0) => ExpectedRevision::Absent,
        Some(revision) => ExpectedRevision::Exactly(revision - 1),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_state_does_what_the_rules_say_live_replayed_and_restored(steps in vec(step(), 1..120)) {
        let mut run = Run::new(queue_keys());
        for step in &steps {
            run.take(step);
        }
        run.end_batch();
    }
}
