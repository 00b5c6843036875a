//! Kept signing keys are those of their secret and scope, and bounded.

use millpond_iam::secret::Secret;
use millpond_iam::sigv4::{self, KeyCache, Scope, SigningKey};

use crate::request::{SECRET, service};
use crate::signer::{ACCESS_KEY_ID, NOW_SECS, Signing, send};

const SCOPE: Scope<'_> = Scope { date: "20261121", region: "eu-west-1", service: "sqs" };

/// Whether a key verifies what the secret signed in [`SCOPE`].
fn is_of(key: &SigningKey, secret: &str) -> bool {
    let request = Signing { secret: secret.to_owned(), ..Signing::default() }.sign(&send());
    request.with_parts(|parts| {
        let claim = sigv4::claim(parts).unwrap().unwrap();
        assert_eq!(claim.access_key_id, ACCESS_KEY_ID);
        sigv4::verify(parts, &claim, key, service("sqs"), NOW_SECS).is_ok()
    })
}

#[test]
fn a_key_is_that_of_its_secret_and_scope() {
    let cache = KeyCache::new(64);
    let secret = Secret::new(SECRET);
    for _ in 0..2 {
        assert!(is_of(&cache.key(ACCESS_KEY_ID, &secret, &SCOPE), SECRET));
        for other in [
            Scope { date: "20261122", ..SCOPE },
            Scope { region: "eu-west-2", ..SCOPE },
            Scope { service: "sts", ..SCOPE },
        ] {
            assert!(!is_of(&cache.key(ACCESS_KEY_ID, &secret, &other), SECRET));
        }
    }
    assert_eq!(cache.keys(), 4);
}

#[test]
fn a_changed_secret_counts_at_once() {
    let cache = KeyCache::new(64);
    let (old, new) = (Secret::new(SECRET), Secret::new("new"));
    assert!(is_of(&cache.key(ACCESS_KEY_ID, &old, &SCOPE), SECRET));
    let key = cache.key(ACCESS_KEY_ID, &new, &SCOPE);
    assert!(is_of(&key, "new") && !is_of(&key, SECRET));
    assert_eq!(cache.keys(), 1, "the old key is gone");
}

#[test]
fn names_that_run_together_are_two() {
    let cache = KeyCache::new(8);
    let secret = Secret::new(SECRET);
    let _ = cache.key("a", &secret, &Scope { date: "b/c", region: "d", service: "e" });
    assert!(is_of(&cache.key(ACCESS_KEY_ID, &secret, &SCOPE), SECRET));
    let key = cache.key("a/b", &secret, &Scope { date: "c", region: "d", service: "e" });
    assert!(!is_of(&key, SECRET));
}

#[test]
fn it_is_bounded_and_keeps_what_is_used() {
    let cache = KeyCache::new(8);
    assert_eq!(cache.most_keys(), 8);
    let secret = Secret::new(SECRET);
    for number in 0..1000 {
        let _ = cache.key(&format!("AKIA{number}"), &secret, &SCOPE);
        assert!(is_of(&cache.key(ACCESS_KEY_ID, &secret, &SCOPE), SECRET));
        assert!(cache.keys() <= 8);
    }
    assert_eq!(cache.keys(), 8);
    assert_eq!(KeyCache::new(0).most_keys(), 8);
    assert_eq!(KeyCache::new(100).most_keys(), 128);
}

#[test]
fn threads_share_it() {
    let cache = KeyCache::new(16);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                for number in 0..200 {
                    let secret = format!("secret{}", (thread + number) % 3);
                    let key = cache.key(ACCESS_KEY_ID, &Secret::new(secret.as_str()), &SCOPE);
                    if number % 50 == 0 {
                        assert!(is_of(&key, &secret));
                    }
                }
            });
        }
    });
    assert_eq!(cache.keys(), 1);
}
