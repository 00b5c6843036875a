//! Which protocol a request speaks, and what it asks for.
//!
//! Recognition looks at the method and two headers, never at the body. Only the media type of AWS JSON counts: a web
//! page can send JSON as `text/plain` to any address without asking, so that is never taken for a call.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#protocol-behaviors>.

use crate::error::{ApiError, UNKNOWN_OPERATION};

/// The header that names service and action in AWS JSON.
pub const TARGET_HEADER: &str = "x-amz-target";

/// A protocol this crate has a codec for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json10,
}

impl Protocol {
    /// The media type of its requests and replies.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json10 => "application/x-amz-json-1.0",
        }
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

/// A request that some service can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised<'a> {
    /// The protocol it speaks and wants to be answered in.
    pub protocol: Protocol,
    /// What it asks for.
    pub target: Target<'a>,
}

/// Why a request is no call of a known protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrecognised {
    /// The method is not `POST`.
    #[error("AWS calls are sent with POST")]
    Method,
    /// The media type is not that of a known protocol.
    #[error("the Content-Type must be application/x-amz-json-1.0")]
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

/// Tells protocol and target of a request from its method, its `Content-Type` and its `X-Amz-Target`.
///
/// # Errors
/// [`Unrecognised`] when it is no call of a known protocol.
pub fn recognise<'a>(
    method: &str,
    content_type: Option<&str>,
    target: Option<&'a str>,
) -> Result<Recognised<'a>, Unrecognised> {
    if method != "POST" {
        return Err(Unrecognised::Method);
    }
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(Protocol::Json10.content_type()) {
        return Err(Unrecognised::ContentType);
    }
    let target = parse_target(target.ok_or(Unrecognised::NoTarget)?)?;
    Ok(Recognised { protocol: Protocol::Json10, target })
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
