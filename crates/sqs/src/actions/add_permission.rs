//! `AddPermission`: adds a statement to the policy of a queue.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html>.

use millpond_core::command::Command;
use millpond_core::limits;
use millpond_core::name::AccountId;
use millpond_wire::error::ApiError;
use millpond_wire::shape::{List, Text};
use serde::Deserialize;

use super::Reply;
use crate::attributes;
use crate::error::SqsError;
use crate::prepare::{Call, Prepared, required};

/// The actions that other accounts can be let call. Each stands for its batch as well.
const GRANTED: [&str; 9] = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    #[serde(borrow)]
    queue_url: Option<Text<'a>>,
    #[serde(borrow)]
    label: Option<Text<'a>>,
    #[serde(borrow, rename = "AWSAccountIds")]
    account_ids: Option<List<Text<'a>>>,
    #[serde(borrow)]
    actions: Option<List<Text<'a>>>,
}

pub(crate) fn prepare(call: &mut Call<'_>) -> Result<Prepared, ApiError> {
    let request: Request<'_> = call.decode()?;
    let key = call.queue(request.queue_url.as_ref())?;
    let label = required(&request.label, "Label")?;
    check_label(label)?;
    let actions = actions(request.actions.unwrap_or_default())?;
    let accounts = accounts(request.account_ids.unwrap_or_default())?;
    let permission = attributes::permission(&key, label, &accounts, &actions);
    let reply = Reply::PermissionChanged { label: label.to_owned() };
    Ok(Prepared::about(key.clone(), Command::AddPermission { key, permission: permission.into() }, reply))
}

fn check_label(label: &str) -> Result<(), SqsError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if limits::PERMISSION_LABEL_CHARS.contains(&label.len()) && label.bytes().all(allowed) {
        return Ok(());
    }
    let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.";
    Err(SqsError::invalid(label, "Label", reason))
}

fn actions(given: List<Text<'_>>) -> Result<Vec<String>, SqsError> {
    if given.sent == 0 {
        return Err(SqsError::MissingParameter("Actions".into()));
    }
    if given.sent > limits::POLICY_STATEMENT_ACTIONS {
        return Err(SqsError::TooManyActions { sent: given.sent });
    }
    let actions = given.items.into_iter().map(|action| action.0.into_owned());
    actions
        .map(|action| {
            if GRANTED.contains(&action.as_str()) {
                return Ok(action);
            }
            let reason = "Only the queue owner is allowed to invoke this action.";
            Err(SqsError::invalid(format_args!("SQS:{action}"), "ActionName", reason))
        })
        .collect()
}

fn accounts(given: List<Text<'_>>) -> Result<Vec<String>, SqsError> {
    let accounts: Vec<String> = given.items.into_iter().map(|account| account.0.into_owned()).collect();
    let known = !accounts.is_empty() && accounts.iter().all(|account| AccountId::parse(account).is_some());
    if !known {
        let shown = format!("[{}]", accounts.join(", "));
        return Err(SqsError::invalid(shown, "PrincipalId", "Unable to verify."));
    }
    let (found, limit) = (accounts.len(), limits::POLICY_PRINCIPALS);
    if found > limit {
        return Err(SqsError::PolicyTooLarge { found, what: "principals", limit });
    }
    Ok(accounts)
}
