//! `DeleteMessage`: deletes one received message.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html>.

use millpond_core::command::Command;
use millpond_core::outcome::Refusal;
use millpond_wire::error::ApiError;
use millpond_wire::shape::Text;
use serde::Deserialize;

use super::{Reply, only};
use crate::error::SqsError;
use crate::prepare::{Call, Prepared, required};
use crate::refusal::Refused;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    receipt_handle: Option<Text<'a>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let handle = required(&request.receipt_handle, "ReceiptHandle")?;
    let receipts = vec![call.receipt(handle)];
    let reply = Reply::Deleted(handle.to_owned());
    Ok(Prepared::about(key.clone(), Command::Delete { key, receipts }, reply))
}

pub(super) fn reply(receipt_handle: &str, results: Vec<Result<(), Refusal>>) -> Result<(), SqsError> {
    only(results)?.map_err(|refusal| Refused { receipt_handle, ..Refused::default() }.explain(&refusal))
}
