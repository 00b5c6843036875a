//! Temporary credentials: issued by STS, carried by their own token, stored nowhere.
//!
//! What always holds: a token can't be made or changed without the master key, and opens only with the access key it was
//! issued with; it names the role or user by its unique id, so that it ends with it; the secret follows from the token.
//!
//! A token is Base64 of sealed bytes as `secret` describes them, under a key of their own and with the access key's id as
//! associated data; `token` has what is inside. The access key's id holds the account as Amazon's do.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html>.

mod token;

use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use millpond_core::name::AccountId;

use ring::hmac;

use crate::auth_error::AuthError;
use crate::caller::Tags;
use crate::secret::{self, MasterKey, NONCE_BYTES, Secret};

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
    /// The keys of those tags that a role assumed by this session takes over.
    pub transitive_tag_keys: Vec<String>,
    /// `aws:SourceIdentity`: who it was that assumed the first role of a chain.
    pub source_identity: Option<String>,
    /// Whether the role was assumed by a session of another role; its duration is then limited to an hour.
    pub chained: bool,
    /// How the request came that these credentials carry out a part of; only in those that never leave the service.
    pub origin: Option<Origin>,
}

/// How a request came, as policies ask about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `aws:SourceIp`.
    pub source_ip: IpAddr,
    /// `aws:SecureTransport`.
    pub over_tls: bool,
    /// `aws:UserAgent`.
    pub user_agent: Option<String>,
}

/// Temporary credentials.
#[derive(Clone)]
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

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at_secs", &self.expires_at_secs)
            .finish_non_exhaustive()
    }
}

/// How the ids of temporary access keys begin.
const PREFIX: &str = "ASIA";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Issues credentials; `entropy` is fresh.
#[must_use]
pub fn issue(master: &MasterKey, session: &Session, entropy: [u8; 32]) -> Credentials {
    let (nonce, rest) = entropy.split_first_chunk::<NONCE_BYTES>().expect("32 bytes are more than a nonce");
    let access_key_id = id_of(session.account, rest);
    let sealed = secret::seal(&master.tokens, &access_key_id, *nonce, &token::write(session));
    Credentials {
        secret_access_key: secret_of(master, &access_key_id, &sealed),
        session_token: BASE64_STANDARD.encode(sealed),
        access_key_id,
        expires_at_secs: session.expires_at_secs,
    }
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
    let sealed = BASE64_STANDARD.decode(token).map_err(|_| AuthError::UnknownKey)?;
    let plain = secret::open(&master.tokens, access_key_id, &sealed).map_err(|_| AuthError::UnknownKey)?;
    let session = token::read(&plain).ok_or(AuthError::UnknownKey)?;
    if now_secs >= session.expires_at_secs {
        return Err(AuthError::ExpiredToken);
    }
    Ok((session, secret_of(master, access_key_id, &sealed)))
}

/// The account that the id of a temporary access key names; `None` when it is no such id. Nothing is proven by it.
#[must_use]
pub fn account_of(access_key_id: &str) -> Option<AccountId> {
    let digits = access_key_id.strip_prefix(PREFIX)?.as_bytes();
    if digits.len() != 16 {
        return None;
    }
    let bits = digits.iter().try_fold(0_u128, |bits, digit| {
        let value = BASE32.iter().position(|known| known == digit)?;
        Some(bits << 5 | u128::try_from(value).ok()?)
    })?;
    AccountId::from_number(u64::try_from(bits >> 39 & ((1 << 40) - 1)).ok()?)
}

/// 80 bits: one that is set, 40 of the account, 39 that are random.
fn id_of(account: AccountId, random: &[u8]) -> String {
    let random = random.iter().take(5).fold(0, |bits, byte| bits << 8 | u128::from(*byte)) & ((1 << 39) - 1);
    let bits = 1 << 79 | u128::from(account.as_number()) << 39 | random;
    let digit = |place: u32| {
        let value = usize::try_from(bits >> (5 * place) & 31).unwrap_or_default();
        char::from(BASE32[value])
    };
    PREFIX.chars().chain((0..16).rev().map(digit)).collect()
}

fn secret_of(master: &MasterKey, access_key_id: &str, sealed: &[u8]) -> Secret {
    let mut context = hmac::Context::with_key(&master.token_secrets);
    context.update(access_key_id.as_bytes());
    context.update(b"\0");
    context.update(sealed);
    // 30 bytes are the 40 letters that secrets of AWS have.
    Secret::new(BASE64_STANDARD.encode(&context.sign().as_ref()[..30]))
}
