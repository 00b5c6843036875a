//! Operators, keys and values of conditions.

use millpond_iam::caller::Caller;
use millpond_iam::facts::Given;

use crate::cases::{Case, holds, holds_with, role, root, service, to, user};

/// `{"OPERATOR":{"k":VALUE}}`, against `k` with that value.
fn compare(operator: &str, policy: &str, request: &str) -> bool {
    holds_with(&format!(r#"{{"{operator}":{{"x:k":{policy}}}}}"#), &[("x:k", request)])
}

fn missing(operator: &str, policy: &str) -> bool {
    holds_with(&format!(r#"{{"{operator}":{{"x:k":{policy}}}}}"#), &[])
}

fn many(operator: &str, policy: &str, request: &[&str]) -> bool {
    let mut given = Given::default();
    given.put_many("x:k", request.iter().map(|value| (*value).to_owned()).collect());
    holds(&user(), &format!(r#"{{"{operator}":{{"x:k":{policy}}}}}"#), &given)
}

/// Each: operator, the policy's value, a request's value that matches, one that does not.
const TABLE: [(&str, &str, &str, &str); 38] = [
    ("StringEquals", r#""abc""#, "abc", "Abc"),
    ("StringEquals", r#""a*c""#, "a*c", "abc"),
    ("StringEquals", r#"["x","abc"]"#, "abc", "y"),
    ("StringNotEquals", r#""abc""#, "Abc", "abc"),
    ("StringNotEquals", r#"["x","abc"]"#, "y", "abc"),
    ("StringEqualsIgnoreCase", r#""aBÄ""#, "AbÄ", "abb"),
    ("StringEqualsIgnoreCase", r#""ä""#, "Ä", "a"),
    ("StringNotEqualsIgnoreCase", r#""abc""#, "abd", "ABC"),
    ("StringLike", r#""a*c?""#, "abbcd", "abbc"),
    ("StringLike", r#"["a","*b"]"#, "b", "c"),
    ("StringLike", r#""a?c""#, "aäc", "ac"),
    ("StringNotLike", r#""a*""#, "b", "ab"),
    ("NumericEquals", r#""10""#, "10.0", "10.01"),
    ("NumericEquals", "10", "+010", "ten"),
    ("NumericNotEquals", "10", "11", "10.00"),
    ("NumericLessThan", "0.5", "0.49", "0.5"),
    ("NumericLessThan", "-1", "-1.5", "-0.5"),
    ("NumericLessThanEquals", "10", "10", "10.000000000000000001"),
    ("NumericGreaterThan", "9007199254740992", "9007199254740993", "9007199254740992"),
    ("NumericGreaterThanEquals", "-0", "0", "-0.1"),
    ("DateEquals", r#""2026-11-21T07:00:00Z""#, "2026-11-21T08:00:00+01:00", "2026-11-21T07:00:01Z"),
    ("DateEquals", r#""1795244400""#, "2026-11-21T07:00:00Z", "2026-11-21"),
    ("DateNotEquals", r#""2026-11-21""#, "2026-11-22", "2026-11-21T00:00:00Z"),
    ("DateLessThan", r#""2026-11-21T07:00:00Z""#, "2026-11-21T06:59:59.999Z", "2026-11-21T07:00:00Z"),
    ("DateLessThanEquals", r#""2026-11""#, "2026-11-01T00:00Z", "2026-11-01T00:00:00.001Z"),
    ("DateGreaterThan", r#""1969-12-31T23:59:59Z""#, "0", "-1"),
    ("DateGreaterThanEquals", "1795244400", "1795244400", "1795244399"),
    ("Bool", r#""true""#, "true", "false"),
    ("Bool", "false", "FALSE", "true"),
    ("BinaryEquals", r#""AQID""#, "AQID", "AQIE"),
    ("IpAddress", r#""203.0.113.0/24""#, "203.0.113.200", "203.0.114.1"),
    ("IpAddress", r#"["10.0.0.1","::1"]"#, "::ffff:10.0.0.1", "10.0.0.2"),
    ("IpAddress", r#""2001:db8::/32""#, "2001:db8:1::5", "2001:db9::"),
    ("NotIpAddress", r#""0.0.0.0/0""#, "::1", "8.8.8.8"),
    (
        "ArnEquals",
        r#""arn:aws:sns:*:111122223333:t*""#,
        "arn:aws:sns:eu-west-1:111122223333:topic",
        "arn:aws:sns:a:b:111122223333:topic",
    ),
    ("ArnLike", r#""arn:aws:s3:::bucket/?""#, "arn:aws:s3:::bucket/a", "arn:aws:s3:::bucket/ab"),
    ("ArnNotLike", r#""arn:aws:s3:::b*""#, "arn:aws:s3:::c", "arn:aws:s3:::b:c"),
    ("ArnNotEquals", r#""arn:aws:s3:::b""#, "arn:aws:s3:::c", "arn:aws:s3:::b"),
];

#[test]
fn each_operator_tells_apart() {
    for (operator, policy, matching, other) in TABLE {
        assert!(compare(operator, policy, matching), "{operator} {policy} {matching}");
        assert!(!compare(operator, policy, other), "{operator} {policy} {other}");
    }
}

#[test]
fn a_missing_key_fails_but_for_not_and_if_exists() {
    for (operator, policy, _, _) in TABLE {
        let negated = operator.contains("Not");
        assert_eq!(missing(operator, policy), negated, "{operator}");
        assert!(missing(&format!("{operator}IfExists"), policy), "{operator}IfExists");
        assert!(missing(&format!("ForAllValues:{operator}"), policy), "ForAllValues:{operator}");
        assert!(!missing(&format!("ForAnyValue:{operator}"), policy), "ForAnyValue:{operator}");
        assert!(
            missing(&format!("ForAnyValue:{operator}IfExists"), policy),
            "ForAnyValue:{operator}IfExists"
        );
    }
}

#[test]
fn if_exists_compares_a_key_that_is_there() {
    for (operator, policy, matching, other) in TABLE {
        let operator = format!("{operator}IfExists");
        assert!(compare(&operator, policy, matching), "{operator} {policy} {matching}");
        assert!(!compare(&operator, policy, other), "{operator} {policy} {other}");
    }
}

#[test]
fn null_asks_for_the_key_itself() {
    assert!(missing("Null", "true"));
    assert!(!missing("Null", r#""false""#));
    assert!(compare("Null", "false", "x"));
    assert!(!compare("Null", "true", "x"));
    assert!(many("Null", "true", &[]));
}

#[test]
fn for_all_values_wants_every_value_of_the_request() {
    let all = "ForAllValues:StringEquals";
    assert!(many(all, r#"["a","b"]"#, &["a", "b", "a"]));
    assert!(!many(all, r#"["a","b"]"#, &["a", "c"]));
    assert!(many(all, r#"["a"]"#, &[]));
    assert!(compare(all, r#""a""#, ""));
    assert!(!compare("ForAnyValue:StringEqualsIfExists", r#""""#, ""));
    assert!(many("ForAllValues:StringNotEquals", r#"["a","b"]"#, &["c", "d"]));
    assert!(!many("ForAllValues:StringNotEquals", r#"["a","b"]"#, &["c", "a"]));
    assert!(compare("ForAllValues:StringLike", r#""a*""#, "ab"));
}

#[test]
fn for_any_value_wants_one_value_of_the_request() {
    let any = "ForAnyValue:StringEquals";
    assert!(many(any, r#"["a","b"]"#, &["c", "b"]));
    assert!(!many(any, r#"["a","b"]"#, &["c", "d"]));
    assert!(!many(any, r#"["a"]"#, &[]));
    assert!(many("ForAnyValue:StringNotEquals", r#"["a","b"]"#, &["a", "c"]));
    assert!(!many("ForAnyValue:StringNotEquals", r#"["a","b"]"#, &["a", "b"]));
}

#[test]
fn several_values_without_a_set_operator_match_as_one() {
    assert!(many("StringEquals", r#""a""#, &["b", "a"]));
    assert!(!many("StringNotEquals", r#""a""#, &["b", "a"]));
}

#[test]
fn all_operators_and_all_keys_have_to_hold() {
    let two_keys = r#"{"StringEquals":{"x:a":"1","x:b":"2"}}"#;
    assert!(holds_with(two_keys, &[("x:a", "1"), ("x:b", "2")]));
    assert!(!holds_with(two_keys, &[("x:a", "1"), ("x:b", "1")]));
    let two_operators = r#"{"StringEquals":{"x:a":"1"},"StringLike":{"x:b":"2*"}}"#;
    assert!(holds_with(two_operators, &[("x:a", "1"), ("x:b", "22")]));
    assert!(!holds_with(two_operators, &[("x:a", "2"), ("x:b", "22")]));
    assert!(holds_with("{}", &[]));
    assert!(holds_with(r#"{"StringEquals":{}}"#, &[]));
    assert!(!holds_with(r#"{"StringEquals":{"x:a":[]}}"#, &[("x:a", "")]));
}

#[test]
fn names_of_keys_compare_without_case() {
    assert!(holds_with(r#"{"StringEquals":{"AWS:sourceVPC":"v"}}"#, &[("aws:SourceVpc", "v")]));
    assert!(holds_with(r#"{"StringEquals":{"aws:RequestTag/TEAM":"v"}}"#, &[("aws:RequestTag/team", "v")]));
    assert!(holds_with(r#"{"StringEquals":{"aws:principaltag/tEAM":"blue"}}"#, &[]));
}

/// Whether a condition of the queue's policy holds for a caller.
fn admitted(caller: &Caller, condition: &str) -> bool {
    let statement = to("Deny", r#""*""#).replace(r#""Resource":"*""#, &format!(r#""Condition":{condition}"#));
    Case::new(caller.clone()).resource(&statement).denied_by().is_some()
}

fn is(caller: &Caller, key: &str, value: &str) -> bool {
    admitted(caller, &format!(r#"{{"StringEquals":{{"aws:{key}":"{value}"}}}}"#))
}

fn has(caller: &Caller, key: &str) -> bool {
    admitted(caller, &format!(r#"{{"Null":{{"aws:{key}":"false"}}}}"#))
}

#[test]
fn keys_of_the_caller_follow_from_it() {
    assert!(is(&user(), "PrincipalArn", "arn:aws:iam::111122223333:user/ann"));
    assert!(is(&role(), "PrincipalArn", "arn:aws:iam::111122223333:role/apps/backend"));
    assert!(is(&root(), "PrincipalArn", "arn:aws:iam::111122223333:root"));
    assert!(is(&role(), "PrincipalAccount", "111122223333"));
    assert!(is(&Caller::Anonymous, "PrincipalAccount", "anonymous"));
    let kinds =
        [(user(), "User"), (role(), "AssumedRole"), (root(), "Account"), (Caller::Anonymous, "Anonymous")];
    for (caller, kind) in kinds {
        assert!(is(&caller, "PrincipalType", kind), "{kind}");
    }
    assert!(is(&user(), "username", "ann"));
    assert!(!has(&role(), "username") && !has(&root(), "username"));
    assert!(is(&user(), "userid", "AIDAEXAMPLEANN"));
    assert!(is(&role(), "userid", "AROAEXAMPLEBACK:web1"));
    assert!(is(&root(), "userid", "111122223333"));
    assert!(is(&user(), "PrincipalTag/Team", "blue"));
    assert!(!has(&user(), "PrincipalTag/Other"));
    assert!(is(&user(), "PrincipalIsAWSService", "false"));
    assert!(is(&service("s3.amazonaws.com"), "PrincipalIsAWSService", "true"));
    assert!(!has(&service("s3.amazonaws.com"), "PrincipalArn"));
    assert!(!has(&Caller::Anonymous, "PrincipalArn") && !has(&Caller::Anonymous, "PrincipalIsAWSService"));
    assert!(is(&role(), "TokenIssueTime", "2026-11-21T07:00:00Z"));
    assert!(!has(&user(), "TokenIssueTime"));
    assert!(!has(&role(), "MultiFactorAuthPresent"));
}

#[test]
fn no_request_sets_a_key_of_the_caller() {
    for key in ["aws:username", "aws:PrincipalArn", "aws:PrincipalTag/Rank", "aws:TokenIssueTime"] {
        let condition = format!(r#"{{"StringLike":{{"{key}":"*forged*"}}}}"#);
        assert!(!holds_with(&condition, &[(key, "forged")]), "{key}");
    }
}
