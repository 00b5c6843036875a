//! Account and region of a caller, from the credential scope of its signature, in the header or in parameters.
//!
//! The signature is not verified here. A 12-digit access key names its account, as other local services have it; every
//! other key belongs to the default account.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>.

use millpond_core::name::{AccountId, Region};
use millpond_wire::query::Form;

/// Who calls, as far as known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The caller's account.
    pub(crate) account: AccountId,
    /// The region the call is for.
    pub(crate) region: Region,
    /// The service the call was signed for, when it was signed.
    pub(crate) service: Option<String>,
}

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

    /// This, or the other when this says nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::None { other } else { self }
    }
}

/// Reads the scope of a credential; what it does not say is as given.
pub(crate) fn scope(credential: Credential<'_>, account: AccountId, region: &Region) -> Scope {
    let mut scope = Scope { account, region: region.clone(), service: None };
    let text = match credential {
        Credential::None => return scope,
        Credential::AccessKey(key) => {
            scope.account = AccountId::parse(key).unwrap_or(account);
            return scope;
        }
        Credential::Scope(text) => text,
    };
    // The key itself may hold slashes.
    let mut parts = text.rsplit('/');
    let (_terminator, service, region, _date) = (parts.next(), parts.next(), parts.next(), parts.next());
    let access_key = parts.next();
    if let Some(account) = access_key.and_then(AccountId::parse) {
        scope.account = account;
    }
    if let Some(region) = region.and_then(Region::parse) {
        scope.region = region;
    }
    scope.service = service.filter(|service| !service.is_empty()).map(str::to_owned);
    scope
}

#[cfg(test)]
mod tests;
