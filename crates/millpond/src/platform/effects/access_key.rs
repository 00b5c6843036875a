//! What a plan does to access keys.
//!
//! A key has no name by which a half-made one could be known, so its creation notes first which keys the user has. What
//! an interrupted attempt left is deleted before another is made: nobody has seen its secret.

use millpond_iam::secret::Secret;
use millpond_stack::{AccessKeySpec, Creation, EffectError, ResourceRecord};

use super::StackEffects;
use super::iam::{IamError, NO_SUCH_ENTITY, Reply, gone};

impl StackEffects<'_> {
    /// The ids of a user's keys; none when there is no such user.
    pub(super) async fn keys_of(&self, user: &str) -> Result<Vec<String>, EffectError> {
        match self.list_keys(user).await {
            Ok(reply) => Ok(reply.texts("AccessKeyId")),
            Err(error) if error.is(NO_SUCH_ENTITY) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn is_missing_key(&self, key: &AccessKeySpec, id: Option<&str>) -> bool {
        let Some(id) = id else { return false };
        match self.list_keys(&key.user).await {
            Ok(reply) => !reply.texts("AccessKeyId").iter().any(|found| found == id),
            Err(error) => error.is(NO_SUCH_ENTITY),
        }
    }

    async fn list_keys(&self, user: &str) -> Result<Reply, IamError> {
        self.iam().call("ListAccessKeys", &[("UserName", user)]).await
    }

    /// Makes a key and keeps its secret for as long as this lives; the key's id.
    pub(super) async fn create_key(
        &mut self,
        key: &AccessKeySpec,
        creation: Creation<'_>,
    ) -> Result<String, EffectError> {
        if creation.resumed {
            self.delete_all_but(key, creation.others).await?;
        }
        let made = self.iam().call("CreateAccessKey", &[("UserName", &key.user)]).await;
        let reply = made.map_err(IamError::at_first)?;
        let id = reply.text("AccessKeyId").unwrap_or_default();
        let secret = Secret::new(reply.text("SecretAccessKey").unwrap_or_default());
        self.secrets.insert(creation.resource.physical_id(), secret);
        if !key.active {
            self.set_key_status(key, Some(&id)).await?;
        }
        Ok(id)
    }

    pub(super) async fn set_key_status(
        &self,
        key: &AccessKeySpec,
        id: Option<&str>,
    ) -> Result<(), EffectError> {
        let status = if key.active { "Active" } else { "Inactive" };
        let parameters =
            [("UserName", key.user.as_str()), ("AccessKeyId", id.unwrap_or_default()), ("Status", status)];
        self.iam().call("UpdateAccessKey", &parameters).await?;
        Ok(())
    }

    /// Deletes the key, and what interrupted attempts to make it left.
    pub(super) async fn delete_key(
        &self,
        key: &AccessKeySpec,
        record: &ResourceRecord,
    ) -> Result<(), EffectError> {
        if let Some(others) = &record.others {
            self.delete_all_but(key, others).await?;
        }
        match &record.made_id {
            Some(id) => self.delete_key_of(&key.user, id).await,
            None => Ok(()),
        }
    }

    async fn delete_all_but(&self, key: &AccessKeySpec, others: &[String]) -> Result<(), EffectError> {
        for id in self.keys_of(&key.user).await?.iter().filter(|id| !others.contains(id)) {
            self.delete_key_of(&key.user, id).await?;
        }
        Ok(())
    }

    async fn delete_key_of(&self, user: &str, id: &str) -> Result<(), EffectError> {
        gone(self.iam().call("DeleteAccessKey", &[("UserName", user), ("AccessKeyId", id)]).await)
    }
}
