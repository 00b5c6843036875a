//! The actions of IAM and STS: AWS Query requests as types, what each is authorised on, and how it is carried out.
//!
//! What always holds: a request is carried out on one state and yields changes and a reply; the caller writes the changes
//! down before it lets the reply go.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html> and
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>.

pub mod sts;

use millpond_core::name::AccountId;
use millpond_wire::error::ApiError;
use millpond_wire::query::Form;
use millpond_wire::request_id::RequestId;

use crate::caller::Caller;
use crate::evaluate::{Attached, ResourceKind};
use crate::facts::Given;
use crate::identity::{Change, Identities};
use crate::secret::MasterKey;
use crate::session::Session;

/// The two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Identity and Access Management, version 2010-05-08; global, signed for `us-east-1`.
    Iam,
    /// Security Token Service, version 2011-06-15.
    Sts,
}

/// A request of IAM or STS, decoded and checked as far as its parameters go.
#[derive(Debug)]
pub struct ApiRequest {
    _private: (),
}

/// One thing that the caller must be allowed.
#[derive(Clone, Debug)]
pub struct Authorisation {
    /// Such as `iam:CreateUser`.
    pub action: std::borrow::Cow<'static, str>,
    /// An ARN, or `*`.
    pub resource: String,
    /// The account that owns it.
    pub resource_account: AccountId,
    /// How the resource's own policy counts.
    pub resource_kind: ResourceKind,
    /// The trust policy of a role.
    pub resource_policy: Option<Attached>,
    /// Condition keys of this request: `iam:PolicyARN`, `sts:ExternalId`, `aws:RequestTag/…`, `aws:ResourceTag/…`, ….
    pub facts: Given,
}

/// What a request is carried out with.
pub struct Carrying<'a> {
    /// The state.
    pub identities: &'a Identities,
    /// Who asks; already authorised.
    pub caller: &'a Caller,
    /// The session of the caller's temporary credentials.
    pub session: Option<&'a Session>,
    /// Seals secrets and tokens.
    pub master: &'a MasterKey,
    /// Seconds since 1970.
    pub now_secs: u64,
    /// Fresh randomness, 128 bits a call.
    pub entropy: &'a mut dyn FnMut() -> u128,
}

impl ApiRequest {
    /// Decodes a request.
    ///
    /// # Errors
    /// The error to answer: an unknown action, a missing or malformed parameter.
    pub fn decode(service: Service, action: &str, form: &Form<'_>) -> Result<Self, ApiError> {
        let _ = (service, action, form);
        unimplemented!()
    }

    /// The action's name.
    #[must_use]
    pub fn action(&self) -> &'static str {
        unimplemented!()
    }

    /// What the caller must be allowed, all of it. Empty for `GetCallerIdentity`, which is always allowed.
    #[must_use]
    pub fn authorisations(&self, caller: &Caller, identities: &Identities) -> Vec<Authorisation> {
        let _ = (caller, identities);
        unimplemented!()
    }

    /// Whether carrying it out may change the state: then no other change may come between.
    #[must_use]
    pub fn is_change(&self) -> bool {
        unimplemented!()
    }

    /// Carries it out: changes to write, and the reply's XML.
    ///
    /// # Errors
    /// The error to answer; nothing has changed.
    pub fn carry_out(
        &self,
        with: &mut Carrying<'_>,
        id: RequestId,
    ) -> Result<(Vec<Change>, Vec<u8>), ApiError> {
        let _ = (with, id);
        unimplemented!()
    }
}
