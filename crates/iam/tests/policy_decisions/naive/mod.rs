//! A plain evaluator of policies, written from the AWS documentation alone, sentence by sentence: slow, on JSON values,
//! without compiling anything. It shares no code with the one that ships beyond the types of a case.

mod condition;
mod matching;
mod statement;

use millpond_iam::arn::Arn;
use millpond_iam::caller::Caller;
use serde_json::Value;

use crate::support::{self, Case};
use matching::Bearing;
use statement::applies;

/// What a statement is held against.
pub(crate) struct Request<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a serde_json::Map<String, Value>,
    pub(crate) account: String,
    pub(crate) is_trust: bool,
}

/// What all statements of a policy come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Verdict {
    denies: bool,
    allows: bool,
}

fn identity_verdict(document: &Value, request: &Request<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for statement in statement::all(document) {
        if applies(statement, document, request) {
            match statement["Effect"].as_str() {
                Some("Deny") => verdict.denies = true,
                _ => verdict.allows = true,
            }
        }
    }
    verdict
}

/// How far the resource's policy goes in favour of the caller: the strongest way in which a principal was met.
#[derive(Clone, Copy, Debug, Default)]
struct ResourceVerdict {
    denies: bool,
    /// By user, session, service or everybody: nothing else is needed in the same account.
    directly: bool,
    /// By the role of the session: boundary and session policy limit it.
    by_role: bool,
    /// By the account: its administrator has to allow as well.
    by_account: bool,
}

fn resource_verdict(document: &Value, request: &Request<'_>) -> ResourceVerdict {
    let mut verdict = ResourceVerdict::default();
    for statement in statement::all(document) {
        let bearing = matching::principal(statement, request.caller);
        if bearing == Bearing::None || !applies(statement, document, request) {
            continue;
        }
        if statement["Effect"] == "Deny" {
            verdict.denies = true;
            continue;
        }
        match bearing {
            Bearing::Direct => verdict.directly = true,
            Bearing::Role => verdict.by_role = true,
            Bearing::Account => verdict.by_account = true,
            Bearing::None => {}
        }
    }
    verdict
}

/// Decides a case, in the words of the table.
pub(crate) fn decided(case: &Case) -> &'static str {
    let caller = support::caller(&case.caller);
    let account = Arn::parse(&case.resource).map_or("", |arn| arn.account);
    let request = Request {
        caller: &caller,
        action: &case.action,
        resource: &case.resource,
        context: &case.context,
        account: if account.is_empty() { support::ACCOUNT.to_owned() } else { account.to_owned() },
        is_trust: case.trust_policy.is_some(),
    };
    let all = |values: &[Value]| -> Vec<Verdict> {
        values.iter().map(|value| identity_verdict(&support::document(value), &request)).collect()
    };
    let identity = all(&case.identity);
    let boundary = case.boundary.as_ref().map(|value| identity_verdict(&support::document(value), &request));
    let session = all(&case.session);
    let document = case.trust_policy.as_ref().or(case.resource_policy.as_ref()).map(support::document);
    let resource = document.map(|document| resource_verdict(&document, &request)).unwrap_or_default();

    let denies = identity.iter().chain(&boundary).chain(&session).any(|verdict| verdict.denies);
    if denies || resource.denies {
        return "explicit deny";
    }
    let is_root = matches!(caller, Caller::Root { .. });
    // The root has full access; it has no identity policies.
    let by_identity = is_root || identity.iter().any(|verdict| verdict.allows);
    let within_boundary = boundary.is_none_or(|verdict| verdict.allows);
    let within_session = session.is_empty() || session.iter().any(|verdict| verdict.allows);
    let own_side = by_identity && within_boundary && within_session;
    let Some(callers_account) = caller.account().map(|account| account.to_string()) else {
        // A service or an anonymous caller has no account and no policies: the resource's policy says it all.
        return if resource.directly { "allow" } else { "implicit deny" };
    };
    let allowed = if callers_account == request.account {
        let by_role = resource.by_role && within_boundary && within_session;
        let by_identity = own_side && (!request.is_trust || resource.by_account || resource.by_role);
        resource.directly || by_role || by_identity
    } else {
        own_side && (resource.directly || resource.by_role || resource.by_account)
    };
    if allowed { "allow" } else { "implicit deny" }
}
