//! Why a request is not who it says it is: the errors of authentication, as AWS words them.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>; texts and codes as
//! recorded on the real service.

use millpond_wire::error::{
    ApiError, EXPIRED_TOKEN, INCOMPLETE_SIGNATURE, INVALID_SIGNATURE, MISSING_AUTHENTICATION_TOKEN,
    UNRECOGNIZED_CLIENT,
};

/// Why a request is refused before anything looks at what it asks. No text in it holds a secret, whatever was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It is not signed, and the service admits no anonymous callers.
    #[error("Request is missing Authentication Token")]
    MissingToken,
    /// The signature is malformed; the text says how.
    #[error("{0}")]
    Incomplete(String),
    /// No such access key, an inactive one, or a session token that does not belong to it.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The scope, the date or the signature is wrong; the text says which.
    #[error("{0}")]
    WrongSignature(String),
    /// The session has ended.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
}

impl AuthError {
    /// The error to answer; it has the shape of AWS JSON and the code of AWS Query.
    #[must_use]
    pub fn to_api_error(&self) -> ApiError {
        let kind = match self {
            Self::MissingToken => &MISSING_AUTHENTICATION_TOKEN,
            Self::Incomplete(_) => &INCOMPLETE_SIGNATURE,
            Self::UnknownKey => &UNRECOGNIZED_CLIENT,
            Self::WrongSignature(_) => &INVALID_SIGNATURE,
            Self::ExpiredToken => &EXPIRED_TOKEN,
        };
        kind.because(self.to_string())
    }
}
