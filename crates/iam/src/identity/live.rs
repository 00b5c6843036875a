//! Records with what follows from them: compiled policies, opened secrets.

use std::ops::Deref;
use std::sync::Arc;

use super::record::{GroupRecord, InstanceProfileRecord, Named, PolicyRecord, RoleRecord, UserRecord};
use super::table::Entry;
use crate::caller::{Caller, RoleCaller, UserCaller};
use crate::evaluate::{Attached, Policies};

/// A user. What every named thing has is at hand: `user.name`, `user.tags`.
#[derive(Clone, Debug)]
pub struct User {
    /// What is written down.
    pub record: Arc<UserRecord>,
    /// Its inline policies.
    pub(super) inline: Arc<[Attached]>,
    /// All policies that count for it.
    pub(super) policies: Arc<Policies>,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// What is written down.
    pub record: Arc<GroupRecord>,
    /// Its inline policies.
    pub(super) inline: Arc<[Attached]>,
}

/// A role. What every named thing has is at hand: `role.name`, `role.path`, `role.id`, `role.tags`.
#[derive(Clone, Debug)]
pub struct Role {
    /// What is written down.
    pub record: Arc<RoleRecord>,
    /// Who may assume it; named after the role's ARN.
    pub trust: Attached,
    /// Seconds that a session lasts at most.
    pub max_session_secs: u32,
    /// Its inline policies.
    pub(super) inline: Arc<[Attached]>,
    /// All policies that count for it.
    pub(super) policies: Arc<Policies>,
}

/// An instance profile.
#[derive(Clone, Debug)]
pub struct InstanceProfile {
    /// What is written down.
    pub record: Arc<InstanceProfileRecord>,
}

/// A managed policy of an account.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// What is written down.
    pub record: Arc<PolicyRecord>,
    /// Its default version; named after its ARN.
    pub default: Attached,
}

macro_rules! named {
    ($($kind:ident)*) => {$(
        impl Deref for $kind {
            type Target = Named;

            fn deref(&self) -> &Named {
                &self.record.named
            }
        }

        impl Entry for $kind {
            fn named(&self) -> &Named {
                &self.record.named
            }
        }
    )*};
}

named! { User Group Role InstanceProfile ManagedPolicy }

impl User {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.record.named.arn("user")
    }

    /// The caller that it is. `session_issued_at_secs` of a session of `GetSessionToken`.
    #[must_use]
    pub fn caller(&self, session_issued_at_secs: Option<u64>) -> Caller {
        caller_of(&self.record.named, session_issued_at_secs)
    }
}

pub(super) fn caller_of(user: &Named, session_issued_at_secs: Option<u64>) -> Caller {
    Caller::User(UserCaller {
        account: user.account,
        path: user.path.clone(),
        name: user.name.clone(),
        id: user.id.clone(),
        tags: user.tags.clone(),
        session_issued_at_secs,
    })
}

impl Group {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.record.named.arn("group")
    }
}

impl Role {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.record.named.arn("role")
    }

    /// The caller that a session of it is.
    #[must_use]
    pub fn caller(&self, session_name: &str, issued_at_secs: u64) -> Caller {
        Caller::Role(RoleCaller {
            account: self.account,
            path: self.path.clone(),
            name: self.name.clone(),
            id: self.id.clone(),
            tags: self.tags.clone(),
            session_name: session_name.to_owned(),
            issued_at_secs,
        })
    }
}

impl InstanceProfile {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.record.named.arn("instance-profile")
    }
}

impl ManagedPolicy {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.record.arn()
    }
}
