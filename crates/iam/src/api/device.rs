//! Sessions of `GetSessionToken`: what they may not call, as nobody here has a device for multi-factor authentication.
//!
//! What always holds: whom [`asks_nothing`] lets past the policies, [`check`] refuses, unless nobody is identified and so
//! nothing is denied.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>: "You cannot call any IAM API operations
//! unless MFA authentication information is included in the request. You cannot call any AWS STS API except AssumeRole or
//! GetCallerIdentity."

use millpond_wire::error::{ApiError, UNRECOGNIZED_CLIENT};

use super::Carrying;
use crate::caller::Caller;
use crate::session::SessionOf;

/// Whether nothing is asked of policies, as the answer is the same whatever they say.
pub(super) fn asks_nothing(caller: &Caller) -> bool {
    matches!(caller, Caller::User(user) if user.session_issued_at_secs.is_some())
}

/// Refuses sessions of users and of an account's root, where callers are identified.
pub(super) fn check(with: &Carrying<'_>) -> Result<(), ApiError> {
    if with.root_may_assume {
        return Ok(());
    }
    let of = with.session.map(|session| &session.of);
    if asks_nothing(with.caller) || matches!(of, Some(SessionOf::User { .. } | SessionOf::Root)) {
        return Err(UNRECOGNIZED_CLIENT.because("The security token included in the request is invalid"));
    }
    Ok(())
}
