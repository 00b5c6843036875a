//! Whether a caller may do something, and why. A pure function of the policies and the request.
//!
//! What always holds: an explicit deny wins; what no policy allows is denied; a decision names the policy and statement
//! that made it, or what is missing.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use std::sync::Arc;

mod condition;
mod context;
mod statement;
mod words;

use millpond_core::name::AccountId;

use crate::caller::Caller;
use crate::facts::Facts;
use crate::policy::Policy;
use crate::policy::budget::Budget;
use crate::policy::principal::Reach;
use statement::{Request, Said, reference};

/// What is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// Such as `sqs:SendMessage`.
    pub action: &'a str,
    /// The ARN of what it is done to, or `*`.
    pub resource: &'a str,
    /// The account that owns the resource.
    pub resource_account: AccountId,
    /// What kind of resource it is.
    pub resource_kind: ResourceKind,
    /// The condition keys. Those that follow from the caller (`aws:PrincipalArn`, `aws:username`, tags, …) are derived from
    /// it and need not be given.
    pub facts: &'a dyn Facts,
}

/// How the resource's own policy counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// In one account identity or resource policy suffices.
    Ordinary,
    /// A role that is assumed: its trust policy must allow, always.
    RoleTrust,
}

/// A policy and the name that people know it by: `arn:aws:iam::aws:policy/AmazonSQSFullAccess`, or the name of an inline
/// policy.
#[derive(Clone, Debug)]
pub struct Attached {
    /// Its name.
    pub name: Arc<str>,
    /// What it says.
    pub policy: Arc<Policy>,
}

/// All policies that apply.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// Of the user or role, and of its groups.
    pub identity: Vec<Attached>,
    /// The permissions boundary of the user or role.
    pub boundary: Option<Attached>,
    /// Of the session. Empty: the session is not limited. Several: any of them may allow.
    pub session: Vec<Attached>,
    /// Of the resource.
    pub resource: Option<Attached>,
}

/// Which policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of AWS")]
pub enum PolicyKind {
    Identity,
    Resource,
    Boundary,
    Session,
}

/// A statement, by the policy it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRef {
    /// What kind of policy it is in.
    pub kind: PolicyKind,
    /// The policy's name.
    pub policy: Arc<str>,
    /// The statement's `Sid`, if it has one.
    pub sid: Option<Arc<str>>,
    /// Which statement it is, from 0.
    pub index: usize,
}

/// May they?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They may, by these statements: one for each policy that had to allow. Empty for an account's root in its own
    /// account.
    Allowed(Vec<StatementRef>),
    /// They may not.
    Denied(Denial),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A statement denies it.
    Explicit(StatementRef),
    /// No policy of this kind allows it.
    Missing(PolicyKind),
}

impl Decision {
    /// Whether they may.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

/// Decides. When comparing takes more steps than any policy needs, each statement that could not be compared to its end
/// counts as one that denies if it is a `Deny`, and as none if it is an `Allow`.
#[must_use]
pub fn evaluate(question: &Question<'_>, policies: &Policies) -> Decision {
    let budget = Budget::new();
    let request = Request::new(question, policies.boundary.is_some(), &budget);
    let found = match Found::look(&request, policies) {
        Ok(found) => found,
        Err(denied) => return Decision::Denied(Denial::Explicit(denied)),
    };
    match found.decide(question) {
        Ok(by) => Decision::Allowed(by),
        Err(kind) => Decision::Denied(Denial::Missing(kind)),
    }
}

/// A statement that allows.
type Allow<'a> = (&'a Attached, PolicyKind, usize);

/// What the policies say, once it is known that none denies.
struct Found<'a> {
    identity: Option<Allow<'a>>,
    boundary: Limit<'a>,
    session: Limit<'a>,
    resource: Option<(Reach, Allow<'a>)>,
}

/// A kind of policy that allows nothing by itself.
#[derive(Clone, Copy)]
enum Limit<'a> {
    /// There is no such policy.
    Absent,
    Allows(Allow<'a>),
    Silent,
}

impl<'a> Found<'a> {
    /// Reads all policies; the error is the first statement that denies.
    fn look(request: &Request<'_>, policies: &'a Policies) -> Result<Self, StatementRef> {
        let all = |attached: &'a [Attached], kind| -> Result<Option<(Reach, Allow<'a>)>, StatementRef> {
            let mut allow = None;
            for one in attached {
                match request.said_by(one, kind) {
                    Said::Denies(index) => return Err(reference(one, kind, index)),
                    Said::Allows(reach, index) if allow.is_none() => {
                        allow = Some((reach, (one, kind, index)))
                    }
                    Said::Allows(..) | Said::Nothing => {}
                }
            }
            Ok(allow)
        };
        let limit = |attached: &'a [Attached], kind| -> Result<Limit<'a>, StatementRef> {
            Ok(match all(attached, kind)? {
                _ if attached.is_empty() => Limit::Absent,
                Some((_, allow)) => Limit::Allows(allow),
                None => Limit::Silent,
            })
        };
        Ok(Self {
            identity: all(&policies.identity, PolicyKind::Identity)?.map(|(_, allow)| allow),
            boundary: limit(policies.boundary.as_slice(), PolicyKind::Boundary)?,
            session: limit(&policies.session, PolicyKind::Session)?,
            resource: all(policies.resource.as_slice(), PolicyKind::Resource)?,
        })
    }

    /// The statements that allow together, or the kind of policy that is missing.
    fn decide(&self, question: &Question<'_>) -> Result<Vec<StatementRef>, PolicyKind> {
        let Some(account) = question.caller.account() else {
            // Anonymous callers and services have no policies of their own.
            let (_, allow) = self.resource.ok_or(PolicyKind::Resource)?;
            return Ok(vec![referred(allow)]);
        };
        if account == question.resource_account {
            self.in_own_account(question)
        } else {
            let mut by = self.by_identity(question.caller)?;
            let (_, allow) = self.resource.ok_or(PolicyKind::Resource)?;
            by.push(referred(allow));
            Ok(by)
        }
    }

    /// In one account the identity's or the resource's policy suffices; a role's trust policy has to allow besides.
    ///
    /// AWS: "Within the same account, resource-based policies that grant permissions to an IAM user ARN … are not limited by an
    /// implicit deny in an identity-based policy or permissions boundary"; those that grant to a role's ARN are.
    fn in_own_account(&self, question: &Question<'_>) -> Result<Vec<StatementRef>, PolicyKind> {
        let is_trust = question.resource_kind == ResourceKind::RoleTrust;
        match self.resource {
            None if is_trust => Err(PolicyKind::Resource),
            _ if !is_trust && self.may_by_identity(question.caller) => self.by_identity(question.caller),
            Some((Reach::Direct, allow)) => Ok(vec![referred(allow)]),
            Some((Reach::Indirect, allow)) => {
                let mut by = vec![referred(allow)];
                self.within_limits(&mut by)?;
                Ok(by)
            }
            Some((Reach::Account, allow)) if is_trust => {
                let mut by = self.by_identity(question.caller)?;
                by.push(referred(allow));
                Ok(by)
            }
            Some(_) | None => self.by_identity(question.caller),
        }
    }

    fn may_by_identity(&self, caller: &Caller) -> bool {
        let granted = self.identity.is_some() || matches!(caller, Caller::Root { .. });
        granted && !matches!(self.boundary, Limit::Silent) && !matches!(self.session, Limit::Silent)
    }

    /// By the policies of the caller's own account; its root needs none.
    fn by_identity(&self, caller: &Caller) -> Result<Vec<StatementRef>, PolicyKind> {
        let mut by = match (self.identity, caller) {
            (Some(allow), _) => vec![referred(allow)],
            (None, Caller::Root { .. }) => Vec::new(),
            (None, _) => return Err(PolicyKind::Identity),
        };
        self.within_limits(&mut by)?;
        Ok(by)
    }

    fn within_limits(&self, by: &mut Vec<StatementRef>) -> Result<(), PolicyKind> {
        for (limit, kind) in [(self.boundary, PolicyKind::Boundary), (self.session, PolicyKind::Session)] {
            match limit {
                Limit::Absent => {}
                Limit::Allows(allow) => by.push(referred(allow)),
                Limit::Silent => return Err(kind),
            }
        }
        Ok(())
    }
}

fn referred((attached, kind, index): Allow<'_>) -> StatementRef {
    reference(attached, kind, index)
}
