//! What the actions about move tasks share: queues by ARN, numbers, and the handle of a task.
//!
//! A handle is the base64 of `{"taskId":"…","sourceArn":"…"}`, the id written as a UUID.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html>.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millpond_core::message::MessageId;
use millpond_core::name::QueueKey;
use millpond_core::queue::MoveTaskId;
use millpond_wire::shape::{Integer, Text};
use serde::{Deserialize, Serialize};

use crate::arn;
use crate::error::SqsError;

/// The required queue whose messages a task is about.
pub(crate) fn source(arn: Option<&Text<'_>>) -> Result<QueueKey, SqsError> {
    const NAME: &str = "SourceArn";
    queue(arn.ok_or(SqsError::MissingParameter(NAME.into()))?, NAME)
}

/// A queue that a parameter names.
pub(crate) fn queue(arn: &Text<'_>, parameter: &'static str) -> Result<QueueKey, SqsError> {
    let is_arn = arn.as_str().starts_with("arn:") && arn.as_str().split(':').count() == 6;
    let otherwise =
        if is_arn { SqsError::ResourceNotFound(parameter) } else { SqsError::InvalidArn(parameter) };
    arn::parse(arn.as_str()).map_err(|_| otherwise)
}

/// A number whose refusal does not repeat it, as those of move tasks do not.
pub(crate) fn number(
    Integer(number): Integer,
    parameter: &'static str,
    range: RangeInclusive<u32>,
) -> Result<u32, SqsError> {
    let fitting = u32::try_from(number).ok().filter(|number| range.contains(number));
    let (least, most) = (*range.start(), *range.end());
    fitting.ok_or(SqsError::NumberOutOfRange { parameter, least, most })
}

/// Names a task.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskHandle {
    task_id: String,
    source_arn: String,
}

impl TaskHandle {
    pub(crate) fn new(id: MoveTaskId, source_arn: &str) -> Self {
        Self { task_id: MessageId(id.bits()).to_string(), source_arn: source_arn.to_owned() }
    }

    pub(crate) fn encode(&self) -> String {
        STANDARD.encode(serde_json::to_string(self).unwrap_or_default())
    }

    /// The task that a handle names, whether it exists or not.
    pub(crate) fn decode(handle: &str) -> Option<Self> {
        serde_json::from_slice(&STANDARD.decode(handle).ok()?).ok()
    }

    pub(crate) fn source_arn(&self) -> &str {
        &self.source_arn
    }

    /// The id, when it is spelled as those of this service are.
    pub(crate) fn id(&self) -> Option<MoveTaskId> {
        let digits: String = self.task_id.split('-').collect();
        let id = u128::from_str_radix(&digits, 16).ok()?;
        (MessageId(id).to_string() == self.task_id).then_some(MoveTaskId::new(id))
    }
}
