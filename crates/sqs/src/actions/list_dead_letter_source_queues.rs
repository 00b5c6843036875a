//! `ListDeadLetterSourceQueues`: the URLs of the queues whose dead letters go to a queue, page by page.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListDeadLetterSourceQueues.html>.

use millpond_core::command::Command;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Integer, Text};
use serde::{Deserialize, Serialize};

use super::Reply;
use super::list_queues::{ListReply, Listing, Page};
use crate::prepare::{Call, Prepared};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    next_token: Option<Text<'a>>,
    max_results: Option<Integer>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let Page { limit, after, paged } = Page::parse(request.max_results, request.next_token.as_ref())?;
    let reply = Reply::DeadLetterSources(Listing { account: key.account, paged });
    let command = Command::ListDeadLetterSources { key: key.clone(), after, limit };
    Ok(Prepared::about(key, command, reply))
}

pub(super) fn reply(ListReply { queue_urls, next_token }: ListReply) -> SourcesReply {
    SourcesReply { queue_urls, next_token }
}

/// The reply. Its list is spelled in lower case, unlike that of `ListQueues`, and there when it is empty.
#[derive(Serialize)]
pub(super) struct SourcesReply {
    #[serde(rename = "queueUrls")]
    queue_urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}
