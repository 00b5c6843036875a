//! `StartMessageMoveTask`: begins to move the messages of a dead-letter queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::queue::MoveTaskId;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Integer, Text};
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::arn;
use crate::move_task::{self, TaskHandle};
use crate::prepare::{Call, Prepared};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    source_arn: Option<Text<'a>>,
    #[serde(borrow)]
    destination_arn: Option<Text<'a>>,
    max_number_of_messages_per_second: Option<Integer>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = move_task::source(request.source_arn.as_ref())?;
    let destination = request.destination_arn.as_ref();
    let destination = destination.map(|arn| move_task::queue(arn, "DestinationArn")).transpose()?;
    let rate = request.max_number_of_messages_per_second.map(|number| {
        move_task::number(number, "MaxNumberOfMessagesPerSecond", limits::MOVE_TASK_MESSAGES_PER_SEC)
    });
    let command = Command::StartMoveTask {
        key: key.clone(),
        id: MoveTaskId::new((call.entropy)()),
        destination: destination.map(Box::new),
        back_to: None,
        messages_per_sec: rate.transpose()?,
    };
    let reply = Reply::MoveTaskStarted { source_arn: arn::of_queue(&key) };
    Ok(Prepared::about(key, command, reply))
}

pub(super) fn reply(id: MoveTaskId, source_arn: &str) -> StartReply {
    StartReply { task_handle: TaskHandle::new(id, source_arn).encode() }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct StartReply {
    task_handle: String,
}
