//! What a request changes, or why not: pure functions of the state, the request, time and randomness.
//!
//! What always holds: what is decided can be applied; a refusal changes nothing; what is already so changes nothing and
//! is no refusal.

mod access_keys;
mod accounts;
mod holders;
mod policies;
mod roles;
mod tags;
mod users;

use millpond_core::limits::DOCUMENT_BYTES;
use millpond_core::name::AccountId;

pub use access_keys::NewKey;
pub use holders::HolderKind;
pub use policies::{NewPolicy, version_number};
pub use roles::{NewRole, RoleUpdate};
pub use tags::Tagged;
pub use users::{NewUser, UserUpdate};

use super::record::Record;
use super::{Change, Identities, Refusal, RefusalKind};
use crate::policy::{DocumentKind, Policy, PolicyError};

/// What is decided: changes to write, all or none.
pub type Changes = Vec<Change>;

/// The change that writes a record, if it is not too long to be written.
fn put(record: impl Into<Record>) -> Result<Change, Refusal> {
    let change = record.into().put();
    match &change {
        Change::Put { value, .. } if value.len() > DOCUMENT_BYTES => {
            Err(Refusal::record_too_long(DOCUMENT_BYTES))
        }
        _ => Ok(change),
    }
}

fn check_document(document: &str, kind: DocumentKind) -> Result<Policy, Refusal> {
    Policy::parse(document, kind).map_err(malformed)
}

fn malformed(error: PolicyError) -> Refusal {
    Refusal::new(RefusalKind::MalformedPolicyDocument, error.message)
}

/// The letters that count for limits: all but white space.
fn counted_chars(document: &str) -> usize {
    document.chars().filter(|letter| !letter.is_whitespace()).count()
}

/// Makes sure that an account has room for one more of its kind.
fn check_room<T>(existing: impl Iterator<Item = T>, of: &str, limit: usize) -> Result<(), Refusal> {
    if existing.count() < limit { Ok(()) } else { Err(Refusal::quota(of, limit)) }
}

impl Identities {
    /// Makes sure that a policy can be a boundary of something of that account.
    fn check_boundary(&self, account: AccountId, arn: &str) -> Result<(), Refusal> {
        if !is_policy_arn(arn) {
            return Err(Refusal::new(RefusalKind::InvalidInput, format!("ARN {arn} is not valid.")));
        }
        if self.is_attachable(account, arn) {
            return Ok(());
        }
        let message = format!("Scope ARN: {arn} does not exist or is not attachable.");
        Err(Refusal::new(RefusalKind::NoSuchEntity, message))
    }

    /// Whether something of that account can have the policy: it is the account's own or one of AWS.
    fn is_attachable(&self, account: AccountId, arn: &str) -> bool {
        match self.policy(arn) {
            Some(policy) => policy.account == account,
            None => self.managed_policy(arn).is_some(),
        }
    }
}

/// Whether a text has the form of a managed policy's ARN.
fn is_policy_arn(text: &str) -> bool {
    crate::arn::Arn::parse(text).is_some_and(|arn| {
        arn.partition == "aws"
            && arn.service == "iam"
            && arn.region.is_empty()
            && (arn.account == "aws" || AccountId::parse(arn.account).is_some())
            && arn
                .resource
                .strip_prefix("policy/")
                .is_some_and(|path| !path.is_empty() && !path.ends_with('/'))
    })
}
