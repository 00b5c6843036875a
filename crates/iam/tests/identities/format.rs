//! The records as they are written: what was released is read for ever, and written the same.
//!
//! The fixture has records of each kind, groups and instance profiles among them, which no action makes yet. Its
//! secrets are sealed with the key of these tests.

use bytes::Bytes;
use millpond_iam::identity::{Change, Identities};

use crate::scene::{Scene, account, inner, master};

const FIXTURE: &str = include_str!("fixtures/identities-v1.txt");

/// Each line is a record's name, a space, and its bytes.
fn fixture() -> Vec<(&'static str, &'static [u8])> {
    FIXTURE
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, value)| (name, value.as_bytes()))
        .collect()
}

fn state() -> Identities {
    Identities::from_records(account(), fixture(), &master()).unwrap()
}

fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.identities = state();
    scene
}

#[test]
fn the_fixture_is_read_and_written_bit_for_bit() {
    let written: Vec<_> = state()
        .records()
        .into_iter()
        .map(|change| match change {
            Change::Put { name, value } => format!("{name} {}", std::str::from_utf8(&value).unwrap()),
            Change::Remove { name } => panic!("{name} is no record"),
        })
        .collect();
    assert_eq!(written.join("\n"), FIXTURE.trim_end());
    let kinds = ["account/", "group/", "instance-profile/", "master-key-check", "policy/", "role/", "user/"];
    assert!(kinds.iter().all(|kind| fixture().iter().any(|(name, _)| name.starts_with(kind))));
}

#[test]
fn secrets_of_the_fixture_are_opened() {
    let key = state().access_key("AKIAQ5ZSD4EXAMPLEKEY").unwrap();
    assert_eq!(key.secret.expose(), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
}

#[test]
fn policies_of_groups_count_for_their_users() {
    let mut scene = scene();
    let names = |scene: &Scene| -> Vec<String> {
        let user = scene.identities.user(account(), "alice").unwrap().caller(None);
        let policies = scene.identities.policies(&user);
        policies.identity.iter().map(|attached| attached.name.to_string()).collect()
    };
    let sqs = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess".to_owned();
    assert_eq!(names(&scene), ["own".to_owned(), "of-group".to_owned(), sqs.clone()]);
    let groups = scene.ok("ListGroupsForUser", &[("UserName", "alice")]);
    assert_eq!(inner(&groups, "Arn"), "arn:aws:iam::111122223333:group/readers");
    let entities = scene.ok("ListEntitiesForPolicy", &[("PolicyArn", &sqs)]);
    assert_eq!(inner(&entities, "GroupName"), "readers");

    let (name, value) = fixture().into_iter().find(|(name, _)| name.starts_with("group/")).unwrap();
    let renamed = std::str::from_utf8(value).unwrap().replace("of-group", "other");
    let put = Change::Put { name: name.to_owned(), value: Bytes::from(renamed) };
    scene.apply(&[put]);
    assert_eq!(names(&scene), ["own".to_owned(), "other".to_owned(), sqs]);
    scene.ok("DeleteUserPolicy", &[("UserName", "alice"), ("PolicyName", "own")]);
    let key = [("UserName", "alice"), ("AccessKeyId", "AKIAQ5ZSD4EXAMPLEKEY")];
    scene.ok("DeleteAccessKey", &key);
    let text = "Cannot delete entity, must remove users from group first.".to_owned();
    assert_eq!(scene.refused("DeleteUser", &[("UserName", "alice")]), (409, "DeleteConflict", text));
}

#[test]
fn a_role_of_an_instance_profile_stays() {
    let mut scene = scene();
    let profiles = scene.ok("ListInstanceProfilesForRole", &[("RoleName", "worker")]);
    assert_eq!(inner(&profiles, "InstanceProfileName"), "host");
    assert_eq!(inner(&profiles, "RoleName"), "worker");
    let text = "Cannot delete entity, must remove roles from instance profile first.".to_owned();
    assert_eq!(scene.refused("DeleteRole", &[("RoleName", "worker")]), (409, "DeleteConflict", text));
    let (name, _) = fixture().into_iter().find(|(name, _)| name.starts_with("instance-profile/")).unwrap();
    scene.apply(&[Change::Remove { name: name.to_owned() }]);
    scene.ok("DeleteRole", &[("RoleName", "worker")]);
}

#[test]
fn a_trust_policy_means_whom_its_record_says() {
    let scene = scene();
    let role = scene.identities.role(account(), "trusting").unwrap();
    // Alice was moved to another path, and the role was deleted.
    let names = r#"["arn:aws:iam::111122223333:user/staff/alice","AROAQ5ZSD4EXAMPLEGONE"]"#;
    let shown = scene.identities.shown_trust(&role.record);
    assert!(shown.contains(&format!(r#""Principal":{{"AWS":{names}}}"#)), "{shown}");
    assert!(scene.admits("trusting", &scene.user("alice")));
}

#[test]
fn a_trust_policy_of_which_nobody_knows_whom_it_means_is_refused() {
    let (name, value) = fixture().into_iter().find(|(name, _)| name.ends_with("ROL3")).unwrap();
    let id = r#""arn:aws:iam::111122223333:role/gone":"AROAQ5ZSD4EXAMPLEGONE","#;
    let without = std::str::from_utf8(value).unwrap().replace(id, "");
    let mut scene = scene();
    let before = scene.identities.digest();
    let put = Change::Put { name: name.to_owned(), value: Bytes::from(without) };
    let error = scene.identities.evolve(&put, &scene.master).unwrap_err();
    let reason = "the trust policy names arn:aws:iam::111122223333:role/gone, and \"trusted\" does not say who that is";
    assert_eq!((error.name.as_str(), error.reason.as_str()), (name, reason));
    assert_eq!(scene.identities.digest(), before);
}
