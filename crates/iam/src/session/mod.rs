//! Temporary credentials: issued by STS, carried by their own token, stored nowhere.
//!
//! What always holds: a token can't be made or changed without the master key; it names the role by its unique id, so
//! that it ends with the role; secret and key follow from the token.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html>.

use millpond_core::name::AccountId;

use crate::auth_error::AuthError;
use crate::caller::Tags;
use crate::secret::{MasterKey, Secret};

/// What a session is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionOf {
    /// A role that was assumed.
    Role {
        /// The role's name.
        name: String,
        /// `AROA…`.
        id: String,
        /// The session's name.
        session_name: String,
    },
    /// A user (`GetSessionToken`).
    User {
        /// The user's name.
        name: String,
        /// `AIDA…`.
        id: String,
    },
    /// The account's root (`GetSessionToken`).
    Root,
}

/// A session, as its token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The account of the role or user.
    pub account: AccountId,
    /// Whose it is.
    pub of: SessionOf,
    /// Seconds since 1970.
    pub issued_at_secs: u64,
    /// Seconds since 1970.
    pub expires_at_secs: u64,
    /// Session policies: documents, and ARNs of managed policies.
    pub policies: Vec<String>,
    /// See [`Session::policies`].
    pub policy_arns: Vec<String>,
    /// Session tags.
    pub tags: Tags,
    /// Whether the role was assumed by a session of another role; its duration is then limited to an hour.
    pub chained: bool,
}

/// Temporary credentials.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// The session token.
    pub session_token: String,
    /// Seconds since 1970.
    pub expires_at_secs: u64,
}

/// Issues credentials; `entropy` is fresh.
#[must_use]
pub fn issue(master: &MasterKey, session: &Session, entropy: [u8; 32]) -> Credentials {
    let _ = (master, session, entropy);
    unimplemented!()
}

/// Opens a token that came with an access key: the session, and the secret to verify the signature with.
///
/// # Errors
/// [`AuthError::UnknownKey`] when the token was not issued here or belongs to another key; [`AuthError::ExpiredToken`].
pub fn open(
    master: &MasterKey,
    access_key_id: &str,
    token: &str,
    now_secs: u64,
) -> Result<(Session, Secret), AuthError> {
    let _ = (master, access_key_id, token, now_secs);
    unimplemented!()
}
