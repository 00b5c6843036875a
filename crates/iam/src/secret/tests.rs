//! Seals, keys for one purpose, and what is shown of a secret.

use proptest::prelude::*;

use super::{MasterKey, Secret, Unsealable};

fn master() -> MasterKey {
    MasterKey::new([7; 32])
}

proptest! {
    #[test]
    fn what_is_sealed_opens(key: [u8; 32], name in "\\PC{0,20}", nonce: [u8; 12], plain: Vec<u8>) {
        let sealed = MasterKey::new(key).seal(&name, nonce, &plain);
        prop_assert_eq!(sealed.len(), plain.len() + 29);
        prop_assert_eq!(MasterKey::new(key).open(&name, &sealed), Ok(plain));
    }

    #[test]
    fn what_was_changed_opens_nothing(plain: Vec<u8>, at: prop::sample::Index, bit in 0_u8..8) {
        let mut sealed = master().seal("name", [1; 12], &plain);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert_eq!(master().open("name", &sealed), Err(Unsealable));
    }

    #[test]
    fn no_other_bytes_open(bytes: Vec<u8>) {
        prop_assert_eq!(master().open("name", &bytes), Err(Unsealable));
    }
}

#[test]
fn sealed_bytes_open_only_whole_with_their_key_and_name() {
    let sealed = master().seal("key/AKIA1", [1; 12], b"secret");
    assert_eq!(master().open("key/AKIA2", &sealed), Err(Unsealable));
    assert_eq!(MasterKey::new([8; 32]).open("key/AKIA1", &sealed), Err(Unsealable));
    for end in 0..sealed.len() {
        assert_eq!(master().open("key/AKIA1", &sealed[..end]), Err(Unsealable));
    }
    assert!(!sealed.windows(6).any(|part| part == b"secret"));
}

/// The bytes are what stands in the log: they must not change.
#[test]
fn sealed_bytes_are_as_documented() {
    let sealed = master().seal("name", [1; 12], b"plain");
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "0101010101010101010101010185899078dd450d038b9b798ed77d664a63bb7b61ca");
}

#[test]
fn keys_for_one_purpose_differ_and_stay() {
    assert_eq!(master().derive("a"), master().derive("a"));
    assert_ne!(master().derive("a"), master().derive("b"));
    assert_ne!(master().derive("a"), MasterKey::new([8; 32]).derive("a"));
    let hex: String = master().derive("a").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "a33b98de0fef54b236a026acb749555b54f96781927fb94a0d6939baf01ea151");
}

#[test]
fn nothing_shows_a_secret() {
    assert_eq!(format!("{:?}", Secret::new("hidden")), "Secret(…)");
    assert_eq!(format!("{:?}", MasterKey::new([b'h'; 32])), "MasterKey(…)");
}

#[test]
fn secrets_are_equal_when_their_texts_are() {
    let secret = Secret::new("one");
    assert_eq!(secret, Secret::new("one"));
    for other in ["", "on", "ones", "onf", "Xne"] {
        assert_ne!(secret, Secret::new(other));
    }
}
