//! A service in one value: prepares, decides, applies and encodes at once, its time and ids under the test's hand.

use std::collections::BTreeMap;

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::decide::decide;
use millpond_core::event::{Event, MoveTaskEvent};
use millpond_core::message::{MessageRef, QueueId};
use millpond_core::name::{AccountId, Region};
use millpond_core::outcome::Outcome;
use millpond_core::state::State;
use millpond_core::time::Timestamp;
use millpond_sqs::{Context, Endpoint, Prepared, QUERY, QueuePath, ReceiptCodec, WaitTime, prepare};
use millpond_wire::call::{Envelope, Parameters, error_body};
use millpond_wire::error::ApiError;
use millpond_wire::protocol::Protocol;
use millpond_wire::query::Form;
use millpond_wire::request_id::RequestId;
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const BASE_URL: &str = "http://127.0.0.1:4566";
/// The time at which every service starts: 2023-11-14 22:13:20 UTC.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_700_000_000_123);

/// The id of every request.
pub(crate) const REQUEST_ID: RequestId = RequestId(0);

/// The URL of a queue of the default account.
pub(crate) fn url(name: &str) -> String {
    format!("{BASE_URL}/{ACCOUNT}/{name}")
}

/// The body of a recorded or expected reply.
pub(crate) fn text(reply: &[u8]) -> &str {
    std::str::from_utf8(reply).unwrap()
}

/// Shape, status and message of an error.
pub(crate) fn shown(error: &ApiError) -> (&'static str, u16, String) {
    (error.kind().shape, error.status(), error.message().to_owned())
}

/// How replies to an action are written.
pub(crate) fn envelope(action: &str, protocol: Protocol) -> Envelope<'_> {
    Envelope { protocol, service: &QUERY, action, request_id: REQUEST_ID }
}

pub(crate) struct Service {
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    pub(crate) account: AccountId,
    pub(crate) trace_header: Option<&'static str>,
    pub(crate) queue_path: Option<QueuePath>,
    pub(crate) receipts: ReceiptCodec,
    payloads: BTreeMap<MessageRef, Bytes>,
    drawn: u128,
}

impl Service {
    pub(crate) fn new() -> Self {
        Self {
            state: State::new(),
            now: START,
            account: AccountId::DEFAULT,
            trace_header: None,
            queue_path: None,
            receipts: ReceiptCodec::new(*b"sixteen byte key"),
            payloads: BTreeMap::new(),
            drawn: 0,
        }
    }

    /// A service with one queue, `jobs`.
    pub(crate) fn with_queue() -> Self {
        let mut service = Self::new();
        service.ok("CreateQueue", json!({ "QueueName": "jobs" }));
        service
    }

    pub(crate) fn prepare(&mut self, action: &str, body: &[u8]) -> Result<Prepared, ApiError> {
        self.prepare_parameters(action, Parameters::Json(body))
    }

    /// As [`Service::prepare`], from a form.
    pub(crate) fn prepare_form(&mut self, action: &str, form: &str) -> Result<Prepared, ApiError> {
        let form = Form::parse(b"", form.as_bytes())?;
        self.prepare_parameters(action, Parameters::Query(&form))
    }

    fn prepare_parameters(&mut self, action: &str, parameters: Parameters<'_>) -> Result<Prepared, ApiError> {
        let context = Context {
            account: self.account,
            region: Region::parse("us-east-1").unwrap(),
            sender_id: "AIDAEXAMPLE",
            trace_header: self.trace_header,
            queue_path: self.queue_path.clone(),
            receipts: &self.receipts,
        };
        let drawn = &mut self.drawn;
        prepare(action, parameters, &context, &mut || {
            *drawn += 1;
            *drawn
        })
    }

    /// The reply's bytes, or the error.
    pub(crate) fn call(&mut self, action: &str, body: &[u8]) -> Result<Vec<u8>, ApiError> {
        let prepared = self.prepare(action, body)?;
        self.carry_out(action, prepared, Protocol::Json10)
    }

    /// The reply to a form, or the error, in XML.
    pub(crate) fn query(&mut self, action: &str, form: &str) -> String {
        self.query_as(action, form, Protocol::QueryXml)
    }

    pub(crate) fn query_as(&mut self, action: &str, form: &str, protocol: Protocol) -> String {
        let prepared = self.prepare_form(action, form);
        let reply = prepared.and_then(|prepared| self.carry_out(action, prepared, protocol));
        let reply = reply.unwrap_or_else(|error| error_body(&error, protocol, &QUERY, REQUEST_ID));
        String::from_utf8(reply).unwrap()
    }

    fn carry_out(
        &mut self,
        action: &str,
        prepared: Prepared,
        protocol: Protocol,
    ) -> Result<Vec<u8>, ApiError> {
        let Prepared { command, answer, queue, .. } = prepared;
        let queue_id = queue.and_then(|key| self.state.queue_named(&key).map(|queue| queue.record.id));
        if let Some(queue_id) = queue_id {
            self.state.settle(queue_id, self.now, usize::MAX);
        }
        let outcome = self.decide(command);
        let payloads = self.payloads_of(&outcome);
        let envelope = envelope(action, protocol);
        answer.encode(outcome, payloads, &Endpoint { base_url: BASE_URL }, &self.receipts, &envelope)
    }

    /// Decides a command on the state as it is, and applies its events.
    pub(crate) fn decide(&mut self, command: Command) -> Outcome {
        let (events, outcome) = decide(&self.state, self.now, command);
        for event in &events {
            match event {
                Event::MessageSent { queue, sequence, payload, .. } => {
                    self.payloads.insert(MessageRef { queue: *queue, sequence: *sequence }, payload.clone());
                }
                Event::MessagesMoved { from, to, moves, .. }
                | Event::MoveTask { queue: from, event: MoveTaskEvent::SentAgain { to, moves, .. } } => {
                    for (before, after) in moves {
                        let payload = self.payloads.remove(&MessageRef { queue: *from, sequence: *before });
                        self.payloads.insert(MessageRef { queue: *to, sequence: *after }, payload.unwrap());
                    }
                }
                _ => {}
            }
        }
        self.state.apply(self.now, &events).unwrap();
        outcome
    }

    fn payloads_of(&self, outcome: &Outcome) -> Vec<Bytes> {
        let Outcome::Received { queue, deliveries } = outcome else { return Vec::new() };
        let of = |sequence| self.payloads[&MessageRef { queue: *queue, sequence }].clone();
        deliveries.iter().map(|delivery| of(delivery.sequence)).collect()
    }

    /// The reply to a call that must succeed.
    pub(crate) fn ok(&mut self, action: &str, body: Value) -> Value {
        let reply = self.call(action, body.to_string().as_bytes());
        serde_json::from_slice(&reply.unwrap_or_else(|error| panic!("{action} {body}: {error}"))).unwrap()
    }

    /// Shape, status and message of the error of a call that must fail.
    pub(crate) fn error(&mut self, action: &str, body: Value) -> (&'static str, u16, String) {
        match self.call(action, body.to_string().as_bytes()) {
            Ok(reply) => panic!("{action} {body} succeeded: {}", text(&reply)),
            Err(error) => shown(&error),
        }
    }

    /// How long a receive would wait.
    pub(crate) fn wait_of(&mut self, body: Value) -> WaitTime {
        self.prepare("ReceiveMessage", body.to_string().as_bytes()).unwrap().wait
    }

    pub(crate) fn send(&mut self, body: &str) {
        self.ok("SendMessage", json!({ "QueueUrl": url("jobs"), "MessageBody": body }));
    }

    /// The handle of the next message.
    pub(crate) fn receive_handle(&mut self) -> String {
        let reply = self.ok("ReceiveMessage", json!({ "QueueUrl": url("jobs") }));
        reply["Messages"][0]["ReceiptHandle"].as_str().unwrap().to_owned()
    }

    pub(crate) fn wait_secs(&mut self, secs: u64) {
        self.now = self.now.plus_secs(secs);
    }

    pub(crate) fn queue_id_of(&self, name: &str) -> QueueId {
        let mut queues = self.state.queues();
        queues.find(|queue| queue.record.key.name.as_str() == name).unwrap().record.id
    }

    pub(crate) fn queue_id(&self) -> QueueId {
        self.state.queues().next().unwrap().record.id
    }
}
