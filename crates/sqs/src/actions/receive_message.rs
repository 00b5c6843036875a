//! `ReceiveMessage`: hands out messages.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>.

use bytes::Bytes;
use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::message::{QueueId, Receipt};
use millpond_core::outcome::Delivery;
use millpond_core::payload::Payload;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Integer, List, Text};
use serde::{Deserialize, Serialize, Serializer};

use super::Reply;
use crate::error::SqsError;
use crate::fifo;
use crate::message_attributes::{self, AttributesReply};
use crate::prepare::{Call, Prepared, WaitTime};
use crate::ranges;
use crate::receipt::ReceiptCodec;
use crate::selection::{AttributeSelection, SystemAttributesReply, SystemSelection};
use crate::wire_text::{Md5, Uuid};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    attribute_names: Option<List<Text<'a>>>,
    #[serde(borrow)]
    message_system_attribute_names: Option<List<Text<'a>>>,
    #[serde(borrow)]
    message_attribute_names: Option<List<Text<'a>>>,
    max_number_of_messages: Option<Integer>,
    visibility_timeout: Option<Integer>,
    wait_time_seconds: Option<Integer>,
    #[serde(borrow)]
    receive_request_attempt_id: Option<Text<'a>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let limit = match request.max_number_of_messages {
        Some(number) => ranges::count(number, "MaxNumberOfMessages", limits::RECEIVE_MESSAGES)?,
        None => *limits::RECEIVE_MESSAGES.start(),
    };
    let visibility_timeout_secs = request
        .visibility_timeout
        .map(|secs| ranges::seconds(secs, "VisibilityTimeout", limits::VISIBILITY_TIMEOUT_SECS));
    let wait = match request.wait_time_seconds {
        Some(secs) => WaitTime::Secs(ranges::seconds(secs, "WaitTimeSeconds", limits::RECEIVE_WAIT_SECS)?),
        None => WaitTime::QueueDefault,
    };
    let attempt_id = request.receive_request_attempt_id.as_ref().map(Text::as_str);
    let attempt = attempt_id.map(|id| fifo::attempt(key.name.is_fifo(), id)).transpose()?;
    // The older name of the parameter counts only when the newer one is not given.
    let system_names = request.message_system_attribute_names.filter(|names| names.sent > 0);
    let system_names = system_names.or(request.attribute_names).unwrap_or_default();
    let selection = Selection {
        system: SystemSelection::parse(&system_names.items),
        attributes: AttributeSelection::parse(&request.message_attribute_names.unwrap_or_default().items),
    };
    let command = Command::Receive {
        key: key.clone(),
        limit: limit as usize,
        visibility_timeout_secs: visibility_timeout_secs.transpose()?,
        attempt,
    };
    Ok(Prepared { wait, ..Prepared::about(key, command, Reply::Received(selection)) })
}

/// What is kept of the request.
#[derive(Debug)]
pub(crate) struct Selection {
    system: SystemSelection,
    attributes: AttributeSelection,
}

impl Selection {
    pub(super) fn reply<'a>(
        &'a self,
        queue: QueueId,
        deliveries: &'a [Delivery],
        payloads: Vec<Bytes>,
        receipts: &'a ReceiptCodec,
    ) -> Result<ReceiveReply<'a>, SqsError> {
        if deliveries.len() != payloads.len() {
            return Err(SqsError::Internal("a delivery has no payload".into()));
        }
        let messages = deliveries.iter().zip(payloads).map(|(delivery, encoded)| {
            let mut payload = Payload::decode(&encoded)
                .map_err(|error| SqsError::Internal(format!("a message can't be read: {error}").into()))?;
            if let Some(number) = delivery.moved {
                payload.message_id = receipts.moved_id(number);
            }
            payload.attributes.retain(|attribute| self.attributes.takes(&attribute.name));
            let receipt = Receipt { queue, sequence: delivery.sequence, delivery: delivery.delivery };
            Ok(ReceivedMessage { payload, delivery, system: self.system, handle: receipts.encode(receipt) })
        });
        Ok(ReceiveReply { messages: messages.collect::<Result<_, SqsError>>()? })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReceiveReply<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<ReceivedMessage<'a>>,
}

struct ReceivedMessage<'a> {
    payload: Payload,
    delivery: &'a Delivery,
    system: SystemSelection,
    handle: String,
}

/// The members of a message, as they are written.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MessageMembers<'a> {
    message_id: Uuid,
    receipt_handle: &'a str,
    #[serde(rename = "MD5OfBody")]
    body_md5: Md5,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<SystemAttributesReply<'a>>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<Md5>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_attributes: Option<AttributesReply<'a>>,
}

impl Serialize for ReceivedMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { payload, delivery, system, handle } = self;
        let body = std::str::from_utf8(&payload.body).map_err(serde::ser::Error::custom)?;
        let attributes = &payload.attributes;
        let members = MessageMembers {
            message_id: Uuid(payload.message_id),
            receipt_handle: handle,
            body_md5: Md5(payload.body_md5),
            body,
            attributes: system.of(payload, delivery),
            attributes_md5: message_attributes::digest(attributes),
            message_attributes: (!attributes.is_empty()).then_some(AttributesReply(attributes)),
        };
        members.serialize(serializer)
    }
}
