//! Sends: one message or a batch, with delays, message groups and deduplication.

use bytes::Bytes;
use fastrand::Rng;
use millpond_core::command::{Command, NewMessage, SendName};
use millpond_core::message::{DeduplicationKey, GroupKey, MessageId};
use millpond_core::payload::{AttributeValue, MessageAttribute, Payload};
use millpond_engine::step::Wait;

use super::{About, What};
use crate::oracle::{NewSend, Query};
use crate::support::key;
use crate::topology::QUEUES;
use crate::world::{Halt, World};

/// Groups of a queue.
const GROUPS: u128 = 3;
/// Names of sends to a FIFO queue.
const NAMES: u128 = 12;

/// The content of a message, no two the same; all of one length if they are to be `uniform`.
fn content(random: &mut Rng, id: u128, body_max_bytes: usize, uniform: bool) -> Bytes {
    let drawn = random.usize(..body_max_bytes);
    let body_bytes = if uniform { body_max_bytes / 2 } else { drawn };
    let body = vec![b'a' + u8::try_from(id % 26).unwrap_or(0); body_bytes];
    let attribute = MessageAttribute {
        name: "kind".to_owned(),
        data_type: "String".to_owned(),
        value: AttributeValue::Text("order".to_owned()),
    };
    Payload {
        message_id: MessageId(id),
        body_md5: [u8::try_from(id % 251).unwrap_or(0); 16],
        sender_id: ["000000000000", "AROA:worker"][if uniform { 0 } else { random.usize(..2) }].to_owned(),
        trace_header: (!uniform && random.u8(..8) == 0).then(|| "Root=1-5759e988".to_owned()),
        group_id: None,
        deduplication_id: None,
        attributes: if !uniform && random.u8(..6) == 0 { vec![attribute] } else { Vec::new() },
        body: Bytes::from(body),
    }
    .encode()
}

impl World {
    pub(crate) fn send(&mut self, queue: usize) -> Result<(), Halt> {
        let count =
            if !self.mood.is_uniform && self.random.u8(..3) == 0 { self.random.usize(2..=6) } else { 1 };
        let body_max_bytes = if count > 2 { 60 } else { 250 };
        let messages: Vec<NewMessage> =
            (0..count).map(|_| self.draw_message(queue, body_max_bytes)).collect();
        let known = self.oracle.asks(queue);
        let deciding = self.deciding();
        let what = What::Send {
            ids: messages
                .iter()
                .map(|message| (message.id.0, self.is_too_long(queue, message.size_bytes)))
                .collect(),
            bounds: self.oracle.bounds(queue, deciding),
            must_of_all: self.oracle.bound_of_all(deciding.latest),
        };
        let command = Command::Send { key: key(QUEUES[queue].name), messages: messages.clone() };
        let let_in = self.ask(known, what, command, Wait::Secs(0), About::Query(Query::Exists(queue)))?;
        // If it was accepted, its time is that of the batch; a refusal will tell that there was no message.
        let sent_at = self.service().engine.state().clock();
        let default_secs = self.oracle.catalogues.all().filter_map(|catalogue| catalogue.attributes(queue));
        let default_secs = default_secs.map(|attributes| attributes.delay_secs).min().unwrap_or(0);
        for message in messages.into_iter().filter(|_| let_in) {
            let delay_secs = message.delay_secs.unwrap_or(default_secs);
            let named = message.deduplication.map(|name| match name {
                SendName::Given(DeduplicationKey(key)) | SendName::Content(DeduplicationKey(key)) => key,
            });
            let new = NewSend {
                id: message.id.0,
                payload: message.payload,
                sent_at,
                visible_from: sent_at.plus_secs(u64::from(delay_secs)),
                group: message.group.map(GroupKey::bits),
                name: named,
            };
            self.oracle.sends(known, new);
        }
        Ok(())
    }

    /// Whether a queue refuses a message of that size; open while its limit is.
    fn is_too_long(&self, queue: usize, size_bytes: u32) -> Option<bool> {
        let attributes = self.oracle.catalogues.all().filter_map(|catalogue| catalogue.attributes(queue));
        let mut answers = attributes.map(|attributes| size_bytes > attributes.maximum_message_bytes);
        let first = answers.next()?;
        answers.all(|answer| answer == first).then_some(first)
    }

    fn draw_message(&mut self, queue: usize, body_max_bytes: usize) -> NewMessage {
        self.clients.next_id += 1;
        let id = self.clients.next_id;
        let fifo = QUEUES[queue].fifo;
        let payload = content(&mut self.random, id, body_max_bytes, self.mood.is_uniform);
        let group = (fifo || self.mood.has_groups).then(|| GroupKey::new(self.random.u128(..GROUPS)));
        let name = DeduplicationKey(if self.random.bool() { self.random.u128(..NAMES) } else { NAMES + id });
        let by_content = self.random.u8(..6) == 0;
        let deduplication = if by_content { SendName::Content(name) } else { SendName::Given(name) };
        NewMessage {
            id: MessageId(id),
            // As SQS counts it, which the engine takes as it is told.
            size_bytes: if self.random.u8(..20) == 0 { 2_000 } else { 200 },
            payload,
            delay_secs: (!fifo && self.random.u8(..5) == 0).then(|| self.random.u32(..20)),
            group,
            deduplication: fifo.then_some(deduplication),
        }
    }
}
