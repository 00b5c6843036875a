//! Whatever is sent: nothing panics, nothing verifies, and nothing that was sent as a credential comes back.

use millpond_iam::auth_error::AuthError;
use proptest::prelude::*;

use crate::request::{Request, SECRET, service};
use crate::signer::NOW_SECS;

/// Pieces of signatures, put together at random: they come further than random bytes do.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "AWS4-HMAC-SHA256",
            " ",
            ", ",
            ",",
            ";",
            "=",
            "/",
            "%2F",
            "%",
            "%%",
            "+",
            "&",
            "Credential=",
            "SignedHeaders=",
            "Signature=",
            "host",
            "host;x-amz-date",
            "AKIA/20261121/eu-west-1/sqs/aws4_request",
            "20261121T190000Z",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=",
            "X-Amz-Signature=",
            "X-Amz-SignedHeaders=host",
            "X-Amz-Date=20261121T190000Z",
            "X-Amz-Expires=60",
            "X-Amz-Security-Token=",
            "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD",
            "UNSIGNED-PAYLOAD",
            "é",
            "%E1%88",
            "\u{0}",
            "..",
            "//",
            "0000000000000000000000000000000000000000000000000000000000000000",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let name = prop::sample::select(vec![
        "authorization",
        "x-amz-date",
        "date",
        "host",
        "x-amz-security-token",
        "x-amz-content-sha256",
        "x-amz-target",
        "",
        "é",
    ]);
    let value = prop_oneof![
        3 => soup().prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => Just(b"20261121T190000Z".to_vec()),
    ];
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..8)
}

/// A header that is well formed but for its signature and what is mixed in.
fn almost() -> impl Strategy<Value = (String, Vec<u8>)> {
    ("[0-9a-f]{64}", soup()).prop_map(|(signature, mixed)| {
        let credential = "AKIA/20261121/eu-west-1/sqs/aws4_request";
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={signature}{mixed}"
        );
        ("authorization".to_owned(), value.into_bytes())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_but_a_signature_verifies(
        method in "\\PC{0,5}",
        path in soup(),
        query in soup(),
        mut headers in headers(),
        almost in prop::option::of(almost()),
        body: Vec<u8>,
        over_tls: bool,
        forwarded_host in prop::option::of(soup()),
        now in prop_oneof![Just(NOW_SECS), any::<u64>()],
    ) {
        headers.extend(almost);
        let request = Request { method, path, query, headers, body, over_tls, forwarded_host };
        prop_assert!(request.check(SECRET, service("sqs"), now).is_err());
    }

    #[test]
    fn no_error_repeats_a_credential(
        name in prop::sample::select(vec!["authorization", "x-amz-security-token", "x-amz-date"]),
        before in soup(),
        after in soup(),
        in_query: bool,
    ) {
        let secret = "wJalrXUtnFEMI+K7MDENG+bPxRfiCYEXAMPLEKEY";
        let text = format!("{before}{secret}{after}");
        let mut request = crate::signer::send();
        if in_query { request.query = text } else { request.set(name, &text) }
        if let Err(AuthError::Incomplete(text) | AuthError::WrongSignature(text)) =
            request.check(SECRET, service("sqs"), NOW_SECS)
        {
            prop_assert!(!text.contains("wJalr") && !text.contains("EXAMPLEKEY"), "{}", text);
        }
    }
}
