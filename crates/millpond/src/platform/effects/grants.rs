//! What a role or user may do, brought to what its properties say.
//!
//! What is new is given before what is old is taken. What someone else attached to it stays.

use std::collections::{BTreeMap, BTreeSet};

use millpond_stack::{EffectError, Grants};

use super::iam::{Iam, Identity, gone};

impl Iam<'_> {
    /// Sets what `after` says, and takes away what only `before` says.
    pub(super) async fn set_grants(
        &self,
        identity: Identity<'_>,
        before: &[&Grants],
        after: &Grants,
    ) -> Result<(), EffectError> {
        for (name, document) in &after.policies {
            let parameters = [("PolicyName", name.as_str()), ("PolicyDocument", document.as_str())];
            self.call_on(identity, "Put{}Policy", &parameters).await?;
        }
        for arn in &after.managed_policy_arns {
            self.call_on(identity, "Attach{}Policy", &[("PolicyArn", arn)]).await?;
        }
        self.set_boundary(identity, before, after.permissions_boundary.as_deref()).await?;
        self.set_tags(identity, before, &after.tags).await?;
        self.take_policies(identity, before, after).await
    }

    /// Takes away the policies that only `before` says.
    pub(super) async fn take_policies(
        &self,
        identity: Identity<'_>,
        before: &[&Grants],
        after: &Grants,
    ) -> Result<(), EffectError> {
        let inline: BTreeSet<&String> = before.iter().flat_map(|grants| grants.policies.keys()).collect();
        for name in inline.into_iter().filter(|name| !after.policies.contains_key(*name)) {
            gone(self.call_on(identity, "Delete{}Policy", &[("PolicyName", name)]).await)?;
        }
        let attached: BTreeSet<&String> =
            before.iter().flat_map(|grants| &grants.managed_policy_arns).collect();
        for arn in attached.into_iter().filter(|arn| !after.managed_policy_arns.contains(*arn)) {
            gone(self.call_on(identity, "Detach{}Policy", &[("PolicyArn", arn)]).await)?;
        }
        Ok(())
    }

    async fn set_boundary(
        &self,
        identity: Identity<'_>,
        before: &[&Grants],
        after: Option<&str>,
    ) -> Result<(), EffectError> {
        match after {
            Some(arn) => {
                let parameters = [("PermissionsBoundary", arn)];
                self.call_on(identity, "Put{}PermissionsBoundary", &parameters).await?;
                Ok(())
            }
            None if before.iter().any(|grants| grants.permissions_boundary.is_some()) => {
                gone(self.call_on(identity, "Delete{}PermissionsBoundary", &[]).await)
            }
            None => Ok(()),
        }
    }

    async fn set_tags(
        &self,
        identity: Identity<'_>,
        before: &[&Grants],
        after: &BTreeMap<String, String>,
    ) -> Result<(), EffectError> {
        if !after.is_empty() {
            let tags = tag_parameters(after);
            let tags: Vec<(&str, &str)> = borrowed(&tags);
            self.call_on(identity, "Tag{}", &tags).await?;
        }
        let old: BTreeSet<&String> = before.iter().flat_map(|grants| grants.tags.keys()).collect();
        let old = old.into_iter().filter(|key| !after.contains_key(*key));
        let keys: Vec<(String, String)> =
            old.zip(1..).map(|(key, number)| (format!("TagKeys.member.{number}"), key.clone())).collect();
        if keys.is_empty() {
            return Ok(());
        }
        gone(self.call_on(identity, "Untag{}", &borrowed(&keys)).await)
    }
}

/// Tags as IAM takes them.
pub(super) fn tag_parameters(tags: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let tag = |((key, value), number): ((&String, &String), usize)| {
        let name = |member: &str| format!("Tags.member.{number}.{member}");
        [(name("Key"), key.clone()), (name("Value"), value.clone())]
    };
    tags.iter().zip(1..).flat_map(tag).collect()
}

pub(super) fn borrowed(parameters: &[(String, String)]) -> Vec<(&str, &str)> {
    parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
