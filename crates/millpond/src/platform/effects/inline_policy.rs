//! What a plan does to the inline policies that are resources of their own.

use std::collections::BTreeSet;

use millpond_stack::{EffectError, InlinePolicySpec, Resource};

use super::iam::{Iam, Identity, gone};

/// Which identity has it, by kind and name, and what it is called there.
type Placed<'a> = (bool, &'a str, &'a str);

impl Iam<'_> {
    /// Puts the policy where `after` wants it, and takes it from where only `before` has it.
    pub(super) async fn put_inline_policy(
        &self,
        before: &[Resource],
        after: &InlinePolicySpec,
    ) -> Result<(), EffectError> {
        let wanted: BTreeSet<Placed<'_>> = places(after).collect();
        for (is_role, identity, name) in &wanted {
            let parameters = [("PolicyName", *name), ("PolicyDocument", after.document.as_str())];
            let put = self.call_on(identity_of(*is_role, identity), "Put{}Policy", &parameters).await;
            let first = before.is_empty() && wanted.first() == Some(&(*is_role, *identity, *name));
            put.map_err(|error| if first { error.at_first() } else { error.into() })?;
        }
        let old: BTreeSet<Placed<'_>> = known(before).flat_map(places).collect();
        self.take_from(&old - &wanted).await
    }

    /// Takes the policy from wherever it is known to be.
    pub(super) async fn delete_inline_policy(&self, before: &[Resource]) -> Result<(), EffectError> {
        let old: BTreeSet<Placed<'_>> = known(before).flat_map(places).collect();
        self.take_from(old).await
    }

    async fn take_from(&self, places: BTreeSet<Placed<'_>>) -> Result<(), EffectError> {
        for (is_role, identity, name) in places {
            let identity = identity_of(is_role, identity);
            gone(self.call_on(identity, "Delete{}Policy", &[("PolicyName", name)]).await)?;
        }
        Ok(())
    }
}

fn identity_of(is_role: bool, name: &str) -> Identity<'_> {
    if is_role { Identity::role(name) } else { Identity::user(name) }
}

fn places(policy: &InlinePolicySpec) -> impl Iterator<Item = Placed<'_>> {
    let roles = policy.roles.iter().map(|role| (true, role.as_str(), policy.name.as_str()));
    roles.chain(policy.users.iter().map(|user| (false, user.as_str(), policy.name.as_str())))
}

fn known(resources: &[Resource]) -> impl Iterator<Item = &InlinePolicySpec> {
    resources.iter().filter_map(|resource| match resource {
        Resource::InlinePolicy(policy) => Some(policy),
        _ => None,
    })
}
