//! `CancelMessageMoveTask`: ends a move task; what it has moved stays moved.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CancelMessageMoveTask.html>.

use millpond_core::command::Command;
use millpond_wire::error::ApiError;
use millpond_wire::shape::Text;
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::arn;
use crate::error::SqsError;
use crate::move_task::TaskHandle;
use crate::prepare::{Call, Prepared, required};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    task_handle: Option<Text<'a>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let handle = required(&request.task_handle, "TaskHandle")?;
    let handle = TaskHandle::decode(handle).ok_or(SqsError::InvalidTaskHandle)?;
    let key = arn::parse(handle.source_arn()).map_err(|_| SqsError::ResourceNotFound("SourceArn"))?;
    // An id that no task has is one more that does not exist.
    let id = handle.id().ok_or(SqsError::TaskDoesNotExist)?;
    let command = Command::CancelMoveTask { key: key.clone(), id };
    Ok(Prepared::about(key, command, Reply::MoveTaskCancelled))
}

pub(super) const fn reply(moved: u64) -> CancelReply {
    CancelReply { approximate_number_of_messages_moved: moved }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CancelReply {
    approximate_number_of_messages_moved: u64,
}
