//! Temporary credentials that the service gives out itself: on behalf of a caller, to workloads, to the console.

use std::borrow::Cow;

use millpond_core::name::AccountId;
use millpond_iam::api::Authorisation;
use millpond_iam::caller::{Caller, Tags};
use millpond_iam::evaluate::{Decision, ResourceKind};
use millpond_iam::facts::Given;
use millpond_iam::session::{self, Credentials, Origin, Session, SessionOf};

use super::caller::{Authenticated, Source};
use super::consoles::{Bearer, COOKIE_SECS};
use super::{Access, now_secs};
use crate::entropy;

/// Seconds that credentials for effects of a call last.
const ON_BEHALF_SECS: u64 = 3_600;
/// Seconds that credentials of a workload last.
const WORKLOAD_SECS: u64 = 3_600;
/// Who assumes the roles of workloads, as on AWS.
const WORKLOADS: &str = "ecs-tasks.amazonaws.com";

impl Access {
    /// Short-lived credentials of the same caller, for calls that the service makes on its behalf: policies see those calls
    /// as coming from where the caller's came. They end with the caller's own session. Of a caller without identity they are credentials of nobody, which are refused everywhere.
    #[must_use]
    pub fn on_behalf_of(&self, who: &Authenticated, now_secs: u64) -> Credentials {
        let user_agent = who.user_agent.as_ref().and_then(|agent| agent.to_str().ok());
        let origin = Origin {
            source_ip: who.source.ip,
            over_tls: who.source.over_tls,
            user_agent: user_agent.map(str::to_owned),
        };
        self.issue_for(who, Some(origin), now_secs, ON_BEHALF_SECS)
    }

    fn issue_for(
        &self,
        who: &Authenticated,
        origin: Option<Origin>,
        now_secs: u64,
        lasting_secs: u64,
    ) -> Credentials {
        let own_end = who.session.as_ref().map_or(u64::MAX, |session| session.expires_at_secs);
        let of = match &*who.caller {
            Caller::Root { .. } => SessionOf::Root,
            Caller::User(user) => SessionOf::User { name: user.name.clone(), id: user.id.clone() },
            Caller::Role(role) => SessionOf::Role {
                name: role.name.clone(),
                id: role.id.clone(),
                session_name: role.session_name.clone(),
            },
            Caller::Anonymous | Caller::Service { .. } => {
                SessionOf::User { name: String::new(), id: String::new() }
            }
        };
        let expires_at_secs = own_end.min(now_secs + lasting_secs);
        let session = match who.session.as_deref() {
            // What limits the caller's session limits this one.
            Some(session) => Session { of, expires_at_secs, origin, ..session.clone() },
            None => Session {
                account: who.caller.account().unwrap_or(AccountId::DEFAULT),
                origin,
                ..unlimited(of, now_secs, expires_at_secs)
            },
        };
        session::issue(&self.config.master, &session, random())
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
        let moment = self.people.now();
        let role = moment.identities.role_by_arn(role_arn);
        let role = role.ok_or_else(|| format!("there is no role {role_arn}"))?;
        let service = Caller::Service { name: WORKLOADS.to_owned() };
        let source = Source { ip: std::net::Ipv4Addr::LOCALHOST.into(), over_tls: false };
        let asked = Authorisation {
            action: Cow::Borrowed("sts:AssumeRole"),
            resource: role_arn.to_owned(),
            resource_account: role.account,
            resource_kind: ResourceKind::RoleTrust,
            resource_policy: Some(role.trust.clone()),
            facts: Given::default(),
        };
        if let Decision::Denied(_) = self.decide(&Authenticated::without_key(service, source), &asked) {
            return Err(format!(
                "the trust policy of {role_arn} does not let {WORKLOADS} assume it, and workloads do so"
            ));
        }
        let of = SessionOf::Role {
            name: role.name.clone(),
            id: role.id.clone(),
            session_name: session_name.to_owned(),
        };
        let session = Session { account: role.account, ..unlimited(of, now_secs, now_secs + WORKLOAD_SECS) };
        Ok(session::issue(&self.config.master, &session, random()))
    }

    /// The token with which a workload asks for its credentials: follows from the master key, so it is the same after a
    /// restart and stored nowhere. `launch` names the workload and what was launched.
    #[must_use]
    pub fn workload_token(&self, launch: &str) -> String {
        let key = self.config.master.derive(&format!("token of workload {launch}"));
        key.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The text of an address that opens the console once as this caller.
    pub(crate) fn console_address(&self, who: &Authenticated) -> String {
        let now_secs = now_secs();
        let Credentials { access_key_id, session_token, .. } =
            self.issue_for(who, None, now_secs, COOKIE_SECS);
        self.consoles.address(Bearer { access_key_id, session_token }, now_secs)
    }

    /// The cookie for who opens an address, which does not open again.
    pub(crate) fn open_console(&self, address: &str) -> Option<String> {
        let bearer = self.consoles.open(address, now_secs())?;
        Some(bearer.sealed(&self.config.master))
    }

    /// Whose console a cookie shows, if it is one.
    pub(crate) fn console_viewer(&self, cookie: &str, source: Source) -> Option<Authenticated> {
        let bearer = Bearer::open(&self.config.master, cookie)?;
        let moment = self.people.now();
        let token = Some(bearer.session_token.as_str());
        let found =
            moment.principal(&self.config, self.account, &bearer.access_key_id, token, now_secs()).ok()?;
        Some(Self::proven(&found, moment.number, source, None))
    }
}

/// A session of the default account that nothing limits.
fn unlimited(of: SessionOf, issued_at_secs: u64, expires_at_secs: u64) -> Session {
    Session {
        account: AccountId::DEFAULT,
        of,
        issued_at_secs,
        expires_at_secs,
        policies: Vec::new(),
        policy_arns: Vec::new(),
        tags: Tags::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        chained: false,
        origin: None,
    }
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&entropy::draw().to_le_bytes());
    bytes[16..].copy_from_slice(&entropy::draw().to_le_bytes());
    bytes
}
