//! Which protocol a request speaks, and what it asks for.
//!
//! Recognition looks at the method, the query string and three headers, never at the body. Of bodies only two media
//! types count: a web page can send JSON as `text/plain` to any address without asking, so that is never taken for a
//! call. It can also send a form; whoever listens must have refused those of foreign pages before.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#protocol-behaviors> and
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.

use crate::error::{ApiError, UNKNOWN_OPERATION};

/// The header that names service and action in AWS JSON.
pub const TARGET_HEADER: &str = "x-amz-target";

/// The media type of forms, in which AWS Query sends its parameters.
const FORM: &str = "application/x-www-form-urlencoded";

/// A protocol this crate has a codec for, in one of the forms its replies take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json10,
    /// AWS Query: parameters in, XML out.
    QueryXml,
    /// AWS Query by a caller that accepts JSON: parameters in, JSON out.
    QueryJson,
}

impl Protocol {
    /// The media type of its replies.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json10 => "application/x-amz-json-1.0",
            Self::QueryXml => "text/xml",
            Self::QueryJson => "application/json",
        }
    }

    /// Whether its requests are parameters.
    #[must_use]
    pub const fn is_query(self) -> bool {
        matches!(self, Self::QueryXml | Self::QueryJson)
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The service, such as `AmazonSQS`.
    pub service: &'a str,
    /// The action, such as `SendMessage`.
    pub action: &'a str,
}

/// What is looked at of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a str,
    /// The query string, without `?`.
    pub query: Option<&'a str>,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The `X-Amz-Target` header.
    pub target: Option<&'a str>,
    /// The `Accept` header.
    pub accept: Option<&'a str>,
}

/// A request that some service can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognised<'a> {
    /// AWS JSON 1.0, which names service and action in a header.
    Json(Target<'a>),
    /// AWS Query, whose action is one of its parameters, in the form in which it wants to be answered.
    Query(Protocol),
}

impl Recognised<'_> {
    /// The protocol it speaks and wants to be answered in.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Json(_) => Protocol::Json10,
            Self::Query(protocol) => *protocol,
        }
    }
}

/// Why a request is no call of a known protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// The method is neither `POST` nor `GET`.
    #[error("AWS calls are sent with POST or GET")]
    Method,
    /// The media type is not that of a known protocol.
    #[error("the Content-Type must be application/x-amz-json-1.0 or {FORM}")]
    ContentType,
    /// The header with the target is missing.
    #[error("the X-Amz-Target header is missing; it names service and action, such as AmazonSQS.SendMessage")]
    NoTarget,
    /// The header with the target is not of the form `Service.Action`.
    #[error("the X-Amz-Target header must have the form Service.Action, such as AmazonSQS.SendMessage")]
    MalformedTarget,
}

impl From<Unrecognised> for ApiError {
    fn from(unrecognised: Unrecognised) -> Self {
        UNKNOWN_OPERATION.because(unrecognised.to_string())
    }
}

/// Tells the protocol of a request, and what it asks for if that stands in its head.
///
/// # Errors
/// [`Unrecognised`] when it is no call of a known protocol.
pub fn recognise<'a>(head: &Head<'a>) -> Result<Recognised<'a>, Unrecognised> {
    match head.method {
        "GET" => return Ok(Recognised::Query(query_protocol(head.accept))),
        "POST" => {}
        _ => return Err(Unrecognised::Method),
    }
    let media_type = head.content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(Protocol::Json10.content_type()) {
        return parse_target(head.target.ok_or(Unrecognised::NoTarget)?).map(Recognised::Json);
    }
    // All parameters may stand in the query string; then there is no body to have a type.
    let only_query = head.content_type.is_none() && head.query.is_some_and(names_action);
    if media_type.eq_ignore_ascii_case(FORM) || only_query {
        return Ok(Recognised::Query(query_protocol(head.accept)));
    }
    Err(Unrecognised::ContentType)
}

fn query_protocol(accept: Option<&str>) -> Protocol {
    let media_types = accept.unwrap_or_default().split(',').map(|value| value.split(';').next());
    let wants_json = media_types.flatten().any(|name| name.trim().eq_ignore_ascii_case("application/json"));
    if wants_json { Protocol::QueryJson } else { Protocol::QueryXml }
}

/// Whether a query string names an action.
#[must_use]
pub fn names_action(query: &str) -> bool {
    query.split('&').any(|parameter| parameter.starts_with("Action="))
}

fn parse_target(text: &str) -> Result<Target<'_>, Unrecognised> {
    let (service, action) = text.trim().rsplit_once('.').ok_or(Unrecognised::MalformedTarget)?;
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
    };
    if is_name(service) && is_name(action) {
        Ok(Target { service, action })
    } else {
        Err(Unrecognised::MalformedTarget)
    }
}
