//! `GetQueueAttributes`: settings and counts of a queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html>.

use millpond_core::command::Command;
use millpond_core::outcome::QueueDescription;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{List, Text};
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::attributes::{AttributesReply, WantedAttributes};
use crate::prepare::{Call, Prepared};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    attribute_names: Option<List<Text<'a>>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let names = request.attribute_names.unwrap_or_default();
    let wanted = WantedAttributes::parse(&names.items)?;
    Ok(Prepared::about(key.clone(), Command::DescribeQueue { key }, Reply::Attributes(wanted)))
}

pub(super) fn reply(wanted: WantedAttributes, queue: &QueueDescription) -> AttributesMember {
    AttributesMember { attributes: AttributesReply::new(wanted, queue) }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributesMember {
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<AttributesReply>,
}
