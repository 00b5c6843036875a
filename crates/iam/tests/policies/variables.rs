//! Policy variables in resources and conditions.

use millpond_iam::facts::Given;
use millpond_iam::policy::{DocumentKind, Policy};

use crate::cases::{Case, holds, holds_with, role, user};

fn allows(resource: &str, asked: &str) -> bool {
    let mut case = Case::new(user())
        .identity(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":"{resource}"}}"#))
        .fact("x:star", "*")
        .fact("x:empty", "");
    case.resource = asked.to_owned();
    case.allowed()
}

#[test]
fn a_variable_stands_for_its_value() {
    assert!(allows("arn:aws:sqs:*:*:${aws:username}-*", "arn:aws:sqs:r:1:ann-jobs"));
    assert!(!allows("arn:aws:sqs:*:*:${aws:username}-*", "arn:aws:sqs:r:1:bob-jobs"));
    assert!(allows("arn:aws:sqs:*:${AWS:PrincipalAccount}:x", "arn:aws:sqs:r:111122223333:x"));
    assert!(allows("arn:aws:sqs:*:*:${aws:PrincipalTag/Team}", "arn:aws:sqs:r:1:blue"));
    assert!(allows("arn:aws:sqs:*:*:x${x:empty}y", "arn:aws:sqs:r:1:xy"));
}

#[test]
fn a_star_in_a_value_stands_for_itself() {
    assert!(allows("arn:aws:sqs:*:*:${x:star}", "arn:aws:sqs:r:1:*"));
    assert!(!allows("arn:aws:sqs:*:*:${x:star}", "arn:aws:sqs:r:1:jobs"));
}

#[test]
fn a_variable_without_value_matches_nothing_but_may_have_a_default() {
    assert!(!allows("arn:aws:sqs:*:*:${x:none}*", "arn:aws:sqs:r:1:jobs"));
    assert!(allows("arn:aws:sqs:*:*:${x:none, 'jobs'}", "arn:aws:sqs:r:1:jobs"));
    assert!(allows("arn:aws:sqs:*:*:${x:none,'a*'}", "arn:aws:sqs:r:1:a*"));
    assert!(!allows("arn:aws:sqs:*:*:${x:none,'a*'}", "arn:aws:sqs:r:1:ab"));
    assert!(allows("arn:aws:sqs:*:*:${aws:username, 'jobs'}", "arn:aws:sqs:r:1:ann"));
}

#[test]
fn escapes_stand_for_the_character() {
    assert!(allows("arn:aws:sqs:*:*:a${*}${?}${$}", "arn:aws:sqs:r:1:a*?$"));
    assert!(!allows("arn:aws:sqs:*:*:a${*}", "arn:aws:sqs:r:1:abc"));
    assert!(holds_with(r#"{"StringEquals":{"x:k":"${*}"}}"#, &[("x:k", "*")]));
}

#[test]
fn conditions_take_variables_in_texts_and_arns() {
    let own = r#"{"StringEquals":{"aws:ResourceTag/Owner":"${aws:username}"}}"#;
    assert!(holds_with(own, &[("aws:ResourceTag/Owner", "ann")]));
    assert!(!holds_with(own, &[("aws:ResourceTag/Owner", "bob")]));
    let arn = r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::${aws:username}-*"}}"#;
    assert!(holds_with(arn, &[("aws:SourceArn", "arn:aws:s3:::ann-files")]));
    let whole = r#"{"ArnEquals":{"aws:SourceArn":"${aws:PrincipalArn}"}}"#;
    assert!(holds_with(whole, &[("aws:SourceArn", "arn:aws:iam::111122223333:user/ann")]));
    assert!(holds_with(r#"{"Bool":{"x:k":"${x:wanted}"}}"#, &[("x:k", "true"), ("x:wanted", "true")]));
}

#[test]
fn a_key_with_several_values_has_no_text() {
    let mut given = Given::default();
    given.put_many("x:many", vec!["a".to_owned()]);
    given.put("x:k", "a");
    assert!(!holds(&user(), r#"{"StringEquals":{"x:k":"${x:many}"}}"#, &given));
}

#[test]
fn the_older_version_has_no_variables() {
    let old = |version: &str| {
        let statement = r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:sqs:*:*:${aws:username}"}"#;
        let text = format!(r#"{{{version}"Statement":{statement}}}"#);
        let policy = Policy::parse(&text, DocumentKind::Identity).expect("a policy");
        let mut case = Case::new(user()).identity(statement);
        case.policies.identity[0].policy = std::sync::Arc::new(policy);
        ["arn:aws:sqs:r:1:ann", "arn:aws:sqs:r:1:${aws:username}"].map(|asked| {
            case.resource = asked.to_owned();
            case.allowed()
        })
    };
    assert_eq!(old(r#""Version":"2012-10-17","#), [true, false]);
    assert_eq!(old(r#""Version":"2008-10-17","#), [false, true]);
    assert_eq!(old(""), [false, true]);
}

#[test]
fn a_variable_without_value_never_opens_what_is_not_named() {
    let statement = |effect: &str| {
        format!(r#"{{"Effect":"{effect}","Action":"*","NotResource":"arn:aws:sqs:*:*:${{aws:username}}"}}"#)
    };
    assert!(!Case::new(role()).identity(&statement("Allow")).allowed());
    assert!(Case::new(user()).identity(&statement("Allow")).allowed());
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    assert!(Case::new(role()).identity(all).identity(&statement("Deny")).denied_by().is_some());
}

#[test]
fn a_variable_without_value_never_opens_what_a_negated_condition_closes() {
    let statement = |effect: &str, operator: &str, value: &str| {
        format!(
            r#"{{"Effect":"{effect}","Action":"*","Resource":"*","Condition":{{"{operator}":{{"x:k":"{value}"}}}}}}"#
        )
    };
    let case = |statement: &str| Case::new(role()).identity(statement).fact("x:k", "arn:aws:s3:::v");
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    for (operator, value) in [("StringNotEquals", "${x:none}"), ("ArnNotLike", "arn:aws:s3:::${x:none}")] {
        assert!(!case(&statement("Allow", operator, value)).allowed(), "{operator}");
        let deny = statement("Deny", operator, value);
        assert!(case(all).identity(&deny).denied_by().is_some(), "{operator}");
    }
}
