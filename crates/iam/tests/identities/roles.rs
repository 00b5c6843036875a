//! Roles: created, read, changed, deleted.

use crate::scene::{ALLOW_SEND, Scene, TRUST, account, all, inner};

fn encoded(document: &str) -> String {
    document
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[test]
fn a_role_is_shown_as_each_action_shows_it() {
    let mut scene = Scene::new();
    let boundary = scene.create_policy("Boundary");
    let made = scene.ok(
        "CreateRole",
        &[
            ("RoleName", "worker"),
            ("Path", "/app/"),
            ("AssumeRolePolicyDocument", TRUST),
            ("Description", "does work"),
            ("MaxSessionDuration", "7200"),
            ("PermissionsBoundary", &boundary),
            ("Tags.member.1.Key", "team"),
            ("Tags.member.1.Value", "a"),
        ],
    );
    let id = inner(&made, "RoleId");
    assert!(id.len() == 21 && id.starts_with("AROA"), "{id}");
    let start = format!(
        "<Path>/app/</Path><RoleName>worker</RoleName><RoleId>{id}</RoleId>\
         <Arn>arn:aws:iam::111122223333:role/app/worker</Arn><CreateDate>2026-11-18T11:06:40Z</CreateDate>\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>",
        encoded(TRUST)
    );
    let description = "<Description>does work</Description>";
    let duration = "<MaxSessionDuration>7200</MaxSessionDuration>";
    let end = format!(
        "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
         <PermissionsBoundaryArn>{boundary}</PermissionsBoundaryArn></PermissionsBoundary>\
         <Tags><member><Key>team</Key><Value>a</Value></member></Tags>"
    );
    assert_eq!(made, format!("<Role>{start}{end}</Role>"));
    let read = scene.ok("GetRole", &[("RoleName", "worker")]);
    assert_eq!(read, format!("<Role>{start}{description}{duration}{end}<RoleLastUsed/></Role>"));
    let listed = scene.ok("ListRoles", &[("PathPrefix", "/app/")]);
    let member = format!("<member>{start}{description}{duration}</member>");
    assert_eq!(listed, format!("<Roles>{member}</Roles><IsTruncated>false</IsTruncated>"));
    let described = scene.ok("UpdateRoleDescription", &[("RoleName", "worker"), ("Description", "rests")]);
    assert_eq!(described, format!("<Role>{start}<Description>rests</Description></Role>"));

    let role = scene.identities.role(account(), "worker").unwrap();
    assert_eq!((role.name.as_str(), role.path.as_str(), role.max_session_secs), ("worker", "/app/", 7200));
    assert_eq!((role.id.clone(), role.tags["team"].as_str()), (id, "a"));
    assert_eq!(&*role.trust.name, "arn:aws:iam::111122223333:role/app/worker");
    assert!(scene.identities.role_by_arn("arn:aws:iam::111122223333:role/worker").is_none());
    assert!(scene.identities.role_by_arn("arn:aws:iam::111122223333:role/app/worker").is_some());
}

#[test]
fn what_an_update_does_not_name_stays() {
    let mut scene = Scene::new();
    scene.create_role("r");
    assert_eq!(inner(&scene.ok("GetRole", &[("RoleName", "r")]), "MaxSessionDuration"), "3600");
    assert_eq!(
        scene.ok("UpdateRole", &[("RoleName", "r"), ("Description", "d"), ("MaxSessionDuration", "43200")]),
        ""
    );
    assert_eq!(scene.ok("UpdateRole", &[("RoleName", "r")]), "");
    let read = scene.ok("GetRole", &[("RoleName", "r")]);
    assert_eq!(
        (inner(&read, "Description"), inner(&read, "MaxSessionDuration")),
        ("d".into(), "43200".into())
    );
    scene.create_user("bob");
    let other = TRUST.replace("root", "user/bob");
    scene.ok("UpdateAssumeRolePolicy", &[("RoleName", "r"), ("PolicyDocument", &other)]);
    let read = scene.ok("GetRole", &[("RoleName", "r")]);
    assert_eq!(inner(&read, "AssumeRolePolicyDocument"), encoded(&other));
    assert_eq!(inner(&read, "Description"), "d");
}

#[test]
fn trust_policies_are_checked() {
    let mut scene = Scene::new();
    scene.create_role("r");
    let cases = [
        ("{invalid", "This policy contains invalid Json"),
        (&TRUST.replace(r#""Action""#, r#""Resource":"*","Action""#), "Has prohibited field Resource"),
        (
            &TRUST.replace("sts:AssumeRole", "sqs:SendMessage"),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
    ];
    for (document, text) in cases {
        let expected = (400, "MalformedPolicyDocument", text.to_owned());
        let update = [("RoleName", "r"), ("PolicyDocument", document)];
        assert_eq!(scene.refused("UpdateAssumeRolePolicy", &update), expected);
        let create = [("RoleName", "new"), ("AssumeRolePolicyDocument", document)];
        assert_eq!(scene.refused("CreateRole", &create), expected);
    }
    let sid = "x".repeat(2_048);
    let long = TRUST.replace(r#""Effect""#, &format!(r#""Sid":"{sid}","Effect""#));
    let expected = (409, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048".to_owned());
    assert_eq!(
        scene.refused("CreateRole", &[("RoleName", "new"), ("AssumeRolePolicyDocument", &long)]),
        expected
    );
    // White space does not count.
    let spaced = TRUST.replace(r#""Effect":"#, &format!(r#""Effect":{}"#, " ".repeat(3_000)));
    scene.ok("CreateRole", &[("RoleName", "new"), ("AssumeRolePolicyDocument", &spaced)]);
}

#[test]
fn names_are_taken_and_missing() {
    let mut scene = Scene::new();
    scene.create_role("r");
    let again = [("RoleName", "R"), ("AssumeRolePolicyDocument", TRUST)];
    let taken = (409, "EntityAlreadyExists", "Role with name R already exists.".to_owned());
    assert_eq!(scene.refused("CreateRole", &again), taken);
    let gone = (404, "NoSuchEntity", "The role with name none cannot be found.".to_owned());
    for action in [
        "GetRole",
        "DeleteRole",
        "UpdateRole",
        "ListRoleTags",
        "ListRolePolicies",
        "ListInstanceProfilesForRole",
    ] {
        assert_eq!(scene.refused(action, &[("RoleName", "none")]), gone, "{action}");
    }
}

#[test]
fn what_a_role_has_must_go_first() {
    let mut scene = Scene::new();
    scene.create_role("r");
    let arn = scene.create_policy("P");
    scene.ok("AttachRolePolicy", &[("RoleName", "r"), ("PolicyArn", &arn)]);
    scene.ok("PutRolePolicy", &[("RoleName", "r"), ("PolicyName", "i"), ("PolicyDocument", ALLOW_SEND)]);
    let conflict = |scene: &mut Scene, text: &str| {
        let expected = (409, "DeleteConflict", format!("Cannot delete entity, must {text} first."));
        assert_eq!(scene.refused("DeleteRole", &[("RoleName", "r")]), expected);
    };
    conflict(&mut scene, "detach all policies");
    scene.ok("DetachRolePolicy", &[("RoleName", "r"), ("PolicyArn", &arn)]);
    conflict(&mut scene, "delete policies");
    scene.ok("DeleteRolePolicy", &[("RoleName", "r"), ("PolicyName", "i")]);
    scene.ok("DeleteRole", &[("RoleName", "r")]);
    assert_eq!(all(&scene.ok("ListRoles", &[]), "RoleName"), [""; 0]);
}

#[test]
fn a_session_ends_with_the_role_it_was_issued_for() {
    let mut scene = Scene::new();
    scene.create_role("r");
    let id = scene.identities.role(account(), "r").unwrap().id.clone();
    let session = scene.identities.role_session(account(), "r", &id, "s", 5).unwrap();
    assert_eq!(session.arn(), "arn:aws:sts::111122223333:assumed-role/r/s");
    scene.ok("DeleteRole", &[("RoleName", "r")]);
    scene.create_role("r");
    assert!(scene.identities.role_session(account(), "r", &id, "s", 5).is_none());
}
