//! The errors of STS: how each one travels.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html> and the pages beside it.

use millpond_wire::error::ErrorKind;

const STS: &str = "com.amazonaws.sts";

/// A value is malformed.
pub static VALIDATION_ERROR: ErrorKind = ErrorKind::new(STS, "ValidationException", "ValidationError");
/// A value does not fit the others.
pub static INVALID_PARAMETER_VALUE: ErrorKind =
    ErrorKind::new(STS, "InvalidParameterValueException", "InvalidParameterValue");
/// A session policy is none.
pub static MALFORMED_POLICY_DOCUMENT: ErrorKind =
    ErrorKind::new(STS, "MalformedPolicyDocumentException", "MalformedPolicyDocument");
/// Session policies and tags take more than a token holds.
pub static PACKED_POLICY_TOO_LARGE: ErrorKind =
    ErrorKind::new(STS, "PackedPolicyTooLargeException", "PackedPolicyTooLarge");
/// A managed policy that shall limit a session is not there.
pub static NO_SUCH_ENTITY: ErrorKind =
    ErrorKind::new(STS, "NoSuchEntityException", "NoSuchEntity").with_status(404);
/// The message is none that was encoded here.
pub static INVALID_AUTHORIZATION_MESSAGE: ErrorKind =
    ErrorKind::new(STS, "InvalidAuthorizationMessageException", "InvalidAuthorizationMessageException");
