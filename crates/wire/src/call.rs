//! One call, whatever its protocol: parameters in, reply or error out.
//!
//! This is the seam between services and codecs: a service decodes [`Parameters`] into its types and writes its types
//! into an [`Envelope`], and knows no more of the protocol.

use serde::{Deserialize, Serialize};

use crate::error::{ApiError, INTERNAL_FAILURE};
use crate::json;
use crate::protocol::Protocol;
use crate::query::{self, Form, QueryService};
use crate::request_id::RequestId;

/// What a request gives its action.
#[derive(Clone, Copy, Debug)]
pub enum Parameters<'a> {
    /// The bytes of an AWS JSON structure.
    Json(&'a [u8]),
    /// The parameters of AWS Query.
    Query(&'a Form<'a>),
}

impl<'a> Parameters<'a> {
    /// Whether they are those of AWS Query.
    #[must_use]
    pub const fn is_query(&self) -> bool {
        matches!(self, Self::Query(_))
    }

    /// The request as a type.
    ///
    /// # Errors
    /// `SerializationException` or `MalformedInput` when it is not of that type.
    pub fn decode<T: Deserialize<'a>>(
        &self,
        service: &'static QueryService,
        action: &'a str,
    ) -> Result<T, ApiError> {
        match self {
            Self::Json(body) => json::decode(body),
            Self::Query(form) => query::decode(form, service, action),
        }
    }
}

/// How one reply is written.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The protocol of the reply.
    pub protocol: Protocol,
    /// The service that answers.
    pub service: &'static QueryService,
    /// The action that is answered: a name, never unchecked text of the caller.
    pub action: &'a str,
    /// The request that is answered.
    pub request_id: RequestId,
}

impl Envelope<'_> {
    /// A reply with a result.
    ///
    /// # Errors
    /// `InternalFailure` when it can't be written.
    pub fn reply<T: Serialize>(&self, reply: &T) -> Result<Vec<u8>, ApiError> {
        self.write(Some(reply))
    }

    /// The reply of an action that has no result.
    ///
    /// # Errors
    /// `InternalFailure` when it can't be written.
    pub fn no_result(&self) -> Result<Vec<u8>, ApiError> {
        match self.protocol {
            Protocol::Json10 => Ok(b"{}".to_vec()),
            Protocol::QueryXml | Protocol::QueryJson => self.write::<()>(None),
        }
    }

    fn write<T: Serialize>(&self, reply: Option<&T>) -> Result<Vec<u8>, ApiError> {
        let Self { service, action, request_id, .. } = *self;
        match self.protocol {
            Protocol::Json10 => json::encode(&reply),
            Protocol::QueryXml => query::reply_xml(reply, service, action, request_id).map_err(unwritable),
            Protocol::QueryJson => query::reply_json(reply, service, action, request_id).map_err(unwritable),
        }
    }
}

/// The body of an error in the form its caller reads.
#[must_use]
pub fn error_body(
    error: &ApiError,
    protocol: Protocol,
    service: &'static QueryService,
    request_id: RequestId,
) -> Vec<u8> {
    match protocol {
        Protocol::Json10 => error.to_json(),
        Protocol::QueryXml => query::error_xml(error, service, request_id),
        Protocol::QueryJson => query::error_json(error, request_id),
    }
}

fn unwritable(error: impl std::error::Error) -> ApiError {
    INTERNAL_FAILURE.because(format!("The reply could not be written: {error}."))
}
