//! `CreateQueue`: creates a queue, or finds the one of that name.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>.

use millpond_core::command::Command;
use millpond_core::name::QueueName;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Map, Text};
use serde::Deserialize;

use super::Reply;
use crate::attributes;
use crate::error::SqsError;
use crate::prepare::{Call, Prepared, required};
use crate::tags::{self, GivenTags};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_name: Option<Text<'a>>,
    #[serde(borrow)]
    attributes: Option<Map<'a, Text<'a>>>,
    /// In lower case, unlike its neighbours.
    #[serde(borrow, rename = "tags")]
    tags: Option<GivenTags<'a>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let name = required(&request.queue_name, "QueueName")?;
    let given = request.attributes.unwrap_or_default();
    let attributes = attributes::parse(&given)?;
    let fifo = attributes.fifo_queue == Some(true);
    let invalid_name = if fifo { SqsError::InvalidFifoQueueName } else { SqsError::InvalidQueueName };
    let name = QueueName::parse(name).ok_or(invalid_name)?;
    let tags = tags::parse(request.tags.unwrap_or_default(), name.as_str())?;
    let key = call.own_queue(name);
    let reply = Reply::Created { redrive_policy: attributes::given(&given, "RedrivePolicy") };
    Ok(Prepared::about(key.clone(), Command::CreateQueue { key, attributes: attributes.into(), tags }, reply))
}
