//! Why a request is not who it says it is: the errors of authentication, as AWS words them.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>; texts and codes as
//! recorded on the real service.

use millpond_wire::error::ApiError;

/// Why a request is refused before anything looks at what it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// It is not signed, and the service admits no anonymous callers.
    MissingToken,
    /// The signature is malformed; the text says how.
    Incomplete(String),
    /// No such access key, an inactive one, or a session token that does not belong to it.
    UnknownKey,
    /// The scope, the date or the signature is wrong; the text says which.
    WrongSignature(String),
    /// The session has ended.
    ExpiredToken,
}

impl AuthError {
    /// The error to answer; it has the shape of AWS JSON and the code of AWS Query.
    #[must_use]
    pub fn to_api_error(&self) -> ApiError {
        unimplemented!()
    }
}
