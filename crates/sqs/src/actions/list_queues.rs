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
    let limit =
        request.max_results.map(|number| ranges::count(number, "MaxResults", limits::LIST_QUEUES_RESULTS));
    let limit = limit.transpose()?;
    let after = request.next_token.as_ref().map(after).transpose()?;
    let account = call.context.account;
    let command = Command::ListQueues {
        account,
        region: call.context.region.clone(),
        prefix: request.queue_name_prefix.map(|prefix| prefix.0.into_owned()).unwrap_or_default(),
        after,
        limit: limit.unwrap_or(*limits::LIST_QUEUES_RESULTS.end()) as usize,
    };
    let answer = Answer(Reply::Queues(Listing { account, paged: limit.is_some() }));
    Ok(Prepared { command, wait: WaitTime::NotReceive, answer, queue: None })
}

fn after(token: &Text<'_>) -> Result<QueueName, SqsError> {
    list_token::decode(token.as_str()).ok_or_else(|| {
        SqsError::invalid(token.as_str(), "NextToken", "It must be the NextToken of an earlier ListQueues.")
    })
}

/// What is kept of the request.
#[derive(Debug)]
pub(crate) struct Listing {
    account: AccountId,
    paged: bool,
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
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}
