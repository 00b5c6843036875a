//! Who wins: deny, union in an account, both sides across accounts, boundaries, sessions, trust policies.

use millpond_iam::caller::Caller;
use millpond_iam::evaluate::{Decision, Denial, PolicyKind};

use crate::cases::{Case, other, role, role_of, root, sending, to, user, user_of};

const ROOT: &str = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
const USER: &str = r#"{"AWS":"arn:aws:iam::111122223333:user/ann"}"#;
const ROLE: &str = r#"{"AWS":"arn:aws:iam::111122223333:role/apps/backend"}"#;
const SESSION: &str = r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/backend/web1"}"#;
const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const NOTHING: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;

#[test]
fn what_no_policy_allows_is_denied() {
    assert_eq!(Case::new(user()).missing(), Some(PolicyKind::Identity));
    assert_eq!(Case::new(user()).identity(NOTHING).missing(), Some(PolicyKind::Identity));
    assert!(Case::new(user()).identity(NOTHING).identity(&sending("Allow")).allowed());
}

#[test]
fn the_decision_names_the_statement() {
    let statements =
        format!(r#"{NOTHING},{{"Sid":"Send","Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#);
    let Decision::Allowed(by) = Case::new(user()).identity(NOTHING).identity(&statements).decide() else {
        panic!("denied")
    };
    let [by] = by.as_slice() else { panic!("{by:?}") };
    assert_eq!((&*by.policy, by.sid.as_deref(), by.index), ("identity1", Some("Send"), 1));
}

#[test]
fn a_deny_in_any_policy_wins() {
    let allowed = || Case::new(user()).identity(ALL).boundary(ALL).session(ALL).resource(&to("Allow", USER));
    assert!(allowed().allowed());
    let deny = sending("Deny");
    let both = format!("{ALL},{deny}");
    let of = |case: Case| case.denied_by();
    assert_eq!(of(allowed().identity(&deny)), Some(PolicyKind::Identity));
    assert_eq!(of(allowed().boundary(&both)), Some(PolicyKind::Boundary));
    assert_eq!(of(allowed().session(&deny)), Some(PolicyKind::Session));
    let queue = format!("{},{}", to("Allow", USER), to("Deny", r#""*""#));
    assert_eq!(of(allowed().resource(&queue)), Some(PolicyKind::Resource));
}

#[test]
fn the_root_may_everything_in_its_account_but_what_is_denied() {
    assert_eq!(Case::new(root()).decide(), Decision::Allowed(Vec::new()));
    let denied = Case::new(root()).resource(&to("Deny", r#""*""#));
    assert_eq!(denied.denied_by(), Some(PolicyKind::Resource));
    let stranger = || Case::new(Caller::Root { account: other() });
    assert_eq!(stranger().missing(), Some(PolicyKind::Resource));
    assert!(stranger().resource(&to("Allow", r#"{"AWS":"444455556666"}"#)).allowed());
}

#[test]
fn in_one_account_the_resources_policy_suffices_when_it_names_the_caller() {
    assert!(Case::new(user()).resource(&to("Allow", USER)).allowed());
    assert!(Case::new(user()).resource(&to("Allow", r#""*""#)).allowed());
    assert!(Case::new(role()).resource(&to("Allow", ROLE)).allowed());
    assert!(Case::new(role()).resource(&to("Allow", SESSION)).allowed());
    assert_eq!(Case::new(role()).resource(&to("Allow", USER)).missing(), Some(PolicyKind::Identity));
}

#[test]
fn an_account_as_principal_leaves_it_to_the_accounts_policies() {
    let delegated = || Case::new(user()).resource(&to("Allow", ROOT));
    assert_eq!(delegated().missing(), Some(PolicyKind::Identity));
    assert!(delegated().identity(&sending("Allow")).allowed());
}

#[test]
fn across_accounts_both_sides_have_to_allow() {
    let queue = to("Allow", r#"{"AWS":"444455556666"}"#);
    let stranger = || Case::new(user_of(other()));
    assert_eq!(stranger().missing(), Some(PolicyKind::Identity));
    assert_eq!(stranger().resource(&queue).missing(), Some(PolicyKind::Identity));
    assert_eq!(stranger().identity(ALL).missing(), Some(PolicyKind::Resource));
    assert!(stranger().identity(ALL).resource(&queue).allowed());
    let everyone = to("Allow", r#""*""#);
    assert_eq!(stranger().resource(&everyone).missing(), Some(PolicyKind::Identity));
    let named = to("Allow", r#"{"AWS":"arn:aws:iam::444455556666:user/ann"}"#);
    assert_eq!(stranger().resource(&named).missing(), Some(PolicyKind::Identity));
}

#[test]
fn across_accounts_boundary_and_session_limit_the_callers_side() {
    let session = r#"{"AWS":"arn:aws:sts::444455556666:assumed-role/backend/web1"}"#;
    let stranger = || Case::new(role_of(other())).identity(ALL).resource(&to("Allow", session));
    assert!(stranger().allowed());
    assert_eq!(stranger().boundary(NOTHING).missing(), Some(PolicyKind::Boundary));
    assert_eq!(stranger().session(NOTHING).missing(), Some(PolicyKind::Session));
}

#[test]
fn a_boundary_grants_nothing_and_limits_what_identity_policies_grant() {
    assert_eq!(Case::new(user()).boundary(ALL).missing(), Some(PolicyKind::Identity));
    assert!(Case::new(user()).identity(ALL).boundary(&sending("Allow")).allowed());
    assert_eq!(Case::new(user()).identity(ALL).boundary(NOTHING).missing(), Some(PolicyKind::Boundary));
}

#[test]
fn session_policies_limit_and_any_of_them_may_allow() {
    assert_eq!(Case::new(role()).session(ALL).missing(), Some(PolicyKind::Identity));
    assert_eq!(Case::new(role()).identity(ALL).session(NOTHING).missing(), Some(PolicyKind::Session));
    assert!(Case::new(role()).identity(ALL).session(NOTHING).session(&sending("Allow")).allowed());
}

#[test]
fn a_resources_policy_that_names_user_or_session_is_not_limited() {
    assert!(Case::new(user()).boundary(NOTHING).resource(&to("Allow", USER)).allowed());
    let direct = Case::new(role()).boundary(NOTHING).session(NOTHING).resource(&to("Allow", SESSION));
    assert!(direct.allowed());
}

#[test]
fn a_resources_policy_that_names_the_role_is_limited() {
    let queue = to("Allow", ROLE);
    let limited = || Case::new(role()).resource(&queue);
    assert_eq!(limited().boundary(NOTHING).missing(), Some(PolicyKind::Boundary));
    assert_eq!(limited().session(NOTHING).missing(), Some(PolicyKind::Session));
    assert!(limited().boundary(ALL).session(ALL).allowed());
}

#[test]
fn a_resources_policy_that_names_everyone_is_not_limited() {
    let queue = to("Allow", r#""*""#);
    assert!(Case::new(role()).boundary(NOTHING).session(NOTHING).resource(&queue).allowed());
}

#[test]
fn the_statement_that_names_the_caller_most_counts() {
    let queue = format!("{},{},{}", to("Allow", ROOT), to("Allow", ROLE), to("Allow", SESSION));
    let Decision::Allowed(by) = Case::new(role()).boundary(NOTHING).resource(&queue).decide() else {
        panic!("denied")
    };
    assert_eq!(by[0].index, 2);
}

#[test]
fn a_role_is_assumed_only_by_whom_its_trust_policy_admits() {
    let assume = r#""Action":"sts:AssumeRole""#;
    let trust = |principal: &str| format!(r#"{{"Effect":"Allow","Principal":{principal},{assume}}}"#);
    assert!(Case::new(user()).trust(&trust(USER)).allowed());
    assert_eq!(Case::new(user()).trust(&trust(ROOT)).missing(), Some(PolicyKind::Identity));
    assert!(Case::new(user()).identity(ALL).trust(&trust(ROOT)).allowed());
    assert_eq!(Case::new(user()).identity(ALL).trust(&trust(ROLE)).missing(), Some(PolicyKind::Resource));
    assert_eq!(Case::new(root()).trust(&trust(ROLE)).missing(), Some(PolicyKind::Resource));
    let cross = trust(r#"{"AWS":"arn:aws:iam::444455556666:user/ann"}"#);
    assert_eq!(Case::new(user_of(other())).trust(&cross).missing(), Some(PolicyKind::Identity));
    assert!(Case::new(user_of(other())).identity(ALL).trust(&cross).allowed());
}

#[test]
fn a_role_that_is_assumed_by_way_of_its_account_names_both_policies() {
    let trust = format!(r#"{{"Effect":"Allow","Principal":{ROOT},"Action":"sts:AssumeRole"}}"#);
    let Decision::Allowed(by) = Case::new(user()).identity(ALL).trust(&trust).decide() else {
        panic!("denied")
    };
    let kinds: Vec<_> = by.iter().map(|by| by.kind).collect();
    assert_eq!(kinds, [PolicyKind::Identity, PolicyKind::Resource]);
}

#[test]
fn a_role_without_trust_policy_is_assumed_by_nobody() {
    let mut case = Case::new(user())
        .identity(ALL)
        .trust(&format!(r#"{{"Effect":"Allow","Principal":{USER},"Action":"sts:AssumeRole"}}"#));
    assert!(case.allowed());
    case.policies.resource = None;
    assert_eq!(case.missing(), Some(PolicyKind::Resource));
}

#[test]
fn actions_are_compared_without_case_and_resources_with_it() {
    let allows = |action: &str, resource: &str| {
        let statement = format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#);
        Case::new(user()).identity(&statement).allowed()
    };
    for action in ["SQS:sendmessage", "sqs:Send*", "sqs:*", "sqs:?endMessage", "*", "sqs:S*d*e"] {
        assert!(allows(action, "*"), "{action}");
    }
    for action in ["sqs:Send", "sqs:SendMessage?", "sns:*", "sqs:*Batch"] {
        assert!(!allows(action, "*"), "{action}");
    }
    for resource in [
        "arn:aws:sqs:eu-west-1:111122223333:orders",
        "arn:aws:sqs:*:111122223333:orders",
        "arn:aws:sqs:*",
        "arn:aws:sqs:eu-west-1:111122223333:ord???",
        "arn:*:sqs:*:*:o*s",
    ] {
        assert!(allows("sqs:*", resource), "{resource}");
    }
    for resource in [
        "arn:aws:sqs:eu-west-1:111122223333:Orders",
        "arn:aws:sqs:eu-west-1:111122223333:order",
        "arn:aws:sqs:eu-west-1:444455556666:*",
        "arn:aws:sqs:eu-west-1:111122223333:orders?",
    ] {
        assert!(!allows("sqs:*", resource), "{resource}");
    }
}

#[test]
fn not_action_and_not_resource_apply_to_all_others() {
    let deny = |action: &str, resource: &str| {
        let statement = format!(r#"{{"Effect":"Deny",{action},{resource}}}"#);
        Case::new(user()).identity(ALL).identity(&statement).denied_by().is_some()
    };
    assert!(deny(r#""NotAction":"sqs:ReceiveMessage""#, r#""Resource":"*""#));
    assert!(!deny(r#""NotAction":["sqs:Send*","sqs:ReceiveMessage"]"#, r#""Resource":"*""#));
    assert!(deny(r#""Action":"*""#, r#""NotResource":"arn:aws:sqs:*:*:invoices""#));
    assert!(!deny(
        r#""Action":"*""#,
        r#""NotResource":["arn:aws:sqs:*:*:invoices","arn:aws:sqs:*:*:orders"]"#
    ));
}

#[test]
fn an_explicit_deny_is_reported_before_a_missing_allow() {
    let case = Case::new(user_of(other())).identity(&sending("Deny"));
    assert!(matches!(case.decide(), Decision::Denied(Denial::Explicit(_))));
}
