//! Inline policies, attached policies and boundaries: the same for users, groups and roles.

use std::sync::Arc;

use millpond_core::name::AccountId;

use super::{Changes, check_document, counted_chars, is_policy_arn, put};
use crate::identity::record::{Permissions, Record};
use crate::identity::{Group, Identities, Refusal, RefusalKind, Role, User, limits};
use crate::policy::DocumentKind;

/// Who has policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}

impl HolderKind {
    /// How texts call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    const fn inline_chars(self) -> usize {
        match self {
            Self::User => limits::USER_INLINE_CHARS,
            Self::Group => limits::GROUP_INLINE_CHARS,
            Self::Role => limits::ROLE_INLINE_CHARS,
        }
    }

    const fn attached_quota(self) -> &'static str {
        match self {
            Self::User => "PoliciesPerUser",
            Self::Group => "PoliciesPerGroup",
            Self::Role => "PoliciesPerRole",
        }
    }
}

/// One who has policies.
pub(crate) enum Holder<'a> {
    User(&'a Arc<User>),
    Group(&'a Arc<Group>),
    Role(&'a Arc<Role>),
}

impl Holder<'_> {
    pub(crate) fn permissions(&self) -> &Permissions {
        match self {
            Self::User(user) => &user.record.permissions,
            Self::Group(group) => &group.record.permissions,
            Self::Role(role) => &role.record.permissions,
        }
    }

    fn with(&self, permissions: Permissions) -> Record {
        match self {
            Self::User(user) => {
                Record::User(crate::identity::record::UserRecord { permissions, ..(*user.record).clone() })
            }
            Self::Group(group) => {
                Record::Group(crate::identity::record::GroupRecord { permissions, ..(*group.record).clone() })
            }
            Self::Role(role) => {
                Record::Role(crate::identity::record::RoleRecord { permissions, ..(*role.record).clone() })
            }
        }
    }
}

impl Identities {
    /// The user, group or role of that name.
    pub(crate) fn holder(
        &self,
        kind: HolderKind,
        account: AccountId,
        name: &str,
    ) -> Result<Holder<'_>, Refusal> {
        let found = match kind {
            HolderKind::User => self.user(account, name).map(Holder::User),
            HolderKind::Group => self.groups.by_name(account, name).map(Holder::Group),
            HolderKind::Role => self.role(account, name).map(Holder::Role),
        };
        found.ok_or_else(|| Refusal::no_such(kind.word(), name))
    }

    fn with_permissions(
        &self,
        (kind, account, name): (HolderKind, AccountId, &str),
        change: impl FnOnce(&mut Permissions) -> Result<(), Refusal>,
    ) -> Result<Changes, Refusal> {
        let holder = self.holder(kind, account, name)?;
        let mut permissions = holder.permissions().clone();
        change(&mut permissions)?;
        if permissions == *holder.permissions() {
            return Ok(Vec::new());
        }
        Ok(vec![put(holder.with(permissions))?])
    }

    /// Sets an inline policy, in place of one of the same name.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such holder, the document is malformed, or all together are too long.
    pub fn put_inline_policy(
        &self,
        kind: HolderKind,
        account: AccountId,
        holder: &str,
        policy: &str,
        document: &str,
    ) -> Result<Changes, Refusal> {
        self.with_permissions((kind, account, holder), |permissions| {
            check_document(document, DocumentKind::Identity)?;
            permissions.inline.insert(policy.to_owned(), document.to_owned());
            let total: usize = permissions.inline.values().map(|document| counted_chars(document)).sum();
            let limit = kind.inline_chars();
            if total > limit {
                let word = kind.word();
                let message = format!("Maximum policy size of {limit} bytes exceeded for {word} {holder}");
                return Err(Refusal::new(RefusalKind::LimitExceeded, message));
            }
            Ok(())
        })
    }

    /// Deletes an inline policy.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such holder, or no such policy.
    pub fn delete_inline_policy(
        &self,
        kind: HolderKind,
        account: AccountId,
        holder: &str,
        policy: &str,
    ) -> Result<Changes, Refusal> {
        self.with_permissions((kind, account, holder), |permissions| {
            match permissions.inline.remove(policy) {
                Some(_) => Ok(()),
                None => Err(Refusal::no_such(&format!("{} policy", kind.word()), policy)),
            }
        })
    }

    /// Attaches a managed policy of the account or of AWS.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such holder or policy, or as many are attached as can be.
    pub fn attach_policy(
        &self,
        kind: HolderKind,
        account: AccountId,
        holder: &str,
        arn: &str,
    ) -> Result<Changes, Refusal> {
        check_policy_arn(arn)?;
        self.with_permissions((kind, account, holder), |permissions| {
            if !self.is_attachable(account, arn) {
                return Err(Refusal::not_attachable(arn));
            }
            permissions.attached.insert(arn.to_owned());
            if permissions.attached.len() > limits::ATTACHED_POLICIES {
                return Err(Refusal::quota(kind.attached_quota(), limits::ATTACHED_POLICIES));
            }
            Ok(())
        })
    }

    /// Detaches a managed policy.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such holder, or the policy is not attached.
    pub fn detach_policy(
        &self,
        kind: HolderKind,
        account: AccountId,
        holder: &str,
        arn: &str,
    ) -> Result<Changes, Refusal> {
        check_policy_arn(arn)?;
        self.with_permissions((kind, account, holder), |permissions| {
            if permissions.attached.remove(arn) { Ok(()) } else { Err(Refusal::no_such_policy(arn)) }
        })
    }

    /// Sets the permissions boundary of a user or role, or takes it away.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such holder or policy.
    pub fn set_boundary(
        &self,
        kind: HolderKind,
        account: AccountId,
        holder: &str,
        boundary: Option<&str>,
    ) -> Result<Changes, Refusal> {
        self.with_permissions((kind, account, holder), |permissions| {
            if let Some(arn) = boundary {
                self.check_boundary(account, arn)?;
            }
            permissions.boundary = boundary.map(str::to_owned);
            Ok(())
        })
    }
}

fn check_policy_arn(arn: &str) -> Result<(), Refusal> {
    if is_policy_arn(arn) {
        return Ok(());
    }
    Err(Refusal::new(RefusalKind::Validation, format!("ARN {arn} is not valid.")))
}
