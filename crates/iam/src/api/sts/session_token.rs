//! `GetSessionToken`: temporary credentials of the user, or the account's root, that calls.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>.

use std::ops::RangeInclusive;

use millpond_wire::error::{ACCESS_DENIED, ApiError};

use super::super::Carrying;
use super::parameters::Reader;
use super::reply::Reply;
use crate::caller::{Caller, Tags};
use crate::session::{Session, SessionOf, issue};

const DURATION_SECS: RangeInclusive<u64> = 900..=129_600;
const DEFAULT_DURATION_SECS: u64 = 43_200;
/// Longer is shortened, not refused.
const LONGEST_OF_ROOT_SECS: u64 = 3600;

#[derive(Debug)]
pub(super) struct SessionToken {
    duration_secs: Option<u64>,
    with_device: bool,
}

impl SessionToken {
    pub(super) fn read(given: &mut Reader<'_>) -> Result<Self, ApiError> {
        let with_device = given.raw("SerialNumber").or(given.raw("TokenCode")).is_some();
        Ok(Self { duration_secs: given.duration_secs(&DURATION_SECS)?, with_device })
    }

    pub(super) fn carry_out(&self, with: &mut Carrying<'_>, reply: &mut Reply) -> Result<(), ApiError> {
        let with_session = with.session.is_some() || matches!(with.caller, Caller::Role(_));
        if with_session {
            return Err(ACCESS_DENIED.because("Cannot call GetSessionToken with session credentials"));
        }
        let secs = self.duration_secs.unwrap_or(DEFAULT_DURATION_SECS);
        let (account, of, secs) = match with.caller {
            Caller::Root { account } => (*account, SessionOf::Root, secs.min(LONGEST_OF_ROOT_SECS)),
            Caller::User(user) => {
                (user.account, SessionOf::User { name: user.name.clone(), id: user.id.clone() }, secs)
            }
            Caller::Anonymous | Caller::Role(_) | Caller::Service { .. } => {
                return Err(
                    ACCESS_DENIED.because("Only users and the root of an account have session tokens.")
                );
            }
        };
        if self.with_device {
            return Err(no_device());
        }
        let session = Session {
            account,
            of,
            issued_at_secs: with.now_secs,
            expires_at_secs: with.now_secs.saturating_add(secs),
            policies: Vec::new(),
            policy_arns: Vec::new(),
            tags: Tags::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            chained: false,
            origin: None,
        };
        reply.credentials(&issue(with.master, &session, entropy(with)));
        Ok(())
    }
}

/// The answer to a code of a device for multi-factor authentication: nobody has one here.
pub(super) fn no_device() -> ApiError {
    ACCESS_DENIED.because(
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is \
         valid and associated with this user.",
    )
}

/// Fresh randomness for one set of credentials.
pub(super) fn entropy(with: &mut Carrying<'_>) -> [u8; 32] {
    let mut bytes = [0; 32];
    for half in bytes.chunks_exact_mut(16) {
        half.copy_from_slice(&(with.entropy)().to_be_bytes());
    }
    bytes
}
