//! `ListQueues`: the URLs of the caller's queues, page by page.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html>.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::name::{AccountId, QueueName};
use millpond_wire::error::ApiError;
use millpond_wire::shape::{Integer, Text};
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::error::SqsError;
use crate::list_token;
use crate::prepare::{Answer, Call, Endpoint, Prepared, WaitTime};
use crate::queue_url;
use crate::ranges;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_name_prefix: Option<Text<'a>>,
    #[serde(borrow)]
    next_token: Option<Text<'a>>,
    max_results: Option<Integer>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let Page { limit, after, paged } = Page::parse(request.max_results, request.next_token.as_ref())?;
    let account = call.context.account;
    let command = Command::ListQueues {
        account,
        region: call.context.region.clone(),
        prefix: request.queue_name_prefix.map(|prefix| prefix.0.into_owned()).unwrap_or_default(),
        after,
        limit,
    };
    let answer = Answer(Reply::Queues(Listing { account, paged }));
    Ok(Prepared { command, wait: WaitTime::NotReceive, answer, queue: None })
}

/// Which part of a list of queues is asked for.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) limit: usize,
    pub(super) after: Option<QueueName>,
    /// Whether a token is to tell where to go on.
    pub(super) paged: bool,
}

impl Page {
    pub(super) fn parse(max_results: Option<Integer>, token: Option<&Text<'_>>) -> Result<Self, SqsError> {
        let limit =
            max_results.map(|number| ranges::count(number, "MaxResults", limits::LIST_QUEUES_RESULTS));
        let limit = limit.transpose()?;
        let after = token.map(after).transpose()?;
        let most = *limits::LIST_QUEUES_RESULTS.end();
        Ok(Self { limit: limit.unwrap_or(most) as usize, after, paged: limit.is_some() })
    }
}

fn after(token: &Text<'_>) -> Result<QueueName, SqsError> {
    list_token::decode(token.as_str()).ok_or_else(|| {
        SqsError::invalid(
            token.as_str(),
            "NextToken",
            "It must be the NextToken of an earlier list of queues.",
        )
    })
}

/// What is kept of the request.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(super) account: AccountId,
    pub(super) paged: bool,
}

impl Listing {
    pub(super) fn reply(&self, names: &[QueueName], more: bool, endpoint: &Endpoint<'_>) -> ListReply {
        let last = names.last().filter(|_| more && self.paged);
        ListReply {
            queue_urls: names.iter().map(|name| queue_url::write(endpoint, self.account, name)).collect(),
            next_token: last.map(list_token::encode),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListReply {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_token: Option<String>,
}
