//! Tags of users, roles and policies.
//!
//! Keys of users' and roles' tags that differ in case only are the same key; those of policies are not.

use millpond_core::name::AccountId;

use super::{Changes, put};
use crate::caller::Tags;
use crate::identity::record::{PolicyRecord, Record, RoleRecord, UserRecord};
use crate::identity::{Identities, Refusal, RefusalKind, limits};

/// What has tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged<'a> {
    /// A user, by name.
    User(&'a str),
    /// A role, by name.
    Role(&'a str),
    /// A managed policy, by ARN.
    Policy(&'a str),
}

impl Tagged<'_> {
    const fn ignores_case(self) -> bool {
        !matches!(self, Self::Policy(_))
    }

    fn is_same(self, one: &str, other: &str) -> bool {
        if self.ignores_case() { one.to_lowercase() == other.to_lowercase() } else { one == other }
    }

    /// Makes sure that no key is given twice.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn distinct(self, given: Vec<(String, String)>) -> Result<Tags, Refusal> {
        let mut tags = Tags::new();
        for (key, value) in given {
            if tags.keys().any(|other| self.is_same(other, &key)) {
                let message = if self.ignores_case() {
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive."
                } else {
                    "Duplicate tag keys found."
                };
                return Err(Refusal::new(RefusalKind::InvalidInput, message));
            }
            tags.insert(key, value);
        }
        Ok(tags)
    }
}

impl Identities {
    /// The tags of something.
    ///
    /// # Errors
    /// [`Refusal`]: it is not there.
    pub fn tags_of(&self, account: AccountId, of: Tagged<'_>) -> Result<&Tags, Refusal> {
        Ok(match of {
            Tagged::User(name) => &self.existing_user(account, name)?.tags,
            Tagged::Role(name) => &self.existing_role(account, name)?.tags,
            Tagged::Policy(arn) => &self.existing_policy(account, arn)?.tags,
        })
    }

    /// Sets tags; those of other keys stay.
    ///
    /// # Errors
    /// [`Refusal`]: it is not there, a key is given twice, or there are too many tags.
    pub fn tag(
        &self,
        account: AccountId,
        of: Tagged<'_>,
        given: Vec<(String, String)>,
    ) -> Result<Changes, Refusal> {
        let mut tags = self.tags_of(account, of)?.clone();
        for (key, value) in of.distinct(given)? {
            tags.retain(|other, _| !of.is_same(other, &key));
            tags.insert(key, value);
        }
        if tags.len() > limits::TAGS {
            let message = "The number of tags has reached the maximum limit.";
            return Err(Refusal::new(RefusalKind::LimitExceeded, message));
        }
        self.with_tags(account, of, tags)
    }

    /// Takes tags away; keys that are not there do not matter.
    ///
    /// # Errors
    /// [`Refusal`]: it is not there.
    pub fn untag(&self, account: AccountId, of: Tagged<'_>, keys: &[String]) -> Result<Changes, Refusal> {
        let mut tags = self.tags_of(account, of)?.clone();
        tags.retain(|key, _| !keys.iter().any(|other| of.is_same(other, key)));
        self.with_tags(account, of, tags)
    }

    fn with_tags(&self, account: AccountId, of: Tagged<'_>, tags: Tags) -> Result<Changes, Refusal> {
        if *self.tags_of(account, of)? == tags {
            return Ok(Vec::new());
        }
        let record: Record = match of {
            Tagged::User(name) => {
                let mut record: UserRecord = (*self.existing_user(account, name)?.record).clone();
                record.named.tags = tags;
                record.into()
            }
            Tagged::Role(name) => {
                let mut record: RoleRecord = (*self.existing_role(account, name)?.record).clone();
                record.named.tags = tags;
                record.into()
            }
            Tagged::Policy(arn) => {
                let mut record: PolicyRecord = (*self.existing_policy(account, arn)?.record).clone();
                record.named.tags = tags;
                record.into()
            }
        };
        Ok(vec![put(record)?])
    }
}
