//! Who calls and whether they may: the two stages between the bytes of a request and its service.
//!
//! What always holds: a request whose signature can't be proven goes no further; a decision rests on identities and queue
//! policies that are durable; a change of them counts for every request after its reply.

use std::net::IpAddr;
use std::sync::Arc;

use millpond_core::name::{AccountId, Region};
use millpond_core::outcome::Refusal;
use millpond_engine::EngineHandle;
use millpond_engine::handle::CallError;
use millpond_iam::api::{Authorisation, Service};
use millpond_iam::auth_error::AuthError;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Attached, Decision};
use millpond_iam::identity::Unreadable;
use millpond_iam::secret::{MasterKey, Secret};
use millpond_iam::session::{Credentials, Session};
use millpond_iam::sigv4::SignedParts;
use millpond_wire::error::ApiError;

/// Whether callers are identified and policies count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Every request is verified and authorised.
    On,
    /// Any key is taken; a 12-digit one names its account, every caller is the root of its account. For tests.
    Off,
}

/// The root key of the default account.
#[derive(Clone, Debug)]
pub struct RootKey {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
}

/// What access rests on.
#[derive(Debug)]
pub struct AccessConfig {
    /// Whether it is enforced.
    pub enforcement: Enforcement,
    /// The root key of the default account; not kept with the data.
    pub root: RootKey,
    /// Seals what is kept with the data; not kept with it.
    pub master: MasterKey,
}

impl AccessConfig {
    /// Without enforcement, as tests of other programs want it. The keys are the same in every process, so that data
    /// written by one can be read by the next; they protect nothing.
    #[must_use]
    pub fn off() -> Self {
        Self::for_tests(Enforcement::Off)
    }

    /// With the root key `test` whose secret is `test`, as tests want it.
    #[must_use]
    pub fn for_tests(enforcement: Enforcement) -> Self {
        let root =
            RootKey { access_key_id: "test".to_owned(), secret_access_key: Secret::new("test".to_owned()) };
        Self { enforcement, root, master: MasterKey::new([0; 32]) }
    }
}

/// Why access can't be had from the data.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A record was sealed with another master key, or is damaged.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The data was written with another master key.
    #[error(
        "the identities in the data were sealed with another master key; start with the one they were written with \
         (the file master-key of its configuration directory, or MILLPOND_MASTER_KEY)"
    )]
    OtherMasterKey,
    /// The engine does not answer.
    #[error(transparent)]
    Engine(#[from] CallError),
    /// The engine refused to keep what was to be written.
    #[error("the identities could not be written: {0}")]
    Refused(#[from] Refusal),
}

/// How a request came, besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Where it came from, as far as a trusted proxy tells.
    pub ip: IpAddr,
    /// Whether it came over TLS, as far as a trusted proxy tells.
    pub over_tls: bool,
}

/// A caller, proven, with all that policies may ask about the request besides its parameters.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Who calls.
    pub caller: Arc<Caller>,
    /// The session of temporary credentials.
    pub session: Option<Arc<Session>>,
    /// The session's policies, ready to be evaluated.
    pub session_policies: Arc<[Attached]>,
    /// The key that was used.
    pub access_key_id: Option<Arc<str>>,
    /// How the request came.
    pub source: Source,
    /// The `User-Agent` header.
    pub user_agent: Option<Arc<str>>,
    /// The region of the signature's scope.
    pub region: Option<Region>,
}

impl Authenticated {
    /// A caller without a key: one inside the service, or an anonymous one.
    #[must_use]
    pub fn without_key(caller: Caller, source: Source) -> Self {
        Self {
            caller: Arc::new(caller),
            session: None,
            session_policies: Arc::default(),
            access_key_id: None,
            source,
            user_agent: None,
            region: None,
        }
    }
}

/// Authenticates and authorises. Shared by all connections.
#[derive(Debug)]
pub struct Access {
    _private: (),
}

impl Access {
    /// Reads identities and queue policies from the data. `account` is the default account, to which the root key belongs.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn load(
        engine: &EngineHandle,
        account: AccountId,
        config: Arc<AccessConfig>,
    ) -> Result<Arc<Self>, LoadError> {
        let _ = (engine, account, config);
        Ok(Arc::new(Self { _private: () }))
    }

    /// Says who calls.
    ///
    /// # Errors
    /// [`AuthError`].
    pub fn authenticate(
        &self,
        parts: &SignedParts<'_>,
        service: &str,
        source: Source,
        now_secs: u64,
    ) -> Result<Authenticated, AuthError> {
        let _ = (parts, service, source, now_secs);
        unimplemented!()
    }

    /// Whether `who` may do it. With enforcement off everyone may.
    #[must_use]
    pub fn decide(&self, who: &Authenticated, asked: &Authorisation) -> Decision {
        let _ = (who, asked);
        unimplemented!()
    }

    /// Carries out a call of IAM or STS for `who`, authorisation included: the reply's XML.
    ///
    /// # Errors
    /// The error to answer.
    pub async fn call(
        &self,
        who: &Authenticated,
        service: Service,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<u8>, ApiError> {
        let _ = (who, service, parameters);
        unimplemented!()
    }

    /// Short-lived credentials of the same caller, for calls that the service makes on its behalf.
    #[must_use]
    pub fn on_behalf_of(&self, who: &Authenticated, now_secs: u64) -> Credentials {
        let _ = (who, now_secs);
        unimplemented!()
    }

    /// Credentials of a role for a workload, if the role's trust policy admits `ecs-tasks.amazonaws.com`. Lasts an hour.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn of_workload(
        &self,
        role_arn: &str,
        session_name: &str,
        now_secs: u64,
    ) -> Result<Credentials, String> {
        let _ = (role_arn, session_name, now_secs);
        unimplemented!()
    }

    /// The token with which a workload asks for its credentials: follows from the master key, so it is the same after a
    /// restart and stored nowhere. `launch` names the workload and what was launched.
    #[must_use]
    pub fn workload_token(&self, launch: &str) -> String {
        let _ = launch;
        unimplemented!()
    }
}
