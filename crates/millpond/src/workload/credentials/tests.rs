//! When credentials are renewed, and how long those that were given go on.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;

use super::{GOES_ON, RENEWED_AHEAD, RoleCredentials, renewed_ahead};

fn ending_in(secs: u64) -> (Credentials, SystemTime) {
    let ends = SystemTime::now() + Duration::from_secs(secs);
    (Credentials::new("ASIA", "secret", Some("token".to_owned()), Some(ends), "test"), ends)
}

#[test]
fn credentials_are_renewed_before_their_end() {
    let (hour, ends) = ending_in(3600);
    assert_eq!(renewed_ahead(&hour, SystemTime::now()).expiry(), Some(ends - RENEWED_AHEAD));
    let (minute, ends) = ending_in(60);
    assert_eq!(renewed_ahead(&minute, SystemTime::now()).expiry(), Some(ends), "they are good until then");
}

#[test]
fn what_was_given_goes_on_until_its_end() {
    let provider = RoleCredentials::new();
    let now = SystemTime::now();
    assert_eq!(provider.kept(now), None);
    let (hour, ends) = ending_in(3600);
    provider.keep(&hour);
    let kept = provider.kept(now).expect("they are good");
    assert_eq!((kept.access_key_id(), kept.expiry()), ("ASIA", Some(now + GOES_ON)));
    let last = ends - Duration::from_secs(1);
    assert_eq!(
        provider.kept(last).and_then(|kept| kept.expiry()),
        Some(ends),
        "no longer than they are good"
    );
    assert_eq!(provider.kept(ends), None);
}
