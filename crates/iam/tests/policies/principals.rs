//! Whom a resource's policy names.

use millpond_iam::caller::Caller;

use crate::cases::{Case, other, role, role_of, root, service, to, user, user_of};

const ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

fn admits(caller: Caller, principal: &str) -> bool {
    Case::new(caller).resource(&to("Allow", principal)).allowed()
}

fn denies(caller: Caller, principal: &str) -> bool {
    Case::new(caller).identity(ALL).resource(&to("Deny", principal)).denied_by().is_some()
}

/// A statement with `NotPrincipal`.
fn except(effect: &str, names: &str) -> String {
    to(effect, names).replace("Principal", "NotPrincipal")
}

#[test]
fn everyone_are_also_anonymous_callers_and_services() {
    for everyone in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["*"]}"#] {
        assert!(admits(Caller::Anonymous, everyone));
        assert!(admits(service("s3.amazonaws.com"), everyone));
        assert!(admits(user(), everyone));
        assert!(denies(root(), everyone));
    }
    assert!(!admits(Caller::Anonymous, r#"{"AWS":"111122223333"}"#));
    assert!(!Case::new(Caller::Anonymous).allowed());
}

#[test]
fn a_service_is_named_as_a_service() {
    let s3 = r#"{"Service":"s3.amazonaws.com"}"#;
    assert!(admits(service("s3.amazonaws.com"), s3));
    assert!(!admits(service("sns.amazonaws.com"), s3));
    assert!(!admits(user(), s3));
    assert!(admits(service("sns.amazonaws.com"), r#"{"Service":["s3.amazonaws.com","sns.amazonaws.com"]}"#));
}

#[test]
fn an_account_is_named_by_its_number_or_its_root() {
    for own in [r#"{"AWS":"111122223333"}"#, r#"{"AWS":"arn:aws:iam::111122223333:root"}"#] {
        assert!(denies(user(), own));
        assert!(denies(role(), own));
        assert!(denies(root(), own));
        assert!(!denies(user_of(other()), own));
        assert!(!denies(service("s3.amazonaws.com"), own));
    }
}

#[test]
fn a_role_is_named_with_its_path_and_its_session_without() {
    assert!(admits(role(), r#"{"AWS":"arn:aws:iam::111122223333:role/apps/backend"}"#));
    assert!(!admits(role(), r#"{"AWS":"arn:aws:iam::111122223333:role/backend"}"#));
    assert!(!admits(role(), r#"{"AWS":"arn:aws:iam::111122223333:user/apps/backend"}"#));
    assert!(admits(role(), r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/backend/web1"}"#));
    assert!(!admits(role(), r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/backend/web2"}"#));
}

#[test]
fn names_of_another_account_are_others() {
    let user_there = r#"{"AWS":"arn:aws:iam::444455556666:user/ann"}"#;
    assert!(!admits(user(), user_there));
    assert!(!denies(role_of(other()), user_there));
    assert!(denies(user_of(other()), user_there));
}

#[test]
fn unique_ids_name_one_identity_for_ever() {
    assert!(admits(user(), r#"{"AWS":"AIDAEXAMPLEANN"}"#));
    assert!(!admits(user(), r#"{"AWS":"AIDAEXAMPLEBOB"}"#));
    assert!(admits(role(), r#"{"AWS":"AROAEXAMPLEBACK"}"#));
    assert!(admits(role(), r#"{"AWS":"AROAEXAMPLEBACK:web1"}"#));
    assert!(!admits(role(), r#"{"AWS":"AROAEXAMPLEBACK:web2"}"#));
    assert!(!admits(role(), r#"{"AWS":"AIDAEXAMPLEBACK"}"#));
}

#[test]
fn foreign_principals_name_nobody_here() {
    for foreign in [r#"{"Federated":"accounts.google.com"}"#, r#"{"CanonicalUser":"79a59df900b949e55d96"}"#] {
        assert!(!admits(user(), foreign));
        assert!(!admits(Caller::Anonymous, foreign));
    }
}

#[test]
fn a_deny_to_all_others_spares_only_who_is_named_itself() {
    let ann = r#"{"AWS":["arn:aws:iam::111122223333:user/ann","111122223333"]}"#;
    let denied = |caller: Caller, names: &str| {
        Case::new(caller).identity(ALL).resource(&except("Deny", names)).denied_by().is_some()
    };
    assert!(!denied(user(), ann));
    assert!(!denied(root(), ann));
    assert!(denied(role(), ann));
    assert!(denied(role(), r#"{"AWS":"arn:aws:iam::111122223333:role/apps/backend"}"#));
    assert!(!denied(role(), r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/backend/web1"}"#));
    assert!(!denied(role(), r#"{"AWS":"*"}"#));
    assert!(denied(Caller::Anonymous, ann));
}

#[test]
fn a_deny_to_all_others_denies_whoever_has_a_boundary() {
    let names = r#"{"AWS":"arn:aws:iam::111122223333:user/ann"}"#;
    let case = || Case::new(user()).identity(ALL).resource(&except("Deny", names));
    assert!(case().allowed());
    assert!(case().boundary(ALL).denied_by().is_some());
}

#[test]
fn an_allow_to_all_others_leaves_out_whoever_is_named_in_any_way() {
    let allowed = |caller: Caller, names: &str| Case::new(caller).resource(&except("Allow", names)).allowed();
    assert!(!allowed(user(), r#"{"AWS":"111122223333"}"#));
    assert!(!allowed(role(), r#"{"AWS":"arn:aws:iam::111122223333:role/apps/backend"}"#));
    assert!(allowed(role(), r#"{"AWS":"arn:aws:iam::111122223333:user/ann"}"#));
    assert!(allowed(Caller::Anonymous, r#"{"AWS":"111122223333"}"#));
}
