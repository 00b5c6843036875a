//! Access keys of users.

use millpond_core::name::AccountId;

use super::{Changes, put};
use crate::identity::record::{KeyRecord, UserRecord};
use crate::identity::{Fresh, Identities, Refusal, limits};
use crate::secret::Secret;

/// An access key that was just made: the only time its secret is told.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What is written down.
    pub record: KeyRecord,
    /// Its secret.
    pub secret: Secret,
}

impl Identities {
    /// Makes an access key for a user.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such user, or it has as many as it can.
    pub fn create_access_key(
        &self,
        fresh: &mut Fresh<'_>,
        account: AccountId,
        user: &str,
    ) -> Result<(Changes, NewKey), Refusal> {
        let mut user = (*self.existing_user(account, user)?.record).clone();
        if user.keys.len() >= limits::ACCESS_KEYS {
            return Err(Refusal::quota("AccessKeysPerUser", limits::ACCESS_KEYS));
        }
        let (record, secret) = self.unused_key(fresh);
        user.keys.push(record.clone());
        Ok((vec![put(user)?], NewKey { record, secret }))
    }

    /// A key whose id no other has.
    pub(super) fn unused_key(&self, fresh: &mut Fresh<'_>) -> (KeyRecord, Secret) {
        loop {
            let (record, secret) = fresh.key();
            if self.access_key(&record.id).is_none() {
                return (record, secret);
            }
        }
    }

    /// Makes an access key of a user active or inactive.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such user, or it has no such key.
    pub fn update_access_key(
        &self,
        account: AccountId,
        user: &str,
        key: &str,
        active: bool,
    ) -> Result<Changes, Refusal> {
        self.with_key(account, user, key, |user, at| user.keys[at].active = active)
    }

    /// Deletes an access key of a user.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such user, or it has no such key.
    pub fn delete_access_key(&self, account: AccountId, user: &str, key: &str) -> Result<Changes, Refusal> {
        self.with_key(account, user, key, |user, at| {
            user.keys.remove(at);
        })
    }

    fn with_key(
        &self,
        account: AccountId,
        user: &str,
        key: &str,
        change: impl FnOnce(&mut UserRecord, usize),
    ) -> Result<Changes, Refusal> {
        let mut user = (*self.existing_user(account, user)?.record).clone();
        let Some(at) = user.keys.iter().position(|record| record.id == key) else {
            return Err(Refusal::no_such_key(key));
        };
        change(&mut user, at);
        Ok(vec![put(user)?])
    }
}
