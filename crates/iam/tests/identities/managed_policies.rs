//! Managed policies: made, versioned, attached, bounding, listed, deleted; those of AWS too.

use crate::scene::{ALLOW_SEND, Scene, account, all, inner};

const ALLOW_RECEIVE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:ReceiveMessage","Resource":"*"}]}"#;
const SQS: &str = "arn:aws:iam::aws:policy/AmazonSQSFullAccess";

#[test]
fn a_policy_is_shown_as_each_action_shows_it() {
    let mut scene = Scene::new();
    let parameters =
        [("PolicyName", "Send"), ("Path", "/q/"), ("PolicyDocument", ALLOW_SEND), ("Description", "sends")];
    let made = scene.ok("CreatePolicy", &parameters);
    let id = inner(&made, "PolicyId");
    assert!(id.len() == 21 && id.starts_with("ANPA"), "{id}");
    let start = format!(
        "<PolicyName>Send</PolicyName><PolicyId>{id}</PolicyId><Arn>arn:aws:iam::111122223333:policy/q/Send</Arn>\
         <Path>/q/</Path><DefaultVersionId>v1</DefaultVersionId><AttachmentCount>0</AttachmentCount>\
         <PermissionsBoundaryUsageCount>0</PermissionsBoundaryUsageCount><IsAttachable>true</IsAttachable>"
    );
    let dates = "<CreateDate>2026-11-18T11:06:40Z</CreateDate><UpdateDate>2026-11-18T11:06:40Z</UpdateDate>";
    assert_eq!(made, format!("<Policy>{start}{dates}</Policy>"));
    let arn = "arn:aws:iam::111122223333:policy/q/Send";
    let read = scene.ok("GetPolicy", &[("PolicyArn", arn)]);
    assert_eq!(read, format!("<Policy>{start}<Description>sends</Description>{dates}<Tags/></Policy>"));
    let listed = scene.ok("ListPolicies", &[("Scope", "Local")]);
    assert_eq!(inner(&listed, "member"), format!("{start}{dates}"));
    let again = [("PolicyName", "send"), ("PolicyDocument", ALLOW_SEND)];
    let text = "A policy called send already exists. Duplicate names are not allowed.".to_owned();
    assert_eq!(scene.refused("CreatePolicy", &again), (409, "EntityAlreadyExists", text));
    assert!(scene.identities.managed_policy(arn).is_some());
    assert!(scene.identities.managed_policy("arn:aws:iam::111122223333:policy/Send").is_none());
}

fn version_ids(scene: &mut Scene, arn: &str) -> Vec<String> {
    all(&scene.ok("ListPolicyVersions", &[("PolicyArn", arn)]), "VersionId")
}

#[test]
fn versions_come_go_and_count() {
    let mut scene = Scene::new();
    let arn = scene.create_policy("P");
    let create = [("PolicyArn", arn.as_str()), ("PolicyDocument", ALLOW_RECEIVE)];
    for number in 2..=5 {
        let made = scene.ok("CreatePolicyVersion", &create);
        assert_eq!(inner(&made, "VersionId"), format!("v{number}"));
        assert_eq!(inner(&made, "IsDefaultVersion"), "false");
        assert!(!made.contains("Document"));
    }
    let text = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing \
                version."
        .to_owned();
    assert_eq!(scene.refused("CreatePolicyVersion", &create), (409, "LimitExceeded", text));
    assert_eq!(version_ids(&mut scene, &arn), ["v5", "v4", "v3", "v2", "v1"]);
    scene.ok("SetDefaultPolicyVersion", &[("PolicyArn", &arn), ("VersionId", "v4")]);
    let text = "Cannot delete the default version of a policy.".to_owned();
    let default = [("PolicyArn", arn.as_str()), ("VersionId", "v4")];
    assert_eq!(scene.refused("DeletePolicyVersion", &default), (409, "DeleteConflict", text));
    for version in ["v1", "v5"] {
        scene.ok("DeletePolicyVersion", &[("PolicyArn", &arn), ("VersionId", version)]);
    }
    // A number is never given again.
    let made = scene.ok("CreatePolicyVersion", &[create[0], create[1], ("SetAsDefault", "true")]);
    assert_eq!((inner(&made, "VersionId"), inner(&made, "IsDefaultVersion")), ("v6".into(), "true".into()));
    assert_eq!(version_ids(&mut scene, &arn), ["v6", "v4", "v3", "v2"]);
    let read = scene.ok("GetPolicyVersion", &[("PolicyArn", &arn), ("VersionId", "v6")]);
    assert!(inner(&read, "Document").contains("sqs%3AReceiveMessage"));
    assert_eq!(inner(&scene.ok("GetPolicy", &[("PolicyArn", &arn)]), "DefaultVersionId"), "v6");

    let none = "arn:aws:iam::111122223333:policy/None";
    for (arn, version) in [(none, "v1"), (&arn, "v9")] {
        let text = format!("Policy {arn} version {version} does not exist or is not attachable.");
        for action in ["GetPolicyVersion", "DeletePolicyVersion", "SetDefaultPolicyVersion"] {
            let refused = scene.refused(action, &[("PolicyArn", arn), ("VersionId", version)]);
            assert_eq!(refused, (404, "NoSuchEntity", text.clone()), "{action}");
        }
    }
}

#[test]
fn the_default_version_counts_for_all_it_is_attached_to() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    scene.create_role("r");
    let arn = scene.create_policy("P");
    scene.ok("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &arn)]);
    scene.ok("PutRolePermissionsBoundary", &[("RoleName", "r"), ("PermissionsBoundary", &arn)]);
    let both = |scene: &Scene| {
        let user = scene.identities.user(account(), "alice").unwrap().caller(None);
        let role = scene.identities.role(account(), "r").unwrap().caller("s", 0);
        let (user, role) = (scene.identities.policies(&user), scene.identities.policies(&role));
        let shown = |attached: &millpond_iam::evaluate::Attached| format!("{:?}", attached.policy);
        (shown(&user.identity[0]), shown(role.boundary.as_ref().unwrap()))
    };
    let before = both(&scene);
    assert_eq!(before.0, before.1);
    scene.ok("CreatePolicyVersion", &[("PolicyArn", &arn), ("PolicyDocument", ALLOW_RECEIVE)]);
    assert_eq!(both(&scene), before);
    scene.ok("SetDefaultPolicyVersion", &[("PolicyArn", &arn), ("VersionId", "v2")]);
    let after = both(&scene);
    assert!(after.0 != before.0 && after.0 == after.1);
}

#[test]
fn a_policy_that_is_used_stays() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    scene.create_role("r");
    let arn = scene.create_policy("P");
    scene.ok("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &arn)]);
    scene.ok("PutRolePermissionsBoundary", &[("RoleName", "r"), ("PermissionsBoundary", &arn)]);
    let read = scene.ok("GetPolicy", &[("PolicyArn", &arn)]);
    assert_eq!(inner(&read, "AttachmentCount"), "1");
    assert_eq!(inner(&read, "PermissionsBoundaryUsageCount"), "1");
    let entities = scene.ok("ListEntitiesForPolicy", &[("PolicyArn", &arn)]);
    assert_eq!((inner(&entities, "UserName"), inner(&entities, "RoleName")), ("alice".into(), "r".into()));
    assert!(entities.contains("<PolicyGroups/>"));
    let users = scene.ok("ListEntitiesForPolicy", &[("PolicyArn", &arn), ("EntityFilter", "User")]);
    assert!(users.contains("alice") && users.contains("<PolicyRoles/>"));
    let filter = [("PolicyArn", arn.as_str()), ("PolicyUsageFilter", "PermissionsBoundary")];
    let bounded = scene.ok("ListEntitiesForPolicy", &filter);
    assert!(bounded.contains("<PolicyUsers/>") && bounded.contains("<RoleName>r</RoleName>"));

    let attached = (409, "DeleteConflict", "Cannot delete a policy attached to entities.".to_owned());
    assert_eq!(scene.refused("DeletePolicy", &[("PolicyArn", &arn)]), attached);
    scene.ok("DetachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &arn)]);
    assert_eq!(scene.refused("DeletePolicy", &[("PolicyArn", &arn)]), attached);
    scene.ok("DeleteRolePermissionsBoundary", &[("RoleName", "r")]);
    scene.ok("CreatePolicyVersion", &[("PolicyArn", &arn), ("PolicyDocument", ALLOW_RECEIVE)]);
    let text = "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
                The default version is deleted with the policy."
        .to_owned();
    assert_eq!(scene.refused("DeletePolicy", &[("PolicyArn", &arn)]), (409, "DeleteConflict", text));
    scene.ok("DeletePolicyVersion", &[("PolicyArn", &arn), ("VersionId", "v2")]);
    scene.ok("DeletePolicy", &[("PolicyArn", &arn)]);
    let gone = (404, "NoSuchEntity", format!("Policy {arn} was not found."));
    for action in
        ["GetPolicy", "DeletePolicy", "ListPolicyVersions", "ListPolicyTags", "ListEntitiesForPolicy"]
    {
        assert_eq!(scene.refused(action, &[("PolicyArn", &arn)]), gone, "{action}");
    }
}

#[test]
fn attaching_is_refused_as_aws_refuses_it_and_is_idempotent() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let arn = scene.create_policy("P");
    let none = "arn:aws:iam::111122223333:policy/nonexistent";
    let text = format!("Policy {none} does not exist or is not attachable.");
    let refused = scene.refused("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", none)]);
    assert_eq!(refused, (404, "NoSuchEntity", text));
    let text = "ARN longpolicynamebutnoarn is not valid.".to_owned();
    let malformed = [("UserName", "alice"), ("PolicyArn", "longpolicynamebutnoarn")];
    assert_eq!(scene.refused("AttachUserPolicy", &malformed), (400, "ValidationError", text));
    let text = format!("Policy {arn} was not found.");
    let attach = [("UserName", "alice"), ("PolicyArn", arn.as_str())];
    assert_eq!(scene.refused("DetachUserPolicy", &attach), (404, "NoSuchEntity", text));
    scene.ok("AttachUserPolicy", &attach);
    let written = scene.written.len();
    scene.ok("AttachUserPolicy", &attach);
    assert_eq!(scene.written.len(), written);
    for number in 2..=10 {
        let arn = scene.create_policy(&format!("P{number}"));
        scene.ok("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &arn)]);
    }
    let text = "Cannot exceed quota for PoliciesPerUser: 10".to_owned();
    let refused = scene.refused("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", SQS)]);
    assert_eq!(refused, (409, "LimitExceeded", text));
}

#[test]
fn policies_of_aws_are_there_for_everyone_and_nobody_changes_them() {
    let mut scene = Scene::new();
    scene.create_role("r");
    scene.ok("AttachRolePolicy", &[("RoleName", "r"), ("PolicyArn", SQS)]);
    let listed = scene.ok("ListAttachedRolePolicies", &[("RoleName", "r")]);
    let expected = format!("<PolicyName>AmazonSQSFullAccess</PolicyName><PolicyArn>{SQS}</PolicyArn>");
    assert_eq!(inner(&listed, "member"), expected);
    let path = [("RoleName", "r"), ("PathPrefix", "/service-role/")];
    assert!(scene.ok("ListAttachedRolePolicies", &path).starts_with("<AttachedPolicies/>"));
    let read = scene.ok("GetPolicy", &[("PolicyArn", SQS)]);
    assert_eq!((inner(&read, "AttachmentCount"), inner(&read, "Arn")), ("1".into(), SQS.into()));
    let version = inner(&read, "DefaultVersionId");
    assert_eq!(version_ids(&mut scene, SQS), std::slice::from_ref(&version));
    let read = scene.ok("GetPolicyVersion", &[("PolicyArn", SQS), ("VersionId", &version)]);
    assert!(inner(&read, "Document").contains("sqs%3A%2A"));
    let (all_of_them, of_aws) =
        (scene.ok("ListPolicies", &[]), scene.ok("ListPolicies", &[("Scope", "AWS")]));
    assert_eq!(all_of_them, of_aws);
    assert!(of_aws.contains(SQS));
    let used = scene.ok("ListPolicies", &[("OnlyAttached", "true")]);
    assert_eq!(all(&used, "Arn"), [SQS]);
    for (action, more) in [
        ("DeletePolicy", ("", "")),
        ("CreatePolicyVersion", ("PolicyDocument", ALLOW_SEND)),
        ("SetDefaultPolicyVersion", ("VersionId", "v1")),
        ("UntagPolicy", ("TagKeys.member.1", "a")),
    ] {
        let (status, code, _) = scene.refused(action, &[("PolicyArn", SQS), more]);
        assert_eq!((status, code), (403, "AccessDenied"), "{action}");
    }
}

#[test]
fn boundaries_are_refused_as_aws_refuses_them() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let arn = "arn:aws:iam::111122223333:not_a_policy/invalid";
    let set = |arn| [("UserName", "alice"), ("PermissionsBoundary", arn)];
    let text = format!("ARN {arn} is not valid.");
    assert_eq!(scene.refused("PutUserPermissionsBoundary", &set(arn)), (400, "InvalidInput", text.clone()));
    let create = [("UserName", "bob"), ("PermissionsBoundary", arn)];
    assert_eq!(scene.refused("CreateUser", &create), (400, "InvalidInput", text));
    let arn = "arn:aws:iam::111122223333:policy/none";
    let text = format!("Scope ARN: {arn} does not exist or is not attachable.");
    assert_eq!(scene.refused("PutUserPermissionsBoundary", &set(arn)), (404, "NoSuchEntity", text));
    scene.ok("PutUserPermissionsBoundary", &set(SQS));
    assert_eq!(inner(&scene.ok("GetUser", &[("UserName", "alice")]), "PermissionsBoundaryArn"), SQS);
    scene.ok("DeleteUserPermissionsBoundary", &[("UserName", "alice")]);
    assert!(!scene.ok("GetUser", &[("UserName", "alice")]).contains("Boundary"));
    scene.ok("DeleteUser", &[("UserName", "alice")]);
}

#[test]
fn documents_of_managed_policies_have_a_version_and_a_length() {
    let mut scene = Scene::new();
    let old = ALLOW_SEND.replace("2012-10-17", "2008-10-17");
    let text = "Policy document must be version 2012-10-17 or greater.".to_owned();
    let refused = scene.refused("CreatePolicy", &[("PolicyName", "P"), ("PolicyDocument", &old)]);
    assert_eq!(refused, (400, "MalformedPolicyDocument", text));
    let sid = "x".repeat(6_144);
    let long = ALLOW_SEND.replace(r#""Effect""#, &format!(r#""Sid":"{sid}","Effect""#));
    let text = "Cannot exceed quota for PolicySize: 6144".to_owned();
    let refused = scene.refused("CreatePolicy", &[("PolicyName", "P"), ("PolicyDocument", &long)]);
    assert_eq!(refused, (409, "LimitExceeded", text));
}
