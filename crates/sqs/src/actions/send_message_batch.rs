//! `SendMessageBatch`: accepts up to ten messages, each by itself.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::outcome::{Accepted, Refusal};
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Integer, RawText, Text};
use serde::Deserialize;

use super::Reply;
use crate::batch::{self, BatchAnswer, BatchReply, Entries};
use crate::error::SqsError;
use crate::md5_lanes;
use crate::message::{Draft, SentReply};
use crate::message_attributes::GivenAttributes;
use crate::prepare::{Call, Prepared};
use crate::refusal::Refused;

const ENTRY: &str = "SendMessageBatchRequestEntry";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    entries: Option<Entries<Entry<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
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

impl<'a> Entry<'a> {
    fn into_parts(self) -> (Option<Text<'a>>, Draft<'a>) {
        let draft = Draft {
            body: self.message_body,
            delay_seconds: self.delay_seconds,
            attributes: self.message_attributes,
            system_attributes: self.message_system_attributes,
            deduplication_id: self.message_deduplication_id,
            group_id: self.message_group_id,
        };
        (self.id, draft)
    }
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let entries = batch::open(request.entries, ENTRY, |entry| entry.id.as_ref())?;
    let entries: Vec<_> = entries.into_iter().map(Entry::into_parts).collect();
    let sent_bytes: u64 = entries.iter().map(|(_, draft)| draft.size_bytes()).sum();
    if sent_bytes > u64::from(limits::BATCH_BYTES) {
        return Err(SqsError::BatchTooLong { sent_bytes }.into());
    }
    if key.name.is_fifo() && entries.iter().any(|(_, draft)| draft.group_id.is_none()) {
        return Err(SqsError::GroupIdMissingInBatch.into());
    }
    let bodies: Vec<&[u8]> = entries.iter().map(|(_, draft)| draft.body()).collect();
    let body_md5s = md5_lanes::digests(&bodies);
    let (answer, messages) = BatchAnswer::prepare(
        entries,
        |(id, _)| id.as_ref(),
        |index, (_, draft)| {
            draft.accept(&key.name, call, body_md5s[index], || {
                batch::missing_name(ENTRY, index, "MessageBody")
            })
        },
    );
    Ok(Prepared::about(key.clone(), Command::Send { key, messages }, Reply::SentBatch(answer)))
}

pub(super) fn reply(
    batch: BatchAnswer<SentReply>,
    results: Vec<Result<Accepted, Refusal>>,
) -> BatchReply<SentReply> {
    let refused = Refused { in_batch: true, ..Refused::default() };
    batch.merge(results, SentReply::accepted, |_, refusal| refused.explain(&refusal))
}
