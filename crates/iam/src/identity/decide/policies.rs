//! Managed policies of an account, and their versions.

use std::collections::BTreeMap;

use millpond_core::name::AccountId;

use super::{Changes, check_document, check_room, counted_chars, put};
use crate::caller::Tags;
use crate::identity::fresh::IdOf;
use crate::identity::record::{Named, PolicyRecord, Record, VersionRecord};
use crate::identity::{Fresh, Identities, ManagedPolicy, Refusal, RefusalKind, limits};
use crate::managed;
use crate::policy::{DocumentKind, Version};

/// A managed policy to be.
#[derive(Clone, Debug)]
pub struct NewPolicy {
    /// Its account.
    pub account: AccountId,
    /// Begins and ends with a slash.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Tags,
    /// Its first version.
    pub document: String,
    /// Its description.
    pub description: Option<String>,
}

/// The number of a version such as `v3`.
#[must_use]
pub fn version_number(text: &str) -> Option<u32> {
    text.strip_prefix('v').filter(|digits| !digits.starts_with('0'))?.parse().ok()
}

fn check_managed(document: &str) -> Result<(), Refusal> {
    if check_document(document, DocumentKind::Identity)?.version() < Version::V2012 {
        let message = "Policy document must be version 2012-10-17 or greater.";
        return Err(Refusal::new(RefusalKind::MalformedPolicyDocument, message));
    }
    if counted_chars(document) > limits::MANAGED_POLICY_CHARS {
        return Err(Refusal::quota("PolicySize", limits::MANAGED_POLICY_CHARS));
    }
    Ok(())
}

impl Identities {
    /// The account's own managed policy of that ARN.
    pub(crate) fn existing_policy(&self, account: AccountId, arn: &str) -> Result<&ManagedPolicy, Refusal> {
        match self.policy(arn).filter(|policy| policy.account == account) {
            Some(policy) => Ok(policy),
            None if managed::find(arn).is_some() => Err(Refusal::managed_by_aws(arn)),
            None => Err(Refusal::no_such_policy(arn)),
        }
    }

    /// The same, and a version of it.
    pub(crate) fn existing_version(
        &self,
        account: AccountId,
        arn: &str,
        version: &str,
    ) -> Result<(&ManagedPolicy, u32, &VersionRecord), Refusal> {
        let none = || Refusal::no_such_version(arn, version);
        let policy = match self.existing_policy(account, arn) {
            Err(refusal) if refusal.kind == RefusalKind::NoSuchEntity => return Err(none()),
            found => found?,
        };
        let number = version_number(version).ok_or_else(none)?;
        let record = policy.record.versions.get(&number).ok_or_else(none)?;
        Ok((policy, number, record))
    }

    /// Creates a managed policy with its first version.
    ///
    /// # Errors
    /// [`Refusal`]: the name is taken, the account is full, or the document is malformed or too long.
    pub fn create_policy(
        &self,
        fresh: &mut Fresh<'_>,
        new: NewPolicy,
    ) -> Result<(Changes, PolicyRecord), Refusal> {
        let NewPolicy { account, path, name, tags, document, description } = new;
        check_managed(&document)?;
        if self.policies.like(account, &name).is_some() {
            let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            return Err(Refusal::new(RefusalKind::EntityAlreadyExists, message));
        }
        check_room(self.managed_policies(account, None), "PoliciesPerAccount", limits::POLICIES)?;
        let created_secs = fresh.now_secs;
        let id = fresh.id(IdOf::Policy);
        let record = PolicyRecord {
            named: Named { account, path, name, id, created_secs, tags },
            description,
            updated_secs: created_secs,
            versions: BTreeMap::from([(1, VersionRecord { document, created_secs })]),
            default_version: 1,
            latest_version: 1,
        };
        Ok((vec![put(record.clone())?], record))
    }

    /// Creates a version of a managed policy.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such policy, it has as many versions as it can, or the document is malformed or too long.
    pub fn create_policy_version(
        &self,
        fresh: &mut Fresh<'_>,
        account: AccountId,
        arn: &str,
        document: &str,
        make_default: bool,
    ) -> Result<(Changes, PolicyRecord), Refusal> {
        let mut record = (*self.existing_policy(account, arn)?.record).clone();
        check_managed(document)?;
        if record.versions.len() >= limits::POLICY_VERSIONS {
            return Err(Refusal::too_many_versions(limits::POLICY_VERSIONS));
        }
        record.latest_version += 1;
        let version = VersionRecord { document: document.to_owned(), created_secs: fresh.now_secs };
        record.versions.insert(record.latest_version, version);
        if make_default {
            record.default_version = record.latest_version;
        }
        record.updated_secs = fresh.now_secs;
        Ok((vec![put(record.clone())?], record))
    }

    /// Makes a version the one that counts.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such version.
    pub fn set_default_policy_version(
        &self,
        now_secs: u64,
        account: AccountId,
        arn: &str,
        version: &str,
    ) -> Result<Changes, Refusal> {
        let (policy, number, _) = self.existing_version(account, arn, version)?;
        if policy.record.default_version == number {
            return Ok(Vec::new());
        }
        let record =
            PolicyRecord { default_version: number, updated_secs: now_secs, ..(*policy.record).clone() };
        Ok(vec![put(record)?])
    }

    /// Deletes a version that does not count.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such version, or it is the default.
    pub fn delete_policy_version(
        &self,
        account: AccountId,
        arn: &str,
        version: &str,
    ) -> Result<Changes, Refusal> {
        let (policy, number, _) = self.existing_version(account, arn, version)?;
        let mut record = (*policy.record).clone();
        if record.default_version == number {
            return Err(Refusal::conflict("Cannot delete the default version of a policy."));
        }
        record.versions.remove(&number);
        Ok(vec![put(record)?])
    }

    /// Deletes a managed policy with its last version.
    ///
    /// # Errors
    /// [`Refusal`]: there is no such policy, it is attached or a boundary, or has more than one version.
    pub fn delete_policy(&self, account: AccountId, arn: &str) -> Result<Changes, Refusal> {
        let record = &self.existing_policy(account, arn)?.record;
        if self.attached.count(arn) + self.bounded.count(arn) > 0 {
            return Err(Refusal::conflict("Cannot delete a policy attached to entities."));
        }
        if record.versions.len() > 1 {
            return Err(Refusal::conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                 versions. The default version is deleted with the policy.",
            ));
        }
        Ok(vec![Record::from((**record).clone()).remove()])
    }
}
