//! The accounts that share the service.

use std::sync::Arc;

use millpond_core::name::AccountId;
use millpond_iam::identity::decide::NewKey;
use millpond_iam::identity::{Change, Fresh, Identities, Refusal};
use serde_json::{Value, json};

use super::config::RootKey;
use super::people::NotChanged;
use super::{Access, now_secs};
use crate::entropy;

/// Why there is no new account.
#[derive(Debug)]
pub(crate) enum NotCreated {
    /// It was decided so.
    Refused(String),
    /// It could not be written; nothing has changed.
    Unavailable(String),
}

impl Access {
    /// Creates an account, whose root key is told this once.
    pub(crate) async fn create_account(self: &Arc<Self>, account: AccountId) -> Result<RootKey, NotCreated> {
        self.keyed_account(move |identities, fresh| identities.decide_account(fresh, account)).await
    }

    /// Gives an account another root key, which is told this once. The one before is of no use from now on.
    pub(crate) async fn replace_root_key(
        self: &Arc<Self>,
        account: AccountId,
    ) -> Result<RootKey, NotCreated> {
        self.keyed_account(move |identities, fresh| identities.decide_root_key(fresh, account)).await
    }

    async fn keyed_account(
        self: &Arc<Self>,
        decide: impl FnOnce(&Identities, &mut Fresh<'_>) -> Result<(Vec<Change>, NewKey), Refusal>
        + Send
        + 'static,
    ) -> Result<RootKey, NotCreated> {
        let config = self.config.clone();
        let changed = self.people.clone().change(move |moment| {
            let mut fresh =
                Fresh { now_secs: now_secs(), entropy: &mut entropy::draw, master: &config.master };
            decide(&moment.identities, &mut fresh)
        });
        match changed.await {
            Ok(key) => Ok(RootKey { access_key_id: key.record.id, secret_access_key: key.secret }),
            Err(NotChanged::Refused(refusal)) => Err(NotCreated::Refused(refusal.message)),
            Err(NotChanged::Engine(error)) => Err(NotCreated::Unavailable(error.to_string())),
            Err(NotChanged::Broken(reason)) => {
                tracing::error!(reason, "an account could not be kept");
                Err(NotCreated::Unavailable("the account could not be kept; nothing has changed".to_owned()))
            }
        }
    }

    /// All accounts with the ids of their root keys, the default one first.
    pub(crate) fn accounts(&self) -> Value {
        let moment = self.people.now();
        let accounts = moment.identities.accounts().map(|(account, record)| {
            let created = record.and_then(|record| record.root_keys.first()).map(|key| key.id.as_str());
            let own = (account == self.account).then_some(self.config.root.access_key_id.as_str());
            json!({ "account_id": account.to_string(), "access_key_id": own.or(created) })
        });
        json!({ "accounts": accounts.collect::<Vec<Value>>() })
    }
}
