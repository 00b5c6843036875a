//! What an action of IAM or STS is authorised on, by the ARN of what it would be done to: for who asks whether they may.
//!
//! What always holds: it is what the request itself would be authorised on, as far as an ARN and condition keys tell; nothing of
//! another account is in it.

use std::borrow::Cow;

use millpond_core::name::AccountId;

use super::catalogue::{ACTIONS, ResourceKind};
use super::{Authorisation, authorise, sts};
use crate::arn::Arn;
use crate::caller::Caller;
use crate::evaluate;
use crate::facts::Given;
use crate::identity::Identities;

/// No action of its own: who hands a role to a service needs it.
const PASS_ROLE: &str = "iam:PassRole";

/// All permissions of the two services.
pub fn permissions() -> impl Iterator<Item = &'static str> + Clone {
    let of_iam = ACTIONS.iter().map(|action| action.iam_action).chain([PASS_ROLE]);
    of_iam.chain(sts::PERMISSIONS)
}

/// What `caller` must be allowed, all of it, to do what `permission` (one of [`permissions`]) is for to `resource`, with the
/// condition keys of `given`. Empty when nothing is asked.
///
/// # Errors
/// Why it can't be done to that.
pub fn asked(
    permission: &'static str,
    resource: &str,
    given: &Given,
    caller: &Caller,
    identities: &Identities,
) -> Result<Vec<Authorisation>, String> {
    if permission.starts_with("sts:") {
        return sts::asked(permission, resource, given, caller, identities);
    }
    let action = ACTIONS.iter().find(|action| action.iam_action == permission);
    let kind = action.map_or(ResourceKind::Role, |action| action.resource);
    let word = match kind {
        ResourceKind::User => "user",
        ResourceKind::Role => "role",
        ResourceKind::Policy => "policy",
        ResourceKind::Everything => "",
    };
    let own = caller.account().unwrap_or(AccountId::DEFAULT);
    let one = |resource: &str, account, facts| Authorisation {
        action: Cow::Borrowed(permission),
        resource: resource.to_owned(),
        resource_account: account,
        resource_kind: evaluate::ResourceKind::Ordinary,
        resource_policy: None,
        facts,
    };
    if kind == ResourceKind::Everything || resource == "*" {
        return Ok(vec![one("*", own, given.clone())]);
    }
    let is_of_kind = |arn: &Arn<'_>| {
        let name = arn.resource.strip_prefix(word).and_then(|rest| rest.strip_prefix('/'));
        arn.service == "iam" && name.is_some_and(|name| !name.is_empty() && !name.ends_with('/'))
    };
    let arn = Arn::parse(resource).filter(is_of_kind).ok_or_else(|| {
        format!("{permission} is done to a {word}, such as arn:aws:iam::{own}:{word}/NAME, not to {resource}")
    })?;
    let account = AccountId::parse(arn.account).unwrap_or(own);
    let mut facts = Given::default();
    if account == own {
        facts = authorise::facts_of(resource, kind, own, identities);
    }
    facts.put_all(given);
    Ok(vec![one(resource, account, facts)])
}

/// Whether what an ARN names is there: a user, a role, or a managed policy.
#[must_use]
pub fn is_there(arn: &str, identities: &Identities) -> bool {
    identities.principal_by_arn(arn).is_some() || identities.managed_policy(arn).is_some()
}
