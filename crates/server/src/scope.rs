//! What the credential of a request says, in the header or in parameters, where nobody verifies it: with enforcement off.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>.

use millpond_core::name::Region;
use millpond_wire::query::Form;

/// How a caller names itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential<'a> {
    /// Not at all.
    None,
    /// `AKID/20261121/us-east-1/sqs/aws4_request`.
    Scope(&'a str),
    /// By its access key alone, as signatures before version 4 do.
    AccessKey(&'a str),
}

impl<'a> Credential<'a> {
    /// From the `Authorization` header.
    pub(crate) fn of_header(authorization: Option<&'a str>) -> Self {
        let parameters = authorization.and_then(|header| header.strip_prefix("AWS4-HMAC-SHA256"));
        let mut parts = parameters.unwrap_or_default().split(',');
        let value = parts.find_map(|part| part.trim().strip_prefix("Credential="));
        value.map_or(Self::None, |value| Self::Scope(value.trim()))
    }

    /// From the parameters of a request whose signature is among them.
    pub(crate) fn of_parameters(form: &'a Form<'_>) -> Self {
        let scope = form.text("X-Amz-Credential").map(Self::Scope);
        scope.or_else(|| form.text("AWSAccessKeyId").map(Self::AccessKey)).unwrap_or(Self::None)
    }

    /// The service that the call was signed for, when it says one.
    pub(crate) fn service(self) -> Option<&'a str> {
        let Self::Scope(text) = self else { return None };
        text.rsplit('/').nth(1).filter(|service| !service.is_empty())
    }

    /// The access key, which may itself hold slashes.
    pub(crate) fn access_key(self) -> Option<&'a str> {
        match self {
            Self::None => None,
            Self::AccessKey(key) => Some(key),
            Self::Scope(text) => text.rsplitn(5, '/').nth(4),
        }
    }

    /// The region that the call was signed for, when it says one.
    pub(crate) fn region(self) -> Option<Region> {
        let Self::Scope(text) = self else { return None };
        text.rsplit('/').nth(2).and_then(Region::parse)
    }

    /// This, or the other when this says nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::None { other } else { self }
    }
}

#[cfg(test)]
mod tests;
