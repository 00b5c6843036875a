//! The actions of STS: who calls, and temporary credentials.
//!
//! What always holds: nothing here changes the state; credentials go only to who was allowed them, and carry what limits
//! them; an action or parameter that is not here is refused, not ignored.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>.
//!
//! Suggested reading order: this file, `parameters`, `assume_role`, `session_token`.

mod assume_role;
pub mod error;
mod parameters;
mod reply;
mod session_token;

use std::borrow::Cow;

use millpond_core::name::AccountId;
use millpond_wire::error::{ApiError, UNKNOWN_OPERATION};
use millpond_wire::query::Form;
use millpond_wire::request_id::RequestId;

use super::{Authorisation, Carrying, device};
use crate::caller::Caller;
use crate::evaluate::ResourceKind;
use crate::facts::Given;
use crate::identity::{Change, Identities};
use crate::session;
use assume_role::AssumeRole;
use parameters::Reader;
use reply::Reply;
use session_token::SessionToken;

/// A request of STS, decoded and checked as far as its parameters go.
#[derive(Debug)]
pub struct StsRequest(Action);

#[derive(Debug)]
enum Action {
    AssumeRole(Box<AssumeRole>),
    DecodeAuthorizationMessage,
    GetAccessKeyInfo { access_key_id: String },
    GetCallerIdentity,
    GetSessionToken(SessionToken),
}

impl StsRequest {
    /// Decodes a request.
    ///
    /// # Errors
    /// The error to answer: an unknown action, a missing or malformed parameter.
    pub fn decode(action: &str, form: &Form<'_>) -> Result<Self, ApiError> {
        let mut given = Reader::new(form);
        let decoded = match action {
            "AssumeRole" => Action::AssumeRole(Box::new(AssumeRole::read(&mut given)?)),
            "DecodeAuthorizationMessage" => {
                given.required(&parameters::ENCODED_MESSAGE);
                Action::DecodeAuthorizationMessage
            }
            "GetAccessKeyInfo" => {
                Action::GetAccessKeyInfo { access_key_id: given.required(&parameters::ACCESS_KEY_ID) }
            }
            "GetCallerIdentity" => Action::GetCallerIdentity,
            "GetSessionToken" => Action::GetSessionToken(SessionToken::read(&mut given)?),
            unknown => {
                let text = format!("Could not find operation {unknown} for version 2011-06-15");
                return Err(UNKNOWN_OPERATION.because(text));
            }
        };
        given.told().map(|()| Self(decoded))
    }

    /// The action's name.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self.0 {
            Action::AssumeRole(_) => "AssumeRole",
            Action::DecodeAuthorizationMessage => "DecodeAuthorizationMessage",
            Action::GetAccessKeyInfo { .. } => "GetAccessKeyInfo",
            Action::GetCallerIdentity => "GetCallerIdentity",
            Action::GetSessionToken(_) => "GetSessionToken",
        }
    }

    /// The role that is to be assumed.
    #[must_use]
    pub fn role_arn(&self) -> Option<&str> {
        match &self.0 {
            Action::AssumeRole(request) => Some(request.role_arn()),
            _ => None,
        }
    }

    /// What the caller must be allowed, all of it. Empty for what needs no permission: `GetCallerIdentity`,
    /// `GetSessionToken`, and what is refused whatever policies say: `AssumeRole` by an account's root, and all but it and
    /// `GetCallerIdentity` by a session of `GetSessionToken`.
    #[must_use]
    pub fn authorisations(&self, caller: &Caller, identities: &Identities) -> Vec<Authorisation> {
        let on_everything = |action: &'static str| {
            let resource_account = caller.account().unwrap_or(AccountId::DEFAULT);
            vec![Authorisation {
                action: Cow::Borrowed(action),
                resource: "*".to_owned(),
                resource_account,
                resource_kind: ResourceKind::Ordinary,
                resource_policy: None,
                facts: Given::default(),
            }]
        };
        match &self.0 {
            Action::AssumeRole(request) => request.authorisations(caller, identities),
            Action::DecodeAuthorizationMessage | Action::GetAccessKeyInfo { .. }
                if device::asks_nothing(caller) =>
            {
                Vec::new()
            }
            Action::DecodeAuthorizationMessage => on_everything("sts:DecodeAuthorizationMessage"),
            Action::GetAccessKeyInfo { .. } => on_everything("sts:GetAccessKeyInfo"),
            Action::GetCallerIdentity | Action::GetSessionToken(_) => Vec::new(),
        }
    }

    /// Whether carrying it out may change the state: never.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        false
    }

    /// Carries it out: no changes, and the reply's XML.
    ///
    /// # Errors
    /// The error to answer.
    pub fn carry_out(
        &self,
        with: &mut Carrying<'_>,
        id: RequestId,
    ) -> Result<(Vec<Change>, Vec<u8>), ApiError> {
        let mut reply = Reply::new(self.action());
        match &self.0 {
            Action::AssumeRole(request) => request.carry_out(with, &mut reply)?,
            Action::DecodeAuthorizationMessage => {
                device::check(with)?;
                let text = "The message is not valid: this service encodes none of its messages.";
                return Err(error::INVALID_AUTHORIZATION_MESSAGE.because(text));
            }
            Action::GetAccessKeyInfo { access_key_id } => {
                device::check(with)?;
                reply.put("Account", &account_of_key(access_key_id, with.identities)?.to_string());
            }
            Action::GetCallerIdentity => caller_identity(with.caller, &mut reply)?,
            Action::GetSessionToken(request) => request.carry_out(with, &mut reply)?,
        }
        Ok((Vec::new(), reply.finish(id)))
    }
}

/// The permissions that actions of STS ask for, and those that are never refused by a policy.
pub(super) const PERMISSIONS: [&str; 7] = [
    "sts:AssumeRole",
    "sts:DecodeAuthorizationMessage",
    "sts:GetAccessKeyInfo",
    "sts:GetCallerIdentity",
    "sts:GetSessionToken",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

/// What a caller must be allowed who would do `action`; empty when nothing is asked of them.
pub(super) fn asked(
    action: &'static str,
    resource: &str,
    given: &Given,
    caller: &Caller,
    identities: &Identities,
) -> Result<Vec<Authorisation>, String> {
    match action {
        "sts:GetCallerIdentity" | "sts:GetSessionToken" => Ok(Vec::new()),
        "sts:DecodeAuthorizationMessage" | "sts:GetAccessKeyInfo" => Ok(vec![Authorisation {
            action: Cow::Borrowed(action),
            resource: "*".to_owned(),
            resource_account: caller.account().unwrap_or(AccountId::DEFAULT),
            resource_kind: ResourceKind::Ordinary,
            resource_policy: None,
            facts: given.clone(),
        }]),
        _ => assume_role::asked(action, resource, given, caller.account(), identities).ok_or_else(|| {
            format!(
                "{action} is done to a role, such as arn:aws:iam::000000000000:role/worker, not to {resource}"
            )
        }),
    }
}

fn caller_identity(caller: &Caller, reply: &mut Reply) -> Result<(), ApiError> {
    let (Some(account), Some(user_id)) = (caller.account(), caller.user_id()) else {
        return Err(crate::auth_error::AuthError::MissingToken.to_api_error());
    };
    reply.put("Arn", &caller.arn());
    reply.put("UserId", &user_id);
    reply.put("Account", &account.to_string());
    Ok(())
}

fn account_of_key(access_key_id: &str, identities: &Identities) -> Result<AccountId, ApiError> {
    let of_session = || session::account_of(access_key_id).filter(|account| identities.has_account(*account));
    let known = identities.access_key(access_key_id).and_then(|key| key.caller.account());
    let found = known.or_else(of_session);
    found.ok_or_else(|| error::VALIDATION_ERROR.because("No account here has an access key of that id."))
}
