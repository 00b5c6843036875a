//! `CreateQueue`: creates a queue, or finds the one of that name.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>.

use millpond_core::command::Command;
use millpond_core::name::QueueName;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Map, Text};
use serde::Deserialize;

use super::Reply;
use crate::attributes::{self, FIFO_NOT_SUPPORTED};
use crate::error::SqsError;
use crate::prepare::{Call, Prepared, required};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_name: Option<Text<'a>>,
    #[serde(borrow)]
    attributes: Option<Map<'a, Text<'a>>>,
    /// In lower case, unlike its neighbours.
    #[serde(borrow, rename = "tags")]
    tags: Option<Map<'a, Text<'a>>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let name = required(&request.queue_name, "QueueName")?;
    if name.ends_with(".fifo") {
        return Err(FIFO_NOT_SUPPORTED.into());
    }
    let name = QueueName::parse(name).ok_or(SqsError::InvalidQueueName)?;
    let attributes = attributes::parse(&request.attributes.unwrap_or_default())?;
    if request.tags.is_some_and(|tags| tags.sent > 0) {
        return Err(
            SqsError::NotSupported { what: "Queue tags", advice: "Create the queue without tags." }.into()
        );
    }
    let key = call.own_queue(name);
    Ok(Prepared::about(key.clone(), Command::CreateQueue { key, attributes }, Reply::QueueUrl))
}
