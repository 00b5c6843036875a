//! Questions that are refused, since no request asks them: actions that are not there, ARNs and condition keys that are none.

use std::borrow::Cow;

use millpond_core::name::AccountId;
use millpond_iam::api::asked;
use millpond_iam::arn::Arn;
use millpond_sqs::catalogue;

use crate::access::own::ACTIONS;
use crate::access::{SQS, queue_of_arn};

/// An action, as policies know it.
pub(super) struct Action {
    /// Borrowed when its service is here, so that the name is known to be right.
    pub(super) name: Cow<'static, str>,
}

/// The action of that name. Upper and lower case are the same, as in policies.
pub(super) fn action(written: &str) -> Result<Action, String> {
    let (service, name) = written
        .split_once(':')
        .filter(|(service, name)| !service.is_empty() && !name.is_empty())
        .ok_or_else(|| format!("`{written}` is no action: one looks like sqs:SendMessage"))?;
    let known: Vec<&'static str> = match &*service.to_ascii_lowercase() {
        SQS => catalogue::ACTIONS.iter().map(|action| action.iam_action).collect(),
        here @ ("iam" | "sts") => {
            let all = asked::permissions();
            all.filter(|name| name.split_once(':').is_some_and(|(service, _)| service == here)).collect()
        }
        "millpond" => ACTIONS.to_vec(),
        _ => return Ok(Action { name: Cow::Owned(written.to_owned()) }),
    };
    if let Some(found) = known.iter().find(|known| known.eq_ignore_ascii_case(written)) {
        return Ok(Action { name: Cow::Borrowed(found) });
    }
    let of_sqs = service.eq_ignore_ascii_case(SQS).then(|| catalogue::find(name)).flatten();
    if let Some(call) = of_sqs {
        return Err(format!("{name} has no permission of its own: it is allowed by {}", call.iam_action));
    }
    Err(format!("there is no action {written}; {}", meant(written, known)))
}

/// What a misspelt action was meant to be, or all there are.
fn meant(written: &str, mut known: Vec<&'static str>) -> String {
    known.sort_unstable();
    known.dedup();
    let written = written.to_ascii_lowercase();
    let behind = |action: &str| action.split_once(':').map_or(0, |(_, name)| name.len());
    let tolerance = (behind(&written) / 3).max(1);
    let edits = |action: &str| strsim::damerau_levenshtein(&written, &action.to_ascii_lowercase());
    let nearest = known.iter().map(|action| (edits(action), *action)).min();
    match nearest.filter(|(edits, _)| *edits <= tolerance) {
        Some((_, action)) => format!("did you mean {action}?"),
        None => format!("known are {}", known.join(", ")),
    }
}

/// An ARN is whole, or everything is meant.
pub(super) fn check_resource(written: &str) -> Result<(), String> {
    if written == "*" {
        return Ok(());
    }
    let is_whole = |arn: &Arn<'_>| {
        let is_account = arn.account.is_empty()
            || AccountId::parse(arn.account).is_some()
            || (arn.service == "iam" && arn.account == "aws");
        arn.partition == "aws" && !arn.service.is_empty() && !arn.resource.is_empty() && is_account
    };
    let arn = Arn::parse(written).filter(is_whole).ok_or_else(|| {
        format!("`{written}` is no ARN: one looks like arn:aws:sqs:us-east-1:000000000000:jobs, or * for everything")
    })?;
    if arn.service == SQS && queue_of_arn(written).is_none() {
        return Err(format!(
            "`{written}` names no queue: that of one looks like arn:aws:sqs:us-east-1:000000000000:jobs"
        ));
    }
    Ok(())
}

/// Condition keys have the prefix of a service.
pub(super) fn check_key(key: &str) -> Result<(), String> {
    let parts = key.split_once(':').filter(|(service, name)| !service.is_empty() && !name.is_empty());
    parts.map(drop).ok_or_else(|| {
        format!(
            "`{key}` is no condition key: one begins with its service, such as aws:SourceIp or sts:ExternalId"
        )
    })
}
