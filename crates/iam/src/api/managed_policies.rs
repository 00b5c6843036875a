//! Managed policies: `CreatePolicy`, `GetPolicy`, `ListPolicies`, `DeletePolicy`, `ListEntitiesForPolicy`.

use std::collections::BTreeSet;

use millpond_core::name::AccountId;
use serde::Serialize;

use super::call::{About, Call, Reply, Target, Work};
use super::catalogue::Decoded;
use super::page::Page;
use super::parameters::{
    DOCUMENT, ENTITY_FILTER, PATH, PATH_PREFIX, POLICY_ARN, POLICY_DESCRIPTION, POLICY_NAME, SCOPE, USAGE,
};
use super::reader::Reader;
use super::shape;
use crate::identity::Identities;
use crate::identity::decide::{NewPolicy, Tagged};
use crate::identity::record::Named;
use crate::managed;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyReply {
    policy: shape::Policy,
}

#[derive(Debug)]
struct Create {
    path: String,
    name: String,
    document: String,
    description: Option<String>,
    tags: Vec<(String, String)>,
}

pub(super) fn create(mut given: Reader<'_>) -> Decoded {
    let path = given.optional(&PATH).unwrap_or_else(|| "/".to_owned());
    let name = given.required(&POLICY_NAME);
    let document = given.required(&DOCUMENT);
    let description = given.optional(&POLICY_DESCRIPTION);
    let tags = given.tags();
    given.finish(Box::new(Create { path, name, document, description, tags }))
}

impl Call for Create {
    fn target(&self) -> Target<'_> {
        Target::New { path: &self.path, name: &self.name }
    }

    fn about(&self) -> About<'_> {
        About { tags: &self.tags, ..About::default() }
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let new = NewPolicy {
            account: work.account,
            path: self.path.clone(),
            name: self.name.clone(),
            tags: Tagged::Policy(&self.name).distinct(self.tags.clone())?,
            document: self.document.clone(),
            description: self.description.clone(),
        };
        let (changes, policy) = work.identities.create_policy(&mut work.fresh, new)?;
        let policy = shape::Policy::created(&policy, work.identities);
        work.made(changes, &PolicyReply { policy })
    }
}

#[derive(Debug)]
struct Get {
    arn: String,
}

pub(super) fn get(mut given: Reader<'_>) -> Decoded {
    let arn = given.required(&POLICY_ARN);
    given.finish(Box::new(Get { arn }))
}

impl Call for Get {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.arn)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let policy = match managed::find(&self.arn) {
            Some(policy) => shape::Policy::of_aws(policy, work.identities, work.account),
            None => {
                let policy = work.identities.existing_policy(work.account, &self.arn)?;
                shape::Policy::whole(&policy.record, work.identities)
            }
        };
        work.read(&PolicyReply { policy })
    }
}

/// How a policy may be used for it to be listed.
#[derive(Clone, Copy, Debug)]
struct Usage {
    as_permissions: bool,
    as_boundary: bool,
}

fn usage(given: &mut Reader<'_>) -> Usage {
    let filter = given.optional(&USAGE);
    Usage {
        as_permissions: filter.as_deref() != Some("PermissionsBoundary"),
        as_boundary: filter.as_deref() != Some("PermissionsPolicy"),
    }
}

impl Usage {
    const fn is_everything(self) -> bool {
        self.as_permissions && self.as_boundary
    }

    /// Unique ids of those who use the policy so.
    fn of<'i>(
        self,
        arn: &str,
        identities: &'i Identities,
        account: AccountId,
    ) -> impl Iterator<Item = &'i str> {
        let attached = self.as_permissions.then(|| identities.attached_to(account, arn));
        let bounded = self.as_boundary.then(|| identities.boundary_of(account, arn));
        attached.into_iter().flatten().chain(bounded.into_iter().flatten())
    }
}

#[derive(Debug)]
struct List {
    of_aws: bool,
    of_account: bool,
    only_attached: bool,
    usage: Usage,
    path_prefix: String,
    page: Page,
}

pub(super) fn list(mut given: Reader<'_>) -> Decoded {
    let scope = given.optional(&SCOPE);
    let only_attached = given.flag("OnlyAttached");
    let path_prefix = given.optional(&PATH_PREFIX).unwrap_or_else(|| "/".to_owned());
    let usage = usage(&mut given);
    let page = given.page();
    given.finish(Box::new(List {
        of_aws: scope.as_deref() != Some("Local"),
        of_account: scope.as_deref() != Some("AWS"),
        only_attached,
        usage,
        path_prefix,
        page,
    }))
}

impl List {
    fn shows(&self, policy: &shape::Policy, identities: &Identities, account: AccountId) -> bool {
        let only_used = self.only_attached || !self.usage.is_everything();
        policy.path.starts_with(&self.path_prefix)
            && (!only_used || self.usage.of(&policy.arn, identities, account).next().is_some())
    }
}

impl Call for List {
    fn target(&self) -> Target<'_> {
        Target::Everything
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let identities = work.identities;
        let mut policies = Vec::new();
        if self.of_account {
            let own = identities.managed_policies(work.account, None);
            policies.extend(own.map(|policy| shape::Policy::whole(&policy.record, identities)));
        }
        if self.of_aws {
            let of_aws = managed::all().iter();
            policies.extend(of_aws.map(|policy| shape::Policy::of_aws(policy, identities, work.account)));
        }
        policies.retain(|policy| self.shows(policy, identities, work.account));
        let key = |policy: &shape::Policy| format!("{} {}", policy.policy_name.to_lowercase(), policy.arn);
        let mut policies: Vec<_> =
            policies.into_iter().map(|policy| (key(&policy), policy.listed())).collect();
        policies.sort_by(|(one, _), (other, _)| one.cmp(other));
        work.read(&self.page.of("Policies", policies.into_iter()))
    }
}

#[derive(Debug)]
struct Delete {
    arn: String,
}

pub(super) fn delete(mut given: Reader<'_>) -> Decoded {
    let arn = given.required(&POLICY_ARN);
    given.finish(Box::new(Delete { arn }))
}

impl Call for Delete {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.arn)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        work.done(work.identities.delete_policy(work.account, &self.arn)?)
    }
}

#[derive(Debug)]
struct ListEntities {
    arn: String,
    filter: Option<String>,
    path_prefix: String,
    usage: Usage,
    page: Page,
}

pub(super) fn list_entities(mut given: Reader<'_>) -> Decoded {
    let arn = given.required(&POLICY_ARN);
    let filter = given.optional(&ENTITY_FILTER);
    let path_prefix = given.optional(&PATH_PREFIX).unwrap_or_else(|| "/".to_owned());
    let usage = usage(&mut given);
    let page = given.page();
    given.finish(Box::new(ListEntities { arn, filter, path_prefix, usage, page }))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyUser {
    user_name: String,
    user_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyGroup {
    group_name: String,
    group_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyRole {
    role_name: String,
    role_id: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EntitiesReply {
    policy_groups: Vec<PolicyGroup>,
    policy_users: Vec<PolicyUser>,
    policy_roles: Vec<PolicyRole>,
    is_truncated: bool,
    marker: Option<String>,
}

enum Entity {
    User(PolicyUser),
    Group(PolicyGroup),
    Role(PolicyRole),
}

impl Entity {
    /// What has that unique id, and the kind by which it is filtered.
    fn find<'i>(id: &str, identities: &'i Identities) -> Option<(&'static str, &'i Named, Self)> {
        let (name, id_of) = (|named: &Named| named.name.clone(), |named: &Named| named.id.clone());
        if let Some(user) = identities.user_by_id(id) {
            let shown = PolicyUser { user_name: name(user), user_id: id_of(user) };
            return Some(("User", user, Self::User(shown)));
        }
        if let Some(group) = identities.group_by_id(id) {
            let shown = PolicyGroup { group_name: name(group), group_id: id_of(group) };
            return Some(("Group", group, Self::Group(shown)));
        }
        let role = identities.role_by_id(id)?;
        let shown = PolicyRole { role_name: name(role), role_id: id_of(role) };
        Some(("Role", role, Self::Role(shown)))
    }
}

impl ListEntities {
    fn wants(&self, kind: &str, path: &str) -> bool {
        self.filter.as_deref().is_none_or(|filter| filter == kind) && path.starts_with(&self.path_prefix)
    }
}

impl Call for ListEntities {
    fn target(&self) -> Target<'_> {
        Target::Existing(&self.arn)
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply {
        let (identities, account) = (work.identities, work.account);
        if managed::find(&self.arn).is_none() {
            identities.existing_policy(account, &self.arn)?;
        }
        let mut reply = EntitiesReply::default();
        let ids: BTreeSet<_> = self.usage.of(&self.arn, identities, account).collect();
        let entities = ids.into_iter().filter_map(|id| Entity::find(id, identities));
        let entities = entities.filter(|(kind, named, _)| self.wants(kind, &named.path));
        let page = self.page.of("", entities.map(|(_, named, entity)| (named.id.clone(), entity)));
        for entity in page.items {
            match entity {
                Entity::User(user) => reply.policy_users.push(user),
                Entity::Group(group) => reply.policy_groups.push(group),
                Entity::Role(role) => reply.policy_roles.push(role),
            }
        }
        reply.is_truncated = page.marker.is_some();
        reply.marker = page.marker;
        work.read(&reply)
    }
}
