//! What the caller of each action must be allowed, on which ARN, and what policies may ask about the request.

use std::collections::BTreeSet;

use millpond_iam::api::Authorisation;
use millpond_iam::api::catalogue::{ACTIONS, ResourceKind};
use millpond_iam::facts::{Facts, Value};

use crate::scene::{Scene, TRUST, account, inner};

/// An action, its parameters, and the resource that it is authorised on.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

fn scene() -> Scene {
    let mut scene = Scene::new();
    let boundary = scene.create_policy("B");
    scene.ok(
        "CreateUser",
        &[
            ("UserName", "alice"),
            ("Path", "/staff/"),
            ("PermissionsBoundary", &boundary),
            ("Tags.member.1.Key", "Team"),
            ("Tags.member.1.Value", "a"),
        ],
    );
    scene.ok("CreateRole", &[("RoleName", "r"), ("Path", "/app/"), ("AssumeRolePolicyDocument", TRUST)]);
    scene
}

fn fact(one: &Authorisation, key: &str) -> Option<String> {
    one.facts.value(key).map(|value| match value {
        Value::One(text) => text.into_owned(),
        Value::Many(all) => all.join(","),
    })
}

#[track_caller]
fn on(scene: &Scene, action: &str, parameters: &[(&str, &str)]) -> (String, String) {
    let all = scene.authorisations(action, parameters);
    assert_eq!(all.len(), 1, "{action}");
    assert_eq!(all[0].resource_account, account());
    (all[0].action.to_string(), all[0].resource.clone())
}

#[test]
fn resources_are_arns_with_their_paths() {
    let scene = scene();
    let alice = "arn:aws:iam::111122223333:user/staff/alice";
    let role = "arn:aws:iam::111122223333:role/app/r";
    let policy = "arn:aws:iam::111122223333:policy/B";
    let cases: &[Case<'_>] = &[
        ("GetUser", &[("UserName", "alice")], alice),
        ("DeleteUser", &[("UserName", "nobody")], "arn:aws:iam::111122223333:user/nobody"),
        ("CreateUser", &[("UserName", "bob"), ("Path", "/x/")], "arn:aws:iam::111122223333:user/x/bob"),
        ("CreateAccessKey", &[("UserName", "alice")], alice),
        ("ListGroupsForUser", &[("UserName", "alice")], alice),
        ("GetRole", &[("RoleName", "r")], role),
        ("UpdateAssumeRolePolicy", &[("RoleName", "r"), ("PolicyDocument", TRUST)], role),
        ("GetPolicy", &[("PolicyArn", policy)], policy),
        (
            "CreatePolicy",
            &[("PolicyName", "P"), ("PolicyDocument", TRUST)],
            "arn:aws:iam::111122223333:policy/P",
        ),
        ("ListUsers", &[], "*"),
        ("ListRoles", &[], "*"),
        ("ListPolicies", &[], "*"),
        ("GetAccountSummary", &[], "*"),
        ("GetUser", &[], "arn:aws:iam::111122223333:root"),
    ];
    for (action, parameters, resource) in cases {
        assert_eq!(on(&scene, action, parameters), (format!("iam:{action}"), (*resource).to_owned()));
    }
}

#[test]
fn a_user_without_a_name_is_the_caller() {
    let mut scene = scene();
    let id = inner(&scene.ok("CreateAccessKey", &[("UserName", "alice")]), "AccessKeyId");
    scene.caller = scene.identities.user(account(), "alice").unwrap().caller(None);
    let alice = "arn:aws:iam::111122223333:user/staff/alice".to_owned();
    assert_eq!(on(&scene, "CreateAccessKey", &[]).1, alice);
    assert_eq!(on(&scene, "GetAccessKeyLastUsed", &[("AccessKeyId", &id)]).1, alice);
    assert_eq!(on(&scene, "GetAccessKeyLastUsed", &[("AccessKeyId", "AKIAIOSFODNN7EXAMPLE")]).1, "*");
}

#[test]
fn policies_can_ask_what_is_attached_and_what_bounds() {
    let scene = scene();
    let arn = "arn:aws:iam::aws:policy/AmazonSQSFullAccess";
    let attach = scene.authorisations("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", arn)]);
    assert_eq!(fact(&attach[0], "iam:policyarn").as_deref(), Some(arn));
    let bounds = "arn:aws:iam::111122223333:policy/B";
    assert_eq!(fact(&attach[0], "iam:permissionsboundary").as_deref(), Some(bounds));
    let put = [("UserName", "alice"), ("PermissionsBoundary", arn)];
    let put = scene.authorisations("PutUserPermissionsBoundary", &put);
    assert_eq!(fact(&put[0], "iam:permissionsboundary").as_deref(), Some(arn));
    let create = scene.authorisations("CreateUser", &[("UserName", "bob")]);
    assert_eq!(fact(&create[0], "iam:permissionsboundary"), None);
}

#[test]
fn policies_can_ask_for_tags_of_request_and_resource() {
    let scene = scene();
    let tags = [
        ("Tags.member.1.Key", "Env"),
        ("Tags.member.1.Value", "x"),
        ("Tags.member.2.Key", "B"),
        ("Tags.member.2.Value", ""),
    ];
    let [one, two, three, four] = tags;
    let tag = scene.authorisations("TagUser", &[("UserName", "alice"), one, two, three, four]);
    assert_eq!(fact(&tag[0], "aws:requesttag/env").as_deref(), Some("x"));
    assert_eq!(fact(&tag[0], "aws:tagkeys").as_deref(), Some("Env,B"));
    assert_eq!(fact(&tag[0], "aws:resourcetag/team").as_deref(), Some("a"));
    assert_eq!(fact(&tag[0], "iam:resourcetag/team").as_deref(), Some("a"));
    let untag = scene.authorisations("UntagUser", &[("UserName", "alice"), ("TagKeys.member.1", "Team")]);
    assert_eq!(fact(&untag[0], "aws:tagkeys").as_deref(), Some("Team"));
    assert_eq!(fact(&untag[0], "aws:requesttag/team"), None);
    let get = scene.authorisations("GetUser", &[("UserName", "alice")]);
    assert_eq!(fact(&get[0], "aws:tagkeys"), None);
}

#[test]
fn creating_with_tags_needs_the_permission_to_tag() {
    let scene = scene();
    let tag = [("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")];
    let actions = |action: &str, parameters: &[(&str, &str)]| -> Vec<String> {
        let parameters: Vec<_> = parameters.iter().chain(&tag).copied().collect();
        scene.authorisations(action, &parameters).iter().map(|one| one.action.to_string()).collect()
    };
    assert_eq!(actions("CreateUser", &[("UserName", "b")]), ["iam:CreateUser", "iam:TagUser"]);
    let role = [("RoleName", "b"), ("AssumeRolePolicyDocument", TRUST)];
    assert_eq!(actions("CreateRole", &role), ["iam:CreateRole", "iam:TagRole"]);
    let policy = [("PolicyName", "b"), ("PolicyDocument", TRUST)];
    assert_eq!(actions("CreatePolicy", &policy), ["iam:CreatePolicy", "iam:TagPolicy"]);
}

#[test]
fn renaming_needs_the_permission_on_both_names() {
    let scene = scene();
    let all = scene.authorisations("UpdateUser", &[("UserName", "alice"), ("NewUserName", "bob")]);
    let resources: Vec<_> = all.iter().map(|one| one.resource.as_str()).collect();
    let expected = ["arn:aws:iam::111122223333:user/staff/alice", "arn:aws:iam::111122223333:user/staff/bob"];
    assert_eq!(resources, expected);
}

#[test]
fn a_policy_of_another_account_belongs_to_it() {
    let scene = scene();
    let arn = "arn:aws:iam::444455556666:policy/P";
    let all = scene.authorisations("GetPolicy", &[("PolicyArn", arn)]);
    assert_eq!(all[0].resource_account.to_string(), "444455556666");
    let arn = "arn:aws:iam::aws:policy/AmazonSQSFullAccess";
    assert_eq!(scene.authorisations("GetPolicy", &[("PolicyArn", arn)])[0].resource_account, account());
}

#[test]
fn the_catalogue_is_in_order_and_says_what_changes() {
    let names: Vec<_> = ACTIONS.iter().map(|action| action.name).collect();
    let sorted: BTreeSet<_> = names.iter().copied().collect();
    assert_eq!(names, sorted.into_iter().collect::<Vec<_>>());
    for action in ACTIONS {
        assert_eq!(action.iam_action, format!("iam:{}", action.name));
        let reads = action.name.starts_with("Get") || action.name.starts_with("List");
        assert_eq!(action.is_change, !reads, "{action:?}");
        let kind = match action.resource {
            ResourceKind::User => action.name.contains("User") || action.name.contains("AccessKey"),
            ResourceKind::Role => action.name.contains("Role"),
            ResourceKind::Policy => action.name.contains("Policy"),
            ResourceKind::Everything => action.name.contains("Account") || action.name.starts_with("List"),
        };
        assert!(kind, "{action:?}");
    }
}

#[test]
fn the_documents_name_every_action() {
    let page = include_str!("../../../../docs/iam.md");
    let (_, from) = page.split_once("## Actions").unwrap();
    let (section, _) = from.split_once("## Authorisation").unwrap();
    let named: BTreeSet<_> =
        section.split('`').filter(|text| text.chars().all(char::is_alphabetic)).collect();
    for action in ACTIONS {
        assert!(named.contains(action.name), "{action:?} is not on the page");
    }
    let known = |name: &&str| ACTIONS.iter().any(|action| action.name == *name) || *name == "InvalidAction";
    assert_eq!(named.iter().filter(|name| !name.is_empty() && !known(name)).count(), 0, "{named:?}");
}
