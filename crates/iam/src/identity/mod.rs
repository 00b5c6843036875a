//! The identities of all accounts: users, access keys, roles, policies. A state machine without IO.
//!
//! What always holds: the state changes only by [`Change`]s, each of which replaces or removes one record whole; a state
//! that is rebuilt from its records equals the one they were written from.
//!
//! What it refuses to do: decide who may do something, know requests or XML, show a secret.
//!
//! Suggested reading order: [`record`], [`limits`], `live`, `trust`, `evolve`, [`decide`].

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use millpond_core::name::AccountId;

use crate::arn::Arn;
use crate::caller::Caller;
use crate::evaluate::{Attached, Policies};
use crate::managed;
use crate::secret::Secret;

mod compile;
pub mod decide;
mod digest;
mod evolve;
mod fresh;
pub mod limits;
mod links;
mod live;
pub mod record;
mod refusal;
mod table;
mod trust;

pub use fresh::Fresh;
pub(crate) use fresh::policy_id;
pub use live::{Group, InstanceProfile, ManagedPolicy, Role, User};
pub use refusal::{Refusal, RefusalKind};

use links::Links;
use record::{AccountRecord, MASTER_KEY_CHECK, MasterKeyCheck, Named, Record};
use table::Table;

/// What the master key check holds when it is opened.
const CHECKED_CONSTANT: &[u8] = b"millpond identities";

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
#[derive(Clone, Debug)]
pub struct Identities {
    default_account: AccountId,
    checked: Option<Arc<MasterKeyCheck>>,
    accounts: Arc<BTreeMap<AccountId, Arc<AccountRecord>>>,
    users: Table<User>,
    groups: Table<Group>,
    roles: Table<Role>,
    instance_profiles: Table<InstanceProfile>,
    policies: Table<ManagedPolicy>,
    keys: Arc<BTreeMap<String, AccessKey>>,
    /// From the ARN of a managed policy to whom it is attached.
    attached: Links,
    /// From the ARN of a managed policy to whose boundary it is.
    bounded: Links,
    /// From a group to its users.
    members: Links,
    /// From a role to its instance profiles.
    profiles: Links,
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

impl Default for Identities {
    fn default() -> Self {
        Self::new(AccountId::DEFAULT)
    }
}

impl Identities {
    /// No identities yet; the default account is this one.
    #[must_use]
    pub fn new(default_account: AccountId) -> Self {
        Self {
            default_account,
            checked: None,
            accounts: Arc::default(),
            users: Table::default(),
            groups: Table::default(),
            roles: Table::default(),
            instance_profiles: Table::default(),
            policies: Table::default(),
            keys: Arc::default(),
            attached: Links::default(),
            bounded: Links::default(),
            members: Links::default(),
            profiles: Links::default(),
        }
    }

    /// The record that tells a wrong master key, if it has still to be written: at the first start.
    #[must_use]
    pub fn check_to_write(&self, fresh: &mut Fresh<'_>) -> Option<Change> {
        if self.checked.is_some() {
            return None;
        }
        let sealed = fresh.seal(MASTER_KEY_CHECK, CHECKED_CONSTANT);
        Some(Record::from(MasterKeyCheck { created_secs: fresh.now_secs, sealed }).put())
    }

    /// The access key of that id, of whatever account.
    #[must_use]
    pub fn access_key(&self, id: &str) -> Option<AccessKey> {
        self.keys.get(id).cloned()
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
        let role = self.roles.by_name(account, role).filter(|found| found.id == id)?;
        Some(role.caller(session, issued))
    }

    /// The caller that a session of a user is (`GetSessionToken`), if the user is still there (by its unique id).
    #[must_use]
    pub fn user_session(&self, account: AccountId, id: &str, issued: u64) -> Option<Caller> {
        let user = self.users.by_id(id).filter(|user| user.account == account)?;
        Some(user.caller(Some(issued)))
    }

    /// The policies of a caller: identity policies and boundary. Empty for root, services and anonymous callers.
    #[must_use]
    pub fn policies(&self, caller: &Caller) -> Arc<Policies> {
        let found = match caller {
            Caller::User(user) => self.users.by_id(&user.id).map(|user| Arc::clone(&user.policies)),
            Caller::Role(role) => self.roles.by_id(&role.id).map(|role| Arc::clone(&role.policies)),
            Caller::Anonymous | Caller::Root { .. } | Caller::Service { .. } => None,
        };
        found.unwrap_or_default()
    }

    /// Whether the account has been created. The default account always is.
    #[must_use]
    pub fn has_account(&self, account: AccountId) -> bool {
        account == self.default_account || self.accounts.contains_key(&account)
    }

    /// All accounts, with what is known of them: the default one first.
    pub fn accounts(&self) -> impl Iterator<Item = (AccountId, Option<&Arc<AccountRecord>>)> {
        let others = self.accounts.iter().filter(|(account, _)| **account != self.default_account);
        let default = (self.default_account, self.accounts.get(&self.default_account));
        std::iter::once(default).chain(others.map(|(account, record)| (*account, Some(record))))
    }

    /// What is known of an account; the default one need not have a record.
    #[must_use]
    pub fn account(&self, account: AccountId) -> Option<&Arc<AccountRecord>> {
        self.accounts.get(&account)
    }

    /// When an account was created, in seconds since 1970; the default one with the first start.
    #[must_use]
    pub fn account_created_secs(&self, account: AccountId) -> u64 {
        let first_start = self.checked.as_ref().map_or(0, |check| check.created_secs);
        if account == self.default_account {
            return first_start;
        }
        self.accounts.get(&account).map_or(first_start, |record| record.created_secs)
    }

    /// The user of that name.
    #[must_use]
    pub fn user(&self, account: AccountId, name: &str) -> Option<&Arc<User>> {
        self.users.by_name(account, name)
    }

    /// The user of that unique id.
    #[must_use]
    pub fn user_by_id(&self, id: &str) -> Option<&Arc<User>> {
        self.users.by_id(id)
    }

    /// Users of an account by name, those after a name.
    pub fn users(&self, account: AccountId, after: Option<&str>) -> impl Iterator<Item = &Arc<User>> {
        self.users.of(account, after)
    }

    /// The role of that name.
    #[must_use]
    pub fn role(&self, account: AccountId, name: &str) -> Option<&Arc<Role>> {
        self.roles.by_name(account, name)
    }

    /// The role of that unique id.
    #[must_use]
    pub fn role_by_id(&self, id: &str) -> Option<&Arc<Role>> {
        self.roles.by_id(id)
    }

    /// The role of that ARN: path included.
    #[must_use]
    pub fn role_by_arn(&self, arn: &str) -> Option<&Arc<Role>> {
        let (account, name) = account_and_name(arn, "role/")?;
        self.roles.by_name(account, name).filter(|role| role.arn() == arn)
    }

    /// Roles of an account by name, those after a name.
    pub fn roles(&self, account: AccountId, after: Option<&str>) -> impl Iterator<Item = &Arc<Role>> {
        self.roles.of(account, after)
    }

    /// Groups of an account by name, those after a name.
    pub fn groups(&self, account: AccountId, after: Option<&str>) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.of(account, after)
    }

    /// The group of that unique id.
    #[must_use]
    pub fn group_by_id(&self, id: &str) -> Option<&Arc<Group>> {
        self.groups.by_id(id)
    }

    /// Instance profiles of an account by name, those after a name.
    pub fn instance_profiles(
        &self,
        account: AccountId,
        after: Option<&str>,
    ) -> impl Iterator<Item = &Arc<InstanceProfile>> {
        self.instance_profiles.of(account, after)
    }

    /// The instance profiles that a role is in.
    pub fn instance_profiles_of(&self, role_id: &str) -> impl Iterator<Item = &Arc<InstanceProfile>> {
        self.profiles.to(role_id).filter_map(|id| self.instance_profiles.by_id(id))
    }

    /// The managed policy of an account that has this ARN.
    #[must_use]
    pub fn policy(&self, arn: &str) -> Option<&Arc<ManagedPolicy>> {
        let (account, name) = account_and_name(arn, "policy/")?;
        self.policies.by_name(account, name).filter(|policy| policy.arn() == arn)
    }

    /// Managed policies of an account by name, those after a name.
    pub fn managed_policies(
        &self,
        account: AccountId,
        after: Option<&str>,
    ) -> impl Iterator<Item = &Arc<ManagedPolicy>> {
        self.policies.of(account, after)
    }

    /// What a managed policy says in its default version, of an account or of AWS.
    #[must_use]
    pub fn managed_policy(&self, arn: &str) -> Option<Attached> {
        if let Some(policy) = self.policy(arn) {
            return Some(policy.default.clone());
        }
        let of_aws = managed::find(arn)?;
        Some(Attached { name: Arc::from(&*of_aws.arn), policy: Arc::clone(&of_aws.policy) })
    }

    /// Unique ids of the users, groups and roles of an account that a managed policy is attached to.
    pub fn attached_to(&self, account: AccountId, arn: &str) -> impl Iterator<Item = &str> {
        self.attached.to(arn).filter(move |id| self.named(id).is_some_and(|named| named.account == account))
    }

    /// Unique ids of the users and roles of an account whose boundary a managed policy is.
    pub fn boundary_of(&self, account: AccountId, arn: &str) -> impl Iterator<Item = &str> {
        self.bounded.to(arn).filter(move |id| self.named(id).is_some_and(|named| named.account == account))
    }

    /// The user, group or role of that unique id.
    fn named(&self, id: &str) -> Option<&Named> {
        let user = self.users.by_id(id).map(|user| &***user);
        let group = || self.groups.by_id(id).map(|group| &***group);
        let role = || self.roles.by_id(id).map(|role| &***role);
        user.or_else(group).or_else(role)
    }

    /// The user, role or root that an ARN names; of a role a session, whose name the ARN of a session says.
    #[must_use]
    pub fn principal_by_arn(&self, arn: &str) -> Option<Caller> {
        let parsed = Arn::parse(arn)?;
        let account = AccountId::parse(parsed.account)?;
        match (parsed.service, parsed.resource) {
            ("iam", "root") => self.has_account(account).then_some(Caller::Root { account }),
            ("sts", session) => {
                let (role, session) = session.strip_prefix("assumed-role/")?.split_once('/')?;
                Some(self.role(account, role)?.caller(session, 0))
            }
            ("iam", _) => {
                let user = || {
                    let (account, name) = account_and_name(arn, "user/")?;
                    let user = self.users.by_name(account, name).filter(|user| user.arn() == arn)?;
                    Some(user.caller(None))
                };
                self.role_by_arn(arn).map(|role| role.caller("why", 0)).or_else(user)
            }
            _ => None,
        }
    }
}

/// The account, and the last part of a path that begins with the kind.
fn account_and_name<'a>(arn: &'a str, kind: &str) -> Option<(AccountId, &'a str)> {
    let parsed = Arn::parse(arn).filter(|arn| arn.service == "iam" && arn.partition == "aws")?;
    let path = parsed.resource.strip_prefix(kind)?;
    let name = path.rsplit('/').next()?;
    Some((AccountId::parse(parsed.account)?, name))
}
