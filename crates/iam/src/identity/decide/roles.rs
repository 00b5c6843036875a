//! Roles: created, changed, deleted.

use millpond_core::name::AccountId;

use super::{Changes, check_document, check_room, counted_chars, malformed, put};
use crate::caller::Tags;
use crate::identity::fresh::IdOf;
use crate::identity::record::{Named, Permissions, Record, RoleRecord};
use crate::identity::trust::Trusted;
use crate::identity::{Fresh, Identities, Refusal, Role, limits};
use crate::policy::DocumentKind;

/// A role to be.
#[derive(Clone, Debug)]
pub struct NewRole {
    /// Its account.
    pub account: AccountId,
    /// Begins and ends with a slash.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Tags,
    /// ARN of its boundary.
    pub boundary: Option<String>,
    /// Who may assume it: a policy document.
    pub trust: String,
    /// Its description.
    pub description: Option<String>,
    /// Seconds that a session lasts at most.
    pub max_session_secs: u32,
}

/// What a role is to have instead; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct RoleUpdate {
    /// Another description.
    pub description: Option<String>,
    /// Another length of sessions, in seconds.
    pub max_session_secs: Option<u32>,
    /// Another trust policy.
    pub trust: Option<String>,
}

impl Identities {
    /// Whom a trust policy names; the document is looked at first, then its length, then who is there.
    fn check_trust(&self, document: &str) -> Result<Trusted, Refusal> {
        check_document(document, DocumentKind::RoleTrust)?;
        if counted_chars(document) > limits::TRUST_POLICY_CHARS {
            return Err(Refusal::quota("ACLSizePerRole", limits::TRUST_POLICY_CHARS));
        }
        self.trusted(document).map_err(malformed)
    }

    pub(super) fn existing_role(&self, account: AccountId, name: &str) -> Result<&Role, Refusal> {
        self.role(account, name).map(|role| &**role).ok_or_else(|| Refusal::no_such("role", name))
    }

    /// Creates a role.
    ///
    /// # Errors
    /// [`Refusal`]: the name is taken, the account is full, a document is malformed or names a user or role that is not
    /// there, as the role itself is not yet, the boundary is not there.
    pub fn create_role(&self, fresh: &mut Fresh<'_>, new: NewRole) -> Result<(Changes, RoleRecord), Refusal> {
        let NewRole { account, path, name, tags, boundary, trust, description, max_session_secs } = new;
        let trusted = self.check_trust(&trust)?;
        if self.roles.like(account, &name).is_some() {
            return Err(Refusal::exists("Role", &name));
        }
        if let Some(arn) = &boundary {
            self.check_boundary(account, arn)?;
        }
        check_room(self.roles(account, None), "RolesPerAccount", limits::ROLES)?;
        let id = fresh.id(IdOf::Role);
        let named = Named { account, path, name, id, created_secs: fresh.now_secs, tags };
        let permissions = Permissions { boundary, ..Permissions::default() };
        let record = RoleRecord { named, permissions, trust, trusted, description, max_session_secs };
        Ok((vec![put(record.clone())?], record))
    }

    /// Changes a role.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such role, or the trust policy is malformed or names who is not there.
    pub fn update_role(
        &self,
        account: AccountId,
        name: &str,
        update: RoleUpdate,
    ) -> Result<(Changes, RoleRecord), Refusal> {
        let mut record = (*self.existing_role(account, name)?.record).clone();
        if let Some(trust) = update.trust {
            record.trusted = self.check_trust(&trust)?;
            record.trust = trust;
        }
        if let Some(description) = update.description {
            record.description = Some(description).filter(|text| !text.is_empty());
        }
        if let Some(secs) = update.max_session_secs {
            record.max_session_secs = secs;
        }
        Ok((vec![put(record.clone())?], record))
    }

    /// Deletes a role.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such role, or it still has policies or is in an instance profile.
    pub fn delete_role(&self, account: AccountId, name: &str) -> Result<Changes, Refusal> {
        let role = self.existing_role(account, name)?;
        if self.profiles.count(&role.id) > 0 {
            let text = "Cannot delete entity, must remove roles from instance profile first.";
            return Err(Refusal::conflict(text));
        }
        if !role.record.permissions.attached.is_empty() {
            return Err(Refusal::conflict("Cannot delete entity, must detach all policies first."));
        }
        if !role.record.permissions.inline.is_empty() {
            return Err(Refusal::conflict("Cannot delete entity, must delete policies first."));
        }
        Ok(vec![Record::from((*role.record).clone()).remove()])
    }
}
