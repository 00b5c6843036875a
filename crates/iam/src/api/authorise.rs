//! What the caller of an IAM action must be allowed: resources as ARNs, and what policies may ask about the request.
//!
//! Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>.

use std::borrow::Cow;

use millpond_core::name::AccountId;

use super::Authorisation;
use super::call::{About, Call, Target};
use super::catalogue::{Action, ResourceKind};
use crate::arn::Arn;
use crate::caller::{Caller, Tags};
use crate::evaluate;
use crate::facts::Given;
use crate::identity::Identities;
use crate::identity::record::{Permissions, arn};

/// Something that an action is done to.
struct Resource<'i> {
    arn: String,
    account: AccountId,
    tags: Option<&'i Tags>,
    boundary: Option<&'i str>,
    /// Its path and name, when it is a user or role, so that it can get others.
    place: Option<(&'i str, &'i str)>,
}

impl<'i> Resource<'i> {
    fn untagged(arn: String, account: AccountId) -> Self {
        Self { arn, account, tags: None, boundary: None, place: None }
    }

    fn holder(arn: String, named: &'i crate::identity::record::Named, permissions: &'i Permissions) -> Self {
        Self {
            arn,
            account: named.account,
            tags: Some(&named.tags),
            boundary: permissions.boundary.as_deref(),
            place: Some((&named.path, &named.name)),
        }
    }
}

/// All that the caller must be allowed.
pub(super) fn authorisations(
    action: &'static Action,
    call: &dyn Call,
    caller: &Caller,
    identities: &Identities,
) -> Vec<Authorisation> {
    let account = caller.account().unwrap_or(AccountId::DEFAULT);
    let resource = resource(action.resource, call.target(), caller, account, identities);
    let about = call.about();
    let facts = facts(&about, &resource);
    let one = |action: Cow<'static, str>, arn: &str| Authorisation {
        action,
        resource: arn.to_owned(),
        resource_account: resource.account,
        resource_kind: evaluate::ResourceKind::Ordinary,
        resource_policy: None,
        facts: facts.clone(),
    };
    let mut all = vec![one(Cow::Borrowed(action.iam_action), &resource.arn)];
    if matches!(call.target(), Target::New { .. }) && !about.tags.is_empty() {
        let tag = match action.resource {
            ResourceKind::User => "iam:TagUser",
            ResourceKind::Role => "iam:TagRole",
            ResourceKind::Policy | ResourceKind::Everything => "iam:TagPolicy",
        };
        all.push(one(Cow::Borrowed(tag), &resource.arn));
    }
    if let (Some((new_path, new_name)), Some((path, name))) = (about.renamed, resource.place) {
        let renamed = arn(account, "user", new_path.unwrap_or(path), new_name.unwrap_or(name));
        all.push(one(Cow::Borrowed(action.iam_action), &renamed));
    }
    all
}

fn resource<'i>(
    kind: ResourceKind,
    target: Target<'_>,
    caller: &Caller,
    account: AccountId,
    identities: &'i Identities,
) -> Resource<'i> {
    let everything = || Resource::untagged("*".to_owned(), account);
    match (kind, target) {
        (ResourceKind::Everything, _) | (_, Target::Everything) => everything(),
        (_, Target::Caller) => match caller {
            Caller::User(user) => match identities.user_by_id(&user.id) {
                Some(user) => Resource::holder(user.arn(), user, &user.record.permissions),
                None => Resource::untagged(caller.arn(), account),
            },
            _ => Resource::untagged(caller.principal_arn().unwrap_or_else(|| "*".to_owned()), account),
        },
        (_, Target::OwnerOf(key)) => match identities.access_key(key).map(|key| key.caller) {
            Some(Caller::User(owner)) if owner.account == account => match identities.user_by_id(&owner.id) {
                Some(user) => Resource::holder(user.arn(), user, &user.record.permissions),
                None => everything(),
            },
            _ => everything(),
        },
        (ResourceKind::User, Target::Existing(name)) => match identities.user(account, name) {
            Some(user) => Resource::holder(user.arn(), user, &user.record.permissions),
            None => Resource::untagged(arn(account, "user", "/", name), account),
        },
        (ResourceKind::Role, Target::Existing(name)) => match identities.role(account, name) {
            Some(role) => Resource::holder(role.arn(), role, &role.record.permissions),
            None => Resource::untagged(arn(account, "role", "/", name), account),
        },
        (ResourceKind::Policy, Target::Existing(arn)) => policy(arn, account, identities),
        (ResourceKind::User, Target::New { path, name }) => {
            Resource::untagged(arn(account, "user", path, name), account)
        }
        (ResourceKind::Role, Target::New { path, name }) => {
            Resource::untagged(arn(account, "role", path, name), account)
        }
        (ResourceKind::Policy, Target::New { path, name }) => {
            Resource::untagged(arn(account, "policy", path, name), account)
        }
    }
}

/// A policy of AWS belongs to everyone; one of another account to that.
fn policy<'i>(arn: &str, account: AccountId, identities: &'i Identities) -> Resource<'i> {
    let owner = Arn::parse(arn).and_then(|arn| AccountId::parse(arn.account)).unwrap_or(account);
    let tags = identities.policy(arn).map(|policy| &policy.tags);
    Resource { tags, ..Resource::untagged(arn.to_owned(), owner) }
}

/// The condition keys that follow from what an ARN of the caller's account names.
pub(super) fn facts_of(
    named: &str,
    kind: ResourceKind,
    account: AccountId,
    identities: &Identities,
) -> Given {
    let name = named.rsplit('/').next().unwrap_or_default();
    let found = match kind {
        ResourceKind::User => {
            let user = identities.user(account, name).filter(|user| user.arn() == named);
            user.map(|user| Resource::holder(user.arn(), user, &user.record.permissions))
        }
        ResourceKind::Role => {
            let role = identities.role(account, name).filter(|role| role.arn() == named);
            role.map(|role| Resource::holder(role.arn(), role, &role.record.permissions))
        }
        ResourceKind::Policy => Some(policy(named, account, identities)),
        ResourceKind::Everything => None,
    };
    found.map_or_else(Given::default, |resource| facts(&About::default(), &resource))
}

fn facts(about: &About<'_>, resource: &Resource<'_>) -> Given {
    let mut facts = Given::default();
    if let Some(arn) = about.policy_arn {
        facts.put("iam:PolicyARN", arn);
    }
    if let Some(arn) = about.boundary.or(resource.boundary) {
        facts.put("iam:PermissionsBoundary", arn);
    }
    for (key, value) in about.tags {
        facts.put(&format!("aws:RequestTag/{key}"), value);
    }
    let keys = about.tags.iter().map(|(key, _)| key).chain(about.tag_keys);
    let keys: Vec<_> = keys.cloned().collect();
    if !keys.is_empty() {
        facts.put_many("aws:TagKeys", keys);
    }
    for (key, value) in resource.tags.into_iter().flatten() {
        facts.put(&format!("aws:ResourceTag/{key}"), value);
        facts.put(&format!("iam:ResourceTag/{key}"), value);
    }
    facts
}
