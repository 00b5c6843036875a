//! `DeleteMessageBatch`: deletes up to ten received messages, each by itself.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html>.

use millpond_core::command::Command;
use millpond_core::outcome::Refusal;
use millpond_wire::error::ApiError;
use millpond_wire::shape::Text;
use serde::Deserialize;

use super::Reply;
use crate::batch::{self, BatchAnswer, BatchReply, Entries, NoResult};
use crate::prepare::{Call, Prepared};
use crate::refusal::Refused;

const ENTRY: &str = "DeleteMessageBatchRequestEntry";

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
    receipt_handle: Option<Text<'a>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let entries = batch::open(request.entries, ENTRY, |entry| entry.id.as_ref())?;
    let (answer, receipts) = BatchAnswer::prepare(
        entries,
        |entry| entry.id.as_ref(),
        |index, entry| {
            let handle = entry.receipt_handle.ok_or_else(|| batch::missing(ENTRY, index, "ReceiptHandle"))?;
            Ok((call.receipt(handle.as_str()), handle.0.into_owned()))
        },
    );
    Ok(Prepared::about(key.clone(), Command::Delete { key, receipts }, Reply::DeletedBatch(answer)))
}

pub(super) fn reply(batch: BatchAnswer<String>, results: Vec<Result<(), Refusal>>) -> BatchReply<NoResult> {
    batch.merge(
        results,
        |_, ()| NoResult {},
        |handle, refusal| Refused { receipt_handle: &handle, ..Refused::default() }.explain(&refusal),
    )
}
