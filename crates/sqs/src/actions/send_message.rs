//! `SendMessage`: accepts one message.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>.

use md5::{Digest, Md5};
use millpond_core::command::Command;
use millpond_core::outcome::{Accepted, Refusal};
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Integer, RawText, Text};
use serde::Deserialize;

use super::{Reply, only};
use crate::error::SqsError;
use crate::message::{Draft, SentReply};
use crate::message_attributes::GivenAttributes;
use crate::prepare::{Call, Prepared};
use crate::refusal::Refused;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    message_body: Option<RawText<'a>>,
    delay_seconds: Option<Integer>,
    #[serde(borrow)]
    message_attributes: Option<GivenAttributes<'a>>,
    #[serde(borrow)]
    message_system_attributes: Option<GivenAttributes<'a>>,
    #[serde(borrow)]
    message_deduplication_id: Option<Text<'a>>,
    #[serde(borrow)]
    message_group_id: Option<Text<'a>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let draft = Draft {
        body: request.message_body,
        delay_seconds: request.delay_seconds,
        attributes: request.message_attributes,
        system_attributes: request.message_system_attributes,
        deduplication_id: request.message_deduplication_id,
        group_id: request.message_group_id,
    };
    let body_md5 = Md5::digest(draft.body()).into();
    let (message, sent) = draft.accept(&key.name, call, body_md5, || "MessageBody".into())?;
    Ok(Prepared::about(key.clone(), Command::Send { key, messages: vec![message] }, Reply::Sent(sent)))
}

pub(super) fn reply(sent: SentReply, results: Vec<Result<Accepted, Refusal>>) -> Result<SentReply, SqsError> {
    match only(results)? {
        Ok(accepted) => Ok(sent.accepted(accepted)),
        Err(refusal) => Err(Refused::default().explain(&refusal)),
    }
}
