//! Identities at one moment, with what was worked out of them: who a key or a session token makes the caller, and by
//! which policies.
//!
//! What always holds: a moment never changes; a later one begins with nothing worked out, so that nothing of an earlier
//! one outlives a change.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use millpond_core::name::AccountId;
use millpond_iam::auth_error::AuthError;
use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Attached, Policies};
use millpond_iam::identity::Identities;
use millpond_iam::policy::{DocumentKind, Policy};
use millpond_iam::secret::Secret;
use millpond_iam::session::{self, Session, SessionOf};

use super::config::AccessConfig;

/// Keys and tokens that are remembered at once.
const KNOWN: usize = 2_048;

/// Allows nothing: what stands for a session policy that is gone.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;

/// Whom a key makes the caller.
#[derive(Debug)]
pub(super) struct Principal {
    pub(super) access_key_id: Arc<str>,
    pub(super) secret: Arc<Secret>,
    pub(super) caller: Arc<Caller>,
    pub(super) session: Option<Arc<Session>>,
    pub(super) session_policies: Arc<[Attached]>,
    /// Of the caller and its session.
    pub(super) policies: Arc<Policies>,
}

/// Identities at one moment.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) number: u64,
    pub(super) identities: Identities,
    /// By key id, or by session token.
    known: RwLock<HashMap<Box<str>, Arc<Principal>>>,
}

impl Moment {
    pub(super) fn new(number: u64, identities: Identities) -> Self {
        Self { number, identities, known: RwLock::default() }
    }

    /// Whom a key makes the caller, with the session token that came with it.
    pub(super) fn principal(
        &self,
        config: &AccessConfig,
        default_account: AccountId,
        access_key_id: &str,
        token: Option<&str>,
        now_secs: u64,
    ) -> Result<Arc<Principal>, AuthError> {
        let known_by = token.unwrap_or(access_key_id);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(known_by).cloned();
        let known = known.filter(|known| *known.access_key_id == *access_key_id);
        if let Some(principal) = known.filter(|known| known.session.is_some() == token.is_some()) {
            let ended = principal.session.as_ref().is_some_and(|session| session.expires_at_secs <= now_secs);
            return if ended { Err(AuthError::ExpiredToken) } else { Ok(principal) };
        }
        let principal = Arc::new(match token {
            Some(token) => self.of_session(config, access_key_id, token, now_secs)?,
            None => self.of_key(config, default_account, access_key_id)?,
        });
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KNOWN {
            all.clear();
        }
        all.insert(known_by.into(), principal.clone());
        Ok(principal)
    }

    fn of_key(
        &self,
        config: &AccessConfig,
        default_account: AccountId,
        access_key_id: &str,
    ) -> Result<Principal, AuthError> {
        let (caller, secret) = if access_key_id == config.root.access_key_id {
            let secret = Arc::new(config.root.secret_access_key.clone());
            (Caller::Root { account: default_account }, secret)
        } else {
            let found = self.identities.access_key(access_key_id).filter(|key| key.active);
            let found = found.ok_or(AuthError::UnknownKey)?;
            (found.caller, found.secret)
        };
        let policies = self.identities.policies(&caller);
        Ok(Principal {
            access_key_id: access_key_id.into(),
            secret,
            caller: Arc::new(caller),
            session: None,
            session_policies: Arc::default(),
            policies,
        })
    }

    fn of_session(
        &self,
        config: &AccessConfig,
        access_key_id: &str,
        token: &str,
        now_secs: u64,
    ) -> Result<Principal, AuthError> {
        let (session, secret) = session::open(&config.master, access_key_id, token, now_secs)?;
        let caller = self.caller_of(&session).ok_or(AuthError::UnknownKey)?;
        let session_policies: Arc<[Attached]> = self.session_policies(&session).into();
        let policies = with_session(self.identities.policies(&caller), &session_policies);
        Ok(Principal {
            access_key_id: access_key_id.into(),
            secret: Arc::new(secret),
            caller: Arc::new(caller),
            session: Some(Arc::new(session)),
            session_policies,
            policies,
        })
    }

    /// Who a session makes the caller, if the one it was issued for is still there.
    pub(super) fn caller_of(&self, session: &Session) -> Option<Caller> {
        let (account, issued) = (session.account, session.issued_at_secs);
        match &session.of {
            SessionOf::Role { name, id, session_name } => {
                let mut caller = self.identities.role_session(account, name, id, session_name, issued)?;
                if let Caller::Role(role) = &mut caller {
                    // Keys of tags compare without regard to case; a session's tag replaces the role's.
                    let replaced =
                        |key: &str| session.tags.keys().any(|own| own.to_lowercase() == key.to_lowercase());
                    role.tags.retain(|key, _| !replaced(key));
                    role.tags.extend(session.tags.clone());
                }
                Some(caller)
            }
            SessionOf::User { id, .. } => self.identities.user_session(account, id, issued),
            SessionOf::Root => Some(Caller::Root { account }),
        }
    }

    /// The policies that limit a session. One that is not there any more allows nothing, rather than limit nothing.
    fn session_policies(&self, session: &Session) -> Vec<Attached> {
        let inline = session.policies.iter().map(|text| {
            let policy = Policy::parse(text, DocumentKind::Identity).ok();
            policy.map(|policy| Attached { name: "session policy".into(), policy: Arc::new(policy) })
        });
        let managed = session.policy_arns.iter().map(|arn| self.identities.managed_policy(arn));
        inline.chain(managed).map(|found| found.unwrap_or_else(nothing)).collect()
    }
}

/// The policies of a caller together with those of its session.
pub(super) fn with_session(policies: Arc<Policies>, session: &[Attached]) -> Arc<Policies> {
    if session.is_empty() {
        return policies;
    }
    Arc::new(Policies { session: session.to_vec(), ..Policies::clone(&policies) })
}

fn nothing() -> Attached {
    let policy = Policy::parse(NOTHING, DocumentKind::Identity).expect("the text is a policy");
    Attached { name: "a session policy that is gone".into(), policy: Arc::new(policy) }
}
