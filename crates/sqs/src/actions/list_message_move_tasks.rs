//! `ListMessageMoveTasks`: the latest move tasks of a queue, newest first.
//!
//! A running task has a handle, a failed one a reason.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html>.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::queue::{MoveEnd, MoveFailure, MoveStatus, MoveTask};
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
    max_results: Option<Integer>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = move_task::source(request.source_arn.as_ref())?;
    let limit = match request.max_results {
        Some(number) => move_task::number(number, "MaxResults", limits::LIST_MOVE_TASKS_RESULTS)?,
        None => *limits::LIST_MOVE_TASKS_RESULTS.start(),
    };
    let command = Command::ListMoveTasks { key: key.clone(), limit: limit as usize };
    let reply = Reply::MoveTasks { source_arn: arn::of_queue(&key) };
    Ok(Prepared::about(key, command, reply))
}

pub(super) fn reply<'a>(tasks: &[MoveTask], source_arn: &'a str) -> TasksReply<'a> {
    TasksReply { results: tasks.iter().map(|task| entry(task, source_arn)).collect() }
}

fn entry<'a>(task: &MoveTask, source_arn: &'a str) -> TaskEntry<'a> {
    let (status, failure_reason) = match task.status {
        MoveStatus::Running { .. } => ("RUNNING", None),
        MoveStatus::Ended(MoveEnd::Completed) => ("COMPLETED", None),
        MoveStatus::Ended(MoveEnd::Cancelled) => ("CANCELLED", None),
        MoveStatus::Ended(MoveEnd::Failed(failure)) => ("FAILED", Some(reason(failure))),
    };
    let running = matches!(task.status, MoveStatus::Running { .. });
    TaskEntry {
        task_handle: running.then(|| TaskHandle::new(task.order.id, source_arn).encode()),
        status,
        source_arn,
        destination_arn: task.order.destination.as_ref().map(arn::of_queue),
        max_number_of_messages_per_second: task.order.messages_per_sec,
        approximate_number_of_messages_moved: task.moved,
        approximate_number_of_messages_to_move: task.order.to_move,
        failure_reason,
        started_timestamp: task.started_at.as_millis(),
    }
}

const fn reason(failure: MoveFailure) -> &'static str {
    match failure {
        MoveFailure::SourceUnknown => "CouldNotDetermineMessageSource",
        MoveFailure::DestinationGone => "AWS.SimpleQueueService.NonExistentQueue",
    }
}

/// The reply. Its list is there when it is empty.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TasksReply<'a> {
    results: Vec<TaskEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TaskEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: &'static str,
    source_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u32>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    started_timestamp: u64,
}
