//! Users: created, renamed, deleted.

use std::collections::BTreeSet;

use millpond_core::name::AccountId;

use super::{Changes, check_room, put};
use crate::caller::Tags;
use crate::identity::fresh::IdOf;
use crate::identity::record::{Named, Permissions, Record, UserRecord};
use crate::identity::{Fresh, Identities, Refusal, limits};

/// A user to be.
#[derive(Clone, Debug)]
pub struct NewUser {
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
}

/// What a user is to have instead; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UserUpdate {
    /// Another path.
    pub path: Option<String>,
    /// Another name.
    pub name: Option<String>,
}

impl Identities {
    pub(super) fn existing_user(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<&crate::identity::User, Refusal> {
        self.user(account, name).map(|user| &**user).ok_or_else(|| Refusal::no_such("user", name))
    }

    fn check_user_name(&self, account: AccountId, name: &str) -> Result<(), Refusal> {
        match self.users.like(account, name) {
            None => Ok(()),
            Some(_) => Err(Refusal::exists("User", name)),
        }
    }

    /// Creates a user.
    ///
    /// # Errors
    /// [`Refusal`]: the name is taken, the account is full, the boundary is not there.
    pub fn create_user(&self, fresh: &mut Fresh<'_>, new: NewUser) -> Result<(Changes, UserRecord), Refusal> {
        let NewUser { account, path, name, tags, boundary } = new;
        self.check_user_name(account, &name)?;
        if let Some(arn) = &boundary {
            self.check_boundary(account, arn)?;
        }
        check_room(self.users(account, None), "UsersPerAccount", limits::USERS)?;
        let id = fresh.id(IdOf::User);
        let named = Named { account, path, name, id, created_secs: fresh.now_secs, tags };
        let permissions = Permissions { boundary, ..Permissions::default() };
        let record = UserRecord { named, permissions, keys: Vec::new(), groups: BTreeSet::new() };
        Ok((vec![put(record.clone())?], record))
    }

    /// Renames a user or moves it to another path. Its unique id, keys and policies stay.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such user, or the name is taken.
    pub fn update_user(
        &self,
        account: AccountId,
        name: &str,
        update: UserUpdate,
    ) -> Result<Changes, Refusal> {
        let mut record = (*self.existing_user(account, name)?.record).clone();
        if let Some(new) = update.name {
            if new.to_lowercase() != name.to_lowercase() {
                self.check_user_name(account, &new)?;
            }
            record.named.name = new;
        }
        if let Some(path) = update.path {
            record.named.path = path;
        }
        Ok(vec![put(record)?])
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such user, or it still has policies, access keys or groups.
    pub fn delete_user(&self, account: AccountId, name: &str) -> Result<Changes, Refusal> {
        let record = &self.existing_user(account, name)?.record;
        if !record.permissions.attached.is_empty() {
            return Err(Refusal::conflict("Cannot delete entity, must detach all policies first."));
        }
        if !record.permissions.inline.is_empty() {
            return Err(Refusal::conflict("Cannot delete entity, must delete policies first."));
        }
        if !record.keys.is_empty() {
            return Err(Refusal::conflict("Cannot delete entity, must delete access keys first."));
        }
        if !record.groups.is_empty() {
            return Err(Refusal::conflict("Cannot delete entity, must remove users from group first."));
        }
        Ok(vec![Record::from((**record).clone()).remove()])
    }
}
