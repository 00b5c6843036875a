//! The identities of all accounts: users, access keys, roles, policies. A state machine without IO.
//!
//! What always holds: the state changes only by [`Change`]s, each of which replaces or removes one record whole; a state
//! that is rebuilt from its records equals the one they were written from.

use std::sync::Arc;

use bytes::Bytes;
use millpond_core::name::AccountId;

use crate::caller::Caller;
use crate::evaluate::Policies;
use crate::secret::{MasterKey, Secret};

/// One record replaced or removed: what is written to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The record of that name is now this.
    Put {
        /// Unique among all records.
        name: String,
        /// Its bytes; secrets in them are sealed.
        value: Bytes,
    },
    /// The record is gone.
    Remove {
        /// Its name.
        name: String,
    },
}

/// A record can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the identity record {name} can't be read: {reason}")]
pub struct Unreadable {
    /// The record.
    pub name: String,
    /// Why, without any secret.
    pub reason: String,
}

/// All identities. Cloning is cheap: records are shared.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    _private: (),
}

/// What an access key of a user or of an account's root is.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// Whom it makes the caller.
    pub caller: Caller,
    /// Its secret.
    pub secret: Arc<Secret>,
    /// An inactive key is refused like an unknown one.
    pub active: bool,
}

impl Identities {
    /// Applies one change, as it was decided or as it was read from the log.
    ///
    /// # Errors
    /// [`Unreadable`]; the state is then as before.
    pub fn evolve(&mut self, change: &Change, master: &MasterKey) -> Result<(), Unreadable> {
        let _ = (change, master);
        unimplemented!()
    }

    /// The access key of that id, of whatever account.
    #[must_use]
    pub fn access_key(&self, id: &str) -> Option<AccessKey> {
        let _ = id;
        unimplemented!()
    }

    /// The caller that a session of a role is, if the role is still the one the session was issued for (by its unique id).
    #[must_use]
    pub fn role_session(
        &self,
        account: AccountId,
        role: &str,
        id: &str,
        session: &str,
        issued: u64,
    ) -> Option<Caller> {
        let _ = (account, role, id, session, issued);
        unimplemented!()
    }

    /// The policies of a caller: identity policies and boundary. Empty for root, services and anonymous callers.
    #[must_use]
    pub fn policies(&self, caller: &Caller) -> Arc<Policies> {
        let _ = caller;
        unimplemented!()
    }

    /// Whether the account has been created. The default account always is.
    #[must_use]
    pub fn has_account(&self, account: AccountId) -> bool {
        let _ = account;
        unimplemented!()
    }
}
