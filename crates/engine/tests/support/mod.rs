//! What the engine's tests have in common: commands, payloads, and a stage on which an engine stands without log,
//! store or clock.
//!
//! The stage keeps every output until the test looks at it, and makes nothing durable by itself.
#![allow(dead_code, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is wrong")]

pub(crate) mod running;
pub(crate) mod service;
pub(crate) mod workload;

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::command::{Command, NewMessage};
use millpond_core::message::{MessageId, MessageRef, QueueId, Receipt};
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_core::outage::BootReading;
use millpond_core::outcome::{Delivery, Outcome};
use millpond_core::payload::Payload;
use millpond_core::queue::AttributePatch;
use millpond_core::time::Timestamp;
use millpond_engine::recovery::Recovered;
use millpond_engine::step::{
    BodyPlace, Engine, EngineConfig, FetchId, Input, Output, ReadId, Reply, RequestId, Wait,
};
use millpond_log::Position;
use millpond_store::Wanted;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// The boot clock of a machine that was never restarted and never suspended.
pub(crate) fn reading(now: Timestamp) -> BootReading {
    BootReading { boot_id: [1; 16], millis: now.as_millis() }
}

/// One run of a machine: its boot clock goes on with the time of the service, behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Boot {
    pub(crate) id: [u8; 16],
    pub(crate) behind_millis: u64,
}

impl Default for Boot {
    fn default() -> Self {
        Self { id: [1; 16], behind_millis: 0 }
    }
}

impl Boot {
    pub(crate) fn reading(&self, now: Timestamp) -> BootReading {
        BootReading { boot_id: self.id, millis: now.as_millis().saturating_sub(self.behind_millis) }
    }
}

pub(crate) const RECEIPT_KEY: [u8; 16] = [7; 16];

pub(crate) fn key(name: &str) -> QueueKey {
    QueueKey {
        account: AccountId::DEFAULT,
        region: Region::parse("us-east-1").unwrap(),
        name: QueueName::parse(name).unwrap(),
    }
}

pub(crate) fn create(name: &str, attributes: AttributePatch) -> Command {
    Command::CreateQueue { key: key(name), attributes: attributes.into(), tags: Default::default() }
}

/// An encoded payload whose id tells it apart from all others.
pub(crate) fn payload(id: u128, body: &[u8]) -> Bytes {
    Payload {
        message_id: MessageId(id),
        body_md5: [0; 16],
        sender_id: "000000000000".to_owned(),
        trace_header: None,
        group_id: None,
        deduplication_id: None,
        attributes: Vec::new(),
        body: Bytes::copy_from_slice(body),
    }
    .encode()
}

/// The id inside an encoded payload that must be whole.
pub(crate) fn id_of(payload: &Bytes) -> u128 {
    Payload::decode(payload).unwrap().message_id.0
}

pub(crate) fn message(id: u128, body: &[u8], delay_secs: Option<u32>) -> NewMessage {
    let size_bytes = u32::try_from(body.len()).unwrap();
    NewMessage {
        id: MessageId(id),
        payload: payload(id, body),
        size_bytes,
        delay_secs,
        group: None,
        deduplication: None,
    }
}

/// Sends one message to `queue`, its id also its body.
pub(crate) fn send(queue: &str, id: u128) -> Command {
    send_sized(queue, id, 16)
}

pub(crate) fn send_sized(queue: &str, id: u128, body_bytes: usize) -> Command {
    let body = vec![b'a' + u8::try_from(id % 26).unwrap(); body_bytes];
    Command::Send { key: key(queue), messages: vec![message(id, &body, None)] }
}

pub(crate) fn send_delayed(queue: &str, id: u128, delay_secs: u32) -> Command {
    Command::Send { key: key(queue), messages: vec![message(id, b"later", Some(delay_secs))] }
}

pub(crate) fn receive(queue: &str, limit: usize) -> Command {
    Command::Receive { key: key(queue), limit, visibility_timeout_secs: None, attempt: None }
}

pub(crate) fn receive_for(queue: &str, limit: usize, visibility_timeout_secs: u32) -> Command {
    let visibility_timeout_secs = Some(visibility_timeout_secs);
    Command::Receive { key: key(queue), limit, visibility_timeout_secs, attempt: None }
}

pub(crate) fn delete(queue: &str, receipts: &[Receipt]) -> Command {
    Command::Delete { key: key(queue), receipts: receipts.to_vec() }
}

pub(crate) fn find(queue: &str) -> Command {
    Command::FindQueue { key: key(queue) }
}

/// What a receive handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    pub(crate) receipt: Receipt,
    pub(crate) delivery: Delivery,
    pub(crate) id: u128,
}

/// The deliveries of a reply to a receive.
pub(crate) fn handed(reply: &Reply) -> Vec<Handed> {
    let Reply::Done { outcome: Outcome::Received { queue, deliveries }, payloads } = reply else {
        panic!("no deliveries: {reply:?}")
    };
    assert_eq!(deliveries.len(), payloads.len(), "one payload for each delivery");
    let hand = |(delivery, payload): (&Delivery, &Bytes)| Handed {
        receipt: Receipt { queue: *queue, sequence: delivery.sequence, delivery: delivery.delivery },
        delivery: delivery.clone(),
        id: id_of(payload),
    };
    deliveries.iter().zip(payloads).map(hand).collect()
}

pub(crate) fn ids(reply: &Reply) -> Vec<u128> {
    handed(reply).iter().map(|handed| handed.id).collect()
}

pub(crate) fn outcome(reply: &Reply) -> &Outcome {
    let Reply::Done { outcome, .. } = reply else { panic!("not let in: {reply:?}") };
    outcome
}

/// An engine, the time, and what it has put out.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    pub(crate) appended: Vec<(Position, Bytes)>,
    pub(crate) reads: Vec<(ReadId, Vec<(MessageRef, BodyPlace)>)>,
    pub(crate) fetches: Vec<(FetchId, QueueId, Wanted, usize)>,
    pub(crate) quarantined: Vec<MessageRef>,
    replies: BTreeMap<RequestId, Reply>,
    /// In the order they left.
    pub(crate) replied: Vec<RequestId>,
    next_request: u64,
}

impl Stage {
    /// A new directory with the queue `q`, all of it durable.
    pub(crate) fn new() -> Self {
        Self::with(EngineConfig::default())
    }

    pub(crate) fn with(config: EngineConfig) -> Self {
        let mut stage = Self::on(config, Recovered::default(), START);
        stage.carry(create("q", AttributePatch::default()));
        stage
    }

    /// An engine on what was recovered, begun at `now`, its first batch still open.
    pub(crate) fn on(config: EngineConfig, recovered: Recovered, now: Timestamp) -> Self {
        let mut engine = Engine::new(config, recovered);
        engine.begin(now, RECEIPT_KEY, reading(now));
        Self {
            engine,
            now,
            appended: Vec::new(),
            reads: Vec::new(),
            fetches: Vec::new(),
            quarantined: Vec::new(),
            replies: BTreeMap::new(),
            replied: Vec::new(),
            next_request: 1,
        }
    }

    pub(crate) fn step(&mut self, input: Input) {
        let mut out = Vec::new();
        self.engine.step(self.now, input, &mut out);
        for output in out {
            match output {
                Output::Append { position, payload } => self.appended.push((position, payload)),
                Output::Reply { request, reply } => {
                    self.replied.push(request);
                    let twice = self.replies.insert(request, reply);
                    assert!(twice.is_none(), "request {request:?} was answered twice");
                }
                Output::Read { read, bodies } => self.reads.push((read, bodies)),
                Output::Fetch { fetch, queue, wanted, limit } => {
                    self.fetches.push((fetch, queue, wanted, limit));
                }
                Output::Quarantined { message } => self.quarantined.push(message),
            }
        }
    }

    pub(crate) fn pass_millis(&mut self, millis: u64) {
        self.now = self.now.plus_millis(millis);
    }

    pub(crate) fn pass_secs(&mut self, secs: u64) {
        self.now = self.now.plus_secs(secs);
    }

    pub(crate) fn tick(&mut self) {
        self.step(Input::Tick(reading(self.now)));
    }

    pub(crate) fn ask(&mut self, command: Command) -> RequestId {
        self.ask_waiting(command, 0)
    }

    pub(crate) fn ask_waiting(&mut self, command: Command, wait_secs: u32) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.step(Input::Request { request, command, wait: Wait::Secs(wait_secs) });
        request
    }

    pub(crate) fn end_turn(&mut self) {
        self.step(Input::TurnEnded);
    }

    /// The log has synced everything it was given.
    pub(crate) fn sync(&mut self) {
        if let Some(position) = self.last_appended() {
            self.step(Input::Durable(position));
        }
    }

    /// Turns and syncs until nothing is open.
    pub(crate) fn settle(&mut self) {
        self.sync();
        loop {
            let before = self.appended.len();
            self.end_turn();
            self.sync();
            if self.appended.len() == before {
                return;
            }
        }
    }

    pub(crate) fn last_appended(&self) -> Option<Position> {
        self.appended.last().map(|(position, _)| *position)
    }

    pub(crate) fn has_left(&self, request: RequestId) -> bool {
        self.replies.contains_key(&request)
    }

    /// The reply of a request, which must have left.
    pub(crate) fn take(&mut self, request: RequestId) -> Reply {
        self.replies.remove(&request).unwrap_or_else(|| panic!("{request:?} has no reply"))
    }

    /// Has a command carried out to the end.
    pub(crate) fn carry(&mut self, command: Command) -> Outcome {
        let reply = self.carry_reply(command);
        outcome(&reply).clone()
    }

    pub(crate) fn carry_reply(&mut self, command: Command) -> Reply {
        let request = self.ask(command);
        self.settle();
        self.take(request)
    }

    /// Has a receive carried out whose bodies are cached.
    pub(crate) fn hand_out(&mut self, command: Command) -> Vec<Handed> {
        let reply = self.carry_reply(command);
        handed(&reply)
    }

    pub(crate) fn queue_id(&self, name: &str) -> QueueId {
        self.engine.state().queue_named(&key(name)).unwrap().record.id
    }
}
