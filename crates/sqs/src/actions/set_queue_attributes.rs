//! `SetQueueAttributes`: changes settings of a queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use millpond_core::command::Command;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Map, Text};
use serde::Deserialize;

use super::Reply;
use crate::attributes;
use crate::error::SqsError;
use crate::prepare::{Call, Prepared};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    attributes: Option<Map<'a, Text<'a>>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let given = request.attributes.ok_or(SqsError::MissingParameter("Attributes".into()))?;
    let attributes = attributes::parse(&given)?;
    let reply = Reply::AttributesSet { redrive_policy: attributes::given(&given, "RedrivePolicy") };
    Ok(Prepared::about(
        key.clone(),
        Command::SetQueueAttributes { key, attributes: attributes.into() },
        reply,
    ))
}
