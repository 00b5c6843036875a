//! Callers, documents and questions in short.

use std::sync::Arc;

use millpond_core::name::AccountId;
use millpond_iam::caller::{Caller, RoleCaller, Tags, UserCaller};
use millpond_iam::evaluate::{
    Attached, Decision, Denial, Policies, PolicyKind, Question, ResourceKind, evaluate,
};
use millpond_iam::facts::{Facts, Given};
use millpond_iam::policy::{DocumentKind, Policy};

pub(crate) const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:orders";
pub(crate) const SEND: &str = "sqs:SendMessage";

pub(crate) fn account(text: &str) -> AccountId {
    AccountId::parse(text).expect("twelve digits")
}

pub(crate) fn own() -> AccountId {
    account("111122223333")
}

pub(crate) fn other() -> AccountId {
    account("444455556666")
}

pub(crate) fn user_of(account: AccountId) -> Caller {
    Caller::User(UserCaller {
        account,
        path: "/".to_owned(),
        name: "ann".to_owned(),
        id: "AIDAEXAMPLEANN".to_owned(),
        tags: Tags::from([("Team".to_owned(), "blue".to_owned())]),
        session_issued_at_secs: None,
    })
}

pub(crate) fn role_of(account: AccountId) -> Caller {
    Caller::Role(RoleCaller {
        account,
        path: "/apps/".to_owned(),
        name: "backend".to_owned(),
        id: "AROAEXAMPLEBACK".to_owned(),
        tags: Tags::new(),
        session_name: "web1".to_owned(),
        issued_at_secs: 1_795_244_400,
    })
}

pub(crate) fn user() -> Caller {
    user_of(own())
}

pub(crate) fn role() -> Caller {
    role_of(own())
}

pub(crate) fn root() -> Caller {
    Caller::Root { account: own() }
}

pub(crate) fn service(name: &str) -> Caller {
    Caller::Service { name: name.to_owned() }
}

/// A statement of an identity's policy about sending to the queue.
pub(crate) fn sending(effect: &str) -> String {
    format!(r#"{{"Effect":"{effect}","Action":"{SEND}","Resource":"{QUEUE}"}}"#)
}

/// A statement of the queue's policy; the principal is JSON.
pub(crate) fn to(effect: &str, principal: &str) -> String {
    let body = r#""Action":"sqs:SendMessage","Resource":"*""#;
    format!(r#"{{"Effect":"{effect}","Principal":{principal},{body}}}"#)
}

pub(crate) fn document(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

pub(crate) fn attached(name: &str, statements: &str, kind: DocumentKind) -> Attached {
    let policy = Policy::parse(&document(statements), kind).expect(statements);
    Attached { name: name.into(), policy: Arc::new(policy) }
}

/// What is asked, of which the tests change one thing at a time.
pub(crate) struct Case {
    pub(crate) caller: Caller,
    pub(crate) action: &'static str,
    pub(crate) resource: String,
    pub(crate) kind: ResourceKind,
    pub(crate) facts: Given,
    pub(crate) policies: Policies,
}

impl Case {
    pub(crate) fn new(caller: Caller) -> Self {
        let (facts, policies) = (Given::default(), Policies::default());
        Self {
            caller,
            action: SEND,
            resource: QUEUE.to_owned(),
            kind: ResourceKind::Ordinary,
            facts,
            policies,
        }
    }

    pub(crate) fn identity(mut self, statements: &str) -> Self {
        let name = format!("identity{}", self.policies.identity.len());
        self.policies.identity.push(attached(&name, statements, DocumentKind::Identity));
        self
    }

    pub(crate) fn boundary(mut self, statements: &str) -> Self {
        self.policies.boundary = Some(attached("boundary", statements, DocumentKind::Identity));
        self
    }

    pub(crate) fn session(mut self, statements: &str) -> Self {
        self.policies.session.push(attached("session", statements, DocumentKind::Identity));
        self
    }

    pub(crate) fn resource(mut self, statements: &str) -> Self {
        self.policies.resource = Some(attached("queue", statements, DocumentKind::Resource));
        self
    }

    pub(crate) fn trust(mut self, statements: &str) -> Self {
        self.policies.resource = Some(attached("trust", statements, DocumentKind::RoleTrust));
        self.kind = ResourceKind::RoleTrust;
        self.action = "sts:AssumeRole";
        self.resource = "arn:aws:iam::111122223333:role/backend".to_owned();
        self
    }

    pub(crate) fn fact(mut self, key: &str, value: &str) -> Self {
        self.facts.put(key, value);
        self
    }

    pub(crate) fn with_question<T>(&self, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        ask(&Question {
            caller: &self.caller,
            action: self.action,
            resource: &self.resource,
            resource_account: own(),
            resource_kind: self.kind,
            facts: &self.facts,
        })
    }

    pub(crate) fn decide(&self) -> Decision {
        self.with_question(|question| evaluate(question, &self.policies))
    }

    pub(crate) fn allowed(&self) -> bool {
        self.decide().is_allowed()
    }

    /// The kind of policy that is missing.
    pub(crate) fn missing(&self) -> Option<PolicyKind> {
        match self.decide() {
            Decision::Denied(Denial::Missing(kind)) => Some(kind),
            _ => None,
        }
    }

    /// The kind of policy that denies.
    pub(crate) fn denied_by(&self) -> Option<PolicyKind> {
        match self.decide() {
            Decision::Denied(Denial::Explicit(by)) => Some(by.kind),
            _ => None,
        }
    }
}

/// Whether an identity policy with this condition lets the caller send.
pub(crate) fn holds(caller: &Caller, condition: &str, facts: &dyn Facts) -> bool {
    let statement =
        format!(r#"{{"Effect":"Allow","Action":"{SEND}","Resource":"*","Condition":{condition}}}"#);
    let identity = vec![attached("identity", &statement, DocumentKind::Identity)];
    let question = Question {
        caller,
        action: SEND,
        resource: QUEUE,
        resource_account: own(),
        resource_kind: ResourceKind::Ordinary,
        facts,
    };
    evaluate(&question, &Policies { identity, ..Policies::default() }).is_allowed()
}

/// As [`holds`], of a user, with keys that have one value each.
pub(crate) fn holds_with(condition: &str, facts: &[(&str, &str)]) -> bool {
    let mut given = Given::default();
    for (key, value) in facts {
        given.put(key, *value);
    }
    holds(&user(), condition, &given)
}
