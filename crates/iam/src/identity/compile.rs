//! Which policies count for a user or role: its own, its groups', and its boundary.
//!
//! What always holds: a policy that is pointed to and not there denies everything. That is so only while the records of
//! a start are still coming, since nothing that is attached can be deleted.

use std::sync::Arc;

use super::Identities;
use super::record::Permissions;
use crate::evaluate::{Attached, Policies};
use crate::policy::{DocumentKind, Policy};

/// Compiles a document that was checked when it was set.
pub(super) fn compile(name: &str, document: &str, kind: DocumentKind) -> Result<Attached, String> {
    let policy = Policy::parse(document, kind).map_err(|error| format!("the policy {name}: {error}"))?;
    Ok(Attached { name: name.into(), policy: Arc::new(policy) })
}

/// Compiles inline policies.
pub(super) fn inline(permissions: &Permissions) -> Result<Arc<[Attached]>, String> {
    let compiled = permissions
        .inline
        .iter()
        .map(|(name, document)| compile(name, document, DocumentKind::Identity))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(compiled.into())
}

const DENY_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

impl Identities {
    fn managed_or_deny_all(&self, arn: &str) -> Option<Attached> {
        self.managed_policy(arn).or_else(|| compile(arn, DENY_ALL, DocumentKind::Identity).ok())
    }

    fn of_holder<'a>(
        &'a self,
        permissions: &'a Permissions,
        inline: &'a Arc<[Attached]>,
    ) -> impl Iterator<Item = Attached> + 'a {
        let attached = permissions.attached.iter().filter_map(|arn| self.managed_or_deny_all(arn));
        inline.iter().cloned().chain(attached)
    }

    /// All policies of a user or role; `groups` are unique ids.
    pub(super) fn compiled<'a>(
        &self,
        permissions: &Permissions,
        inline: &Arc<[Attached]>,
        groups: impl IntoIterator<Item = &'a String>,
    ) -> Arc<Policies> {
        let mut identity: Vec<_> = self.of_holder(permissions, inline).collect();
        for group in groups.into_iter().filter_map(|id| self.groups.by_id(id)) {
            identity.extend(self.of_holder(&group.record.permissions, &group.inline));
        }
        let boundary = permissions.boundary.as_deref().and_then(|arn| self.managed_or_deny_all(arn));
        Arc::new(Policies { identity, boundary, session: Vec::new(), resource: None })
    }
}
