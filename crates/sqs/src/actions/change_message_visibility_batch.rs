//! `ChangeMessageVisibilityBatch`: changes the leases of up to ten received messages, each by itself.
//!
//! Source:
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html>.

use millpond_core::command::Command;
use millpond_core::outcome::Refusal;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Integer, Text};
use serde::Deserialize;

use super::Reply;
use super::change_message_visibility::{GivenChange, change};
use crate::batch::{self, BatchAnswer, BatchReply, Entries, NoResult};
use crate::prepare::{Call, Prepared};

const ENTRY: &str = "ChangeMessageVisibilityBatchRequestEntry";

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
    visibility_timeout: Option<Integer>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let entries = batch::open(request.entries, ENTRY, |entry| entry.id.as_ref())?;
    let (answer, changes) = BatchAnswer::prepare(
        entries,
        |entry| entry.id.as_ref(),
        |index, entry| {
            let missing = |member| batch::missing(ENTRY, index, member);
            let handle = entry.receipt_handle.ok_or_else(|| missing("ReceiptHandle"))?;
            let timeout = entry.visibility_timeout.ok_or_else(|| missing("VisibilityTimeout"))?;
            change(call, handle.as_str(), timeout)
        },
    );
    let command = Command::ChangeVisibility { key: key.clone(), changes };
    Ok(Prepared::about(key, command, Reply::VisibilityChangedBatch(answer)))
}

pub(super) fn reply(
    batch: BatchAnswer<GivenChange>,
    results: Vec<Result<(), Refusal>>,
) -> BatchReply<NoResult> {
    batch.merge(results, |_, ()| NoResult {}, |change, refusal| change.explain(&refusal))
}
