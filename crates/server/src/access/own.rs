//! What each call of our own API must be allowed: one table.
//!
//! Workloads, stacks, rows, the clock and the figures are the service's, not an account's: they belong to the default
//! account, so that no policy of another account opens them.

use std::borrow::Cow;

use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_iam::api::Authorisation;
use millpond_iam::evaluate::{Decision, ResourceKind};
use millpond_iam::facts::Given;

use super::Access;
use super::caller::Authenticated;

/// The service that calls of our own API are signed for.
pub(crate) const SERVICE: &str = "millpond";

/// How a call is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Its sender must be allowed this.
    Action(&'static str, Resource),
    /// Its sender must be known, and is told or given nothing beyond that.
    Known,
    /// It carries a token that whoever answers it looks at; it is not signed.
    Token,
    /// There is no such call. Nobody is asked to answer it, so that none is open because it is not in the table; who is not
    /// known is not told.
    Nowhere,
}

/// What an action is done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Nothing in particular, in the caller's account.
    OfCaller,
    /// The service itself.
    OfService,
    /// A workload, a stack or the rows of a table: kind and name.
    Named(&'static str, String),
    /// A queue.
    Queue(QueueKey),
}

/// All actions, for those who count them. `UseHost` and `WriteTable` are asked for by the platform while it deploys a stack.
pub(crate) const ACTIONS: [&str; 21] = [
    "millpond:AdvanceClock",
    "millpond:Backup",
    "millpond:ConfirmClock",
    "millpond:CreateAccount",
    "millpond:DeleteStack",
    "millpond:DeployStack",
    "millpond:DescribeQueue",
    "millpond:ExplainDecision",
    "millpond:GetClock",
    "millpond:GetMetrics",
    "millpond:GetStatus",
    "millpond:ListAccounts",
    "millpond:ListQueues",
    "millpond:ListRows",
    "millpond:ListStacks",
    "millpond:ListWorkloads",
    "millpond:Reset",
    "millpond:StartWorkload",
    "millpond:StopWorkload",
    "millpond:UseHost",
    "millpond:WriteTable",
];

/// What an action is done to, when it is nothing that has a name.
pub(super) fn of_nothing_named(action: &str) -> Option<Resource> {
    const OF_CALLER: [&str; 3] = ["millpond:ExplainDecision", "millpond:GetClock", "millpond:ListQueues"];
    const OF_NAMED: [&str; 6] = [
        "millpond:DeleteStack",
        "millpond:DeployStack",
        "millpond:DescribeQueue",
        "millpond:ListRows",
        "millpond:StartWorkload",
        "millpond:StopWorkload",
    ];
    if OF_NAMED.contains(&action) {
        return None;
    }
    Some(if OF_CALLER.contains(&action) { Resource::OfCaller } else { Resource::OfService })
}

/// The gate of a call.
pub(crate) fn gate(method: &str, path: &str) -> Gate {
    let parts: Vec<&str> = path.split('/').collect();
    let named = |kind, name: &str| Resource::Named(kind, name.to_owned());
    match (method, &parts[..]) {
        ("GET", ["queues"]) => Gate::Action("millpond:ListQueues", Resource::OfCaller),
        ("GET", ["queues", account, region, name]) => match queue(account, region, name) {
            Some(key) => Gate::Action("millpond:DescribeQueue", Resource::Queue(key)),
            None => Gate::Known,
        },
        // What is no queue is told how one is named.
        ("GET", ["queues", ..]) | ("POST", ["console-sessions"]) => Gate::Known,
        ("GET", ["clock"]) => Gate::Action("millpond:GetClock", Resource::OfCaller),
        ("POST", ["clock", "confirm"]) => Gate::Action("millpond:ConfirmClock", Resource::OfService),
        ("POST", ["clock", "advance"]) => Gate::Action("millpond:AdvanceClock", Resource::OfService),
        ("POST", ["reset"]) => Gate::Action("millpond:Reset", Resource::OfService),
        ("GET", ["backup"]) => Gate::Action("millpond:Backup", Resource::OfService),
        ("GET", ["status"]) => Gate::Action("millpond:GetStatus", Resource::OfService),
        ("GET", ["workloads"]) => Gate::Action("millpond:ListWorkloads", Resource::OfService),
        ("POST", ["workloads", name, "start"]) => {
            Gate::Action("millpond:StartWorkload", named("workload", name))
        }
        ("POST", ["workloads", name, "stop"]) => {
            Gate::Action("millpond:StopWorkload", named("workload", name))
        }
        ("GET", ["workloads", _, "credentials"]) => Gate::Token,
        ("GET", ["stacks"]) => Gate::Action("millpond:ListStacks", Resource::OfService),
        ("POST", ["stacks", name]) => Gate::Action("millpond:DeployStack", named("stack", name)),
        ("DELETE", ["stacks", name]) => Gate::Action("millpond:DeleteStack", named("stack", name)),
        ("GET", ["rows", name]) => Gate::Action("millpond:ListRows", named("rows", name)),
        ("POST", ["why"]) => Gate::Action("millpond:ExplainDecision", Resource::OfCaller),
        ("POST", ["accounts"]) => Gate::Action("millpond:CreateAccount", Resource::OfService),
        // Who makes accounts may give them keys.
        ("POST", ["accounts", _, "key"]) => Gate::Action("millpond:CreateAccount", Resource::OfService),
        ("GET", ["accounts"]) => Gate::Action("millpond:ListAccounts", Resource::OfService),
        _ => Gate::Nowhere,
    }
}

fn queue(account: &str, region: &str, name: &str) -> Option<QueueKey> {
    let (account, region) = (AccountId::parse(account)?, Region::parse(region)?);
    Some(QueueKey { account, region, name: QueueName::parse(name)? })
}

/// What is decided of a call of our own API.
pub(crate) struct OwnDecision {
    pub(crate) decision: Decision,
    /// What it would be done to.
    pub(crate) resource: String,
    /// The text of who may not.
    pub(crate) denied: Option<String>,
}

impl Access {
    /// Whether a caller may do it, and if not, why, in the words of AWS. `region` is the service's own, whatever region a
    /// request is signed for: its sender chooses that.
    pub(crate) fn authorise_own(
        &self,
        who: &Authenticated,
        action: &'static str,
        resource: &Resource,
        region: &Region,
    ) -> OwnDecision {
        let of_caller = who.caller.account().unwrap_or(self.account);
        let (arn, account) = match resource {
            Resource::OfCaller => ("*".to_owned(), of_caller),
            Resource::OfService => ("*".to_owned(), self.account),
            Resource::Named(kind, name) => {
                (format!("arn:aws:millpond:{region}:{}:{kind}/{name}", self.account), self.account)
            }
            Resource::Queue(QueueKey { account, region, name }) => {
                (format!("arn:aws:sqs:{region}:{account}:{name}"), *account)
            }
        };
        let asked = Authorisation {
            action: Cow::Borrowed(action),
            resource: arn,
            resource_account: account,
            resource_kind: ResourceKind::Ordinary,
            resource_policy: None,
            facts: Given::default(),
        };
        let decision = self.enforced(|| self.judge(region.as_str(), who, &asked));
        let denied = match &decision {
            Decision::Allowed(_) => None,
            Decision::Denied(denial) => {
                let text = denial.text(&who.caller, action, &asked.resource);
                Some(if of_caller == account { text } else { self.of_others(text, resource) })
            }
        };
        OwnDecision { decision, resource: asked.resource, denied }
    }

    /// What a caller of another account learns besides: even its root may do nothing here.
    fn of_others(&self, text: String, resource: &Resource) -> String {
        match resource {
            Resource::OfService | Resource::Named(..) => format!(
                "{text}. Stacks, workloads, rows and the service itself belong to the default account {}",
                self.account
            ),
            Resource::OfCaller | Resource::Queue(_) => text,
        }
    }
}

#[cfg(test)]
mod tests;
