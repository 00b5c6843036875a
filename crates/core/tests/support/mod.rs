//! A state with a clock to turn, and one short call per command.
//!
//! Each command is decided on a settled state, and its events reach the state as they are and a replica as encoded and
//! decoded bytes. When a machine goes out of use the two must be equal, so each test is a test of replay as well.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::command::{Command, NewMessage};
use millpond_core::decide::decide;
use millpond_core::document::{Document, DocumentKey, ExpectedRevision};
use millpond_core::event::Event;
use millpond_core::format::batch::{Batch, BatchBuilder};
use millpond_core::format::fifo::{decode_deduplication, encode_deduplication};
use millpond_core::format::row::{
    decode_document, decode_entry, decode_instance, decode_queue, encode_document, encode_entry,
    encode_instance, encode_queue,
};
use millpond_core::message::{AttemptKey, GroupKey, MessageId, MessageRef, QueueId, Receipt, Sequence};
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::outage::BootReading;
use millpond_core::outcome::{Accepted, Delivery, Outcome, QueueDescription, Refusal};
use millpond_core::queue::{AttributePatch, Tags};
use millpond_core::state::{Queue, State};
use millpond_core::time::Timestamp;
use millpond_core::usage::Usage;

/// The time at which every machine begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The boot clock of a machine that is never restarted and never suspended.
pub(crate) fn reading(now: Timestamp) -> BootReading {
    BootReading { boot_id: [1; 16], millis: now.as_millis() }
}

/// The full name of a queue in the default account and `us-east-1`.
pub(crate) fn key(name: &str) -> QueueKey {
    key_in(0, "us-east-1", name)
}

pub(crate) fn key_in(account: u64, region: &str, name: &str) -> QueueKey {
    QueueKey {
        account: AccountId::from_number(account).unwrap(),
        region: Region::parse(region).unwrap(),
        name: QueueName::parse(name).unwrap(),
    }
}

pub(crate) fn document_key(collection: &str, name: &str) -> DocumentKey {
    DocumentKey { collection: collection.to_owned(), name: name.to_owned() }
}

/// A message with the size and delay that a test is about.
pub(crate) fn message(id: u128, size_bytes: u32, delay_secs: Option<u32>) -> NewMessage {
    NewMessage {
        id: MessageId(id),
        payload: Bytes::from(format!("payload {id}")),
        size_bytes,
        delay_secs,
        group: None,
        deduplication: None,
    }
}

/// The sequences of deliveries, as plain numbers.
pub(crate) fn numbers(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery.sequence.0).collect()
}

/// Makes visible all that is due in all queues.
pub(crate) fn settle_all(state: &mut State, now: Timestamp) {
    let mut after = None;
    while let Some(queue) = state.queue_after(after) {
        state.settle(queue, now, usize::MAX);
        after = Some(queue);
    }
}

/// The state that a store would give back: all rows encoded, decoded and put in again.
pub(crate) fn through_rows(state: &State) -> State {
    let mut restored = State::new();
    restored.restore_instance(decode_instance(encode_instance(state.instance()).into()).unwrap());
    for Queue { record, messages, deduplications, usage: _ } in state.queues() {
        restored.restore_queue(decode_queue(encode_queue(record).into()).unwrap());
        for (sequence, row) in deduplications.iter() {
            let message = MessageRef { queue: record.id, sequence };
            let row = decode_deduplication(encode_deduplication(row).into()).unwrap();
            restored.restore_deduplication(message, row).unwrap();
        }
        for (sequence, entry) in messages.iter() {
            let message = MessageRef { queue: record.id, sequence };
            let entry = decode_entry(encode_entry(entry).into()).unwrap();
            restored.restore_message(message, entry).unwrap();
        }
    }
    for (key, document) in state.documents() {
        let document = decode_document(encode_document(document).into()).unwrap();
        restored.restore_document(key.clone(), document);
    }
    restored
}

/// A live state, and a replica that knows only what was encoded.
pub(crate) struct Machine {
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    replica: State,
    next_id: u128,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { state: State::new(), now: START, replica: State::new(), next_id: 1 }
    }

    /// A machine with one queue that has the default settings.
    pub(crate) fn with_queue(name: &str) -> Self {
        Self::with_settings(name, AttributePatch::default())
    }

    pub(crate) fn with_settings(name: &str, attributes: AttributePatch) -> Self {
        let mut machine = Self::new();
        machine.create(name, attributes);
        machine
    }

    pub(crate) fn advance_millis(&mut self, millis: u64) {
        self.now = self.now.plus_millis(millis);
    }

    pub(crate) fn advance_secs(&mut self, secs: u64) {
        self.now = self.now.plus_secs(secs);
    }

    /// A message id that was not given before.
    pub(crate) fn new_id(&mut self) -> u128 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// The service begins to run.
    pub(crate) fn begin(&mut self, reading: BootReading) {
        let receipt_key = [7; 16];
        assert_eq!(self.run(Command::Begin { receipt_key, reading }), Outcome::Done);
    }

    /// The state that knows only what was encoded.
    pub(crate) fn replica(&self) -> &State {
        &self.replica
    }

    /// Goes on with the state as a store would give it back.
    pub(crate) fn restart(&mut self) {
        let restored = through_rows(&self.state);
        assert_eq!(restored.digest(), self.state.digest(), "the rows lost something");
        self.state = restored;
    }

    /// Decides a command on the settled state and applies its events.
    pub(crate) fn run(&mut self, command: Command) -> Outcome {
        settle_all(&mut self.state, self.now);
        self.run_unsettled(command).1
    }

    /// Decides a command on the state as far as it happens to be settled.
    pub(crate) fn run_unsettled(&mut self, command: Command) -> (Vec<Event>, Outcome) {
        let (events, outcome) = decide(&self.state, self.now, command);
        self.apply(&events);
        (events, outcome)
    }

    pub(crate) fn apply(&mut self, events: &[Event]) {
        self.state.apply(self.now, events).unwrap();
        let mut batch = BatchBuilder::new(self.now);
        for event in events {
            batch.push(event);
        }
        let batch = Batch::decode(batch.finish()).unwrap();
        assert_eq!(batch.events, events, "encoding lost something");
        self.replica.apply(batch.at, &batch.events).unwrap();
    }

    /// Runs a command that must be without effect.
    pub(crate) fn run_without_effect(&mut self, command: Command) -> Outcome {
        settle_all(&mut self.state, self.now);
        let (events, outcome) = self.run_unsettled(command);
        assert_eq!(events, [], "the command must change nothing");
        outcome
    }

    pub(crate) fn create(&mut self, name: &str, attributes: AttributePatch) -> QueueId {
        match self.run(Command::CreateQueue {
            key: key(name),
            attributes: attributes.into(),
            tags: Tags::new(),
        }) {
            Outcome::Queue { queue, .. } => queue,
            other => panic!("not created: {other:?}"),
        }
    }

    pub(crate) fn set(&mut self, name: &str, attributes: AttributePatch) -> Outcome {
        self.run(Command::SetQueueAttributes { key: key(name), attributes: attributes.into() })
    }

    pub(crate) fn queue(&self, name: &str) -> &Queue {
        self.state.queue_named(&key(name)).unwrap()
    }

    pub(crate) fn describe(&mut self, name: &str) -> QueueDescription {
        match self.run_without_effect(Command::DescribeQueue { key: key(name) }) {
            Outcome::Description(description) => *description,
            other => panic!("not described: {other:?}"),
        }
    }

    /// Visible, in flight, delayed.
    pub(crate) fn counts(&mut self, name: &str) -> [usize; 3] {
        let counts = self.describe(name).counts;
        [counts.visible, counts.in_flight, counts.delayed]
    }

    /// Sends so many small messages in one request.
    pub(crate) fn send(&mut self, name: &str, count: usize) -> Vec<Sequence> {
        self.send_with_delay(name, count, None)
    }

    pub(crate) fn send_with_delay(
        &mut self,
        name: &str,
        count: usize,
        delay_secs: Option<u32>,
    ) -> Vec<Sequence> {
        let first = self.next_id;
        self.next_id += count as u128;
        let messages = (first..self.next_id).map(|id| message(id, 10, delay_secs)).collect();
        self.send_messages(name, messages).into_iter().map(|result| result.unwrap().sequence).collect()
    }

    pub(crate) fn send_messages(
        &mut self,
        name: &str,
        messages: Vec<NewMessage>,
    ) -> Vec<Result<Accepted, Refusal>> {
        match self.run(Command::Send { key: key(name), messages }) {
            Outcome::Sent(results) => results,
            other => panic!("not sent: {other:?}"),
        }
    }

    pub(crate) fn receive(&mut self, name: &str, limit: usize) -> Vec<Delivery> {
        self.receive_for(name, limit, None)
    }

    pub(crate) fn receive_for(
        &mut self,
        name: &str,
        limit: usize,
        visibility_timeout_secs: Option<u32>,
    ) -> Vec<Delivery> {
        self.receive_named(name, limit, visibility_timeout_secs, None)
    }

    pub(crate) fn receive_named(
        &mut self,
        name: &str,
        limit: usize,
        visibility_timeout_secs: Option<u32>,
        attempt: Option<AttemptKey>,
    ) -> Vec<Delivery> {
        match self.run(Command::Receive { key: key(name), limit, visibility_timeout_secs, attempt }) {
            Outcome::Received { deliveries, .. } => deliveries,
            other => panic!("not received: {other:?}"),
        }
    }

    /// Receives the one message there is, and gives the receipt for it.
    pub(crate) fn receive_one(&mut self, name: &str) -> Receipt {
        let deliveries = self.receive(name, 10);
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        self.receipt(name, &deliveries[0])
    }

    pub(crate) fn receipt(&self, name: &str, delivery: &Delivery) -> Receipt {
        let queue = self.queue(name).record.id;
        Receipt { queue, sequence: delivery.sequence, delivery: delivery.delivery }
    }

    pub(crate) fn delete(&mut self, name: &str, receipts: &[Receipt]) -> Vec<Result<(), Refusal>> {
        match self.run(Command::Delete { key: key(name), receipts: receipts.to_vec() }) {
            Outcome::Deleted(results) => results,
            other => panic!("not deleted: {other:?}"),
        }
    }

    pub(crate) fn change_visibility(
        &mut self,
        name: &str,
        receipt: Receipt,
        timeout_secs: u32,
    ) -> Result<(), Refusal> {
        let changes = vec![(receipt, timeout_secs)];
        match self.run(Command::ChangeVisibility { key: key(name), changes }) {
            Outcome::VisibilityChanged(results) => results.into_iter().next().unwrap(),
            other => panic!("not changed: {other:?}"),
        }
    }

    pub(crate) fn give_back(&mut self, receipts: &[Receipt]) {
        assert_eq!(self.run(Command::ReturnLeases { receipts: receipts.to_vec() }), Outcome::Done);
    }

    /// Drops what has expired, once. Answers how many messages that were.
    pub(crate) fn expire(&mut self, name: &str) -> usize {
        let queue = self.queue(name).record.id;
        let before = self.queue(name).messages.len();
        assert_eq!(self.run(Command::Expire { queue }), Outcome::Done);
        before - self.queue(name).messages.len()
    }

    pub(crate) fn put(
        &mut self,
        key: &DocumentKey,
        expected: ExpectedRevision,
        value: &'static str,
    ) -> Result<Document, Refusal> {
        let value = Bytes::from_static(value.as_bytes());
        match self.run(Command::PutDocument { key: key.clone(), expected, value }) {
            Outcome::Document(Some(document)) => Ok(document),
            Outcome::Refused(refusal) => Err(refusal),
            other => panic!("not written: {other:?}"),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.replica.digest(), self.state.digest(), "live and replayed state differ");
        }
    }
}

/// Checks what holds for the index of a queue, however far it is settled.
pub(crate) fn check_index(queue: &Queue) {
    let held = queue.messages.iter().map(|(_, entry)| Usage::of(entry));
    assert_eq!(queue.usage, held.fold(Usage::default(), Usage::plus), "what is held is counted");
    if queue.record.attributes.fifo.is_some() {
        return check_groups(queue);
    }
    let messages = &queue.messages;
    // By then no group is noisy.
    let available = messages.available(Timestamp::MAX);
    let visible: Vec<_> = available.map(|(sequence, entry)| (entry.rank, sequence)).collect();
    assert!(visible.is_sorted_by(|one, next| one < next), "visible messages stand in order, each once");
    let is_visible = |sequence| visible.iter().any(|(_, other)| *other == sequence);
    let hidden: Vec<_> = messages.iter().filter(|(sequence, _)| !is_visible(*sequence)).collect();
    let counts = messages.counts();
    assert_eq!(visible.len() + hidden.len(), messages.len(), "each entry is visible or hidden");
    assert_eq!(counts.visible, visible.len());
    let delayed = hidden.iter().filter(|(_, entry)| entry.never_delivered()).count();
    assert_eq!(counts.delayed, delayed);
    assert_eq!(counts.in_flight, hidden.len() - delayed);
    let soonest = hidden.iter().map(|(_, entry)| entry.visible_at).min();
    assert_eq!(messages.next_visible_at(), soonest, "nothing is in the hidden index but what is hidden");
    let mut settled = messages.clone();
    settled.settle(Timestamp::MAX, usize::MAX);
    assert_eq!(
        settled.available(Timestamp::MAX).count(),
        messages.len(),
        "every hidden message can become visible"
    );
    assert_eq!(settled.next_visible_at(), None);
}

/// Checks that each account is known to hold what its queues hold.
pub(crate) fn check_accounts(state: &State) {
    let mut accounts: BTreeMap<AccountId, Usage> = BTreeMap::new();
    for queue in state.queues() {
        let held = accounts.entry(queue.record.key.account).or_default();
        *held = held.plus(queue.usage);
    }
    for account in [0, 7].map(|number| AccountId::from_number(number).unwrap()) {
        assert_eq!(state.account_usage(account), accounts.get(&account).copied().unwrap_or_default());
    }
}

/// Checks what holds for the index of a FIFO queue, against the entries alone.
fn check_groups(queue: &Queue) {
    let mut settled = queue.messages.clone();
    settled.settle(Timestamp::MAX, usize::MAX);
    let mut by_group: BTreeMap<GroupKey, Vec<(Timestamp, Sequence)>> = BTreeMap::new();
    for (sequence, entry) in settled.iter() {
        by_group.entry(entry.group.unwrap()).or_default().push((entry.rank, sequence));
    }
    let mut groups: Vec<Vec<(Timestamp, Sequence)>> = by_group.into_values().collect();
    groups.sort_unstable_by_key(|members| members[0]);
    let expected: Vec<Sequence> = groups.into_iter().flatten().map(|(_, sequence)| sequence).collect();
    let available: Vec<Sequence> = settled.available(Timestamp::MAX).map(|(sequence, _)| sequence).collect();
    assert_eq!(available, expected, "group after group, each in the order it was sent");
}
