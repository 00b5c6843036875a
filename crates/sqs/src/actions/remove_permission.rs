//! `RemovePermission`: removes a statement from the policy of a queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_RemovePermission.html>.

use millpond_core::command::Command;
use millpond_wire::error::ApiError;
use millpond_wire::shape::Text;
use serde::Deserialize;

use super::Reply;
use crate::prepare::{Call, Prepared, required};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    label: Option<Text<'a>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let label = required(&request.label, "Label")?.to_owned();
    let reply = Reply::PermissionChanged { label: label.clone() };
    Ok(Prepared::about(key.clone(), Command::RemovePermission { key, label }, reply))
}
