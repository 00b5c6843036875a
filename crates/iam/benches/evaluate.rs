//! How long a decision takes: `cargo bench -p millpond-iam --bench evaluate`.
//!
//! Each line is a caller with ten policies of three statements and a queue with a policy of its own, as a real account may have
//! them; what differs is what has to be looked at until it is decided. It prints nanoseconds for each decision: the best of
//! many short rounds, as the machine's other work only ever adds.

#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and stops where it fails")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use millpond_core::name::AccountId;
use millpond_iam::caller::{Caller, RoleCaller};
use millpond_iam::evaluate::{Attached, Policies, Question, ResourceKind, evaluate};
use millpond_iam::facts::Given;
use millpond_iam::policy::{DocumentKind, Policy};

const ROUNDS: u32 = 4_000;
const DECISIONS: u32 = 100;
const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:orders";

fn attached(name: &str, kind: DocumentKind, statements: &str) -> Attached {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let policy = Policy::parse(&text, kind).expect("a policy");
    Attached { name: name.into(), policy: Arc::new(policy) }
}

/// Ten policies about other things, of three statements with several actions and resources each.
fn ten() -> Vec<Attached> {
    let of = |index: u32| {
        let statements = format!(
            r#"{{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:List*"],"Resource":["arn:aws:s3:::b{index}","arn:aws:s3:::b{index}/*"]}},
               {{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:SendMessage"],
                 "Resource":"arn:aws:sqs:eu-west-1:111122223333:queue-{index}-*"}},
               {{"Effect":"Deny","Action":"sqs:*","Resource":"arn:aws:sqs:*:*:secret-{index}","Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}"#
        );
        attached(&format!("policy{index}"), DocumentKind::Identity, &statements)
    };
    (0..10).map(of).collect()
}

fn with_last(statement: &str) -> Policies {
    let mut identity = ten();
    identity.pop();
    identity.push(attached("last", DocumentKind::Identity, statement));
    Policies { identity, ..Policies::default() }
}

fn cases() -> Vec<(&'static str, Policies)> {
    let send = r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:*:orders"}"#;
    let condition = |condition: &str| {
        format!(r#"{{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*","Condition":{condition}}}"#)
    };
    let own = r#"{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:*:${aws:PrincipalTag/Queue}"}"#;
    let queue = r#"{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/apps/backend"},"Action":"sqs:SendMessage","Resource":"*"}"#;
    let address = condition(r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.0.2.0/24","::1"]}}"#);
    let arn = condition(r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/apps/*"}}"#);
    let date = condition(r#"{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}"#);
    let all = attached("all", DocumentKind::Identity, r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    let limited = Policies {
        boundary: Some(all.clone()),
        session: vec![all],
        resource: Some(attached("queue", DocumentKind::Resource, queue)),
        ..with_last(send)
    };
    vec![
        ("allowed by the last of ten policies", with_last(send)),
        ("denied: none of ten policies allows", Policies { identity: ten(), ..Policies::default() }),
        ("with boundary, session and queue policy", limited),
        ("policy variable in the resource", with_last(own)),
        ("condition on the address", with_last(&address)),
        ("condition on the caller's ARN", with_last(&arn)),
        ("condition on the date", with_last(&date)),
    ]
}

fn main() {
    let caller = Caller::Role(RoleCaller {
        account: AccountId::parse("111122223333").expect("an account"),
        path: "/apps/".to_owned(),
        name: "backend".to_owned(),
        id: "AROAEXAMPLEBACK".to_owned(),
        tags: BTreeMap::from([("Queue".to_owned(), "orders".to_owned())]),
        session_name: "web1".to_owned(),
        issued_at_secs: 1_795_244_400,
    });
    let mut facts = Given::default();
    facts.put("aws:SourceIp", "192.0.2.7");
    facts.put("aws:SecureTransport", "true");
    facts.put("aws:CurrentTime", "2026-11-21T07:00:00Z");
    let question = Question {
        caller: &caller,
        action: "sqs:SendMessage",
        resource: QUEUE,
        resource_account: AccountId::parse("111122223333").expect("an account"),
        resource_kind: ResourceKind::Ordinary,
        facts: &facts,
    };
    for (name, policies) in cases() {
        let mut best_nanos = f64::INFINITY;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for _ in 0..DECISIONS {
                black_box(evaluate(black_box(&question), black_box(&policies)));
            }
            best_nanos = best_nanos.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(DECISIONS));
        }
        let decision = evaluate(&question, &policies);
        let word = if decision.is_allowed() { "allowed" } else { "denied" };
        println!("{best_nanos:>8.0} ns  {word:<8} {name}");
    }
}
