//! Several digests at once are those of `md-5`, one by one.

use md5::{Digest, Md5};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};

use super::digests;

fn one_by_one(messages: &[&[u8]]) -> Vec<[u8; 16]> {
    messages.iter().map(|message| Md5::digest(message).into()).collect()
}

#[test]
fn the_vectors_of_the_standard() {
    // RFC 1321, section A.5.
    let vectors = [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f",
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        ),
    ];
    let messages = vectors.map(|(message, _)| message.as_bytes());
    for ((message, wanted), digest) in vectors.iter().zip(digests(&messages)) {
        assert_eq!(format!("{:032x}", u128::from_be_bytes(digest)), *wanted, "{message}");
    }
}

#[test]
fn every_length_around_the_ends_of_blocks() {
    let bytes: Vec<u8> = (0..=255).cycle().take(200).collect();
    let messages: Vec<&[u8]> = (0..=bytes.len()).map(|length| &bytes[..length]).collect();
    assert_eq!(digests(&messages), one_by_one(&messages));
    for message in messages {
        assert_eq!(digests(&[message]), one_by_one(&[message]), "{} bytes", message.len());
    }
    assert!(digests(&[]).is_empty());
}

proptest! {
    #[test]
    fn several_at_once_are_as_one_by_one(messages in vec(vec(any::<u8>(), 0..300), 0..12)) {
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        assert_eq!(digests(&messages), one_by_one(&messages));
    }
}
