//! The errors of IAM: how each one travels.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>.

use millpond_wire::error::{ACCESS_DENIED, ApiError, ErrorKind};

use crate::identity::{Refusal, RefusalKind};

const IAM: &str = "com.amazonaws.iam";

/// One row per modelled error; those of every service are in [`millpond_wire::error`].
macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $shape:literal, $code:literal, $status:literal;)*) => {
        $($(#[$doc])* pub static $name: ErrorKind = ErrorKind::new(IAM, $shape, $code).with_status($status);)*
        /// All modelled errors.
        pub static ERRORS: &[&ErrorKind] = &[$(&$name),*];
    };
}

errors! {
    /// What the request names is not there.
    NO_SUCH_ENTITY = "NoSuchEntityException", "NoSuchEntity", 404;
    /// The name is taken.
    ENTITY_ALREADY_EXISTS = "EntityAlreadyExistsException", "EntityAlreadyExists", 409;
    /// Something has to be deleted, detached or removed first.
    DELETE_CONFLICT = "DeleteConflictException", "DeleteConflict", 409;
    /// A quota is used up.
    LIMIT_EXCEEDED = "LimitExceededException", "LimitExceeded", 409;
    /// A policy document is none.
    MALFORMED_POLICY_DOCUMENT = "MalformedPolicyDocumentException", "MalformedPolicyDocument", 400;
    /// A value does not fit the others.
    INVALID_INPUT = "InvalidInputException", "InvalidInput", 400;
    /// A value is malformed.
    VALIDATION_ERROR = "ValidationException", "ValidationError", 400;
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.kind {
            RefusalKind::NoSuchEntity => &NO_SUCH_ENTITY,
            RefusalKind::EntityAlreadyExists => &ENTITY_ALREADY_EXISTS,
            RefusalKind::DeleteConflict => &DELETE_CONFLICT,
            RefusalKind::LimitExceeded => &LIMIT_EXCEEDED,
            RefusalKind::MalformedPolicyDocument => &MALFORMED_POLICY_DOCUMENT,
            RefusalKind::InvalidInput => &INVALID_INPUT,
            RefusalKind::Validation => &VALIDATION_ERROR,
            RefusalKind::AccessDenied => &ACCESS_DENIED,
        };
        kind.because(refusal.message)
    }
}
