//! A message as its sender gives it: its rules, and how it becomes the state's.
//!
//! Size limits that the queue sets are not checked here; the state knows them.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.

use std::borrow::Cow;

use bytes::Bytes;
use millpond_core::command::NewMessage;
use millpond_core::limits;
use millpond_core::message::MessageId;
use millpond_core::name::QueueName;
use millpond_core::outcome::Accepted;
use millpond_core::payload::{AttributeValue, Payload};
use millpond_wire::shape::{Integer, RawText, Text};
use serde::Serialize;

use crate::characters::allowed_text;
use crate::error::SqsError;
use crate::fifo::{self, SequenceNumber};
use crate::message_attributes::{self, GivenAttributes};
use crate::prepare::Call;
use crate::ranges;
use crate::wire_text::{Md5, Uuid};

/// The members that `SendMessage` and an entry of `SendMessageBatch` share.
pub(crate) struct Draft<'a> {
    pub(crate) body: Option<RawText<'a>>,
    pub(crate) delay_seconds: Option<Integer>,
    pub(crate) attributes: Option<GivenAttributes<'a>>,
    pub(crate) system_attributes: Option<GivenAttributes<'a>>,
    pub(crate) deduplication_id: Option<Text<'a>>,
    pub(crate) group_id: Option<Text<'a>>,
}

/// What the reply tells of an accepted message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SentReply {
    #[serde(rename = "MD5OfMessageBody")]
    body_md5: Md5,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<Md5>,
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    system_attributes_md5: Option<Md5>,
    #[serde(rename = "MessageId")]
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<SequenceNumber>,
    #[serde(skip)]
    is_fifo: bool,
}

impl SentReply {
    /// The reply for a message that was accepted, now or, as a duplicate, before.
    pub(crate) fn accepted(self, Accepted { id, sequence }: Accepted) -> Self {
        Self { id: Uuid(id), sequence_number: self.is_fifo.then_some(SequenceNumber(sequence)), ..self }
    }
}

impl Draft<'_> {
    /// Its size as SQS counts it: body and message attributes.
    pub(crate) fn size_bytes(&self) -> u64 {
        let body = self.body.as_ref().map_or(0, |body| body.0.len() as u64);
        body + self.attributes.as_ref().map_or(0, message_attributes::given_bytes)
    }

    /// What its body says; nothing when it has none.
    pub(crate) fn body(&self) -> &[u8] {
        self.body.as_ref().map_or(&[], |body| &body.0)
    }

    /// Checks it and draws its id. `body_md5` is the digest of its body, `body_parameter` the body's name in the request.
    pub(crate) fn accept(
        mut self,
        queue: &QueueName,
        call: &mut Call<'_>,
        body_md5: [u8; 16],
        body_parameter: impl FnOnce() -> Cow<'static, str>,
    ) -> Result<(NewMessage, SentReply), SqsError> {
        let size_bytes = u32::try_from(self.size_bytes()).unwrap_or(u32::MAX);
        let body = self.body.filter(|body| !body.0.is_empty());
        let body = body.ok_or_else(|| SqsError::MissingParameter(body_parameter()))?.0;
        allowed_text(&body).ok_or(SqsError::InvalidMessageContents)?;
        let delay_secs = self
            .delay_seconds
            .map(|secs| ranges::named_seconds(secs, "DelaySeconds", limits::DELAY_SECS))
            .transpose()?;
        let attributes = self.attributes.map(message_attributes::check).transpose()?.unwrap_or_default();
        let trace = self.system_attributes.map(message_attributes::check_system).transpose()?.flatten();
        let is_fifo = queue.is_fifo();
        let group = self.group_id.take().map(|id| allowed_id(id, "MessageGroupId")).transpose()?;
        let deduplication = self.deduplication_id.take();
        let deduplication = deduplication.map(|id| allowed_id(id, "MessageDeduplicationId")).transpose()?;
        let send = fifo::send(is_fifo, group.as_deref(), deduplication.as_deref(), delay_secs, &body)?;

        let id = random_uuid((call.entropy)());
        let reply = SentReply {
            body_md5: Md5(body_md5),
            attributes_md5: message_attributes::digest(&attributes),
            system_attributes_md5: message_attributes::digest(&trace),
            id: Uuid(id),
            sequence_number: None,
            is_fifo,
        };
        let given_trace = trace.and_then(|trace| match trace.value {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Binary(_) => None,
        });
        let payload = Payload {
            message_id: id,
            body_md5,
            sender_id: call.context.sender_id.to_owned(),
            trace_header: given_trace.or_else(|| call.context.trace_header.map(str::to_owned)),
            group_id: group,
            deduplication_id: send.deduplication_id,
            attributes,
            body: Bytes::new(),
        };
        let (group, deduplication) = (send.group, send.name);
        let message = NewMessage {
            id,
            payload: payload.encode_around(&body),
            size_bytes,
            delay_secs,
            group,
            deduplication,
        };
        Ok((message, reply))
    }
}

fn allowed_id(id: Text<'_>, parameter: &'static str) -> Result<String, SqsError> {
    let allowed = |byte: u8| byte.is_ascii_graphic();
    if limits::MESSAGE_GROUP_ID_CHARS.contains(&id.as_str().len()) && id.as_str().bytes().all(allowed) {
        return Ok(id.0.into_owned());
    }
    Err(SqsError::invalid(
        id.as_str(),
        parameter,
        format!("{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."),
    ))
}

/// A random UUID (version 4) from random bits.
fn random_uuid(bits: u128) -> MessageId {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0x3 << 62;
    MessageId(bits & !VERSION & !VARIANT | 0x4 << 76 | 0x2 << 62)
}
