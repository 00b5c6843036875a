//! A caller, proven, with what policies may ask about its request.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::HeaderValue;
use millpond_core::name::Region;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Attached, Policies};
use millpond_iam::session::Session;

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
    pub user_agent: Option<HeaderValue>,
    /// The `Referer` header.
    pub referer: Option<HeaderValue>,
    /// The region of the signature's scope.
    pub region: Option<Region>,
    /// The policies of the caller and its session, as they were at one moment.
    pub(super) resolved: Option<Resolved>,
}

/// Policies, and the number of the moment they were taken at.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) moment: u64,
    pub(super) policies: Arc<Policies>,
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
            referer: None,
            region: None,
            resolved: None,
        }
    }

    /// The same, holding nothing of the request's bytes: the value of a header keeps the whole head in memory.
    pub(crate) fn detached(mut self) -> Self {
        for value in [&mut self.user_agent, &mut self.referer].into_iter().flatten() {
            // What was a value is one again.
            if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
                *value = copy;
            }
        }
        self
    }

    /// Whether the service calls on behalf of the caller, whose own request's headers count then.
    #[must_use]
    pub fn is_on_behalf(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.origin.is_some())
    }

    /// What `SenderId` shows of the caller, as Amazon SQS has it: the unique id of a user, that of a role with the
    /// session's name, the number of an account, and of an anonymous caller the address.
    #[must_use]
    pub fn sender_id(&self) -> String {
        match &*self.caller {
            Caller::Anonymous => self.source.ip.to_string(),
            caller => caller.user_id().unwrap_or_else(|| caller.arn()),
        }
    }
}
