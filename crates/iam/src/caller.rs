//! Who sends a request, once its signature was verified.
//!
//! What always holds: a caller other than [`Caller::Anonymous`] was proven by a signature, or comes from inside the
//! service.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>.

use std::collections::BTreeMap;

use millpond_core::name::AccountId;

/// Tags by key, each key in the case it was given.
pub type Tags = BTreeMap<String, String>;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The request is not signed.
    Anonymous,
    /// The account itself: its root key.
    Root {
        /// The account.
        account: AccountId,
    },
    /// A user, by one of its access keys.
    User(UserCaller),
    /// A role that was assumed.
    Role(RoleCaller),
    /// A service of the platform that acts on its own, such as `ecs-tasks.amazonaws.com`.
    Service {
        /// Its principal.
        name: String,
    },
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCaller {
    /// Its account.
    pub account: AccountId,
    /// Begins and ends with a slash.
    pub path: String,
    /// Its name.
    pub name: String,
    /// `AIDA…`.
    pub id: String,
    /// Its tags.
    pub tags: Tags,
    /// Seconds since 1970 at which a session of `GetSessionToken` was issued; `None` for a long-lived key.
    pub session_issued_at_secs: Option<u64>,
}

/// A session of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleCaller {
    /// The role's account.
    pub account: AccountId,
    /// The role's path; begins and ends with a slash.
    pub path: String,
    /// The role's name.
    pub name: String,
    /// `AROA…`.
    pub id: String,
    /// The role's tags.
    pub tags: Tags,
    /// The name that was given when it was assumed.
    pub session_name: String,
    /// When the session was issued, in seconds since 1970.
    pub issued_at_secs: u64,
}

impl Caller {
    /// The account that the caller belongs to.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Anonymous | Self::Service { .. } => None,
            Self::Root { account } => Some(*account),
            Self::User(user) => Some(user.account),
            Self::Role(role) => Some(role.account),
        }
    }

    /// The ARN that `GetCallerIdentity` and denials show; of a role the session's. `anonymous` and the service's name for
    /// those without one.
    #[must_use]
    pub fn arn(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Root { account } => format!("arn:aws:iam::{account}:root"),
            Self::User(user) => format!("arn:aws:iam::{}:user{}{}", user.account, user.path, user.name),
            Self::Role(role) => {
                format!("arn:aws:sts::{}:assumed-role/{}/{}", role.account, role.name, role.session_name)
            }
            Self::Service { name } => name.clone(),
        }
    }

    /// `aws:PrincipalArn`: as [`Caller::arn`], but of a role session the role's.
    #[must_use]
    pub fn principal_arn(&self) -> Option<String> {
        match self {
            Self::Anonymous | Self::Service { .. } => None,
            Self::Role(role) => Some(format!("arn:aws:iam::{}:role{}{}", role.account, role.path, role.name)),
            Self::Root { .. } | Self::User(_) => Some(self.arn()),
        }
    }

    /// `aws:userid`, as `GetCallerIdentity` shows it.
    #[must_use]
    pub fn user_id(&self) -> Option<String> {
        match self {
            Self::Anonymous => Some("anonymous".to_owned()),
            Self::Service { .. } => None,
            Self::Root { account } => Some(account.to_string()),
            Self::User(user) => Some(user.id.clone()),
            Self::Role(role) => Some(format!("{}:{}", role.id, role.session_name)),
        }
    }
}
