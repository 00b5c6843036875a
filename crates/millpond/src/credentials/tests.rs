//! What is told of a key that was refused.

use super::{KeySource, Named, Whose, key_pair, of_note};
use crate::keys::Whence;
use crate::note::Note;

fn whose(source: KeySource, root_follows: bool) -> Whose {
    let is_root = matches!(source, KeySource::Root(_));
    Whose { source, access_key_id: Some("AKIAOLD".to_owned()), root_follows, is_root }
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
fn the_root_key_is_not_advised_to_itself() {
    let named = Whose { is_root: true, ..whose(KeySource::Variables, false) };
    let told = named.advice("AccessDenied").unwrap();
    assert!(!told.contains("unset") && !told.contains("why"), "{told}");
    assert!(named.advice("SignatureDoesNotMatch").unwrap().contains("another root key"));
}

#[test]
fn who_may_not_ask_why_is_not_sent_there() {
    let told = whose(KeySource::Variables, true).advice("AccessDenied").unwrap();
    assert!(told.contains("to call with the root key; with it `millpond why`"), "{told}");
    let elsewhere = whose(KeySource::Variables, false).advice("AccessDenied").unwrap();
    assert!(!elsewhere.contains("unset") && elsewhere.contains("millpond:ExplainDecision"), "{elsewhere}");
}

#[test]
fn both_key_variables_or_neither() {
    let pair =
        |id: Option<&str>, secret: Option<&str>| key_pair(id.map(str::to_owned), secret.map(str::to_owned));
    assert_eq!(pair(None, None), Ok(None));
    assert!(pair(Some("a"), Some("b")).unwrap().is_some());
    assert!(pair(Some(""), None).unwrap_err().starts_with("AWS_ACCESS_KEY_ID is set and empty"));
    assert!(pair(Some("a"), Some("")).unwrap_err().starts_with("AWS_SECRET_ACCESS_KEY is set and empty"));
    assert!(pair(Some("a"), None).unwrap_err().contains("AWS_SECRET_ACCESS_KEY is missing"));
    assert!(pair(None, Some("hush")).unwrap_err().contains("AWS_ACCESS_KEY_ID is missing"));
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
