//! Decisions in words: as AWS answers them, and for people.
//!
//! Source of the answers: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.

use std::fmt::Write as _;

use super::{Decision, Denial, PolicyKind, Question, ResourceKind, StatementRef};
use crate::arn::Arn;
use crate::caller::Caller;

impl Denial {
    /// The text that AWS answers: `User: … is not authorized to perform: … on resource: … because no identity-based policy
    /// allows the … action`. `action` is spelled as the service spells it: SQS lower-cases it. An anonymous caller is told
    /// `Access to the resource … is denied.`, and SQS means the queue's URL by it.
    ///
    /// STS does not say why a role may not be assumed when its trust policy does not allow it.
    #[must_use]
    pub fn text(&self, caller: &Caller, action: &str, resource: &str) -> String {
        if *caller == Caller::Anonymous {
            return format!("Access to the resource {resource} is denied.");
        }
        let user = caller.arn();
        let mut text = format!("User: {user} is not authorized to perform: {action} on resource: {resource}");
        // Writing to a text can't fail.
        let _ = match self {
            Self::Explicit(by) => write!(text, " with an explicit deny in {}", with_article(by.kind)),
            Self::Missing(PolicyKind::Resource) if is_assuming(action) => Ok(()),
            Self::Missing(kind) => write!(text, " because no {} allows the {action} action", name(*kind)),
        };
        text
    }
}

fn is_assuming(action: &str) -> bool {
    action.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("sts:AssumeRole"))
}

const fn name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "identity-based policy",
        PolicyKind::Resource => "resource-based policy",
        PolicyKind::Boundary => "permissions boundary",
        PolicyKind::Session => "session policy",
    }
}

fn with_article(kind: PolicyKind) -> String {
    let article = if kind == PolicyKind::Identity { "an" } else { "a" };
    format!("{article} {}", name(kind))
}

impl Decision {
    /// The decision in plain words: what is asked, which statements made it, and what is missing and could allow it.
    #[must_use]
    pub fn explain(&self, question: &Question<'_>) -> String {
        let who = who(question.caller);
        let Question { action, resource, .. } = question;
        match self {
            Self::Allowed(by) if by.is_empty() => format!(
                "Allowed: {who} may {action} on {resource}. The root of an account may do everything in it that no \
                 statement denies."
            ),
            Self::Allowed(by) => {
                let mut text = format!("Allowed: {who} may {action} on {resource}. It is allowed by:");
                for one in by {
                    let _ = write!(text, "\n- {}", statement(one));
                }
                text
            }
            Self::Denied(Denial::Explicit(by)) => format!(
                "Denied: {who} may not {action} on {resource}. It is denied by {}. A statement that denies wins over \
                 everything that allows: change that statement, or what it applies to.",
                statement(by)
            ),
            Self::Denied(Denial::Missing(kind)) => format!(
                "Denied: {who} may not {action} on {resource}. No statement denies it, but {}. {}",
                missing(*kind, question),
                remedy(*kind, question)
            ),
        }
    }

    /// As [`Decision::explain`], of a decision that was made without the policy of the resource, which is of another account
    /// and not to be shown: what the caller's own account says of it.
    #[must_use]
    pub fn explain_one_side(&self, question: &Question<'_>) -> String {
        let Self::Allowed(by) = self else { return self.explain(question) };
        let Question { action, resource, resource_account, .. } = question;
        let who = who(question.caller);
        let mut text = format!(
            "Not decided here: the account of {who} lets it {action} on {resource}. Whether it may is for the policy of the \
             resource to say besides, which is of account {resource_account} and isn't shown to others."
        );
        for one in by {
            let _ = write!(text, "\n- {}", statement(one));
        }
        text
    }
}

fn who(caller: &Caller) -> String {
    match caller {
        Caller::Anonymous => "an anonymous caller".to_owned(),
        Caller::Service { name } => format!("the service {name}"),
        Caller::Root { account } => format!("the root of account {account}"),
        Caller::User(_) | Caller::Role(_) => caller.arn(),
    }
}

fn statement(by: &StatementRef) -> String {
    let number = by.index + 1;
    let sid = by.sid.as_ref().map(|sid| format!(" (Sid \"{sid}\")")).unwrap_or_default();
    format!("statement {number}{sid} of the {} \"{}\"", name(by.kind), by.policy)
}

/// Whether what is named can have a policy of its own. A role's trust policy is asked about as that.
fn has_policy(resource: &str) -> bool {
    Arn::parse(resource).is_some_and(|arn| arn.service == "sqs")
}

fn missing(kind: PolicyKind, question: &Question<'_>) -> String {
    let is_trust = question.resource_kind == ResourceKind::RoleTrust;
    match kind {
        PolicyKind::Identity => "no identity-based policy of the caller allows it".to_owned(),
        PolicyKind::Resource if is_trust => "the role's trust policy does not admit the caller".to_owned(),
        PolicyKind::Resource if !has_policy(question.resource) => "it is of another account".to_owned(),
        PolicyKind::Resource => "the resource's own policy does not allow it to the caller".to_owned(),
        PolicyKind::Boundary => "the caller's permissions boundary does not include it".to_owned(),
        PolicyKind::Session => "no policy of the session includes it".to_owned(),
    }
}

fn remedy(kind: PolicyKind, question: &Question<'_>) -> String {
    let Question { caller, action, resource, .. } = question;
    let same_account = caller.account() == Some(question.resource_account);
    let is_trust = question.resource_kind == ResourceKind::RoleTrust;
    let attach = match caller {
        Caller::User(user) => format!("attach a policy to user {}", user.name),
        Caller::Role(role) => format!("attach a policy to role {}", role.name),
        Caller::Root { .. } | Caller::Anonymous | Caller::Service { .. } => "attach a policy".to_owned(),
    };
    let attach = format!("{attach} that allows {action} on {resource}");
    match kind {
        PolicyKind::Identity if same_account && !is_trust && has_policy(resource) => {
            format!("To allow it, {attach}, or allow it to {} in the resource's policy.", who(caller))
        }
        PolicyKind::Identity if same_account && !is_trust => format!("To allow it, {attach}."),
        PolicyKind::Identity if same_account => format!(
            "To allow it, {attach}, or name {} itself in the role's trust policy: the account's name there leaves it to \
             the policies of the account.",
            who(caller)
        ),
        PolicyKind::Identity | PolicyKind::Resource if !is_trust && !has_policy(resource) => format!(
            "What belongs to account {} is not given to other accounts: nothing can allow it.",
            question.resource_account
        ),
        PolicyKind::Identity => format!(
            "To allow it, {attach}; as the resource is of account {}, its policy has to allow it as well.",
            question.resource_account
        ),
        PolicyKind::Resource if is_trust => {
            format!(
                "To allow it, add a statement to the role's trust policy with {} as its Principal.",
                who(caller)
            )
        }
        PolicyKind::Resource => {
            format!(
                "To allow it, add a statement to the resource's policy that allows {action} to {}.",
                who(caller)
            )
        }
        PolicyKind::Boundary => {
            "Other policies can't widen a boundary: the boundary has to allow it, too.".to_owned()
        }
        PolicyKind::Session => {
            "Other policies can't widen a session: get credentials whose session policy allows it, or \
                                that have none."
                .to_owned()
        }
    }
}
