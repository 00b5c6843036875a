//! What holds for all documents, callers and requests.

use std::sync::Arc;

use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Attached, Decision, Policies, Question, ResourceKind, evaluate};
use millpond_iam::facts::Given;
use millpond_iam::policy::{DocumentKind, Policy};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::cases::{other, own, role, role_of, root, service, user, user_of};

const ACTIONS: [&str; 7] =
    ["sqs:SendMessage", "SQS:send*", "sqs:*", "sqs:?eceiveMessage", "*", "iam:*", "s3:Get*"];

const RESOURCES: [&str; 7] = [
    "*",
    "arn:aws:sqs:eu-west-1:111122223333:orders",
    "arn:aws:sqs:*:*:or*s",
    "arn:aws:sqs:*:*:${aws:username}",
    "arn:aws:sqs:*:*:${aws:PrincipalTag/Team, 'orders'}",
    "arn:aws:sqs:*:${x:none}:*",
    "arn:aws:s3:::bucket/*",
];

const PRINCIPALS: [&str; 10] = [
    r#""*""#,
    r#"{"AWS":"*"}"#,
    r#"{"AWS":"111122223333"}"#,
    r#"{"AWS":["444455556666","AIDAEXAMPLEANN"]}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:user/ann"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:role/apps/backend"}"#,
    r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/backend/web1"}"#,
    r#"{"AWS":"arn:aws:iam::444455556666:user/ann"}"#,
    r#"{"Service":"sns.amazonaws.com"}"#,
    r#"{"Federated":"accounts.google.com"}"#,
];

const CONDITIONS: [&str; 16] = [
    "{}",
    r#"{"StringEquals":{"aws:username":["ann","bob"]}}"#,
    r#"{"StringNotEquals":{"x:one":"${aws:username}"}}"#,
    r#"{"StringLikeIfExists":{"x:one":"a*"}}"#,
    r#"{"ForAllValues:StringEquals":{"x:many":["a","b"]}}"#,
    r#"{"ForAnyValue:StringNotLike":{"x:many":"a*"}}"#,
    r#"{"Null":{"x:one":"true"}}"#,
    r#"{"Bool":{"x:bool":"true"}}"#,
    r#"{"NumericLessThan":{"x:one":"10.5"}}"#,
    r#"{"DateGreaterThan":{"x:one":"2026-01-01T00:00:00Z"}}"#,
    r#"{"IpAddress":{"x:one":["10.0.0.0/8","::1"]}}"#,
    r#"{"NotIpAddress":{"x:many":"10.0.0.0/8"}}"#,
    r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#,
    r#"{"ArnNotEquals":{"x:one":"${x:many}"}}"#,
    r#"{"BinaryEquals":{"x:one":"AQID"}}"#,
    r#"{"StringEqualsIgnoreCase":{"aws:PrincipalTag/team":"BLUE"},"Null":{"x:many":"false"}}"#,
];

const TEXTS: [&str; 10] = [
    "",
    "a",
    "ann",
    "true",
    "10",
    "2026-11-21",
    "10.1.2.3",
    "::1",
    "AQID",
    "arn:aws:iam::111122223333:user/ann",
];

fn callers() -> impl Strategy<Value = Caller> {
    select(vec![
        user(),
        role(),
        root(),
        user_of(other()),
        role_of(other()),
        Caller::Root { account: other() },
        service("sns.amazonaws.com"),
        Caller::Anonymous,
    ])
}

fn kinds() -> impl Strategy<Value = DocumentKind> {
    select(vec![DocumentKind::Identity, DocumentKind::Resource, DocumentKind::RoleTrust])
}

fn facts() -> impl Strategy<Value = Given> {
    let text = || select(TEXTS.to_vec());
    (proptest::option::of(text()), proptest::option::of(prop::collection::vec(text(), 0..3)), any::<bool>())
        .prop_map(|(one, many, truth)| {
            let mut given = Given::default();
            if let Some(one) = one {
                given.put("x:one", one);
            }
            if let Some(many) = many {
                given.put_many("x:many", many.into_iter().map(str::to_owned).collect());
            }
            given.put("x:bool", truth.to_string());
            given
        })
}

/// Statements of a kind of document.
fn statements(kind: DocumentKind, effects: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let not = || prop::bool::weighted(0.15);
    let member = |name: &str, negated: bool| if negated { format!("Not{name}") } else { name.to_owned() };
    let parts = (select(effects), select(&ACTIONS[..]), not(), select(&RESOURCES[..]), not());
    (parts, select(&PRINCIPALS[..]), not(), select(&CONDITIONS[..])).prop_map(
        move |((effect, action, not_action, resource, not_resource), principal, not_principal, condition)| {
            let mut statement = json!({ "Effect": effect });
            let parsed: Value = serde_json::from_str(condition).expect("JSON");
            statement["Condition"] = parsed;
            statement[member("Action", not_action)] = json!(action);
            match kind {
                DocumentKind::RoleTrust => {
                    statement = json!({ "Effect": effect, "Condition": statement["Condition"], "Action": "sts:AssumeRole" });
                }
                DocumentKind::Identity | DocumentKind::Resource => {
                    statement[member("Resource", not_resource)] = json!(resource);
                }
            }
            if kind != DocumentKind::Identity {
                let negated = not_principal && kind == DocumentKind::Resource;
                let parsed: Value = serde_json::from_str(principal).expect("JSON");
                statement[member("Principal", negated)] = parsed;
            }
            statement
        },
    )
}

type Documents = Vec<Vec<Value>>;

/// Documents of all kinds, as lists of statements: identity, boundary, session, resource.
#[derive(Clone, Debug)]
struct All {
    identity: Documents,
    boundary: Option<Vec<Value>>,
    session: Documents,
    resource: Option<Vec<Value>>,
    kind: ResourceKind,
}

fn all() -> impl Strategy<Value = All> {
    const BOTH: &[&str] = &["Allow", "Allow", "Allow", "Deny"];
    let list = |kind| prop::collection::vec(statements(kind, BOTH), 1..4);
    select(vec![DocumentKind::Resource, DocumentKind::Resource, DocumentKind::RoleTrust]).prop_flat_map(
        move |of| {
            let identity = || list(DocumentKind::Identity);
            (
                prop::collection::vec(identity(), 0..3),
                proptest::option::weighted(0.3, identity()),
                prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(identity(), 1..3)],
                proptest::option::weighted(0.7, list(of)),
            )
                .prop_map(move |(identity, boundary, session, resource)| All {
                    identity,
                    boundary,
                    session,
                    resource,
                    kind: if of == DocumentKind::RoleTrust {
                        ResourceKind::RoleTrust
                    } else {
                        ResourceKind::Ordinary
                    },
                })
        },
    )
}

fn attached(statements: &[Value], kind: DocumentKind) -> Attached {
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let policy = Policy::parse(&text, kind).unwrap_or_else(|error| panic!("{error}: {text}"));
    Attached { name: "policy".into(), policy: Arc::new(policy) }
}

impl All {
    fn policies(&self) -> Policies {
        let identity = |statements: &Vec<Value>| attached(statements, DocumentKind::Identity);
        let of = if self.kind == ResourceKind::RoleTrust {
            DocumentKind::RoleTrust
        } else {
            DocumentKind::Resource
        };
        Policies {
            identity: self.identity.iter().map(identity).collect(),
            boundary: self.boundary.as_ref().map(identity),
            session: self.session.iter().map(identity).collect(),
            resource: self.resource.as_ref().map(|statements| attached(statements, of)),
        }
    }

    fn decide(&self, caller: &Caller, facts: &Given) -> Decision {
        let trust = self.kind == ResourceKind::RoleTrust;
        let question = Question {
            caller,
            action: if trust { "sts:AssumeRole" } else { "sqs:SendMessage" },
            resource: "arn:aws:sqs:eu-west-1:111122223333:orders",
            resource_account: own(),
            resource_kind: self.kind,
            facts,
        };
        let decision = evaluate(&question, &self.policies());
        assert!(!decision.explain(&question).is_empty());
        if let Decision::Denied(denial) = &decision {
            assert!(!denial.text(caller, question.action, question.resource).is_empty());
        }
        decision
    }

    /// With a statement more in one of its policies.
    fn with(&self, place: usize, statement: &Value, of_resource: &Value) -> Self {
        let mut more = self.clone();
        let own = vec![statement.clone()];
        match place {
            0 => more.identity.push(own),
            1 => more.boundary.get_or_insert_default().push(statement.clone()),
            2 if more.session.is_empty() => more.identity.insert(0, own),
            2 => more.session.push(own),
            _ => more.resource.get_or_insert_default().push(of_resource.clone()),
        }
        more
    }

    fn reversed(&self) -> Self {
        let mut other = self.clone();
        other.identity.reverse();
        other.session.reverse();
        let documents = other.identity.iter_mut().chain(&mut other.session);
        documents
            .chain(&mut other.boundary)
            .chain(&mut other.resource)
            .for_each(|statements| statements.reverse());
        other
    }
}

const DENY: &[&str] = &["Deny"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deny_more_never_grants(
        all in all(), caller in callers(), facts in facts(), place in 0..4_usize,
        deny in statements(DocumentKind::Identity, DENY),
        queue in statements(DocumentKind::Resource, DENY), trust in statements(DocumentKind::RoleTrust, DENY),
    ) {
        prop_assume!(place != 1 || all.boundary.is_some());
        let of_resource = if all.kind == ResourceKind::RoleTrust { &trust } else { &queue };
        let before = all.decide(&caller, &facts).is_allowed();
        let after = all.with(place, &deny, of_resource).decide(&caller, &facts).is_allowed();
        prop_assert!(before || !after);
    }

    #[test]
    fn an_allow_more_never_denies(
        all in all(), caller in callers(), facts in facts(), place in 0..4_usize,
        allow in statements(DocumentKind::Identity, &["Allow"]),
        queue in statements(DocumentKind::Resource, &["Allow"]), trust in statements(DocumentKind::RoleTrust, &["Allow"]),
    ) {
        prop_assume!(place != 1 || all.boundary.is_some());
        let of_resource = if all.kind == ResourceKind::RoleTrust { &trust } else { &queue };
        let before = all.decide(&caller, &facts).is_allowed();
        let after = all.with(place, &allow, of_resource).decide(&caller, &facts).is_allowed();
        prop_assert!(!before || after);
    }

    #[test]
    fn order_never_matters(all in all(), caller in callers(), facts in facts()) {
        let there = all.decide(&caller, &facts);
        let back = all.reversed().decide(&caller, &facts);
        prop_assert_eq!(there.is_allowed(), back.is_allowed());
        if let (Decision::Denied(there), Decision::Denied(back)) = (there, back) {
            prop_assert_eq!(std::mem::discriminant(&there), std::mem::discriminant(&back));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}", kind in kinds()) {
        let _ = Policy::parse(&text, kind);
    }

    #[test]
    fn any_member_is_read_or_refused_and_evaluated(
        name in select(vec!["Sid", "Action", "Resource", "Principal", "Condition", "NotResource", "Effect", "Id"]),
        text in "[a-z0-9:*?${}/,'. äß-]{0,24}", kind in kinds(), caller in callers(), facts in facts(),
        operator in select(vec!["StringLike", "StringEqualsIgnoreCase", "ArnLike", "NumericEquals", "DateEquals", "IpAddress", "Bool", "Null", "BinaryEquals"]),
    ) {
        let mut statement = json!({ "Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Principal": "*" });
        let members = statement.as_object_mut().expect("an object");
        if kind == DocumentKind::Identity { members.shift_remove("Principal"); }
        if kind == DocumentKind::RoleTrust { members.shift_remove("Resource"); }
        let value = match name {
            "Principal" => json!({ "AWS": text }),
            "Condition" => json!({ operator: { text.clone(): text } }),
            _ => json!(text),
        };
        members.insert(name.to_owned(), value);
        let document = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        if let Ok(policy) = Policy::parse(&document, kind) {
            let attached = Attached { name: "any".into(), policy: Arc::new(policy) };
            let policies = Policies { resource: Some(attached.clone()), identity: vec![attached], ..Policies::default() };
            let question = Question {
                caller: &caller,
                action: "sqs:SendMessage",
                resource: "arn:aws:sqs:eu-west-1:111122223333:ä",
                resource_account: own(),
                resource_kind: ResourceKind::Ordinary,
                facts: &facts,
            };
            let _ = evaluate(&question, &policies);
        }
    }

    #[test]
    fn any_value_compares(value in "[-+0-9.:TZa-f/äß*]{0,24}", operator in select(vec!["DateLessThan", "NumericLessThan", "IpAddress", "ArnLike", "StringLike", "BinaryEquals"])) {
        let wanted = match operator {
            "DateLessThan" => "2026-11-21",
            "NumericLessThan" => "10",
            "IpAddress" => "10.0.0.0/8",
            "BinaryEquals" => "AQID",
            _ => "arn:aws:*:*:*:*a*b?",
        };
        let condition = format!(r#"{{"{operator}":{{"x:k":"{wanted}"}}}}"#);
        let _ = crate::cases::holds_with(&condition, &[("x:k", value.as_str())]);
    }
}
