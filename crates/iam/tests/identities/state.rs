//! The state itself: rebuilt from records, told a wrong master key, separate by account.

use bytes::Bytes;
use millpond_core::name::AccountId;
use millpond_iam::caller::Caller;
use millpond_iam::identity::{Change, Identities};
use millpond_iam::secret::MasterKey;

use crate::scene::{ALLOW_SEND, Scene, account, inner, master, rebuilt};

fn put(name: &str, value: &str) -> Change {
    Change::Put { name: name.to_owned(), value: Bytes::copy_from_slice(value.as_bytes()) }
}

#[test]
fn a_wrong_master_key_is_told_first_and_in_words() {
    let mut scene = Scene::new();
    let other = AccountId::parse("000000000001").unwrap();
    let (changes, _) = scene.with_fresh(|identities, fresh| identities.decide_account(fresh, other)).unwrap();
    scene.apply(&changes);
    let records = scene.identities.records();
    let records = records.iter().map(|change| match change {
        Change::Put { name, value } => (name.as_str(), &value[..]),
        Change::Remove { .. } => unreachable!(),
    });
    let error = Identities::from_records(account(), records, &MasterKey::new([8; 32])).unwrap_err();
    assert_eq!(error.name, "master-key-check");
    assert!(error.reason.contains("the master key is not the one"), "{}", error.reason);
    assert!(error.reason.contains("MILLPOND_MASTER_KEY"), "{}", error.reason);
}

#[test]
fn the_check_is_written_once() {
    let mut scene = Scene::new();
    assert!(scene.with_fresh(|identities, fresh| identities.check_to_write(fresh)).is_none());
    assert!(scene.with_fresh(|_, fresh| Identities::new(account()).check_to_write(fresh)).is_some());
}

#[test]
fn a_record_that_can_not_be_read_changes_nothing() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    scene.ok("CreateAccessKey", &[("UserName", "alice")]);
    let user = scene.identities.user(account(), "alice").unwrap().id.clone();
    let Some(Change::Put { name, value }) = scene.written.last().cloned() else { panic!("no user") };
    let text = String::from_utf8(value.to_vec()).unwrap();
    assert_eq!(name, format!("user/{user}"));
    let sealed = scene.identities.user(account(), "alice").unwrap().record.keys[0].sealed.clone();
    let other_key = text.replace(r#""id":"AKIA"#, r#""id":"AKIB"#);
    let cases = [
        ("not json", put(&name, "{"), "it is no record"),
        ("version", put(&name, &text.replace(r#""version":1"#, r#""version":2"#)), "its version is 2"),
        ("kind", put(&name, &text.replace(r#"{"user":"#, r#"{"robot":"#)), "unknown variant `robot`"),
        (
            "member",
            put(&name, &text.replace(r#""groups""#, r#""x""#).replace(r#""keys""#, r#""y""#)),
            "unknown field",
        ),
        ("name", put("user/AIDAOTHER", &text), "it holds what belongs to user/AIDA"),
        (
            "secret",
            put(&name, &text.replace(&sealed, &sealed.replace(&sealed[..4], "AAAA"))),
            "another master key",
        ),
        ("secret of another key", put(&name, &other_key), "another master key"),
        ("no such record", Change::Remove { name: "user/AIDANONE".to_owned() }, "is not there"),
        ("not removable", Change::Remove { name: "master-key-check".to_owned() }, "is not there"),
    ];
    let before = scene.identities.digest();
    for (what, change, reason) in cases {
        let error = scene.identities.evolve(&change, &scene.master).expect_err(what);
        assert!(error.reason.contains(reason), "{what}: {error}");
        assert_eq!(scene.identities.digest(), before, "{what}");
    }
}

#[test]
fn a_policy_that_can_not_be_read_changes_nothing() {
    let mut scene = Scene::new();
    scene.create_policy("P");
    let Some(Change::Put { name, value }) = scene.written.last().cloned() else { panic!("no policy") };
    let text = String::from_utf8(value.to_vec()).unwrap();
    let before = scene.identities.digest();
    for (from, to) in [("Allow", "Alow"), (r#""default_version":1"#, r#""default_version":2"#)] {
        let change = put(&name, &text.replace(from, to));
        assert!(scene.identities.evolve(&change, &scene.master).is_err(), "{from}");
        assert_eq!(scene.identities.digest(), before);
    }
}

#[test]
fn no_two_records_share_a_name_or_a_key() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    scene.ok("CreateAccessKey", &[("UserName", "alice")]);
    let Some(Change::Put { name, value }) = scene.written.last().cloned() else { panic!("no user") };
    let text = String::from_utf8(value.to_vec()).unwrap();
    let twin = |text: &str| put("user/AIDATWIN", &text.replace(name.trim_start_matches("user/"), "AIDATWIN"));
    let error = scene.identities.evolve(&twin(&text), &scene.master).unwrap_err();
    assert!(error.reason.contains("its name alice is that of AIDA"), "{error}");
    let renamed = text.replace(r#""name":"alice""#, r#""name":"bob""#);
    let error = scene.identities.evolve(&twin(&renamed), &scene.master).unwrap_err();
    assert!(error.reason.contains("belongs to another"), "{error}");
}

#[test]
fn cloning_shares_and_keeps_what_was() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let then = scene.identities.clone();
    scene.create_user("bob");
    scene.ok("DeleteUser", &[("UserName", "alice")]);
    assert!(then.user(account(), "alice").is_some() && then.user(account(), "bob").is_none());
    assert!(scene.identities.user(account(), "alice").is_none());
    assert_eq!(rebuilt(&then, &master()).digest(), then.digest());
}

#[test]
fn accounts_are_apart() {
    let mut scene = Scene::new();
    let other = AccountId::parse("444455556666").unwrap();
    assert!(scene.identities.has_account(account()) && !scene.identities.has_account(other));
    let (changes, key) =
        scene.with_fresh(|identities, fresh| identities.decide_account(fresh, other)).unwrap();
    scene.apply(&changes);
    assert!(scene.identities.has_account(other));
    let found = scene.identities.access_key(&key.record.id).unwrap();
    assert_eq!(found.caller, Caller::Root { account: other });
    assert_eq!(found.secret.expose(), key.secret.expose());
    for taken in [other, account()] {
        let refused =
            scene.with_fresh(|identities, fresh| identities.decide_account(fresh, taken)).unwrap_err();
        assert_eq!(refused.to_string(), format!("The account {taken} already exists."));
    }
    let listed: Vec<_> = scene.identities.accounts().map(|(account, _)| account).collect();
    assert_eq!(listed, [account(), other]);

    scene.create_user("alice");
    let arn = scene.create_policy("P");
    scene.caller = Caller::Root { account: other };
    assert_eq!(scene.refused("GetUser", &[("UserName", "alice")]).0, 404);
    scene.create_user("alice");
    scene.create_role("r");
    assert_eq!(scene.refused("GetPolicy", &[("PolicyArn", &arn)]).0, 404);
    for action in ["AttachRolePolicy", "DetachRolePolicy"] {
        assert_eq!(scene.refused(action, &[("RoleName", "r"), ("PolicyArn", &arn)]).0, 404, "{action}");
    }
    let boundary = [("RoleName", "r"), ("PermissionsBoundary", arn.as_str())];
    assert_eq!(scene.refused("PutRolePermissionsBoundary", &boundary).0, 404);
    let sqs = "arn:aws:iam::aws:policy/AmazonSQSFullAccess";
    scene.ok("AttachRolePolicy", &[("RoleName", "r"), ("PolicyArn", sqs)]);
    assert_eq!(inner(&scene.ok("GetPolicy", &[("PolicyArn", sqs)]), "AttachmentCount"), "1");
    scene.caller = Caller::Root { account: account() };
    assert_eq!(inner(&scene.ok("GetPolicy", &[("PolicyArn", sqs)]), "AttachmentCount"), "0");
    assert!(scene.ok("ListEntitiesForPolicy", &[("PolicyArn", sqs)]).contains("<PolicyRoles/>"));
}

#[test]
fn principals_are_found_by_their_arns() {
    let mut scene = Scene::new();
    scene.ok("CreateUser", &[("UserName", "alice"), ("Path", "/staff/")]);
    scene.create_role("r");
    let by_arn = |arn: &str| scene.identities.principal_by_arn(arn);
    let same = [
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:user/staff/alice",
        "arn:aws:sts::111122223333:assumed-role/r/session",
    ];
    for arn in same {
        assert_eq!(by_arn(arn).unwrap().arn(), arn);
    }
    let role = by_arn("arn:aws:iam::111122223333:role/r").unwrap();
    assert_eq!(role.principal_arn().as_deref(), Some("arn:aws:iam::111122223333:role/r"));
    let none = [
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::444455556666:root",
        "arn:aws:iam::111122223333:role/none",
        "arn:aws:sts::111122223333:assumed-role/none/session",
        "arn:aws:sqs:us-east-1:111122223333:alice",
        "alice",
    ];
    for arn in none {
        assert_eq!(by_arn(arn), None, "{arn}");
    }
}

#[test]
fn the_account_is_summed_up_and_has_an_alias() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    scene.create_role("r");
    let arn = scene.create_policy("P");
    scene.ok("CreatePolicyVersion", &[("PolicyArn", &arn), ("PolicyDocument", ALLOW_SEND)]);
    let summary = scene.ok("GetAccountSummary", &[]);
    for (key, value) in
        [("Users", 1), ("Roles", 1), ("Policies", 1), ("PolicyVersionsInUse", 2), ("Groups", 0)]
    {
        let entry = format!("<entry><key>{key}</key><value>{value}</value></entry>");
        assert!(summary.contains(&entry), "{entry} in {summary}");
    }
    assert_eq!(scene.ok("ListAccountAliases", &[]), "<AccountAliases/><IsTruncated>false</IsTruncated>");
    scene.ok("CreateAccountAlias", &[("AccountAlias", "my-pond")]);
    let listed = scene.ok("ListAccountAliases", &[]);
    assert_eq!(inner(&listed, "AccountAliases"), "<member>my-pond</member>");
    assert!(scene.identities.has_account(account()));
    assert_eq!(scene.refused("DeleteAccountAlias", &[("AccountAlias", "other")]).0, 404);
    scene.ok("DeleteAccountAlias", &[("AccountAlias", "my-pond")]);
    assert_eq!(scene.ok("ListAccountAliases", &[]), "<AccountAliases/><IsTruncated>false</IsTruncated>");
}

#[test]
fn there_are_no_groups_and_instance_profiles_to_list() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    scene.create_role("r");
    let groups = scene.ok("ListGroupsForUser", &[("UserName", "alice")]);
    assert_eq!(groups, "<Groups/><IsTruncated>false</IsTruncated>");
    let profiles = scene.ok("ListInstanceProfilesForRole", &[("RoleName", "r")]);
    assert_eq!(profiles, "<InstanceProfiles/><IsTruncated>false</IsTruncated>");
}
