//! `GetQueueUrl`: the URL of a queue, by its name.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueUrl.html>.

use millpond_core::command::Command;
use millpond_core::name::{AccountId, QueueName};
use millpond_wire::error::ApiError;
use millpond_wire::shape::Text;
use serde::Deserialize;

use super::Reply;
use crate::error::SqsError;
use crate::prepare::{Call, Prepared};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_name: Option<Text<'a>>,
    #[serde(borrow, rename = "QueueOwnerAWSAccountId")]
    owner: Option<Text<'a>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let name = request.queue_name.ok_or(SqsError::MissingParameter("QueueName".into()))?;
    if name.as_str().is_empty() {
        return Err(SqsError::EmptyQueueName.into());
    }
    let name = QueueName::parse(name.as_str()).ok_or(SqsError::QueueDoesNotExist)?;
    let mut key = call.own_queue(name);
    if let Some(owner) = request.owner {
        key.account = AccountId::parse(owner.as_str()).ok_or_else(|| {
            SqsError::invalid(owner.as_str(), "QueueOwnerAWSAccountId", "An account id has 12 digits.")
        })?;
    }
    Ok(Prepared::about(key.clone(), Command::FindQueue { key }, Reply::QueueUrl))
}
