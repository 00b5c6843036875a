//! Whether a caller may do something, and why. A pure function of the policies and the request.
//!
//! What always holds: an explicit deny wins; what no policy allows is denied; a decision names the policy and statement
//! that made it, or what is missing.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use std::sync::Arc;

use millpond_core::name::AccountId;

use crate::caller::Caller;
use crate::facts::Facts;
use crate::policy::Policy;

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

impl Denial {
    /// The text that AWS answers: `User: … is not authorized to perform: … on resource: … because no identity-based policy
    /// allows the … action`. `action` is spelled as the service spells it: SQS lower-cases it.
    #[must_use]
    pub fn text(&self, caller: &Caller, action: &str, resource: &str) -> String {
        let _ = (caller, action, resource);
        unimplemented!()
    }
}

/// Decides.
#[must_use]
pub fn evaluate(question: &Question<'_>, policies: &Policies) -> Decision {
    let _ = (question, policies);
    unimplemented!()
}
