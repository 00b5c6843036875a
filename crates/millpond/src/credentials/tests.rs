//! What is told of a key that was refused.

use super::{KeySource, Named, Whose, of_note};
use crate::keys::Whence;
use crate::note::Note;

fn whose(source: KeySource, root_follows: bool) -> Whose {
    Whose { source, access_key_id: Some("AKIAOLD".to_owned()), root_follows }
}

#[test]
fn a_key_left_in_the_environment_is_told_with_what_unsets_it() {
    let told = whose(KeySource::Variables, true).advice("UnrecognizedClientException").unwrap();
    assert!(told.contains("the key AKIAOLD from AWS_ACCESS_KEY_ID"), "{told}");
    assert!(told.contains("unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN"), "{told}");
    assert!(told.contains("root key"), "{told}");
    let elsewhere = whose(KeySource::Variables, false).advice("InvalidClientTokenId").unwrap();
    assert!(!elsewhere.contains("root key"), "{elsewhere}");
}

#[test]
fn errors_that_do_not_speak_of_keys_get_no_advice() {
    assert_eq!(whose(KeySource::Variables, true).advice("QueueDoesNotExist"), None);
}

#[test]
fn a_caller_who_may_not_is_told_who_they_are() {
    let told = whose(KeySource::Profile, true);
    let told = told.advice("com.amazon.coral.service#AccessDeniedException").unwrap();
    assert!(told.contains("AWS_PROFILE"), "{told}");
    let root = whose(KeySource::Root(Whence::Moment), false).advice("AccessDenied").unwrap();
    assert!(!root.contains("another root key"), "{root}");
}

#[test]
fn a_service_that_identifies_no_one_is_called_as_test() {
    let note = Note {
        endpoint: "http://127.0.0.1:1".into(),
        region: "us-east-1".into(),
        account_id: "000000000000".into(),
        enforced: false,
        root_key: None,
        ca_bundle: None,
        pid: 7,
        data: "/srv/pond".into(),
    };
    let Named { whose, .. } = of_note(&note).unwrap();
    assert_eq!(whose.source, KeySource::Nobody);
}
