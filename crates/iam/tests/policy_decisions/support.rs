//! What the policy tests share: the callers of the cases, and a case as a question to the evaluator.

use std::sync::Arc;

use millpond_core::name::AccountId;
use millpond_iam::arn::Arn;
use millpond_iam::caller::{Caller, RoleCaller, Tags, UserCaller};
use millpond_iam::evaluate::{Attached, Decision, Denial, Policies, Question, ResourceKind, evaluate};
use millpond_iam::facts::Given;
use millpond_iam::policy::{DocumentKind, Policy, PolicyError};
use serde::Deserialize;
use serde_json::{Value, json};

/// The account of the queues.
pub(crate) const ACCOUNT: &str = "111122223333";
/// Another one.
pub(crate) const OTHER_ACCOUNT: &str = "444455556666";

/// One row of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) because: String,
    pub(crate) expect: String,
    pub(crate) caller: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    #[serde(default)]
    pub(crate) identity: Vec<Value>,
    pub(crate) boundary: Option<Value>,
    #[serde(default)]
    pub(crate) session: Vec<Value>,
    pub(crate) resource_policy: Option<Value>,
    pub(crate) trust_policy: Option<Value>,
    #[serde(default)]
    pub(crate) context: serde_json::Map<String, Value>,
}

/// A list of statements is a policy of the current version; anything else is a document as it stands.
pub(crate) fn document(value: &Value) -> Value {
    if value.is_array() { json!({ "Version": "2012-10-17", "Statement": value }) } else { value.clone() }
}

fn account(digits: &str) -> AccountId {
    AccountId::parse(digits).expect("twelve digits")
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn user(of: &str, path: &str, name: &str, id: &str, session: Option<u64>) -> Caller {
    Caller::User(UserCaller {
        account: account(of),
        path: path.into(),
        name: name.into(),
        id: id.into(),
        tags: tags(if name == "alice" { &[("team", "blue")] } else { &[] }),
        session_issued_at_secs: session,
    })
}

fn role(of: &str, name: &str, id: &str, session_name: &str) -> Caller {
    Caller::Role(RoleCaller {
        account: account(of),
        path: "/".into(),
        name: name.into(),
        id: id.into(),
        tags: tags(&[("team", "red")]),
        session_name: session_name.into(),
        // 2025-06-01T00:00:00Z
        issued_at_secs: 1_748_736_000,
    })
}

/// The callers by the names that cases give them.
pub(crate) fn caller(name: &str) -> Caller {
    match name {
        "alice" => user(ACCOUNT, "/", "alice", "AIDAALICEALICEALICE", None),
        "alice-session" => user(ACCOUNT, "/", "alice", "AIDAALICEALICEALICE", Some(1_748_736_000)),
        "carol" => user(ACCOUNT, "/division/", "carol", "AIDACAROLCAROLCAROL", None),
        "bob" => user(OTHER_ACCOUNT, "/", "bob", "AIDABOBBOBBOBBOBBOB", None),
        "worker" => role(ACCOUNT, "worker", "AROAWORKERWORKER0000", "job-1"),
        "auditor" => role(OTHER_ACCOUNT, "auditor", "AROAAUDITORAUDITOR00", "audit"),
        "root" => Caller::Root { account: account(ACCOUNT) },
        "other-root" => Caller::Root { account: account(OTHER_ACCOUNT) },
        "anonymous" => Caller::Anonymous,
        "service" => Caller::Service { name: "ecs-tasks.amazonaws.com".into() },
        other => unreachable!("no caller is called {other}"),
    }
}

/// The condition keys of a case.
pub(crate) fn facts(case: &Case) -> Given {
    let mut given = Given::default();
    for (key, value) in &case.context {
        match value {
            Value::Array(values) => {
                let text = |value: &Value| value.as_str().expect("values are text").to_owned();
                given.put_many(key, values.iter().map(text).collect());
            }
            value => given.put(key, value.as_str().expect("values are text")),
        }
    }
    given
}

fn attached(name: &str, value: &Value, kind: DocumentKind) -> Result<Attached, PolicyError> {
    let policy = Policy::parse(&document(value).to_string(), kind)?;
    Ok(Attached { name: Arc::from(name), policy: Arc::new(policy) })
}

/// The policies of a case, compiled.
pub(crate) fn policies(case: &Case) -> Result<Policies, PolicyError> {
    let all = |values: &[Value], name| {
        values
            .iter()
            .map(|value| attached(name, value, DocumentKind::Identity))
            .collect::<Result<Vec<_>, _>>()
    };
    let one = |value: &Option<Value>, name, kind| {
        value.as_ref().map(|value| attached(name, value, kind)).transpose()
    };
    let resource = match &case.trust_policy {
        Some(trust) => Some(attached("trust", trust, DocumentKind::RoleTrust)?),
        None => one(&case.resource_policy, "queue", DocumentKind::Resource)?,
    };
    Ok(Policies {
        identity: all(&case.identity, "identity")?,
        boundary: one(&case.boundary, "boundary", DocumentKind::Identity)?,
        session: all(&case.session, "session")?,
        resource,
    })
}

/// The account that owns the resource; that of the queues when its ARN names none.
pub(crate) fn resource_account(case: &Case) -> AccountId {
    Arn::parse(&case.resource)
        .and_then(|arn| AccountId::parse(arn.account))
        .unwrap_or_else(|| account(ACCOUNT))
}

/// Decides a case, in the words of the table.
pub(crate) fn decided(case: &Case) -> Result<&'static str, PolicyError> {
    let caller = caller(&case.caller);
    let facts = facts(case);
    let question = Question {
        caller: &caller,
        action: &case.action,
        resource: &case.resource,
        resource_account: resource_account(case),
        resource_kind: if case.trust_policy.is_some() {
            ResourceKind::RoleTrust
        } else {
            ResourceKind::Ordinary
        },
        facts: &facts,
    };
    Ok(match evaluate(&question, &policies(case)?) {
        Decision::Allowed(_) => "allow",
        Decision::Denied(Denial::Explicit(_)) => "explicit deny",
        Decision::Denied(Denial::Missing(_)) => "implicit deny",
    })
}
