//! What a request leaves on its way: filled where the facts are known, written when it is answered or given up.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hyper::header::USER_AGENT;
use hyper::http::request::Parts;
use millpond_iam::evaluate::Decision;
use millpond_wire::request_id::RequestId;

use super::Audit;
use super::entry::{Entry, Verdict};
use crate::access::{Authenticated, Source};
use crate::proxy::Peer;
use crate::respond::Reply;

/// The longest text of a caller that is kept, in characters.
const LONGEST: usize = 256;

/// The trail of one request. Without an audit log it is empty and costs nothing.
#[derive(Debug)]
pub(crate) struct Trail(Option<Box<Begun>>);

#[derive(Debug)]
struct Begun {
    audit: Arc<Audit>,
    begun: Instant,
    entry: Box<Entry>,
}

impl Trail {
    pub(crate) fn begin(audit: Option<&Arc<Audit>>, peer: Peer, head: &Parts) -> Self {
        Self(audit.map(|audit| {
            let agent = head.headers.get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
            let entry = Entry {
                time_millis: now_millis(),
                source_ip: Some(peer.address.to_canonical()),
                over_tls: peer.over_tls,
                user_agent: agent.map(|agent| shortened(&agent)),
                ..Entry::default()
            };
            Box::new(Begun { audit: audit.clone(), begun: Instant::now(), entry: Box::new(entry) })
        }))
    }

    /// Of a call that the service makes for a caller: it has no request of its own.
    pub(crate) fn inside(audit: Option<&Arc<Audit>>, who: &Authenticated) -> Self {
        let mut trail = Self(audit.map(|audit| {
            let agent = who.user_agent.as_ref().and_then(|agent| agent.to_str().ok());
            let entry =
                Entry { time_millis: now_millis(), user_agent: agent.map(shortened), ..Entry::default() };
            Box::new(Begun { audit: audit.clone(), begun: Instant::now(), entry: Box::new(entry) })
        }));
        trail.came(Source { ip: who.source.ip.to_canonical(), ..who.source });
        trail.caller(who);
        trail
    }

    /// A call inside of the service is done.
    pub(crate) fn ended(mut self, id: RequestId) {
        self.with(|entry| entry.request_id = Some(id.to_string()));
        self.write();
    }

    /// Whether a line is written: what costs something need not be found out otherwise.
    pub(crate) const fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    fn with(&mut self, fill: impl FnOnce(&mut Entry)) {
        if let Some(begun) = &mut self.0 {
            fill(&mut begun.entry);
        }
    }

    /// No line is written of it.
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }

    /// A trusted proxy tells more than the connection does.
    pub(crate) fn came(&mut self, source: Source) {
        self.with(|entry| (entry.source_ip, entry.over_tls) = (Some(source.ip), source.over_tls));
    }

    /// The caller has proven who it is, or is not identified.
    pub(crate) fn caller(&mut self, who: &Authenticated) {
        self.with(|entry| {
            entry.caller = Some(who.caller.clone());
            entry.access_key_id.clone_from(&who.access_key_id);
        });
    }

    /// The request is refused for who sent it; `key` is what it claims.
    pub(crate) fn refused(&mut self, key: Option<&str>, reason: &dyn std::fmt::Display) {
        self.with(|entry| {
            entry.access_key_id = key.map(|key| shortened(key).into());
            entry.decision = Verdict::Refused(reason.to_string());
        });
    }

    /// What is asked for.
    pub(crate) fn asked(&mut self, service: &'static str, action: impl Into<Cow<'static, str>>) {
        self.with(|entry| {
            entry.service = Some(service);
            entry.action = Some(action.into());
        });
    }

    /// As [`Trail::asked`], of an action as the caller spells it.
    pub(crate) fn asked_as_spelled(&mut self, service: &'static str, action: &str) {
        self.with(|entry| {
            entry.service = Some(service);
            entry.action = Some(shortened(action).into());
        });
    }

    /// In which protocol.
    pub(crate) fn spoke(&mut self, protocol: &'static str) {
        self.with(|entry| entry.protocol = Some(protocol));
    }

    /// On what. The first that is told stays.
    pub(crate) fn about(&mut self, resource: impl FnOnce() -> String) {
        self.with(|entry| {
            entry.resource.get_or_insert_with(resource);
        });
    }

    /// What policies say. Of several decisions the one that denies stays.
    pub(crate) fn decided(&mut self, decision: &Decision) {
        self.with(|entry| {
            if !matches!(&entry.decision, Verdict::Decided(before) if !before.is_allowed()) {
                entry.decision = Verdict::Decided(decision.clone());
            }
        });
    }

    /// It is settled without a policy; `reason` says by what.
    pub(crate) fn settled(&mut self, allowed: bool, reason: impl FnOnce() -> String) {
        self.with(|entry| entry.decision = Verdict::Settled { allowed, reason: reason() });
    }

    /// The error that is answered.
    pub(crate) fn failed(&mut self, code: &'static str) {
        self.with(|entry| entry.error = Some(Cow::Borrowed(code)));
    }

    /// The request is answered.
    pub(crate) fn answered(mut self, reply: &Reply) {
        self.with(|entry| {
            let id = reply.headers().get("x-amzn-requestid").and_then(|id| id.to_str().ok());
            entry.request_id = id.map(str::to_owned);
            entry.status = Some(reply.status().as_u16());
        });
        self.write();
    }

    fn write(&mut self) {
        if let Some(begun) = self.0.take() {
            let Begun { audit, begun, mut entry } = *begun;
            entry.latency_micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            audit.submit(entry);
        }
    }
}

impl Drop for Trail {
    /// The client has gone before it was answered.
    fn drop(&mut self) {
        self.with(|entry| entry.error = Some(Cow::Borrowed("ClientClosedConnection")));
        self.write();
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

pub(super) fn now_millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
