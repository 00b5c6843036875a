//! The structures of replies.

use millpond_core::name::AccountId;
use serde::Serialize;

use crate::caller::Tags;
pub(super) use crate::date::extended as date;
use crate::identity::record::{AccountRecord, PolicyRecord, RoleRecord, UserRecord};
use crate::identity::{Group, Identities, InstanceProfile, policy_id};
use crate::managed::Managed;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    value: String,
}

pub(super) fn tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

fn some_tags(of: &Tags) -> Option<Vec<Tag>> {
    (!of.is_empty()).then(|| tags(of))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Boundary {
    permissions_boundary_type: &'static str,
    permissions_boundary_arn: String,
}

fn boundary(arn: Option<&String>) -> Option<Boundary> {
    arn.map(|arn| Boundary { permissions_boundary_type: "Policy", permissions_boundary_arn: arn.clone() })
}

/// A user, or an account's root, which has neither path nor name.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct User {
    path: Option<String>,
    user_name: Option<String>,
    user_id: String,
    arn: String,
    create_date: String,
    permissions_boundary: Option<Boundary>,
    tags: Option<Vec<Tag>>,
}

impl User {
    pub(super) fn whole(user: &UserRecord) -> Self {
        let named = &user.named;
        Self {
            path: Some(named.path.clone()),
            user_name: Some(named.name.clone()),
            user_id: named.id.clone(),
            arn: named.arn("user"),
            create_date: date(named.created_secs),
            permissions_boundary: boundary(user.permissions.boundary.as_ref()),
            tags: some_tags(&named.tags),
        }
    }

    /// As lists show it: without tags and boundary.
    pub(super) fn listed(user: &UserRecord) -> Self {
        Self { permissions_boundary: None, tags: None, ..Self::whole(user) }
    }

    pub(super) fn root(account: millpond_core::name::AccountId, created_secs: u64) -> Self {
        Self {
            path: None,
            user_name: None,
            user_id: account.to_string(),
            arn: format!("arn:aws:iam::{account}:root"),
            create_date: date(created_secs),
            permissions_boundary: None,
            tags: None,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupShape {
    path: String,
    group_name: String,
    group_id: String,
    arn: String,
    create_date: String,
}

impl GroupShape {
    pub(super) fn of(group: &Group) -> Self {
        Self {
            path: group.path.clone(),
            group_name: group.name.clone(),
            group_id: group.id.clone(),
            arn: group.arn(),
            create_date: date(group.created_secs),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Nothing {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Role {
    path: String,
    role_name: String,
    role_id: String,
    arn: String,
    create_date: String,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
    permissions_boundary: Option<Boundary>,
    tags: Option<Vec<Tag>>,
    role_last_used: Option<Nothing>,
}

impl Role {
    pub(super) fn whole(role: &RoleRecord, identities: &Identities) -> Self {
        let named = &role.named;
        Self {
            path: named.path.clone(),
            role_name: named.name.clone(),
            role_id: named.id.clone(),
            arn: named.arn("role"),
            create_date: date(named.created_secs),
            assume_role_policy_document: percent_encoded(&identities.shown_trust(role)),
            description: role.description.clone(),
            max_session_duration: Some(role.max_session_secs),
            permissions_boundary: boundary(role.permissions.boundary.as_ref()),
            tags: some_tags(&named.tags),
            role_last_used: Some(Nothing {}),
        }
    }

    /// As its creation shows it.
    pub(super) fn created(role: &RoleRecord, identities: &Identities) -> Self {
        Self {
            description: None,
            max_session_duration: None,
            role_last_used: None,
            ..Self::whole(role, identities)
        }
    }

    /// As lists show it.
    pub(super) fn listed(role: &RoleRecord, identities: &Identities) -> Self {
        Self { permissions_boundary: None, tags: None, role_last_used: None, ..Self::whole(role, identities) }
    }

    /// As `UpdateRoleDescription` shows it.
    pub(super) fn described(role: &RoleRecord, identities: &Identities) -> Self {
        Self { max_session_duration: None, ..Self::listed(role, identities) }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Profile {
    path: String,
    instance_profile_name: String,
    instance_profile_id: String,
    arn: String,
    create_date: String,
    roles: Vec<Role>,
}

impl Profile {
    pub(super) fn of(profile: &InstanceProfile, identities: &Identities) -> Self {
        let roles = profile.record.roles.iter().filter_map(|id| identities.role_by_id(id));
        Self {
            path: profile.path.clone(),
            instance_profile_name: profile.name.clone(),
            instance_profile_id: profile.id.clone(),
            arn: profile.arn(),
            create_date: date(profile.created_secs),
            roles: roles.map(|role| Role::created(&role.record, identities)).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Policy {
    pub(super) policy_name: String,
    pub(super) policy_id: String,
    pub(super) arn: String,
    pub(super) path: String,
    pub(super) default_version_id: String,
    pub(super) attachment_count: usize,
    pub(super) permissions_boundary_usage_count: usize,
    pub(super) is_attachable: bool,
    pub(super) description: Option<String>,
    pub(super) create_date: String,
    pub(super) update_date: String,
    pub(super) tags: Option<Vec<Tag>>,
}

impl Policy {
    pub(super) fn whole(policy: &PolicyRecord, identities: &Identities) -> Self {
        let (named, arn) = (&policy.named, policy.arn());
        Self {
            policy_name: named.name.clone(),
            policy_id: named.id.clone(),
            default_version_id: format!("v{}", policy.default_version),
            attachment_count: identities.attached_to(named.account, &arn).count(),
            permissions_boundary_usage_count: identities.boundary_of(named.account, &arn).count(),
            arn,
            path: named.path.clone(),
            is_attachable: true,
            description: policy.description.clone(),
            create_date: date(named.created_secs),
            update_date: date(policy.updated_secs),
            tags: Some(tags(&named.tags)),
        }
    }

    /// A policy that AWS manages, as an account sees it.
    pub(super) fn of_aws(policy: &Managed, identities: &Identities, account: AccountId) -> Self {
        Self {
            policy_name: policy.name.to_string(),
            policy_id: policy_id(&policy.arn),
            arn: policy.arn.to_string(),
            path: policy.path.to_string(),
            default_version_id: policy.version_id.to_string(),
            attachment_count: identities.attached_to(account, &policy.arn).count(),
            permissions_boundary_usage_count: identities.boundary_of(account, &policy.arn).count(),
            is_attachable: true,
            description: Some(policy.description.to_string()),
            create_date: policy.created.to_string(),
            update_date: policy.created.to_string(),
            tags: Some(Vec::new()),
        }
    }

    /// As its creation shows it.
    pub(super) fn created(policy: &PolicyRecord, identities: &Identities) -> Self {
        let tags = some_tags(&policy.named.tags);
        Self { description: None, tags, ..Self::whole(policy, identities) }
    }

    /// As lists show it.
    pub(super) fn listed(self) -> Self {
        Self { description: None, tags: None, ..self }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    pub(super) document: Option<String>,
    pub(super) version_id: String,
    pub(super) is_default_version: bool,
    pub(super) create_date: String,
}

impl Version {
    /// The one version of a policy that AWS manages, without its document.
    pub(super) fn of_aws(policy: &Managed) -> Self {
        Self {
            document: None,
            version_id: policy.version_id.to_string(),
            is_default_version: true,
            create_date: policy.created.to_string(),
        }
    }

    /// A version without its document.
    pub(super) fn of(policy: &PolicyRecord, number: u32) -> Self {
        Self {
            document: None,
            version_id: format!("v{number}"),
            is_default_version: policy.default_version == number,
            create_date: date(policy.versions.get(&number).map_or(0, |version| version.created_secs)),
        }
    }
}

/// The alias of an account, if it has one.
pub(super) fn alias(record: Option<&AccountRecord>) -> Option<String> {
    record.and_then(|record| record.alias.clone())
}

/// A policy document as replies carry it: RFC 3986.
pub(super) fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;

    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
