//! The evaluator that ships against the plain one, on requests and policies that nobody thought of.

use crate::naive;
use crate::support::{self, Case};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

const ACTIONS: [&str; 4] = ["sqs:SendMessage", "sqs:ReceiveMessage", "iam:CreateUser", "sts:AssumeRole"];
const ACTION_PATTERNS: [&str; 8] = [
    "*",
    "sqs:*",
    "sqs:SendMessage",
    "SQS:send*",
    "sqs:?endMessage",
    "iam:*",
    "sts:AssumeRole",
    "sqs:*Message",
];
const TRUST_ACTION_PATTERNS: [&str; 2] = ["sts:AssumeRole", "sts:TagSession"];
const RESOURCES: [&str; 4] = [
    "arn:aws:sqs:eu-west-1:111122223333:orders",
    "arn:aws:sqs:eu-west-1:111122223333:alice-orders",
    "arn:aws:sqs:us-east-1:444455556666:orders",
    "arn:aws:iam::111122223333:role/deploy",
];
const RESOURCE_PATTERNS: [&str; 10] = [
    "*",
    "arn:aws:sqs:*:*:orders",
    "arn:aws:sqs:eu-west-1:111122223333:*",
    "arn:aws:sqs:*:111122223333:${aws:username}-*",
    "arn:aws:sqs:*:*:${aws:PrincipalTag/team, 'alice'}-orders",
    "arn:aws:sqs:eu-west-1:111122223333:order?",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:sqs:*:*:*orders",
    "arn:aws:sqs:us-east-1:444455556666:orders",
    "arn:aws:sqs:eu-west-1:*:${*}",
];
const CALLERS: [&str; 10] = [
    "alice",
    "alice-session",
    "carol",
    "bob",
    "worker",
    "auditor",
    "root",
    "other-root",
    "anonymous",
    "service",
];
const AWS_PRINCIPALS: [&str; 13] = [
    "*",
    "111122223333",
    "444455556666",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::444455556666:root",
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:user/division/carol",
    "arn:aws:iam::444455556666:user/bob",
    "arn:aws:iam::111122223333:role/worker",
    "arn:aws:iam::444455556666:role/auditor",
    "arn:aws:sts::111122223333:assumed-role/worker/job-1",
    "arn:aws:sts::444455556666:assumed-role/auditor/audit",
    "AIDAALICEALICEALICE",
];
const TEXT_OPERATORS: [&str; 8] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "ArnLike",
    "ArnNotEquals",
];
const TEXT_KEYS: [&str; 9] = [
    "aws:UserAgent",
    "aws:username",
    "aws:userid",
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:PrincipalType",
    "aws:PrincipalTag/team",
    "aws:SourceArn",
    "aws:TagKeys",
];
const TEXTS: [&str; 14] = [
    "alice",
    "Alice",
    "a*",
    "?lice",
    "*",
    "${aws:username}",
    "${aws:PrincipalTag/team, 'red'}",
    "blue",
    "User",
    "AssumedRole",
    "111122223333",
    "arn:aws:iam::*:user/*",
    "arn:aws:iam::111122223333:role/worker",
    "arn:aws:sns:eu-west-1:111122223333:alice-news",
];

fn one_or_many(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(values).prop_map(|value| json!(value)),
        1 => prop::collection::vec(select(values), 1..4).prop_map(|values| json!(values)),
    ]
}

fn operator(base: impl Strategy<Value = &'static str>) -> impl Strategy<Value = String> {
    let set = prop_oneof![6 => Just(""), 1 => Just("ForAllValues:"), 1 => Just("ForAnyValue:")];
    let if_exists = prop_oneof![3 => Just(""), 1 => Just("IfExists")];
    (set, base, if_exists)
        // AWS says nothing of set operators with IfExists on a missing key, so both are not combined.
        .prop_map(|(set, base, exists)| format!("{set}{base}{}", if set.is_empty() { exists } else { "" }))
}

fn condition() -> impl Strategy<Value = Value> {
    let text = (operator(select(&TEXT_OPERATORS[..])), select(&TEXT_KEYS[..]), one_or_many(&TEXTS))
        .prop_map(|(operator, key, values)| json!({ operator: { key: values } }));
    let ip = (
        operator(select(&["IpAddress", "NotIpAddress"][..])),
        one_or_many(&["10.0.0.0/8", "10.1.2.3", "0.0.0.0/0", "2001:db8::/32", "192.0.2.0/25"]),
    )
        .prop_map(|(operator, values)| json!({ operator: { "aws:SourceIp": values } }));
    let number = (
        operator(select(
            &["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"][..],
        )),
        one_or_many(&["1", "10", "10.5", "-3"]),
    )
        .prop_map(|(operator, values)| json!({ operator: { "s3:max-keys": values } }));
    let date = (
        operator(select(&["DateLessThan", "DateGreaterThan", "DateEquals", "DateNotEquals"][..])),
        select(&["aws:CurrentTime", "aws:TokenIssueTime"][..]),
        one_or_many(&["2026-11-21T12:00:00Z", "2025-06-01T00:00:00Z", "2020-01-01", "1795262400"]),
    )
        .prop_map(|(operator, key, values)| json!({ operator: { key: values } }));
    let boolean = (operator(Just("Bool")), select(&["true", "false"][..]))
        .prop_map(|(operator, value)| json!({ operator: { "aws:SecureTransport": value } }));
    let null = (select(&TEXT_KEYS[..]), select(&["true", "false"][..]))
        .prop_map(|(key, value)| json!({ "Null": { key: value } }));
    prop_oneof![4 => text, 1 => ip, 1 => number, 1 => date, 1 => boolean, 1 => null]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Identity,
    Resource,
    Trust,
}

fn principal() -> impl Strategy<Value = Value> {
    let services = &["ecs-tasks.amazonaws.com", "sns.amazonaws.com"];
    prop_oneof![
        1 => Just(json!("*")),
        6 => one_or_many(&AWS_PRINCIPALS).prop_map(|names| json!({ "AWS": names })),
        1 => one_or_many(services).prop_map(|names| json!({ "Service": names })),
    ]
}

fn statement(kind: Kind) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let conditions = prop_oneof![
        3 => Just(None),
        2 => condition().prop_map(Some),
        1 => (condition(), condition()).prop_map(|(one, two)| {
            let mut both: Map<String, Value> = Map::new();
            for (operator, keys) in [one, two].iter().filter_map(Value::as_object).flatten() {
                let into = both.entry(operator.clone()).or_insert_with(|| json!({}));
                for (key, values) in keys.as_object().into_iter().flatten() {
                    into[key] = values.clone();
                }
            }
            Some(Value::Object(both))
        }),
    ];
    let negations = (prop::bool::weighted(0.15), prop::bool::weighted(0.15));
    // A trust policy may only speak of assuming roles.
    let actions = if kind == Kind::Trust { &TRUST_ACTION_PATTERNS[..] } else { &ACTION_PATTERNS[..] };
    (effect, one_or_many(actions), one_or_many(&RESOURCE_PATTERNS), principal(), conditions, negations)
        .prop_map(move |(effect, actions, resources, principal, conditions, (not_action, not_resource))| {
            let mut statement = json!({ "Effect": effect });
            statement[if not_action && kind != Kind::Trust { "NotAction" } else { "Action" }] = actions;
            if kind != Kind::Trust {
                statement[if not_resource { "NotResource" } else { "Resource" }] = resources;
            }
            if kind != Kind::Identity {
                statement["Principal"] = principal;
            }
            if let Some(conditions) = conditions {
                statement["Condition"] = conditions;
            }
            statement
        })
}

fn policy(kind: Kind) -> impl Strategy<Value = Value> {
    let version = prop_oneof![4 => Just(Some("2012-10-17")), 1 => Just(Some("2008-10-17")), 1 => Just(None)];
    (version, prop::collection::vec(statement(kind), 1..4)).prop_map(|(version, statements)| {
        let mut document = json!({ "Statement": statements });
        if let Some(version) = version {
            document["Version"] = json!(version);
        }
        document
    })
}

fn context() -> impl Strategy<Value = Map<String, Value>> {
    let optional = |values: &'static [&'static str]| prop::option::of(select(values));
    (
        optional(&["alice", "Alice", "*"]),
        optional(&["10.1.2.3", "192.0.2.200", "2001:db8::1"]),
        optional(&["true", "false"]),
        optional(&["10", "10.0", "x"]),
        optional(&["arn:aws:sns:eu-west-1:111122223333:alice-news", "arn:aws:s3:::logs"]),
        prop::option::of(prop::collection::vec(select(&["alice", "blue", "User"][..]), 0..3)),
    )
        .prop_map(|(agent, ip, secure, number, source, tag_keys)| {
            let single = [
                ("aws:UserAgent", agent),
                ("aws:SourceIp", ip),
                ("aws:SecureTransport", secure),
                ("s3:max-keys", number),
                ("aws:SourceArn", source),
            ];
            let mut context: Map<String, Value> =
                single.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))).collect();
            context.insert("aws:CurrentTime".into(), json!("2026-11-21T12:00:00Z"));
            if let Some(keys) = tag_keys {
                context.insert("aws:TagKeys".into(), json!(keys));
            }
            context
        })
}

fn any_case() -> impl Strategy<Value = Case> {
    let identity = || prop::collection::vec(policy(Kind::Identity), 0..3);
    (
        (select(&CALLERS[..]), select(&ACTIONS[..]), select(&RESOURCES[..]), any::<bool>()),
        identity(),
        prop::option::weighted(0.3, policy(Kind::Identity)),
        prop_oneof![3 => Just(Vec::new()), 1 => identity()],
        prop::option::weighted(0.7, policy(Kind::Resource)),
        policy(Kind::Trust),
        context(),
    )
        .prop_map(
            |((caller, action, resource, is_trust), identity, boundary, session, policy, trust, context)| {
                let is_trust = is_trust && resource.contains(":role/");
                // Who has no policies of its own has none here either.
                let own = !matches!(caller, "root" | "other-root" | "anonymous" | "service");
                let is_role = matches!(caller, "worker" | "auditor");
                Case {
                    name: String::new(),
                    because: String::new(),
                    expect: String::new(),
                    caller: caller.into(),
                    action: action.into(),
                    resource: resource.into(),
                    identity: if own { identity } else { Vec::new() },
                    boundary: boundary.filter(|_| own),
                    session: if is_role { session } else { Vec::new() },
                    resource_policy: policy.filter(|_| !is_trust),
                    trust_policy: is_trust.then_some(trust),
                    context,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(5_000), ..ProptestConfig::default() })]

    #[test]
    fn both_evaluators_decide_alike(case in any_case()) {
        let decided = support::decided(&case);
        prop_assert_eq!(decided.as_ref().map_err(ToString::to_string), Ok(&naive::decided(&case)), "{:#?}", case);
    }
}
