//! `millpond why`: whether someone may do something, and which policy decides.
//!
//! The service decides as it would for the call itself, and finds the words; this asks and shows.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Target, say};
use crate::failure::{DONE, Failure, Outcome};
use crate::service::Service;

/// Tell whether someone may do something, and which policy decides.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    millpond why sqs:SendMessage jobs --as arn:aws:iam::000000000000:user/jane\n  \
    millpond why sqs:ReceiveMessage arn:aws:sqs:us-east-1:000000000000:jobs --as arn:aws:iam::000000000000:role/worker\n  \
    millpond why sqs:SendMessage jobs --as arn:aws:iam::000000000000:user/jane --context aws:SourceIp=192.0.2.7\n  \
    millpond why sqs:SendMessage jobs --as anonymous\n  \
    millpond why sts:AssumeRole arn:aws:iam::000000000000:role/worker --as arn:aws:iam::000000000000:user/jane\n\n\
    Exit codes: 0 allowed, or nobody is refused (--auth off), 1 denied or not decided, 2 wrong usage.")]
pub(crate) struct Why {
    /// What would be done, such as sqs:SendMessage.
    #[arg(value_name = "ACTION", value_parser = parse_action)]
    action: String,
    /// On what: the name or URL of a queue, an ARN, or *.
    #[arg(value_name = "RESOURCE")]
    resource: String,
    /// By whom: the ARN of a user, a role, a session of a role, or an account's root; or anonymous.
    #[arg(long = "as", value_name = "ARN", value_parser = parse_principal)]
    principal: String,
    /// What else policies may ask about the request, such as aws:SourceIp=192.0.2.7; may be repeated.
    #[arg(long = "context", value_name = "KEY=VALUE")]
    context: Vec<String>,
    #[command(flatten)]
    target: Target,
}

/// Who does not sign.
const ANONYMOUS: &str = "anonymous";

fn parse_action(text: &str) -> Result<String, String> {
    let parts = text.split_once(':').filter(|(service, action)| !service.is_empty() && !action.is_empty());
    parts.map(|_| text.to_owned()).ok_or_else(|| "an action looks like sqs:SendMessage".to_owned())
}

fn parse_principal(text: &str) -> Result<String, String> {
    let fits = text == ANONYMOUS || (text.starts_with("arn:") && text.split(':').count() >= 6);
    fits.then(|| text.to_owned())
        .ok_or_else(|| "this is an ARN such as arn:aws:iam::000000000000:user/jane, or anonymous".to_owned())
}

impl Why {
    pub(crate) async fn run(self) -> Outcome {
        let context = self.context()?;
        let service = Service::of_queue(self.target.endpoint.as_deref(), &self.resource).await?;
        let account = match self.principal.split(':').nth(4) {
            Some(account) => Some(account),
            None => service.note().map(|note| note.account_id.as_str()),
        };
        let resource = resource_arn(&self.resource, &self.action, &service.region(), account)?;
        let asked = json!({
            "action": self.action,
            "resource": resource,
            "as": self.principal,
            "context": context,
        });
        let body = service.call("POST", "why", Some(&asked)).await?;
        let allowed = body["allowed"].as_bool().unwrap_or_default();
        if self.target.json {
            say(&body.to_string());
        } else {
            say(body["explanation"].as_str().unwrap_or(if allowed { "allowed" } else { "denied" }));
        }
        let is_enforced = body["enforced"].as_bool().unwrap_or(true);
        Ok(if allowed || !is_enforced { DONE } else { ExitCode::FAILURE })
    }

    fn context(&self) -> Result<BTreeMap<String, Vec<String>>, Failure> {
        let mut context = BTreeMap::<String, Vec<String>>::new();
        for pair in &self.context {
            let (key, value) = pair
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| Failure::usage(format!("--context takes KEY=VALUE, not `{pair}`")))?;
            if !key.contains(':') {
                return Err(Failure::usage(format!(
                    "`{key}` is no condition key: one begins with its service, such as aws:SourceIp"
                )));
            }
            context.entry(key.to_owned()).or_default().push(value.to_owned());
        }
        Ok(context)
    }
}

/// The ARN of what is named: of a queue by name the one in the account of whoever would call, or for who has none that of the
/// service.
fn resource_arn(named: &str, action: &str, region: &str, account: Option<&str>) -> Result<String, Failure> {
    if named.starts_with("arn:") || named == "*" {
        return Ok(named.to_owned());
    }
    if !action.to_ascii_lowercase().starts_with("sqs:") {
        return Err(Failure::usage(format!("`{named}` is no ARN; {action} takes one, or *")));
    }
    if !named.contains("://") {
        let account = account.ok_or_else(|| {
            Failure::usage(format!("say whose queue `{named}` is: by its ARN, or by its URL"))
        })?;
        return Ok(format!("arn:aws:sqs:{region}:{account}:{named}"));
    }
    let mut parts = named.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(queue), Some(owner))
            if owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Ok(format!("arn:aws:sqs:{region}:{owner}:{queue}"))
        }
        _ => Err(Failure::usage(format!("`{named}` is no queue URL: it ends in /ACCOUNT/QUEUE"))),
    }
}

#[cfg(test)]
mod tests {
    use super::resource_arn;

    #[test]
    fn a_queue_is_named_in_any_way() {
        let arn = |named| resource_arn(named, "sqs:SendMessage", "eu-west-1", Some("111122223333"));
        let jobs = "arn:aws:sqs:eu-west-1:111122223333:jobs";
        assert_eq!(arn("jobs").unwrap(), jobs);
        assert_eq!(arn(jobs).unwrap(), jobs);
        assert_eq!(
            arn("http://127.0.0.1:1/444455556666/jobs").unwrap(),
            "arn:aws:sqs:eu-west-1:444455556666:jobs"
        );
        assert_eq!(arn("*").unwrap(), "*");
        assert!(arn("http://127.0.0.1:1/jobs").is_err());
    }

    #[test]
    fn only_queues_have_names() {
        assert!(resource_arn("shop", "millpond:DeployStack", "eu-west-1", Some("111122223333")).is_err());
        assert!(resource_arn("jobs", "sqs:SendMessage", "eu-west-1", None).is_err());
    }
}
