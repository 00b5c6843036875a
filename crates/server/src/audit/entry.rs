//! One line of the audit log. `docs/audit.md` describes it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use millpond_iam::caller::Caller;
use millpond_iam::date::extended_millis;
use millpond_iam::evaluate::{Decision, Denial, PolicyKind, StatementRef};
use serde_json::{Value, json};

/// What is known of a request, raw: the thread that writes makes the text.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) time_millis: u64,
    pub(super) request_id: Option<String>,
    pub(super) caller: Option<Arc<Caller>>,
    /// The key that was used, or only claimed when there is no caller.
    pub(super) access_key_id: Option<Arc<str>>,
    pub(super) source_ip: Option<IpAddr>,
    pub(super) over_tls: bool,
    pub(super) user_agent: Option<String>,
    pub(super) service: Option<&'static str>,
    pub(super) action: Option<Cow<'static, str>>,
    pub(super) resource: Option<String>,
    pub(super) decision: Verdict,
    pub(super) error: Option<Cow<'static, str>>,
    pub(super) status: Option<u16>,
    pub(super) latency_micros: u64,
    pub(super) protocol: Option<&'static str>,
}

/// Whether the caller might do it.
#[derive(Debug, Default)]
pub(super) enum Verdict {
    /// Nobody was asked: callers are not identified, or the request did not come so far.
    #[default]
    Open,
    /// Policies decided.
    Decided(Decision),
    /// It is settled without a policy; the text says by what.
    Settled { allowed: bool, reason: String },
    /// The caller did not prove who it is, or what sent the request is refused; the text says why.
    Refused(String),
}

/// Calls that carry messages: they change no queue.
const OF_MESSAGES: [&str; 7] = [
    "SendMessage",
    "SendMessageBatch",
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
];
/// What the names of actions that only read begin with.
const READING: [&str; 8] = ["Get", "List", "Describe", "Decode", "Explain", "Simulate", "GET ", "HEAD "];
/// They read, and what they give away is a way in.
const GIVING_CREDENTIALS: [&str; 2] = ["GetSessionToken", "GetFederationToken"];
/// Of our own API, what reads by another method than `GET`.
const READS_BY_POST: &str = "POST why";

fn gives_credentials(action: &str) -> bool {
    let of_workload =
        action.strip_prefix("GET workloads/").is_some_and(|rest| rest.ends_with("/credentials"));
    of_workload || GIVING_CREDENTIALS.contains(&action)
}

fn only_reads(action: &str) -> bool {
    action == READS_BY_POST || READING.iter().any(|begin| action.starts_with(begin))
}

impl Entry {
    pub(super) fn is_change_or_refusal(&self) -> bool {
        match &self.decision {
            Verdict::Refused(_)
            | Verdict::Decided(Decision::Denied(_))
            | Verdict::Settled { allowed: false, .. } => return true,
            Verdict::Open | Verdict::Decided(Decision::Allowed(_)) | Verdict::Settled { .. } => {}
        }
        let Some(action) = self.action.as_deref() else { return false };
        gives_credentials(action) || !(OF_MESSAGES.contains(&action) || only_reads(action))
    }

    /// Adds the line to `text`.
    pub(super) fn write(&self, text: &mut Vec<u8>) {
        let (decision, reason) = told(&self.decision, self.caller.as_deref());
        let line = json!({
            "time": extended_millis(self.time_millis),
            "request_id": self.request_id,
            "arn": self.caller.as_ref().map(|caller| caller.arn()),
            "account": self.caller.as_ref().and_then(|caller| caller.account()).map(|id| id.to_string()),
            "access_key_id": self.access_key_id.as_deref(),
            "source_ip": self.source_ip,
            "tls": self.over_tls,
            "user_agent": self.user_agent,
            "service": self.service,
            "action": self.action,
            "resource": self.resource,
            "decision": decision,
            "reason": reason,
            "error": self.error,
            "status": self.status,
            "latency_ms": millis(self.latency_micros),
            "protocol": self.protocol,
        });
        end_line(&line, text);
    }
}

/// Adds the line that says how many are missing before it.
pub(super) fn write_lost(time_millis: u64, lines: u64, text: &mut Vec<u8>) {
    end_line(&json!({ "time": extended_millis(time_millis), "lost_lines": lines }), text);
}

fn end_line(line: &Value, text: &mut Vec<u8>) {
    // JSON holds no line feed: what callers send can't begin a line of its own.
    text.extend_from_slice(line.to_string().as_bytes());
    text.push(b'\n');
}

#[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^52")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

fn told(verdict: &Verdict, caller: Option<&Caller>) -> (Option<&'static str>, Option<String>) {
    match verdict {
        Verdict::Open => (None, None),
        Verdict::Refused(reason) => (Some("refused"), Some(reason.clone())),
        Verdict::Settled { allowed, reason } => {
            (Some(if *allowed { "allowed" } else { "denied" }), Some(reason.clone()))
        }
        Verdict::Decided(Decision::Allowed(by)) if by.is_empty() => {
            let is_root = matches!(caller, Some(Caller::Root { .. }));
            (Some("allowed"), is_root.then(|| "root of the account".to_owned()))
        }
        Verdict::Decided(Decision::Allowed(by)) => {
            let by: Vec<String> = by.iter().map(statement).collect();
            (Some("allowed"), Some(by.join(", ")))
        }
        Verdict::Decided(Decision::Denied(Denial::Explicit(by))) => {
            (Some("denied"), Some(format!("denied by {}", statement(by))))
        }
        Verdict::Decided(Decision::Denied(Denial::Missing(kind))) => {
            (Some("denied"), Some(format!("nothing allows it: {} policy", kind_name(*kind))))
        }
    }
}

/// Such as `identity policy SendOnly, statement Sends`.
fn statement(statement: &StatementRef) -> String {
    let StatementRef { kind, policy, sid, index } = statement;
    let which = sid.as_deref().map_or_else(|| format!("{}", index + 1), str::to_owned);
    format!("{} policy {policy}, statement {which}", kind_name(*kind))
}

const fn kind_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "identity",
        PolicyKind::Resource => "resource",
        PolicyKind::Boundary => "boundary",
        PolicyKind::Session => "session",
    }
}
