//! Applying changes: records in, indexes and compiled policies kept in line.
//!
//! What always holds: all that can fail comes first; a change that can't be applied changes nothing. The order in which
//! records come does not matter.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::compile::{self, compile};
use super::fresh;
use super::live::{Group, InstanceProfile, ManagedPolicy, Role, User, caller_of};
use super::record::{
    AccountRecord, GroupRecord, InstanceProfileRecord, KeyRecord, MasterKeyCheck, Named, Permissions,
    PolicyRecord, Record, RoleRecord, UserRecord,
};
use super::table::{Entry, Table};
use super::trust;
use super::{AccessKey, CHECKED_CONSTANT, Change, Identities, Unreadable};
use crate::caller::Caller;
use crate::policy::DocumentKind;
use crate::secret::{MasterKey, Secret};

/// What a wrong master key is told.
const WRONG_MASTER_KEY: &str = "the master key is not the one that the secrets in this data were sealed with; \
     give the key that was in use when the data was written (MILLPOND_MASTER_KEY, or the file master-key of the \
     configuration directory)";

impl Identities {
    /// Rebuilds the state from all its records, in whatever order they come.
    ///
    /// # Errors
    /// [`Unreadable`]; a wrong master key is told before anything else.
    pub fn from_records<'a>(
        default_account: millpond_core::name::AccountId,
        records: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        master: &MasterKey,
    ) -> Result<Self, Unreadable> {
        let mut read = records
            .into_iter()
            .map(|(name, value)| Record::read(name, value))
            .collect::<Result<Vec<_>, _>>()?;
        read.sort_by_key(|record| !matches!(record, Record::MasterKeyCheck(_)));
        let mut identities = Self::new(default_account);
        for record in read {
            identities.put(record, master)?;
        }
        Ok(identities)
    }

    /// Applies one change, as it was decided or as it was read from the log.
    ///
    /// # Errors
    /// [`Unreadable`]; the state is then as before.
    pub fn evolve(&mut self, change: &Change, master: &MasterKey) -> Result<(), Unreadable> {
        match change {
            Change::Put { name, value } => self.put(Record::read(name, value)?, master),
            Change::Remove { name } => self.remove(name),
        }
    }

    fn put(&mut self, record: Record, master: &MasterKey) -> Result<(), Unreadable> {
        let name = record.name();
        let put = match record {
            Record::MasterKeyCheck(record) => self.put_check(record, master),
            Record::Account(record) => self.put_account(record, master),
            Record::User(record) => self.put_user(record, master),
            Record::Group(record) => self.put_group(record),
            Record::Role(record) => self.put_role(record),
            Record::InstanceProfile(record) => self.put_instance_profile(record),
            Record::Policy(record) => self.put_policy(record),
        };
        put.map_err(|reason| Unreadable { name, reason })
    }

    fn put_check(&mut self, record: MasterKeyCheck, master: &MasterKey) -> Result<(), String> {
        match fresh::open(master, super::record::MASTER_KEY_CHECK, &record.sealed) {
            Ok(plain) if plain == CHECKED_CONSTANT => {
                self.checked = Some(Arc::new(record));
                Ok(())
            }
            _ => Err(WRONG_MASTER_KEY.to_owned()),
        }
    }

    fn put_account(&mut self, record: AccountRecord, master: &MasterKey) -> Result<(), String> {
        let caller = Caller::Root { account: record.account };
        let keys = self.opened(&record.root_keys, &caller, master)?;
        self.forget_account_keys(record.account);
        self.add_keys(keys);
        Arc::make_mut(&mut self.accounts).insert(record.account, Arc::new(record));
        Ok(())
    }

    fn forget_account_keys(&mut self, account: millpond_core::name::AccountId) {
        if let Some(old) = self.accounts.get(&account).cloned() {
            self.remove_keys(&old.root_keys);
        }
    }

    fn put_user(&mut self, record: UserRecord, master: &MasterKey) -> Result<(), String> {
        check_name(&self.users, &record.named)?;
        let keys = self.opened(&record.keys, &caller_of(&record.named, None), master)?;
        let inline = compile::inline(&record.permissions)?;
        self.forget_user(&record.named.id);
        self.link(&record.named.id, &record.permissions);
        self.members.add(&record.named.id, &record.groups);
        self.add_keys(keys);
        let policies = self.compiled(&record.permissions, &inline, &record.groups);
        self.users.put(Arc::new(User { record: Arc::new(record), inline, policies }));
        Ok(())
    }

    fn forget_user(&mut self, id: &str) -> bool {
        let Some(old) = self.users.remove(id) else { return false };
        self.unlink(id, &old.record.permissions);
        self.members.remove(id, &old.record.groups);
        self.remove_keys(&old.record.keys);
        true
    }

    fn put_group(&mut self, record: GroupRecord) -> Result<(), String> {
        check_name(&self.groups, &record.named)?;
        let inline = compile::inline(&record.permissions)?;
        let id = record.named.id.clone();
        self.forget_group(&id);
        self.link(&id, &record.permissions);
        self.groups.put(Arc::new(Group { record: Arc::new(record), inline }));
        self.refresh_members(&id);
        Ok(())
    }

    fn forget_group(&mut self, id: &str) -> bool {
        let Some(old) = self.groups.remove(id) else { return false };
        self.unlink(id, &old.record.permissions);
        true
    }

    fn put_role(&mut self, record: RoleRecord) -> Result<(), String> {
        check_name(&self.roles, &record.named)?;
        let inline = compile::inline(&record.permissions)?;
        let trust = trust::compile(&record)?;
        self.forget_role(&record.named.id);
        self.link(&record.named.id, &record.permissions);
        let policies = self.compiled(&record.permissions, &inline, []);
        let max_session_secs = record.max_session_secs;
        self.roles.put(Arc::new(Role {
            record: Arc::new(record),
            trust,
            max_session_secs,
            inline,
            policies,
        }));
        Ok(())
    }

    fn forget_role(&mut self, id: &str) -> bool {
        let Some(old) = self.roles.remove(id) else { return false };
        self.unlink(id, &old.record.permissions);
        true
    }

    fn put_instance_profile(&mut self, record: InstanceProfileRecord) -> Result<(), String> {
        check_name(&self.instance_profiles, &record.named)?;
        self.forget_instance_profile(&record.named.id);
        self.profiles.add(&record.named.id, &record.roles);
        self.instance_profiles.put(Arc::new(InstanceProfile { record: Arc::new(record) }));
        Ok(())
    }

    fn forget_instance_profile(&mut self, id: &str) -> bool {
        let Some(old) = self.instance_profiles.remove(id) else { return false };
        self.profiles.remove(id, &old.record.roles);
        true
    }

    fn put_policy(&mut self, record: PolicyRecord) -> Result<(), String> {
        check_name(&self.policies, &record.named)?;
        let version = record.default().ok_or("its default version is not there")?;
        let arn = record.arn();
        let default = compile(&arn, &version.document, DocumentKind::Identity)?;
        self.policies.put(Arc::new(ManagedPolicy { record: Arc::new(record), default }));
        self.refresh_holders(&arn);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Unreadable> {
        let (kind, id) = name.split_once('/').unwrap_or((name, ""));
        let removed = match kind {
            "user" => self.forget_user(id),
            "group" => self.forget_group(id) && self.refresh_members(id),
            "role" => self.forget_role(id),
            "instance-profile" => self.forget_instance_profile(id),
            "policy" => self.policies.remove(id).is_some_and(|old| self.refresh_holders(&old.arn())),
            _ => false,
        };
        if removed {
            Ok(())
        } else {
            let reason = "it is to be removed and is not there".to_owned();
            Err(Unreadable { name: name.to_owned(), reason })
        }
    }

    fn link(&mut self, id: &str, permissions: &Permissions) {
        self.attached.add(id, &permissions.attached);
        self.bounded.add(id, &permissions.boundary);
    }

    fn unlink(&mut self, id: &str, permissions: &Permissions) {
        self.attached.remove(id, &permissions.attached);
        self.bounded.remove(id, &permissions.boundary);
    }

    /// Compiles anew what a managed policy counts for.
    fn refresh_holders(&mut self, arn: &str) -> bool {
        let ids: BTreeSet<_> = self.attached.to(arn).chain(self.bounded.to(arn)).map(str::to_owned).collect();
        for id in ids {
            self.refresh(&id);
        }
        true
    }

    fn refresh_members(&mut self, group: &str) -> bool {
        let ids: Vec<_> = self.members.to(group).map(str::to_owned).collect();
        for id in ids {
            self.refresh(&id);
        }
        true
    }

    fn refresh(&mut self, id: &str) {
        if let Some(user) = self.users.by_id(id).cloned() {
            let policies = self.compiled(&user.record.permissions, &user.inline, &user.record.groups);
            self.users.put(Arc::new(User { policies, ..(*user).clone() }));
        } else if let Some(role) = self.roles.by_id(id).cloned() {
            let policies = self.compiled(&role.record.permissions, &role.inline, []);
            self.roles.put(Arc::new(Role { policies, ..(*role).clone() }));
        } else {
            self.refresh_members(id);
        }
    }

    /// Opens the secrets of access keys, and makes sure that no one else has them.
    fn opened(
        &self,
        keys: &[KeyRecord],
        caller: &Caller,
        master: &MasterKey,
    ) -> Result<Vec<(String, AccessKey)>, String> {
        let open = |key: &KeyRecord| {
            if self.keys.get(&key.id).is_some_and(|other| other.caller.user_id() != caller.user_id()) {
                return Err(format!("the access key {} belongs to another", key.id));
            }
            let secret: Secret = fresh::secret(master, key)?;
            let opened = AccessKey { caller: caller.clone(), secret: Arc::new(secret), active: key.active };
            Ok((key.id.clone(), opened))
        };
        keys.iter().map(open).collect()
    }

    fn add_keys(&mut self, keys: Vec<(String, AccessKey)>) {
        if !keys.is_empty() {
            Arc::make_mut(&mut self.keys).extend(keys);
        }
    }

    fn remove_keys(&mut self, keys: &[KeyRecord]) {
        for key in keys {
            Arc::make_mut(&mut self.keys).remove(&key.id);
        }
    }
}

/// Makes sure that no other has the name.
fn check_name<T: Entry>(table: &Table<T>, named: &Named) -> Result<(), String> {
    match table.like(named.account, &named.name) {
        Some(other) if other.named().id != named.id => {
            Err(format!("its name {} is that of {} too", named.name, other.named().id))
        }
        _ => Ok(()),
    }
}
