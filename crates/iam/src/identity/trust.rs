//! Whom trust policies mean: users and roles by unique id, not by name.
//!
//! What always holds: who is created under the name of one that was deleted is not trusted; who is renamed stays trusted.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>: "If your Principal element
//! in a role trust policy contains an ARN that points to a specific IAM role, then that ARN transforms to the role unique
//! principal ID when you save the policy".

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::record::RoleRecord;
use super::{Identities, account_and_name};
use crate::arn::Arn;
use crate::evaluate::Attached;
use crate::policy::principal::Principal;
use crate::policy::{DocumentKind, Policy, PolicyError, with_principals};

/// Unique ids by the texts that name them.
pub(super) type Trusted = BTreeMap<String, String>;

/// Reads and compiles the trust policy of a record. It does not depend on who is there.
pub(super) fn compile(record: &RoleRecord) -> Result<Attached, String> {
    let mut unknown = None;
    let mut bind = |text: &str, principal: Principal| {
        if !is_identity(&principal) {
            return Some(principal);
        }
        let id = record.trusted.get(text);
        if id.is_none() {
            unknown =
                Some(format!("the trust policy names {text}, and \"trusted\" does not say who that is"));
        }
        id.map(|id| Principal::Id(id.as_str().into()))
    };
    let read = Policy::parse_bound(&record.trust, DocumentKind::RoleTrust, &mut bind);
    match (read, unknown) {
        (Ok(policy), _) => Ok(Attached { name: record.named.arn("role").into(), policy: Arc::new(policy) }),
        (Err(_), Some(reason)) => Err(reason),
        (Err(error), None) => Err(format!("the trust policy: {error}")),
    }
}

/// Whether it is one user or one role, and no session of a role.
fn is_identity(principal: &Principal) -> bool {
    match principal {
        Principal::User { .. } | Principal::Role { .. } => true,
        Principal::Id(id) => !id.contains(':'),
        _ => false,
    }
}

impl Identities {
    /// Whom a trust policy names.
    ///
    /// # Errors
    /// [`PolicyError`]: a user or role that it names is not there, or the role of a session. AWS: "you cannot specify a principal
    /// that does not exist".
    pub(super) fn trusted(&self, document: &str) -> Result<Trusted, PolicyError> {
        let mut trusted = Trusted::new();
        let mut bind = |text: &str, principal: Principal| {
            match &principal {
                Principal::User { .. } | Principal::Role { .. } => {
                    trusted.insert(text.to_owned(), self.id_of(text)?);
                }
                Principal::Session { account, role, .. } => {
                    self.role(*account, role).filter(|_| text.starts_with("arn:aws:"))?;
                }
                Principal::Id(id) => match id.split_once(':') {
                    Some((role, _)) => drop(self.role_by_id(role)?),
                    None => {
                        self.arn_of(id)?;
                        trusted.insert(text.to_owned(), text.to_owned());
                    }
                },
                Principal::Everyone | Principal::Account(_) | Principal::Service(_) | Principal::Foreign => {}
            }
            Some(principal)
        };
        Policy::parse_bound(document, DocumentKind::RoleTrust, &mut bind)?;
        Ok(trusted)
    }

    /// The trust policy of a role as it is shown: users and roles by the ARNs they have now, by their unique ids when they are
    /// gone.
    #[must_use]
    pub fn shown_trust<'a>(&self, role: &'a RoleRecord) -> Cow<'a, str> {
        let rename = |text: &str| {
            let id = role.trusted.get(text)?;
            let shown = self.arn_of(id).unwrap_or_else(|| id.clone());
            (shown != text).then_some(shown)
        };
        if role.trusted.keys().all(|text| rename(text).is_none()) {
            return Cow::Borrowed(&role.trust);
        }
        with_principals(&role.trust, &rename)
    }

    /// The unique id of the user or role that has this ARN, path included.
    fn id_of(&self, arn: &str) -> Option<String> {
        let kind = Arn::parse(arn)?.resource.split_once('/')?.0;
        if kind == "role" {
            return self.role_by_arn(arn).map(|role| role.id.clone());
        }
        let (account, name) = account_and_name(arn, "user/")?;
        let user = self.user(account, name).filter(|user| user.arn() == arn)?;
        Some(user.id.clone())
    }

    /// The ARN that the user or role of that unique id has now.
    fn arn_of(&self, id: &str) -> Option<String> {
        let user = self.user_by_id(id).map(|user| user.arn());
        user.or_else(|| self.role_by_id(id).map(|role| role.arn()))
    }
}
