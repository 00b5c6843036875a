//! The actions of IAM: one table that decoding, authorisation, metrics and documents read.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html> and
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>.

use std::fmt;

use millpond_wire::error::ApiError;

use super::call::Call;
use super::reader::Reader;
use super::tags::Kind;
use super::{
    access_keys, account, attached_policies, inline_policies, managed_policies, policy_versions, roles, tags,
    users,
};
use crate::identity::decide::HolderKind;

/// What an action is authorised on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// A user's ARN.
    User,
    /// A role's ARN.
    Role,
    /// A managed policy's ARN.
    Policy,
    /// `*`.
    Everything,
}

/// A request whose parameters are in order, or the error to answer.
pub(super) type Decoded = Result<Box<dyn Call>, ApiError>;

/// One row of the table.
pub struct Action {
    /// Its name in the API.
    pub name: &'static str,
    /// The permission it needs.
    pub iam_action: &'static str,
    /// What it is authorised on.
    pub resource: ResourceKind,
    /// Whether it may change the state.
    pub is_change: bool,
    pub(super) decode: fn(Reader<'_>) -> Decoded,
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `Name Kind reads|changes decode;` for each action: the permission has the action's name.
macro_rules! actions {
    (@changes reads) => { false };
    (@changes changes) => { true };
    ($($name:ident $resource:ident $effect:ident $decode:expr;)*) => {
        &[$(Action {
            name: stringify!($name),
            iam_action: concat!("iam:", stringify!($name)),
            resource: ResourceKind::$resource,
            is_change: actions!(@changes $effect),
            decode: $decode,
        }),*]
    };
}

/// All actions, by name.
pub static ACTIONS: &[Action] = actions! {
    AttachRolePolicy Role changes |given| attached_policies::attach(HolderKind::Role, given);
    AttachUserPolicy User changes |given| attached_policies::attach(HolderKind::User, given);
    CreateAccessKey User changes access_keys::create;
    CreateAccountAlias Everything changes account::create_alias;
    CreatePolicy Policy changes managed_policies::create;
    CreatePolicyVersion Policy changes policy_versions::create;
    CreateRole Role changes roles::create;
    CreateUser User changes users::create;
    DeleteAccessKey User changes access_keys::delete;
    DeleteAccountAlias Everything changes account::delete_alias;
    DeletePolicy Policy changes managed_policies::delete;
    DeletePolicyVersion Policy changes policy_versions::delete;
    DeleteRole Role changes roles::delete;
    DeleteRolePermissionsBoundary Role changes
        |given| attached_policies::delete_boundary(HolderKind::Role, given);
    DeleteRolePolicy Role changes |given| inline_policies::delete(HolderKind::Role, given);
    DeleteUser User changes users::delete;
    DeleteUserPermissionsBoundary User changes
        |given| attached_policies::delete_boundary(HolderKind::User, given);
    DeleteUserPolicy User changes |given| inline_policies::delete(HolderKind::User, given);
    DetachRolePolicy Role changes |given| attached_policies::detach(HolderKind::Role, given);
    DetachUserPolicy User changes |given| attached_policies::detach(HolderKind::User, given);
    GetAccessKeyLastUsed User reads access_keys::last_used;
    GetAccountSummary Everything reads account::summary;
    GetPolicy Policy reads managed_policies::get;
    GetPolicyVersion Policy reads policy_versions::get;
    GetRole Role reads roles::get;
    GetRolePolicy Role reads |given| inline_policies::get(HolderKind::Role, given);
    GetUser User reads users::get;
    GetUserPolicy User reads |given| inline_policies::get(HolderKind::User, given);
    ListAccessKeys User reads access_keys::list;
    ListAccountAliases Everything reads account::list_aliases;
    ListAttachedRolePolicies Role reads |given| attached_policies::list(HolderKind::Role, given);
    ListAttachedUserPolicies User reads |given| attached_policies::list(HolderKind::User, given);
    ListEntitiesForPolicy Policy reads managed_policies::list_entities;
    ListGroupsForUser User reads account::groups_of_user;
    ListInstanceProfilesForRole Role reads account::profiles_of_role;
    ListPolicies Everything reads managed_policies::list;
    ListPolicyTags Policy reads |given| tags::list(Kind::Policy, given);
    ListPolicyVersions Policy reads policy_versions::list;
    ListRolePolicies Role reads |given| inline_policies::list(HolderKind::Role, given);
    ListRoleTags Role reads |given| tags::list(Kind::Role, given);
    ListRoles Everything reads roles::list;
    ListUserPolicies User reads |given| inline_policies::list(HolderKind::User, given);
    ListUserTags User reads |given| tags::list(Kind::User, given);
    ListUsers Everything reads users::list;
    PutRolePermissionsBoundary Role changes |given| attached_policies::put_boundary(HolderKind::Role, given);
    PutRolePolicy Role changes |given| inline_policies::put(HolderKind::Role, given);
    PutUserPermissionsBoundary User changes |given| attached_policies::put_boundary(HolderKind::User, given);
    PutUserPolicy User changes |given| inline_policies::put(HolderKind::User, given);
    SetDefaultPolicyVersion Policy changes policy_versions::set_default;
    TagPolicy Policy changes |given| tags::tag(Kind::Policy, given);
    TagRole Role changes |given| tags::tag(Kind::Role, given);
    TagUser User changes |given| tags::tag(Kind::User, given);
    UntagPolicy Policy changes |given| tags::untag(Kind::Policy, given);
    UntagRole Role changes |given| tags::untag(Kind::Role, given);
    UntagUser User changes |given| tags::untag(Kind::User, given);
    UpdateAccessKey User changes access_keys::update;
    UpdateAssumeRolePolicy Role changes roles::update_trust;
    UpdateRole Role changes roles::update;
    UpdateRoleDescription Role changes roles::update_description;
    UpdateUser User changes users::update;
};

/// The action of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}
