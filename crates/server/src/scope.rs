//! Account and region of a caller, from the credential scope of its signature.
//!
//! The signature is not verified here. A 12-digit access key names its account, as other local services have it; every
//! other key belongs to the default account.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>.

use millpond_core::name::{AccountId, Region};

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

/// Reads the scope from the `Authorization` header; what it does not say is as in `default`.
pub(crate) fn scope(authorization: Option<&str>, account: AccountId, region: &Region) -> Scope {
    let mut scope = Scope { account, region: region.clone(), service: None };
    let Some(credential) = authorization.and_then(credential) else { return scope };
    // AKID/20261121/us-east-1/sqs/aws4_request; the key itself may hold slashes.
    let mut parts = credential.rsplit('/');
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

fn credential(authorization: &str) -> Option<&str> {
    let parameters = authorization.strip_prefix("AWS4-HMAC-SHA256")?;
    let value = parameters.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
    Some(value.trim())
}

#[cfg(test)]
mod tests;
