//! The attribute `Policy`: its grammar and its limits.

use serde_json::{Value, json};

use crate::service::{Service, url};

const STATEMENT: &str = r#"{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage"}"#;

fn set(policy: &str) -> Value {
    json!({ "QueueUrl": url("jobs"), "Attributes": { "Policy": policy } })
}

fn error(policy: &str) -> (&'static str, u16, String) {
    Service::with_queue().error("SetQueueAttributes", set(policy))
}

fn get(service: &mut Service) -> Value {
    let body = json!({ "QueueUrl": url("jobs"), "AttributeNames": ["Policy"] });
    service.ok("GetQueueAttributes", body)
}

fn with_statement(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

fn taken(policy: &str) {
    let mut service = Service::with_queue();
    service.ok("SetQueueAttributes", set(policy));
    assert_eq!(get(&mut service)["Attributes"]["Policy"], policy, "told as given");
}

fn malformed(policy: &str) {
    let text = "Invalid value for the parameter Policy.".to_owned();
    assert_eq!(error(policy), ("InvalidAttributeValue", 400, text), "{policy}");
}

#[test]
fn a_policy_is_told_letter_by_letter_as_given() {
    taken(&with_statement(STATEMENT));
    taken(&format!(" {{\n\t\"Statement\" : {STATEMENT} ,\r\n\"Id\":\"x,[]{{\"}} "));
    let version = r#""Version":"2008-10-17""#;
    taken(&format!("{{\"Statement\":[ {STATEMENT}\n,\t{STATEMENT} ,{STATEMENT}\n],{version}}}"));
    taken(&with_statement(
        r#"{"Sid":"a, \"b\" ]","Effect":"Deny","NotPrincipal":{"AWS":["1","2"],"Service":"s"},
        "NotAction":["SQS:*","*"],"Resource":["a","b"],
        "Condition":{"Bool":{"aws:SecureTransport":false},"NumericLess":{"a":[1,"2"]}}}"#,
    ));
}

#[test]
fn the_empty_value_takes_the_policy_away() {
    let mut service = Service::with_queue();
    service.ok("SetQueueAttributes", set(&with_statement(STATEMENT)));
    service.ok("SetQueueAttributes", set(""));
    assert_eq!(get(&mut service), json!({}));
}

#[test]
fn creating_again_compares_the_policy() {
    let mut service = Service::new();
    let create = |policy: &str| json!({ "QueueName": "jobs", "Attributes": { "Policy": policy } });
    service.ok("CreateQueue", create(&with_statement(STATEMENT)));
    service.ok("CreateQueue", create(&with_statement(STATEMENT)));
    let text =
        "A queue already exists with the same name and a different value for attribute Policy".to_owned();
    let other = with_statement(&STATEMENT.replace("Allow", "Deny"));
    assert_eq!(service.error("CreateQueue", create(&other)), ("QueueNameExists", 400, text));
}

#[test]
fn what_is_no_policy_is_refused() {
    for policy in ["x", "{", "[]", "1", "null", "{}", r#"{"Statement":[]}"#, r#"{"Statement":null}"#] {
        malformed(policy);
    }
    malformed(&format!(r#"{{"Version":"2020-01-01","Statement":{STATEMENT}}}"#));
    malformed(&format!(r#"{{"Foobar":1,"Statement":{STATEMENT}}}"#));
    malformed(&format!(r#"{{"Statement":{STATEMENT},"Statement":{STATEMENT}}}"#));
    malformed(&format!(r#"{{"Statement":{STATEMENT}}} x"#));
    malformed(&format!(r#"{{"Statement":[{STATEMENT},]}}"#));
}

#[test]
fn what_is_no_statement_is_refused() {
    let statement = |from: &str, to: &str| malformed(&with_statement(&STATEMENT.replace(from, to)));
    statement(r#""Effect":"Allow","#, "");
    statement("Allow", "allow");
    statement(r#""Principal":"*","#, "");
    statement(r#""Principal":"*""#, r#""Principal":"me""#);
    statement(r#""Principal":"*""#, r#""Principal":{}"#);
    statement(r#""Principal":"*""#, r#""Principal":{"AWS":[]}"#);
    statement(r#""Principal":"*""#, r#""Principal":{"Foobar":"*"}"#);
    statement(r#""Principal":"*""#, r#""Principal":"*","NotPrincipal":"*""#);
    statement(r#","Action":"sqs:SendMessage""#, "");
    statement(r#""sqs:SendMessage""#, "[]");
    statement(r#""sqs:SendMessage""#, "7");
    statement("sqs:SendMessage", "s3:GetObject");
    statement("sqs:SendMessage", "SendMessage");
    statement("sqs:SendMessage", "ä");
    statement(r#""Effect""#, r#""Foobar":1,"Effect""#);
    statement(r#""Effect""#, r#""Resource":[],"Effect""#);
    statement(r#""Effect""#, r#""Resource":"a","NotResource":"b","Effect""#);
    statement(r#""Effect""#, r#""Condition":[],"Effect""#);
    statement(r#""Effect""#, r#""Condition":{"Bool":{"a":{}}},"Effect""#);
}

#[test]
fn a_label_stands_once() {
    let labelled = STATEMENT.replace(r#""Effect""#, r#""Sid":"a","Effect""#);
    taken(&with_statement(&labelled));
    malformed(&with_statement(&format!("{labelled},{labelled}")));
}

/// The policy with most of something, and the one with too many.
fn limited(what: &str, limit: usize, policy: impl Fn(usize) -> String) {
    taken(&policy(limit));
    let found = limit + 1;
    let text = format!("{found} {what} were found in the submitted policy, max allowed is {limit}");
    assert_eq!(error(&policy(found)), ("OverLimit", 403, text));
}

#[test]
fn limits_are_told() {
    let list = |item: &str, count: usize| format!("[{}]", vec![format!("{item:?}"); count].join(","));
    let with = |from: &str, to: &str| with_statement(&STATEMENT.replace(from, to));
    limited("statements", 20, |count| with_statement(&vec![STATEMENT; count].join(",")));
    limited("actions", 7, |count| with(r#""sqs:SendMessage""#, &list("sqs:*", count)));
    limited("principals", 50, |count| {
        with(r#""Principal":"*""#, &format!(r#""Principal":{{"AWS":{}}}"#, list("1", count)))
    });
    limited("conditions", 10, |count| {
        let keys: Vec<_> = (0..count).map(|number| format!(r#""k{number}":"v""#)).collect();
        with(r#""Effect""#, &format!(r#""Condition":{{"StringEquals":{{{}}}}},"Effect""#, keys.join(",")))
    });
    limited("bytes", 8192, |length| format!("{:length$}", with_statement(STATEMENT)));
}
