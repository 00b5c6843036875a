//! The actions of IAM and STS: AWS Query requests as types, what each is authorised on, and how it is carried out.
//!
//! What always holds: a request is carried out on one state and yields changes and a reply; the caller writes the changes
//! down before it lets the reply go.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html> and
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>.

mod access_keys;
mod account;
pub mod asked;
mod attached_policies;
mod authorise;
mod call;
pub mod catalogue;
mod device;
pub mod error;
mod inline_policies;
mod managed_policies;
mod page;
mod parameters;
mod policy_versions;
mod reader;
mod roles;
mod shape;
pub mod sts;
mod tags;
mod users;

use millpond_core::name::AccountId;
use millpond_wire::call::Envelope;
use millpond_wire::error::{ACCESS_DENIED, ApiError, UNKNOWN_OPERATION};
use millpond_wire::protocol::Protocol;
use millpond_wire::query::{Form, QueryService};
use millpond_wire::request_id::RequestId;

use crate::caller::Caller;
use crate::evaluate::{Attached, ResourceKind};
use crate::facts::Given;
use crate::identity::{Change, Fresh, Identities};
use crate::secret::MasterKey;
use crate::session::Session;
use call::{Call, Work};
use catalogue::Action;
use reader::Reader;
use sts::StsRequest;

/// IAM, as AWS Query must know it.
pub static IAM: QueryService = QueryService::unflattened("https://iam.amazonaws.com/doc/2010-05-08/");
/// STS, as AWS Query must know it.
pub static STS: QueryService = QueryService::unflattened("https://sts.amazonaws.com/doc/2011-06-15/");

/// The two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Identity and Access Management, version 2010-05-08; global, signed for `us-east-1`.
    Iam,
    /// Security Token Service, version 2011-06-15.
    Sts,
}

impl Service {
    /// By the name that requests are signed for.
    #[must_use]
    pub fn signed_for(name: &str) -> Option<Self> {
        [Self::Iam, Self::Sts].into_iter().find(|service| service.name() == name)
    }

    /// By the `Version` of an AWS Query request.
    #[must_use]
    pub fn of_version(version: &str) -> Option<Self> {
        match version {
            "2010-05-08" => Some(Self::Iam),
            "2011-06-15" => Some(Self::Sts),
            _ => None,
        }
    }

    /// The name that requests are signed for.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// What AWS Query must know of it.
    #[must_use]
    pub fn query(self) -> &'static QueryService {
        match self {
            Self::Iam => &IAM,
            Self::Sts => &STS,
        }
    }
}

/// A request of IAM or STS, decoded and checked as far as its parameters go.
#[derive(Debug)]
pub struct ApiRequest(Decoded);

#[derive(Debug)]
enum Decoded {
    Iam(&'static Action, Box<dyn Call>),
    Sts(StsRequest),
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
    /// Whether the root of an account may assume roles: only where nobody is identified, so that everyone may be root.
    pub root_may_assume: bool,
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
        match service {
            Service::Iam => {
                let action = catalogue::find(action).ok_or_else(|| unknown_action(action))?;
                Ok(Self(Decoded::Iam(action, (action.decode)(Reader::new(form))?)))
            }
            Service::Sts => StsRequest::decode(action, form).map(|request| Self(Decoded::Sts(request))),
        }
    }

    /// The action's name.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match &self.0 {
            Decoded::Iam(action, _) => action.name,
            Decoded::Sts(request) => request.action(),
        }
    }

    /// What the caller must be allowed, all of it. Empty for `GetCallerIdentity`, which is always allowed, and for what is
    /// refused whatever policies say, such as IAM to a session of `GetSessionToken`.
    #[must_use]
    pub fn authorisations(&self, caller: &Caller, identities: &Identities) -> Vec<Authorisation> {
        match &self.0 {
            Decoded::Iam(..) if device::asks_nothing(caller) => Vec::new(),
            Decoded::Iam(action, call) => authorise::authorisations(action, &**call, caller, identities),
            Decoded::Sts(request) => request.authorisations(caller, identities),
        }
    }

    /// The role that is to be assumed, also where no policy is asked.
    #[must_use]
    pub fn role_arn(&self) -> Option<&str> {
        match &self.0 {
            Decoded::Iam(..) => None,
            Decoded::Sts(request) => request.role_arn(),
        }
    }

    /// Whether carrying it out may change the state: then no other change may come between.
    #[must_use]
    pub fn is_change(&self) -> bool {
        match &self.0 {
            Decoded::Iam(action, _) => action.is_change,
            Decoded::Sts(request) => request.is_change(),
        }
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
        let (action, call) = match &self.0 {
            Decoded::Iam(action, call) => (action, call),
            Decoded::Sts(request) => return request.carry_out(with, id),
        };
        device::check(with)?;
        let account = with.caller.account().ok_or_else(|| {
            ACCESS_DENIED.because(format!("{} belongs to no account that has identities.", with.caller.arn()))
        })?;
        call.carry_out(&mut Work {
            identities: with.identities,
            caller: with.caller,
            account,
            fresh: Fresh { now_secs: with.now_secs, entropy: with.entropy, master: with.master },
            envelope: Envelope {
                protocol: Protocol::QueryXml,
                service: &IAM,
                action: action.name,
                request_id: id,
            },
        })
    }
}

fn unknown_action(action: &str) -> ApiError {
    let here: Vec<_> = catalogue::ACTIONS.iter().map(|action| action.name).collect();
    UNKNOWN_OPERATION.because(format!(
        "Could not find operation {action} for version 2010-05-08. Those that are here: {}.",
        here.join(", ")
    ))
}
