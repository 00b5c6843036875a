//! Keys and ids: what is one, and when two are the same.

use super::*;

#[test]
fn entropy_becomes_hexadecimal_digits() {
    let key = SubmissionKey::from_entropy([0x0f; 16]);
    assert_eq!(key.as_str(), "0f".repeat(16));
    assert_eq!(SubmissionKey::parse(key.as_str()), Some(key));
}

#[test]
fn keys_are_bounded_and_of_a_safe_alphabet() {
    for key in ["a", "7f2c9a1e-0b1d-4c57-9a55-2f8f5ad0b001", "order:42/x+y==", &"a".repeat(111)] {
        assert!(SubmissionKey::parse(key).is_some(), "{key}");
    }
    for text in ["", "a b", "<b>", "a\"", "é", "a\n", &"a".repeat(112)] {
        assert!(SubmissionKey::parse(text).is_none(), "{text}");
    }
}

#[test]
fn key_and_content_together_are_the_submission() {
    let key = SubmissionKey::parse(&"a".repeat(111)).unwrap();
    let id = |key: &SubmissionKey, body: &str| Submission::new(key, body.to_owned()).id().clone();
    let jane = id(&key, "Jane,UK");
    assert_eq!(jane, id(&key, "Jane,UK"));
    assert_ne!(jane, id(&key, "Jane,FR"));
    assert_ne!(jane, id(&SubmissionKey::from_entropy([1; 16]), "Jane,UK"));
    assert_eq!(jane.as_str().len(), 128);
    // As `printf Jane,UK | sha256sum` begins: ids must not change between versions, or a retry lands twice.
    assert!(jane.as_str().ends_with("-e6344c13498772f8"), "{jane}");
}
