//! What is a policy, and what AWS says of what is none.

use millpond_iam::policy::{DocumentKind, Policy, Version};

const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";
const VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";

fn message(text: &str, kind: DocumentKind) -> String {
    match Policy::parse(text, kind) {
        Ok(_) => format!("accepted: {text}"),
        Err(error) => error.message,
    }
}

fn document(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)
}

fn identity(statement: &str) -> String {
    message(&document(statement), DocumentKind::Identity)
}

fn queue(statement: &str) -> String {
    message(&document(statement), DocumentKind::Resource)
}

fn trust(statement: &str) -> String {
    message(&document(statement), DocumentKind::RoleTrust)
}

/// A statement of an identity policy with one more member.
fn with(member: &str) -> String {
    identity(&format!(r#"{{"Effect":"Allow","Action":"sqs:*","Resource":"*",{member}}}"#))
}

fn with_resource(resource: &str) -> String {
    identity(&format!(r#"{{"Effect":"Allow","Action":"sqs:*","Resource":{resource}}}"#))
}

fn with_action(action: &str) -> String {
    identity(&format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"*"}}"#))
}

fn with_principal(principal: &str) -> String {
    queue(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sqs:*","Resource":"*"}}"#))
}

fn is_accepted(message: &str) -> bool {
    message.starts_with("accepted")
}

#[test]
fn what_is_no_json_is_told_so() {
    for text in ["", "no json", "{", r#"{"Statement":[]"#, "{} {}"] {
        assert_eq!(message(text, DocumentKind::Identity), "This policy contains invalid Json", "{text}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(message(&deep, DocumentKind::Identity), "This policy contains invalid Json");
}

#[test]
fn the_shape_has_to_be_that_of_a_policy() {
    for text in [
        "[]",
        "{}",
        r#"{"Version":"2012-10-17"}"#,
        r#"{"Version":"2012-10-17","Statement":[]}"#,
        r#"{"Version":"2012-10-17","Statement":["x"]}"#,
        r#"{"Version":"2013-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        r#"{"Version":2012,"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        r#"{"Id":[],"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        r#"{"Extra":"","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        r#"{"statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Statement":[]}"#,
        r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a":"true","a":"true"}}}}"#,
        r#"{"Statement":{"Action":"*","Resource":"*"}}"#,
        r#"{"Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}}"#,
    ] {
        assert_eq!(message(text, DocumentKind::Identity), SYNTAX, "{text}");
    }
    for member in [
        r#""Sid":{}"#,
        r#""Extra":"x""#,
        r#""NotAction":"iam:*""#,
        r#""NotResource":[]"#,
        r#""Condition":[]"#,
        r#""Condition":"a""#,
        r#""Condition":{"a":"b"}"#,
        r#""Condition":{"StringEqual":{"a":"b"}}"#,
        r#""Condition":{"stringequals":{"a":"b"}}"#,
        r#""Condition":{"NullIfExists":{"a":"true"}}"#,
        r#""Condition":{"ForAnyValue::StringEquals":{"a":"b"}}"#,
        r#""Condition":{"ForSome:StringEquals":{"a":"b"}}"#,
        r#""Condition":{"StringEquals":{"a":{}}}"#,
        r#""Condition":{"StringEquals":{"a":null}}"#,
        r#""Condition":{"StringEquals":{"":"b"}}"#,
        r#""Condition":{"x":{}}"#,
        r#""Condition":{"NumericEquals":{"a":"ten"}}"#,
        r#""Condition":{"Bool":{"a":"yes"}}"#,
        r#""Condition":{"Null":{"a":"x"}}"#,
        r#""Condition":{"IpAddress":{"a":"10.0.0.0/33"}}"#,
        r#""Condition":{"BinaryEquals":{"a":"?"}}"#,
        r#""Condition":{"StringEquals":{"a":"${open"}}"#,
    ] {
        assert_eq!(with(member), SYNTAX, "{member}");
    }
    for action in ["{}", "[[]]", "[1]", "null", "true"] {
        assert_eq!(with_action(action), SYNTAX, "{action}");
    }
}

#[test]
fn scalars_and_lists_stand_for_each_other() {
    for text in [
        r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*"}"#,
        r#"[{"Effect":"Allow","Action":["sqs:*"],"Resource":["*"]}]"#,
        r#"[{"Sid":"","Effect":"Deny","NotAction":"sqs:*","NotResource":"*","Condition":{}}]"#,
        r#"[{"Sid":"A1","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"x:n":[1,2.5]}}}]"#,
    ] {
        assert!(is_accepted(&identity(text)), "{text}");
    }
}

#[test]
fn effects_are_spelled_exactly() {
    let text = r#"{"Effect":"allow","Action":"sqs:*","Resource":"*"}"#;
    assert_eq!(identity(text), LEGACY);
}

#[test]
fn dates_are_dates() {
    for bad in ["b", "234-13", "2016-12-13t2:00:00.593194+1", "9223372036854775808", "2026-02-29"] {
        assert_eq!(with(&format!(r#""Condition":{{"DateLessThan":{{"a":"{bad}"}}}}"#)), LEGACY, "{bad}");
    }
    for good in ["01T", "-292275054", "2019-07-01T13:20:15Z", "2016-12-13t2:00:00.593194+23", "2024-02-29"] {
        assert!(is_accepted(&with(&format!(r#""Condition":{{"DateLessThan":{{"a":"{good}"}}}}"#))), "{good}");
    }
}

#[test]
fn statements_have_actions_of_a_vendor() {
    assert_eq!(with_action(r#""invalid""#), VENDOR);
    assert_eq!(with_action(r#""""#), VENDOR);
    assert_eq!(with_action(r#""a a:List""#), "Vendor a a is not valid");
    assert_eq!(with_action(r#"["sqs:*","s3:List:Bucket"]"#), "Actions/Condition can contain only one colon.");
    assert_eq!(with_action("[]"), "Policy statement must contain actions.");
    assert_eq!(identity(r#"{"Effect":"Allow","Resource":"*"}"#), "Policy statement must contain actions.");
    assert!(is_accepted(&with_action(r#""*""#)));
    assert!(is_accepted(&with_action(r#""execute-api:Invoke""#)));
}

#[test]
fn statements_have_resources_that_are_arns() {
    let none = "Policy statement must contain resources.";
    assert_eq!(with_resource("[]"), none);
    assert_eq!(identity(r#"{"Effect":"Allow","Action":"*"}"#), none);
    assert_eq!(with_resource(r#""orders""#), r#"Resource orders must be in ARN format or "*"."#);
    assert_eq!(with_resource(r#""""#), r#"Resource  must be in ARN format or "*"."#);
    let partition = r#"Partition "error" is not valid for resource "arn:error:s3:::example_bucket"."#;
    assert_eq!(with_resource(r#""arn:error:s3:::example_bucket""#), partition);
    let short = r#"Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*"."#;
    assert_eq!(with_resource(r#""a:b:cadfsdf""#), short);
    let vendor = "Resource vendor must be fully qualified and cannot contain regexes.";
    assert_eq!(with_resource(r#""arn:aws""#), vendor);
    assert_eq!(with_resource(r#""arn:aws:s*:::x""#), vendor);
    assert_eq!(with_resource(r#""arn:aws:s3::example_bucket""#), LEGACY);
    let region = "Resource arn:aws:s3:us-east-1::b can not contain region information.";
    assert_eq!(with_resource(r#""arn:aws:s3:us-east-1::b""#), region);
    let region = "IAM resource arn:aws:iam:us-east-1::user/a cannot contain region information.";
    assert_eq!(with_resource(r#""arn:aws:iam:us-east-1::user/a""#), region);
    assert!(with_resource(r#""arn:aws:iam:::bucket""#).starts_with("IAM resource path must either be"));
    for good in [
        "arn:aws:sqs:*:*:*",
        "arn:aws:sqs:*",
        "arn:aws-cn:sqs:::x",
        "arn:aws:iam::1:*",
        "arn:aws:s3:us-west-2:123456789012:accesspoint/a/object/*",
        "arn:aws:iam::1:user/${aws:username}",
    ] {
        assert!(is_accepted(&with_resource(&format!(r#""{good}""#))), "{good}");
    }
}

#[test]
fn labels_are_plain_and_differ() {
    let two = |first: &str, second: &str| {
        let body = r#""Effect":"Allow","Action":"*","Resource":"*""#;
        format!(r#"[{{"Sid":"{first}",{body}}},{{"Sid":"{second}",{body}}}]"#)
    };
    assert_eq!(identity(&two("a", "a")), "Statement IDs (SID) in a single policy must be unique.");
    assert!(is_accepted(&identity(&two("", ""))));
    assert!(is_accepted(&identity(&two("a", "A"))));
    assert!(identity(&two("a-b", "c")).starts_with("Statement IDs (SID) must be alpha-numeric."));
    let own =
        r#"{"Sid":"__owner_statement","Effect":"Allow","Principal":"*","Action":"SQS:*","Resource":"*"}"#;
    assert!(is_accepted(&queue(own)));
}

#[test]
fn principals_belong_to_policies_of_resources() {
    assert_eq!(with(r#""Principal":"*""#), "Policy document should not specify a principal.");
    assert_eq!(with(r#""NotPrincipal":{"AWS":"*"}"#), "Policy document should not specify a principal.");
    let none = "Missing required field Principal";
    assert_eq!(queue(r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*"}"#), none);
    assert_eq!(with_principal("{}"), none);
    for bad in [r#""x""#, "[]", "1", r#"{"AWS":1}"#, r#""111122223333""#] {
        assert_eq!(with_principal(bad), SYNTAX, "{bad}");
    }
    for (kind, name) in [
        ("AWS", "arn:aws:iam::111122223333:user/*"),
        ("AWS", "arn:aws:iam::*:root"),
        ("AWS", "arn:aws:iam::111122223333:group/a"),
        ("AWS", "arn:aws:iam::111122223333:user/"),
        ("AWS", "arn:aws:iam::111122223333:role"),
        ("AWS", "arn:aws:sts::111122223333:assumed-role/a"),
        ("AWS", "arn:aws:sqs:eu-west-1:111122223333:orders"),
        ("AWS", "1111"),
        ("AWS", ""),
        ("Service", "*"),
        ("Federated", "*"),
        ("Group", "x"),
    ] {
        let message = with_principal(&format!(r#"{{"{kind}":"{name}"}}"#));
        assert_eq!(message, format!(r#"Invalid principal in policy: "{kind}":"{name}""#));
    }
}

#[test]
fn trust_policies_name_who_may_assume_and_nothing_else() {
    let body = r#""Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"}"#;
    assert!(is_accepted(&trust(&format!(r#"{{{body},"Action":["sts:AssumeRole","sts:TagSession"]}}"#))));
    let resource = format!(r#"{{{body},"Action":"sts:AssumeRole","Resource":"*"}}"#);
    assert_eq!(trust(&resource), "Has prohibited field Resource");
    for action in ["sqs:SendMessage", "*", "sts:GetCallerIdentity"] {
        let text = format!(r#"{{{body},"Action":"{action}"}}"#);
        assert_eq!(trust(&text), "AssumeRole policy may only specify STS AssumeRole actions.");
    }
    assert_eq!(trust(&format!("{{{body}}}")), "Missing required field Action");
    assert_eq!(trust(r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#), "Missing required field Principal");
}

#[test]
fn queue_policies_are_read_as_sqs_takes_them() {
    let permission = r#"{"Version":"2008-10-17","Id":"arn:aws:sqs:eu-west-1:111122223333:q/SQSDefaultPolicy","Statement":[
        {"Sid":"a label","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","444455556666"]},
         "Action":["SQS:SendMessage","SQS:*","*"],"Resource":"arn:aws:sqs:eu-west-1:111122223333:another"}]}"#;
    let policy = Policy::parse(permission, DocumentKind::Resource).expect("a policy");
    assert_eq!((policy.version(), policy.statement_count()), (Version::V2008, 1));
    let bare = r#"{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"NotAction":"sqs:SendMessage"}}"#;
    assert_eq!(
        Policy::parse(bare, DocumentKind::Resource).map(|policy| policy.version()),
        Ok(Version::V2008)
    );
}

#[test]
fn an_error_says_where_and_what() {
    let text = document(
        r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
            {"Sid":"Two","Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqual":{"a":"b"}}}]"#,
    );
    let error = Policy::parse(&text, DocumentKind::Identity).expect_err("no operator").to_string();
    assert_eq!(
        error,
        r#"Syntax errors in policy. (statement 2 (Sid "Two"): Condition: there is no operator StringEqual)"#
    );
}
