//! Accounts beside the default one, and aliases.

use millpond_core::name::AccountId;

use super::access_keys::NewKey;
use super::{Changes, put};
use crate::identity::record::AccountRecord;
use crate::identity::{Fresh, Identities, Refusal, RefusalKind};

impl Identities {
    /// Creates an account with a root key of its own. Its secret is told this once.
    ///
    /// # Errors
    /// [`Refusal`]: there is such an account.
    pub fn decide_account(
        &self,
        fresh: &mut Fresh<'_>,
        account: AccountId,
    ) -> Result<(Changes, NewKey), Refusal> {
        if self.has_account(account) {
            let message = format!("The account {account} already exists.");
            return Err(Refusal::new(RefusalKind::EntityAlreadyExists, message));
        }
        let (record, secret) = self.unused_key(fresh);
        let root_keys = vec![record.clone()];
        let account = AccountRecord { account, created_secs: fresh.now_secs, alias: None, root_keys };
        Ok((vec![put(account)?], NewKey { record, secret }))
    }

    /// Gives an account beside the default one another root key, in the place of the one it has. Its secret is told this
    /// once.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such account, or it is the default one, whose root key is not kept with the data.
    pub fn decide_root_key(
        &self,
        fresh: &mut Fresh<'_>,
        account: AccountId,
    ) -> Result<(Changes, NewKey), Refusal> {
        let known = self.account(account).filter(|record| !record.root_keys.is_empty());
        let Some(known) = known else {
            let message = format!("The account {account} has no root key that was made by creating it.");
            return Err(Refusal::new(RefusalKind::NoSuchEntity, message));
        };
        let (record, secret) = self.unused_key(fresh);
        let root_keys = vec![record.clone()];
        let account = AccountRecord { root_keys, ..(**known).clone() };
        Ok((vec![put(account)?], NewKey { record, secret }))
    }

    /// Gives an account an alias, in place of the one it has.
    ///
    /// # Errors
    /// [`Refusal`]: another account has it.
    pub fn create_account_alias(&self, account: AccountId, alias: &str) -> Result<Changes, Refusal> {
        let mut all = self.accounts().filter_map(|(account, record)| Some((account, record?)));
        if all.any(|(other, record)| other != account && record.alias.as_deref() == Some(alias)) {
            let message = format!("The account alias {alias} already exists.");
            return Err(Refusal::new(RefusalKind::EntityAlreadyExists, message));
        }
        self.with_alias(account, Some(alias))
    }

    /// Takes an account's alias away.
    ///
    /// # Errors
    /// [`Refusal`]: it does not have it.
    pub fn delete_account_alias(&self, account: AccountId, alias: &str) -> Result<Changes, Refusal> {
        if self.account(account).and_then(|record| record.alias.as_deref()) != Some(alias) {
            let message = format!("The account alias with name {alias} cannot be found.");
            return Err(Refusal::new(RefusalKind::NoSuchEntity, message));
        }
        self.with_alias(account, None)
    }

    fn with_alias(&self, account: AccountId, alias: Option<&str>) -> Result<Changes, Refusal> {
        let new = || AccountRecord {
            account,
            created_secs: self.account_created_secs(account),
            alias: None,
            root_keys: Vec::new(),
        };
        let current = self.account(account).map_or_else(new, |record| (**record).clone());
        let record = AccountRecord { alias: alias.map(str::to_owned), ..current.clone() };
        if record == current {
            return Ok(Vec::new());
        }
        Ok(vec![put(record)?])
    }
}
