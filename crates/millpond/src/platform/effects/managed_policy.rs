//! What a plan does to managed policies.

use std::collections::BTreeSet;

use millpond_stack::{EffectError, ManagedPolicySpec, Resource};

use super::iam::{Iam, Identity, gone, made};

/// IAM keeps so many versions of a policy.
const VERSIONS_MAX: usize = 5;

impl Iam<'_> {
    /// Makes a managed policy and attaches it. One that an earlier attempt made is left as it is.
    pub(super) async fn create_managed_policy(
        &self,
        policy: &ManagedPolicySpec,
        resumed: bool,
    ) -> Result<(), EffectError> {
        let parameters = [
            ("PolicyName", policy.name.as_str()),
            ("Path", &policy.path),
            ("Description", &policy.description),
            ("PolicyDocument", &policy.document),
        ];
        match made(self.call("CreatePolicy", &parameters).await, resumed)? {
            Some(_) => self.attach(&[], policy).await,
            None => Ok(()),
        }
    }

    /// Brings a managed policy to what `after` says: a changed document becomes its next version.
    pub(super) async fn set_managed_policy(
        &self,
        before: &[Resource],
        after: &ManagedPolicySpec,
    ) -> Result<(), EffectError> {
        if known(before).any(|before| before.document != after.document) {
            self.free_version(&after.arn).await?;
            let parameters = [
                ("PolicyArn", after.arn.as_str()),
                ("PolicyDocument", &after.document),
                ("SetAsDefault", "true"),
            ];
            self.call("CreatePolicyVersion", &parameters).await?;
        }
        self.attach(before, after).await
    }

    /// Deletes a managed policy once it is attached nowhere that this stack knows of.
    pub(super) async fn delete_managed_policy(
        &self,
        arn: &str,
        before: &[Resource],
    ) -> Result<(), EffectError> {
        self.detach(arn, known(before).flat_map(places).collect()).await?;
        if self.is_missing("GetPolicy", "PolicyArn", arn).await {
            return Ok(());
        }
        for version in self.old_versions(arn).await? {
            self.delete_version(arn, &version).await?;
        }
        gone(self.call("DeletePolicy", &[("PolicyArn", arn)]).await)
    }

    async fn attach(&self, before: &[Resource], after: &ManagedPolicySpec) -> Result<(), EffectError> {
        let wanted: BTreeSet<(bool, &str)> = places(after).collect();
        for (is_role, name) in &wanted {
            let identity = if *is_role { Identity::role(name) } else { Identity::user(name) };
            self.call_on(identity, "Attach{}Policy", &[("PolicyArn", &after.arn)]).await?;
        }
        let old: BTreeSet<(bool, &str)> = known(before).flat_map(places).collect();
        self.detach(&after.arn, &old - &wanted).await
    }

    async fn detach(&self, arn: &str, from: BTreeSet<(bool, &str)>) -> Result<(), EffectError> {
        for (is_role, name) in from {
            let identity = if is_role { Identity::role(name) } else { Identity::user(name) };
            gone(self.call_on(identity, "Detach{}Policy", &[("PolicyArn", arn)]).await)?;
        }
        Ok(())
    }

    /// Makes room for one more version, as CloudFormation does: the oldest goes.
    async fn free_version(&self, arn: &str) -> Result<(), EffectError> {
        let old = self.old_versions(arn).await?;
        // The default version is not among them.
        if old.len() + 1 < VERSIONS_MAX {
            return Ok(());
        }
        let oldest = old.iter().min_by_key(|version| version_number(version));
        match oldest {
            Some(oldest) => self.delete_version(arn, oldest).await,
            None => Ok(()),
        }
    }

    /// The versions that are not the default.
    async fn old_versions(&self, arn: &str) -> Result<Vec<String>, EffectError> {
        let reply = self.call("ListPolicyVersions", &[("PolicyArn", arn)]).await?;
        let mut versions = reply.texts("VersionId");
        let policy = self.call("GetPolicy", &[("PolicyArn", arn)]).await?;
        let default = policy.text("DefaultVersionId");
        versions.retain(|version| Some(version) != default.as_ref());
        Ok(versions)
    }

    async fn delete_version(&self, arn: &str, version: &str) -> Result<(), EffectError> {
        let parameters = [("PolicyArn", arn), ("VersionId", version)];
        gone(self.call("DeletePolicyVersion", &parameters).await)
    }
}

/// The number in `v12`.
fn version_number(version: &str) -> u64 {
    version.trim_start_matches('v').parse().unwrap_or(u64::MAX)
}

/// The identities that it is attached to: whether a role, and the name.
fn places(policy: &ManagedPolicySpec) -> impl Iterator<Item = (bool, &str)> {
    let roles = policy.roles.iter().map(|role| (true, role.as_str()));
    roles.chain(policy.users.iter().map(|user| (false, user.as_str())))
}

fn known(resources: &[Resource]) -> impl Iterator<Item = &ManagedPolicySpec> {
    resources.iter().filter_map(|resource| match resource {
        Resource::ManagedPolicy(policy) => Some(policy),
        _ => None,
    })
}
