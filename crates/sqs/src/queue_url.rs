//! Queue URLs, read and written.
//!
//! Only account, name and, in the long form, the region of a URL count; its host is not looked at, so a URL stays
//! valid when the service moves. Taken are `<base>/<account>/<name>`, `<base>/queue/<region>/<account>/<name>`, and
//! the bare name of a queue of the caller's own account.

use millpond_core::name::{AccountId, QueueKey, QueueName, Region};

use millpond_wire::shape::Text;
use serde::Deserialize;

use crate::error::SqsError;
use crate::prepare::{Call, Context, Endpoint, QueuePath};

/// The queue that a request names by its `QueueUrl` or else by its path.
pub(crate) fn resolve(queue_url: Option<&str>, context: &Context<'_>) -> Result<QueueKey, SqsError> {
    let (account, region, name) = match (queue_url, context.queue_path.clone()) {
        (Some(url), _) if !url.is_empty() => parse(url)?,
        (_, Some(QueuePath { account, region, name })) => (Some(account), region, name),
        _ => return Err(SqsError::MissingParameter("QueueUrl".into())),
    };
    Ok(QueueKey {
        account: account.unwrap_or(context.account),
        region: region.unwrap_or_else(|| context.region.clone()),
        name,
    })
}

/// The URL of a queue, as replies give it.
pub(crate) fn write(endpoint: &Endpoint<'_>, account: AccountId, name: &QueueName) -> String {
    format!("{}/{account}/{name}", endpoint.base_url)
}

/// A request that names a queue and nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct QueueOnly<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
}

impl QueueOnly<'_> {
    pub(crate) fn resolve(&self, call: &Call<'_>) -> Result<QueueKey, SqsError> {
        call.queue(self.queue_url.as_ref())
    }
}

type Parts = (Option<AccountId>, Option<Region>, QueueName);

fn parse(url: &str) -> Result<Parts, SqsError> {
    let queue_name = |text| QueueName::parse(text).ok_or(SqsError::QueueDoesNotExist);
    let account_id = |text| AccountId::parse(text).ok_or(SqsError::QueueDoesNotExist);
    let invalid = || SqsError::InvalidAddress(url.to_owned());
    let Some(rest) = strip_scheme(url) else {
        return if url.contains('/') { Err(invalid()) } else { Ok((None, None, queue_name(url)?)) };
    };
    let mut segments = rest.trim_end_matches('/').split('/').skip(1);
    let path = [segments.next(), segments.next(), segments.next(), segments.next(), segments.next()];
    match path {
        [Some(account), Some(name), None, ..] => Ok((Some(account_id(account)?), None, queue_name(name)?)),
        [Some("queue"), Some(region), Some(account), Some(name), None] => {
            let region = Region::parse(region).ok_or_else(invalid)?;
            Ok((Some(account_id(account)?), Some(region), queue_name(name)?))
        }
        _ => Err(invalid()),
    }
}

fn strip_scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")).then_some(rest)
}
