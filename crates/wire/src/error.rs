//! Errors as AWS clients read them.
//!
//! An [`ErrorKind`] is one row of a service's table of errors, known at compile time; an [`ApiError`] is one
//! occurrence of it with its message. Clients pick the exception class from the shape's name and the error code from
//! the [`QUERY_ERROR_HEADER`], so an error that leaves without the header breaks them.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization> and
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#awsquerycompatible-trait>.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// The header that carries the code and the fault of an error: see [`ApiError::query_error`].
pub const QUERY_ERROR_HEADER: &str = "x-amzn-query-error";

/// The namespace of the shapes that belong to no service in particular.
pub const CORAL: &str = "com.amazon.coral.service";

/// Who has to change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller: the same request fails again.
    Sender,
    /// The service: the same request may succeed later.
    Receiver,
}

impl Fault {
    /// The wire spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "Sender",
            Self::Receiver => "Receiver",
        }
    }
}

/// How the member with the message is spelled in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageMember {
    /// `message`: the shapes of a service's model.
    Lower,
    /// `Message`: some shapes that AWS answers before the service sees the request.
    Capital,
}

/// One row of a table of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorKind {
    /// The namespace of the shape, such as `com.amazonaws.sqs`.
    pub namespace: &'static str,
    /// The name of the shape, such as `QueueDoesNotExist`.
    pub shape: &'static str,
    /// The code that older clients know, such as `AWS.SimpleQueueService.NonExistentQueue`.
    pub query_code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Who has to change something.
    pub fault: Fault,
    /// How the message is spelled.
    pub message_member: MessageMember,
}

impl ErrorKind {
    /// A row whose sender is at fault, with status 400 and a `message` in lower case.
    #[must_use]
    pub const fn new(namespace: &'static str, shape: &'static str, query_code: &'static str) -> Self {
        Self {
            namespace,
            shape,
            query_code,
            status: 400,
            fault: Fault::Sender,
            message_member: MessageMember::Lower,
        }
    }

    /// The same row with another HTTP status.
    #[must_use]
    pub const fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same row with the service at fault.
    #[must_use]
    pub const fn of_receiver(self, status: u16) -> Self {
        Self { status, fault: Fault::Receiver, ..self }
    }

    /// The same row with a capital `Message`.
    #[must_use]
    pub const fn with_capital_message(self) -> Self {
        Self { message_member: MessageMember::Capital, ..self }
    }

    /// An occurrence of this error.
    #[must_use]
    pub fn because(&'static self, message: impl Into<Cow<'static, str>>) -> ApiError {
        ApiError { kind: self, message: message.into() }
    }
}

/// The request's bytes are no JSON, or hold a value of the wrong type.
pub static SERIALIZATION: ErrorKind =
    ErrorKind::new(CORAL, "SerializationException", "SerializationException").with_capital_message();
/// A parameter of an AWS Query request is not of the type its member takes.
pub static MALFORMED_INPUT: ErrorKind = ErrorKind::new(CORAL, "MalformedInputException", "MalformedInput");
/// The request's body is larger than any request needs. The status is that of Amazon SQS, which puts no shape beside it.
pub static REQUEST_TOO_LARGE: ErrorKind =
    ErrorKind::new(CORAL, "RequestEntityTooLargeException", "RequestEntityTooLarge").with_status(413);
/// The request names no action that exists.
pub static UNKNOWN_OPERATION: ErrorKind = ErrorKind::new(CORAL, "UnknownOperationException", "InvalidAction");
/// A value is outside what its parameter takes.
pub static INVALID_PARAMETER_VALUE: ErrorKind =
    ErrorKind::new(CORAL, "InvalidParameterValueException", "InvalidParameterValue");
/// A required parameter is missing.
pub static MISSING_PARAMETER: ErrorKind =
    ErrorKind::new(CORAL, "MissingRequiredParameterException", "MissingParameter");
/// The caller may not do this.
pub static ACCESS_DENIED: ErrorKind =
    ErrorKind::new(CORAL, "AccessDeniedException", "AccessDenied").with_status(403).with_capital_message();
/// The access key is not known.
pub static UNRECOGNIZED_CLIENT: ErrorKind =
    ErrorKind::new(CORAL, "UnrecognizedClientException", "InvalidClientTokenId").with_status(403);
/// The signature does not match.
pub static INVALID_SIGNATURE: ErrorKind =
    ErrorKind::new(CORAL, "InvalidSignatureException", "SignatureDoesNotMatch").with_status(403);
/// The `Authorization` header is not what it must be.
pub static INCOMPLETE_SIGNATURE: ErrorKind =
    ErrorKind::new(CORAL, "IncompleteSignatureException", "IncompleteSignature");
/// The request is not signed, and must be.
pub static MISSING_AUTHENTICATION_TOKEN: ErrorKind =
    ErrorKind::new(CORAL, "MissingAuthenticationTokenException", "MissingAuthenticationToken")
        .with_status(403);
/// The session of temporary credentials has ended.
pub static EXPIRED_TOKEN: ErrorKind =
    ErrorKind::new(CORAL, "ExpiredTokenException", "ExpiredToken").with_status(403);
/// Something failed inside the service.
pub static INTERNAL_FAILURE: ErrorKind =
    ErrorKind::new(CORAL, "InternalFailure", "InternalFailure").of_receiver(500);
/// The service can't take the request now; SDKs try again.
pub static SERVICE_UNAVAILABLE: ErrorKind =
    ErrorKind::new(CORAL, "ServiceUnavailableException", "ServiceUnavailable").of_receiver(503);

/// All rows of this file.
pub static CORAL_ERRORS: [&ErrorKind; 14] = [
    &SERIALIZATION,
    &MALFORMED_INPUT,
    &REQUEST_TOO_LARGE,
    &UNKNOWN_OPERATION,
    &INVALID_PARAMETER_VALUE,
    &MISSING_PARAMETER,
    &ACCESS_DENIED,
    &UNRECOGNIZED_CLIENT,
    &INVALID_SIGNATURE,
    &INCOMPLETE_SIGNATURE,
    &MISSING_AUTHENTICATION_TOKEN,
    &EXPIRED_TOKEN,
    &INTERNAL_FAILURE,
    &SERVICE_UNAVAILABLE,
];

/// One failure of one request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.shape)]
pub struct ApiError {
    kind: &'static ErrorKind,
    message: Cow<'static, str>,
}

impl ApiError {
    /// Its row.
    #[must_use]
    pub const fn kind(&self) -> &'static ErrorKind {
        self.kind
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind.status
    }

    /// What happened, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The value of the [`QUERY_ERROR_HEADER`]: code and fault.
    #[must_use]
    pub fn query_error(&self) -> String {
        format!("{};{}", self.kind.query_code, self.kind.fault.as_str())
    }

    /// The body in AWS JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("two members of text can always be written")
    }
}

impl Serialize for ApiError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(2))?;
        members.serialize_entry("__type", &format_args!("{}#{}", self.kind.namespace, self.kind.shape))?;
        let member = match self.kind.message_member {
            MessageMember::Lower => "message",
            MessageMember::Capital => "Message",
        };
        members.serialize_entry(member, &self.message)?;
        members.end()
    }
}
