//! Who calls and whether they may: the two stages between the bytes of a request and its service.
//!
//! What always holds: a request whose signature can't be proven goes no further; a decision rests on identities and queue
//! policies that are durable; a change of them counts for every request after its reply.
//!
//! Suggested reading order: [`config`], [`caller`], `moment`, `people`, `queues`, this file, `sqs`, `own`, `calls`.

pub(crate) mod accounts;
pub mod caller;
pub(crate) mod calls;
pub mod config;
pub(crate) mod consoles;
mod explain;
mod facts;
mod forgotten;
mod moment;
pub(crate) mod own;
mod people;
mod queues;
mod sealed;
mod sessions;
pub(crate) mod sqs;

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::header::HeaderValue;
use millpond_core::name::{AccountId, QueueKey, QueueName, Region};
use millpond_engine::EngineHandle;
use millpond_engine::handle::CallError;
use millpond_iam::api::Authorisation;
use millpond_iam::arn::Arn;
use millpond_iam::auth_error::AuthError;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Attached, Decision, Policies, Question, ResourceKind, evaluate};
use millpond_iam::facts::Facts;
use millpond_iam::secret::Secret;
use millpond_iam::sigv4::{self, Expected, KeyCache, SignedParts};

use caller::Resolved;
pub use caller::{Authenticated, Source};
pub use config::{AccessConfig, Enforcement, LoadError, RootKey};
use consoles::Consoles;
use facts::RequestFacts;
pub use forgotten::Forgotten;
use moment::{Principal, with_session};
use people::People;
use queues::QueueView;
pub(crate) use queues::check_policy;

use crate::audit::Audit;
use crate::scope::Credential;

/// An access key that nobody has: no key id holds a hyphen. As long as a usual secret.
const NOBODY: &str = "----------------------------------------";

/// The service that admits anonymous callers: a queue's policy may let them in.
pub(crate) const SQS: &str = "sqs";
/// The service whose calls are signed for one region, wherever they are sent.
const IAM: &str = "iam";
const IAM_REGION: &str = "us-east-1";
/// Signing keys that are kept.
const SIGNING_KEYS: usize = 4_096;

/// Authenticates and authorises. Shared by all connections.
#[derive(Debug)]
pub struct Access {
    config: Arc<AccessConfig>,
    /// The default account, to which the root key belongs.
    account: AccountId,
    engine: EngineHandle,
    people: Arc<People>,
    queues: QueueView,
    keys: KeyCache,
    consoles: Consoles,
    /// Where calls leave their lines that the service makes for a caller.
    audit: OnceLock<Arc<Audit>>,
}

/// What is asked, with the condition keys of the request.
#[derive(Clone, Copy)]
struct Asked<'a> {
    action: &'a str,
    resource: &'a str,
    account: AccountId,
    region: &'a str,
    kind: ResourceKind,
    policy: Option<&'a Attached>,
    given: &'a dyn Facts,
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
        let people = People::load(engine.clone(), account, config.clone(), now_secs()).await?;
        let queues = QueueView::load(engine).await?;
        Ok(Arc::new(Self {
            config,
            account,
            engine: engine.clone(),
            people: Arc::new(people),
            queues,
            keys: KeyCache::new(SIGNING_KEYS),
            consoles: Consoles::default(),
            audit: OnceLock::new(),
        }))
    }

    /// Whether the data has identities, or what tells a wrong master key.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn has_identities(engine: &EngineHandle) -> Result<bool, CallError> {
        Ok(!people::listed(engine).await?.is_empty())
    }

    /// Takes all identities away, in one write that is durable when this returns, whatever they were sealed with.
    ///
    /// # Errors
    /// [`LoadError`]; then all are still there.
    pub async fn forget_identities(engine: &EngineHandle) -> Result<Forgotten, LoadError> {
        people::forget(engine).await
    }

    /// Whether callers are identified and policies count.
    #[must_use]
    pub fn enforcement(&self) -> Enforcement {
        self.config.enforcement
    }

    /// Whether callers are identified and policies count, in a word.
    #[must_use]
    pub fn is_enforced(&self) -> bool {
        self.config.enforcement == Enforcement::On
    }

    /// Calls that the service makes for callers leave their lines there from now on. Only the first call counts.
    pub(crate) fn record_in(&self, audit: &Arc<Audit>) {
        let _ = self.audit.set(audit.clone());
    }

    /// The default account.
    #[must_use]
    pub const fn default_account(&self) -> AccountId {
        self.account
    }

    /// Says who calls. `service` is the one that the request was sent to; `now_secs` is seconds since 1970.
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
        if !self.is_enforced() {
            let header = |name: &str| {
                let found = parts.headers.iter().find(|(its, _)| *its == name);
                found.and_then(|(_, value)| std::str::from_utf8(value).ok())
            };
            let credential = Credential::of_header(header("authorization"));
            return Ok(self.believe(credential, header("x-amz-security-token"), source, now_secs));
        }
        let Some(claim) = sigv4::claim(parts)? else {
            return match service {
                SQS => Ok(Authenticated::without_key(Caller::Anonymous, source)),
                _ => Err(AuthError::MissingToken),
            };
        };
        let moment = self.people.now();
        let token = claim.session_token.as_deref();
        let principal = moment.principal(&self.config, self.account, claim.access_key_id, token, now_secs);
        let expected = Expected { service, region: (service == IAM).then_some(IAM_REGION) };
        if matches!(principal, Err(AuthError::UnknownKey)) {
            // It takes as long as for a key that is there, so that the time does not tell which are.
            let key = self.keys.key(NOBODY, &Secret::new(NOBODY), &claim.scope);
            let _ = sigv4::verify(parts, &claim, &key, expected, now_secs);
        }
        let principal = principal?;
        let key = self.keys.key(claim.access_key_id, &principal.secret, &claim.scope);
        sigv4::verify(parts, &claim, &key, expected, now_secs)?;
        Ok(Self::proven(&principal, moment.number, source, Region::parse(claim.scope.region)))
    }

    fn proven(principal: &Principal, moment: u64, source: Source, region: Option<Region>) -> Authenticated {
        // A call on behalf of another comes from where that one came.
        let origin = principal.session.as_ref().and_then(|session| session.origin.as_ref());
        let source =
            origin.map_or(source, |origin| Source { ip: origin.source_ip, over_tls: origin.over_tls });
        let user_agent = origin.and_then(|origin| HeaderValue::from_str(origin.user_agent.as_deref()?).ok());
        Authenticated {
            caller: principal.caller.clone(),
            session: principal.session.clone(),
            session_policies: principal.session_policies.clone(),
            access_key_id: Some(principal.access_key_id.clone()),
            source,
            user_agent,
            referer: None,
            region,
            resolved: Some(Resolved { moment, policies: principal.policies.clone() }),
        }
    }

    /// Takes a request's word for who sends it: enforcement is off. A key that is known is whose it is, a 12-digit one
    /// names its account, any other is of the root of the default account.
    pub(crate) fn believe(
        &self,
        credential: Credential<'_>,
        token: Option<&str>,
        source: Source,
        now_secs: u64,
    ) -> Authenticated {
        let region = credential.region();
        let key = credential.access_key().unwrap_or_default();
        let moment = self.people.now();
        if let Ok(principal) = moment.principal(&self.config, self.account, key, token, now_secs) {
            return Self::proven(&principal, moment.number, source, region);
        }
        let account = AccountId::parse(key).unwrap_or(self.account);
        Authenticated { region, ..Authenticated::without_key(Caller::Root { account }, source) }
    }

    /// Whether `who` may do it. With enforcement off everyone may. Where what it is done to is a queue, the queue's
    /// policy counts.
    #[must_use]
    pub fn decide(&self, who: &Authenticated, asked: &Authorisation) -> Decision {
        self.enforced(|| self.judge(signed_region(who), who, asked))
    }

    /// What is decided with enforcement on; with it off everyone may.
    fn enforced(&self, judged: impl FnOnce() -> Decision) -> Decision {
        if self.is_enforced() { judged() } else { Decision::Allowed(Vec::new()) }
    }

    /// As [`Access::decide`], whether it is enforced or not. What is done to no ARN with a region is done in `region`.
    fn judge(&self, region: &str, who: &Authenticated, asked: &Authorisation) -> Decision {
        let queue = queue_of_arn(&asked.resource).and_then(|key| self.queues.get(&key));
        let of_queue = queue.as_ref().and_then(|queue| queue.policy());
        let of_queue =
            of_queue.filter(|_| sqs::may_be_given(&who.caller, asked.resource_account, &asked.action));
        self.judge_by(region, who, asked, asked.resource_policy.as_ref().or(of_queue))
    }

    /// As [`Access::judge`], by this policy of the resource.
    fn judge_by(
        &self,
        region: &str,
        who: &Authenticated,
        asked: &Authorisation,
        policy: Option<&Attached>,
    ) -> Decision {
        let in_request =
            Arn::parse(&asked.resource).map(|arn| arn.region).filter(|region| !region.is_empty());
        self.evaluate(
            who,
            &Asked {
                action: &asked.action,
                resource: &asked.resource,
                account: asked.resource_account,
                region: in_request.unwrap_or(region),
                kind: asked.resource_kind,
                policy,
                given: &asked.facts,
            },
        )
    }

    /// What policies say, whether they are enforced or not.
    fn evaluate(&self, who: &Authenticated, asked: &Asked<'_>) -> Decision {
        let facts = RequestFacts { who, region: asked.region, now_secs: now_secs(), given: asked.given };
        let question = Question {
            caller: &who.caller,
            action: asked.action,
            resource: asked.resource,
            resource_account: asked.account,
            resource_kind: asked.kind,
            facts: &facts,
        };
        let policies = self.policies(who);
        match asked.policy {
            None => evaluate(&question, &policies),
            Some(policy) => {
                let with = Policies { resource: Some(policy.clone()), ..Policies::clone(&policies) };
                evaluate(&question, &with)
            }
        }
    }

    /// The policies of a caller as they are now: as they were when it was identified, unless something has changed.
    fn policies(&self, who: &Authenticated) -> Arc<Policies> {
        let moment = self.people.now();
        match &who.resolved {
            Some(resolved) if resolved.moment == moment.number => resolved.policies.clone(),
            _ => with_session(moment.identities.policies(&who.caller), &who.session_policies),
        }
    }

    /// Has a change that may touch a queue's policy or tags counted from now on. Is to be called before the reply to it
    /// goes.
    ///
    /// # Errors
    /// [`CallError::Stopped`].
    pub async fn queue_changed(&self, key: &QueueKey) -> Result<(), CallError> {
        self.queues.read(&self.engine, key).await
    }

    /// As [`Access::queue_changed`], for a change of who knows what queues: a reset.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn queues_changed(&self) -> Result<(), CallError> {
        self.queues.read_all(&self.engine).await
    }
}

/// The region that a request is signed for.
fn signed_region(who: &Authenticated) -> &str {
    who.region.as_ref().map_or(IAM_REGION, Region::as_str)
}

/// The queue that an ARN names.
fn queue_of_arn(arn: &str) -> Option<QueueKey> {
    let arn = Arn::parse(arn).filter(|arn| arn.service == SQS)?;
    let (account, region) = (AccountId::parse(arn.account)?, Region::parse(arn.region)?);
    Some(QueueKey { account, region, name: QueueName::parse(arn.resource)? })
}

/// Seconds since 1970, by the wall clock.
#[must_use]
pub fn now_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
