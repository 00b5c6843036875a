//! Users: created, read, listed, renamed, deleted.

use crate::scene::{ALLOW_SEND, Scene, all, inner};

#[test]
fn a_user_is_created_read_and_deleted() {
    let mut scene = Scene::new();
    let made = scene.ok("CreateUser", &[("UserName", "alice")]);
    let id = inner(&made, "UserId");
    assert!(
        id.len() == 21 && id.starts_with("AIDA") && !id.contains(|letter: char| letter.is_lowercase()),
        "{id}"
    );
    let expected = format!(
        "<User><Path>/</Path><UserName>alice</UserName><UserId>{id}</UserId>\
         <Arn>arn:aws:iam::111122223333:user/alice</Arn><CreateDate>2026-11-18T11:06:40Z</CreateDate></User>"
    );
    assert_eq!(made, expected);
    assert_eq!(scene.ok("GetUser", &[("UserName", "alice")]), expected);
    assert_eq!(scene.ok("DeleteUser", &[("UserName", "alice")]), "");
    let gone = (404, "NoSuchEntity", "The user with name alice cannot be found.".to_owned());
    assert_eq!(scene.refused("GetUser", &[("UserName", "alice")]), gone);
    assert_eq!(scene.refused("DeleteUser", &[("UserName", "alice")]), gone);
    assert_eq!(scene.refused("UpdateUser", &[("UserName", "alice"), ("NewUserName", "bob")]), gone);
}

#[test]
fn a_name_is_taken_whatever_its_case() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    for name in ["alice", "ALICE"] {
        let (status, code, text) = scene.refused("CreateUser", &[("UserName", name)]);
        assert_eq!((status, code), (409, "EntityAlreadyExists"));
        assert_eq!(text, format!("User with name {name} already exists."));
    }
    // Policies may name one spelling, so another must not find the user.
    assert_eq!(scene.refused("GetUser", &[("UserName", "Alice")]).0, 404);
}

#[test]
fn a_user_can_get_another_name_and_path_and_stays_who_it_is() {
    let mut scene = Scene::new();
    let before = scene.ok("CreateUser", &[("UserName", "alice")]);
    let key = inner(&scene.ok("CreateAccessKey", &[("UserName", "alice")]), "AccessKeyId");
    scene.create_user("bob");
    let taken = scene.refused("UpdateUser", &[("UserName", "alice"), ("NewUserName", "BOB")]);
    assert_eq!(taken, (409, "EntityAlreadyExists", "User with name BOB already exists.".to_owned()));
    scene.ok("UpdateUser", &[("UserName", "alice"), ("NewUserName", "Alice"), ("NewPath", "/staff/")]);
    assert_eq!(scene.refused("GetUser", &[("UserName", "alice")]).0, 404);
    let after = scene.ok("GetUser", &[("UserName", "Alice")]);
    assert_eq!(inner(&after, "UserId"), inner(&before, "UserId"));
    assert_eq!(inner(&after, "Arn"), "arn:aws:iam::111122223333:user/staff/Alice");
    let caller = scene.identities.access_key(&key).unwrap().caller;
    assert_eq!(caller.arn(), "arn:aws:iam::111122223333:user/staff/Alice");
    let listed = scene.ok("ListAccessKeys", &[("UserName", "Alice")]);
    assert_eq!(inner(&listed, "UserName"), "Alice");
}

#[test]
fn what_a_user_has_must_go_first() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let arn = scene.create_policy("P");
    scene.ok("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &arn)]);
    scene.ok(
        "PutUserPolicy",
        &[("UserName", "alice"), ("PolicyName", "inline"), ("PolicyDocument", ALLOW_SEND)],
    );
    let key = inner(&scene.ok("CreateAccessKey", &[("UserName", "alice")]), "AccessKeyId");
    let conflict = |scene: &mut Scene, text: &str| {
        let expected = (409, "DeleteConflict", format!("Cannot delete entity, must {text} first."));
        assert_eq!(scene.refused("DeleteUser", &[("UserName", "alice")]), expected);
    };
    conflict(&mut scene, "detach all policies");
    scene.ok("DetachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &arn)]);
    conflict(&mut scene, "delete policies");
    scene.ok("DeleteUserPolicy", &[("UserName", "alice"), ("PolicyName", "inline")]);
    conflict(&mut scene, "delete access keys");
    scene.ok("DeleteAccessKey", &[("UserName", "alice"), ("AccessKeyId", &key)]);
    scene.ok("DeleteUser", &[("UserName", "alice")]);
}

#[test]
fn users_are_listed_by_name_in_pages() {
    let mut scene = Scene::new();
    for name in ["d", "B", "a", "c", "e"] {
        scene.ok("CreateUser", &[("UserName", name), ("Path", if name > "b" { "/x/y/" } else { "/" })]);
    }
    let listed = scene.ok("ListUsers", &[]);
    assert_eq!(all(&listed, "UserName"), ["a", "B", "c", "d", "e"]);
    assert_eq!(inner(&listed, "IsTruncated"), "false");
    assert!(!listed.contains("Marker"));
    assert_eq!(all(&scene.ok("ListUsers", &[("PathPrefix", "/x")]), "UserName"), ["c", "d", "e"]);
    assert!(scene.ok("ListUsers", &[("PathPrefix", "/z/")]).starts_with("<Users/>"));

    let mut seen = Vec::new();
    let mut page = scene.ok("ListUsers", &[("MaxItems", "2")]);
    loop {
        seen.extend(all(&page, "UserName"));
        if inner(&page, "IsTruncated") == "false" {
            break;
        }
        let marker = inner(&page, "Marker");
        page = scene.ok("ListUsers", &[("MaxItems", "2"), ("Marker", &marker)]);
    }
    assert_eq!(seen, ["a", "B", "c", "d", "e"]);
    let invalid = scene.refused("ListUsers", &[("Marker", "none of ours")]);
    assert_eq!(invalid, (400, "ValidationError", "Invalid Marker.".to_owned()));
}

#[test]
fn without_a_name_it_is_the_caller() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let root = scene.ok("GetUser", &[]);
    assert_eq!(inner(&root, "UserId"), "111122223333");
    assert_eq!(inner(&root, "Arn"), "arn:aws:iam::111122223333:root");
    let user = scene.identities.user(crate::scene::account(), "alice").unwrap().clone();
    scene.caller = user.caller(None);
    assert_eq!(inner(&scene.ok("GetUser", &[]), "UserName"), "alice");
    scene.caller = millpond_iam::caller::Caller::Root { account: crate::scene::account() };
    scene.create_role("r");
    let role = scene.identities.role(crate::scene::account(), "r").unwrap().clone();
    scene.caller = role.caller("session", 0);
    let text = "Must specify userName when calling with non-User credentials".to_owned();
    assert_eq!(scene.refused("GetUser", &[]), (400, "ValidationError", text));
}
