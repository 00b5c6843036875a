//! What every action of IAM gives: what it is done to, what policies may ask about it, and how it is carried out.

use std::fmt;

use millpond_core::name::AccountId;
use millpond_wire::call::Envelope;
use millpond_wire::error::ApiError;
use serde::Serialize;

use super::error::VALIDATION_ERROR;
use crate::caller::Caller;
use crate::identity::decide::Changes;
use crate::identity::{Fresh, Identities};

/// What an action is done to. What kind of thing it is stands in the catalogue.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target<'a> {
    /// Nothing in particular.
    Everything,
    /// The user that calls.
    Caller,
    /// A user or role by name, a policy by ARN.
    Existing(&'a str),
    /// What is to be created.
    New { path: &'a str, name: &'a str },
    /// The user who has an access key.
    OwnerOf(&'a str),
}

impl<'a> Target<'a> {
    /// The named user, or the one that calls.
    pub(super) fn user(name: Option<&'a String>) -> Self {
        name.map_or(Self::Caller, |name| Self::Existing(name))
    }
}

/// What policies may ask about a request besides its target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct About<'a> {
    /// The managed policy that is attached or detached.
    pub(super) policy_arn: Option<&'a str>,
    /// The boundary that is set.
    pub(super) boundary: Option<&'a str>,
    /// The tags that are set.
    pub(super) tags: &'a [(String, String)],
    /// The keys of the tags that are taken away.
    pub(super) tag_keys: &'a [String],
    /// The path and the name that the target gets.
    pub(super) renamed: Option<(Option<&'a str>, Option<&'a str>)>,
}

/// A request whose parameters are in order.
pub(super) trait Call: fmt::Debug + Send + Sync {
    fn target(&self) -> Target<'_>;

    fn about(&self) -> About<'_> {
        About::default()
    }

    fn carry_out(&self, work: &mut Work<'_>) -> Reply;
}

/// Changes to write, and the reply's XML.
pub(super) type Reply = Result<(Changes, Vec<u8>), ApiError>;

/// What a request is carried out with.
pub(super) struct Work<'w> {
    pub(super) identities: &'w Identities,
    pub(super) caller: &'w Caller,
    pub(super) account: AccountId,
    pub(super) fresh: Fresh<'w>,
    pub(super) envelope: Envelope<'w>,
}

impl Work<'_> {
    /// The named user, or the one that calls.
    pub(super) fn user_name(&self, given: Option<&String>) -> Result<String, ApiError> {
        match (given, self.caller) {
            (Some(name), _) => Ok(name.clone()),
            (None, Caller::User(user)) => {
                // The name may have changed since the request was authenticated; the unique id has not.
                let now = self.identities.user_by_id(&user.id).map(|user| user.name.clone());
                Ok(now.unwrap_or_else(|| user.name.clone()))
            }
            (None, _) => {
                Err(VALIDATION_ERROR.because("Must specify userName when calling with non-User credentials"))
            }
        }
    }

    /// A reply without a result.
    pub(super) fn done(&self, changes: Changes) -> Reply {
        Ok((changes, self.envelope.no_result()?))
    }

    /// The reply to a read.
    pub(super) fn read<T: Serialize>(&self, result: &T) -> Reply {
        self.made(Vec::new(), result)
    }

    /// The reply to a change that has a result.
    pub(super) fn made<T: Serialize>(&self, changes: Changes, result: &T) -> Reply {
        Ok((changes, self.envelope.reply(result)?))
    }
}
