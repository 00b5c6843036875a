//! `ChangeMessageVisibility`: changes the lease of one received message.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::message::Receipt;
use millpond_core::outcome::Refusal;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Integer, Text};
use serde::Deserialize;

use super::{Reply, only};
use crate::error::SqsError;
use crate::prepare::{Call, Prepared, required};
use crate::ranges;
use crate::refusal::Refused;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    receipt_handle: Option<Text<'a>>,
    visibility_timeout: Option<Integer>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let handle = required(&request.receipt_handle, "ReceiptHandle")?;
    let timeout = request.visibility_timeout.ok_or(SqsError::MissingParameter("VisibilityTimeout".into()))?;
    let (change, kept) = change(call, handle, timeout)?;
    let command = Command::ChangeVisibility { key: key.clone(), changes: vec![change] };
    Ok(Prepared::about(key, command, Reply::VisibilityChanged(kept)))
}

/// Checks one change: what is asked of the state, and what is kept of the request.
pub(super) fn change(
    call: &Call<'_>,
    receipt_handle: &str,
    timeout: Integer,
) -> Result<((Receipt, u32), GivenChange), SqsError> {
    let timeout_secs = ranges::seconds(timeout, "VisibilityTimeout", limits::VISIBILITY_TIMEOUT_SECS)?;
    let receipt = call.receipt(receipt_handle);
    Ok(((receipt, timeout_secs), GivenChange { receipt_handle: receipt_handle.to_owned(), timeout_secs }))
}

/// A change as the request gives it.
#[derive(Debug)]
pub(crate) struct GivenChange {
    receipt_handle: String,
    timeout_secs: u32,
}

impl GivenChange {
    pub(super) fn explain(&self, refusal: &Refusal) -> SqsError {
        let refused = Refused {
            receipt_handle: &self.receipt_handle,
            visibility_timeout_secs: self.timeout_secs,
            ..Refused::default()
        };
        refused.explain(refusal)
    }
}

pub(super) fn reply(change: &GivenChange, results: Vec<Result<(), Refusal>>) -> Result<(), SqsError> {
    only(results)?.map_err(|refusal| change.explain(&refusal))
}
