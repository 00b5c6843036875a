//! `ListQueueTags`: the tags of a queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueueTags.html>.

use millpond_core::command::Command;
use millpond_core::queue::Tags;
use millpond_wire::error::ApiError;
use serde::Serialize;

use super::Reply;
use crate::prepare::{Call, Prepared};
use crate::queue_url::QueueOnly;

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let key = call.decode::<QueueOnly<'_>>()?.resolve(call)?;
    Ok(Prepared::about(key.clone(), Command::ListQueueTags { key }, Reply::Tags))
}

pub(super) fn reply(tags: Tags) -> TagsReply {
    TagsReply { tags }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagsReply {
    #[serde(skip_serializing_if = "Tags::is_empty")]
    tags: Tags,
}
