//! Access keys: made, listed, switched off, deleted, and their secrets never written in plain.

use millpond_iam::identity::Change;

use crate::scene::{Scene, account, inner};

#[test]
fn a_key_is_made_and_found_by_its_id() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let made = scene.ok("CreateAccessKey", &[("UserName", "alice")]);
    let (id, secret) = (inner(&made, "AccessKeyId"), inner(&made, "SecretAccessKey"));
    assert!(id.len() == 20 && id.starts_with("AKIA"), "{id}");
    assert_eq!(secret.len(), 40);
    assert_eq!(inner(&made, "Status"), "Active");
    let found = scene.identities.access_key(&id).unwrap();
    assert!(found.active && found.secret.expose() == secret);
    assert_eq!(found.caller.arn(), "arn:aws:iam::111122223333:user/alice");
    let listed = scene.ok("ListAccessKeys", &[("UserName", "alice")]);
    assert!(listed.contains(&id) && !listed.contains(&secret));
    assert!(scene.identities.access_key("AKIAIOSFODNN7EXAMPLE").is_none());
}

#[test]
fn a_key_can_be_switched_off_and_on_and_deleted() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let id = inner(&scene.ok("CreateAccessKey", &[("UserName", "alice")]), "AccessKeyId");
    for (status, active) in [("Inactive", false), ("Active", true), ("Inactive", false)] {
        scene.ok("UpdateAccessKey", &[("UserName", "alice"), ("AccessKeyId", &id), ("Status", status)]);
        assert_eq!(scene.identities.access_key(&id).unwrap().active, active);
        assert_eq!(inner(&scene.ok("ListAccessKeys", &[("UserName", "alice")]), "Status"), status);
    }
    scene.ok("DeleteAccessKey", &[("UserName", "alice"), ("AccessKeyId", &id)]);
    assert!(scene.identities.access_key(&id).is_none());
    let gone = (404, "NoSuchEntity", format!("The Access Key with id {id} cannot be found."));
    assert_eq!(scene.refused("DeleteAccessKey", &[("UserName", "alice"), ("AccessKeyId", &id)]), gone);
}

#[test]
fn a_user_has_two_keys_at_most() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    for _ in 0..2 {
        scene.ok("CreateAccessKey", &[("UserName", "alice")]);
    }
    let expected = (409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2".to_owned());
    assert_eq!(scene.refused("CreateAccessKey", &[("UserName", "alice")]), expected);
}

#[test]
fn the_key_of_another_user_is_not_there() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    scene.create_user("bob");
    let id = inner(&scene.ok("CreateAccessKey", &[("UserName", "alice")]), "AccessKeyId");
    assert_eq!(scene.refused("DeleteAccessKey", &[("UserName", "bob"), ("AccessKeyId", &id)]).0, 404);
    let off = [("UserName", "bob"), ("AccessKeyId", id.as_str()), ("Status", "Inactive")];
    assert_eq!(scene.refused("UpdateAccessKey", &off).0, 404);
}

#[test]
fn a_user_minds_its_own_keys_without_a_name() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let text = "Must specify userName when calling with non-User credentials".to_owned();
    assert_eq!(scene.refused("CreateAccessKey", &[]), (400, "ValidationError", text));
    scene.caller = scene.identities.user(account(), "alice").unwrap().caller(None);
    let id = inner(&scene.ok("CreateAccessKey", &[]), "AccessKeyId");
    assert_eq!(inner(&scene.ok("ListAccessKeys", &[]), "AccessKeyId"), id);
    scene.ok("UpdateAccessKey", &[("AccessKeyId", &id), ("Status", "Inactive")]);
    scene.ok("DeleteAccessKey", &[("AccessKeyId", &id)]);
    assert!(scene.ok("ListAccessKeys", &[]).starts_with("<AccessKeyMetadata/>"));
}

#[test]
fn no_use_of_a_key_is_claimed() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let id = inner(&scene.ok("CreateAccessKey", &[("UserName", "alice")]), "AccessKeyId");
    let expected = "<UserName>alice</UserName><AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region>\
                    </AccessKeyLastUsed>";
    assert_eq!(scene.ok("GetAccessKeyLastUsed", &[("AccessKeyId", &id)]), expected);
    let (status, code, text) =
        scene.refused("GetAccessKeyLastUsed", &[("AccessKeyId", "AKIAIOSFODNN7EXAMPLE")]);
    assert_eq!((status, code), (403, "AccessDenied"));
    assert_eq!(
        text,
        "User: arn:aws:iam::111122223333:root is not authorized to perform iam:GetAccessKeyLastUsed on resource: \
         access key AKIAIOSFODNN7EXAMPLE"
    );
}

#[test]
fn secrets_are_written_only_sealed() {
    let mut scene = Scene::new();
    scene.create_user("alice");
    let mut secrets = Vec::new();
    for _ in 0..2 {
        secrets.push(inner(&scene.ok("CreateAccessKey", &[("UserName", "alice")]), "SecretAccessKey"));
    }
    let other = millpond_core::name::AccountId::parse("444455556666").unwrap();
    let (changes, key) =
        scene.with_fresh(|identities, fresh| identities.decide_account(fresh, other)).unwrap();
    secrets.push(key.secret.expose().to_owned());
    scene.apply(&changes);
    scene.ok("UpdateUser", &[("UserName", "alice"), ("NewUserName", "bob")]);
    let written: Vec<u8> = scene
        .written
        .iter()
        .flat_map(|change| match change {
            Change::Put { value, .. } => value.to_vec(),
            Change::Remove { .. } => Vec::new(),
        })
        .collect();
    let shown = format!("{:?} {:?}", scene.identities, scene.written);
    for secret in &secrets {
        // Neither the text, nor its bytes in base64 or hexadecimal.
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, secret);
        let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [secret, &base64, &hexadecimal] {
            assert!(!written.windows(form.len()).any(|part| part == form.as_bytes()));
            assert!(!shown.contains(form.as_str()));
        }
    }
    // The test would notice: the ids of the keys are there.
    assert!(written.windows(4).any(|part| part == b"AKIA"));
}
