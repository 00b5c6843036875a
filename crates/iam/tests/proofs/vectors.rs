//! AWS's published vectors and requests of other signers: every one verifies, signed in the header and in the query.

use millpond_iam::auth_error::AuthError;

use crate::request::{Request, SECRET, VECTOR_SECS, service};
use crate::signer::NOW_SECS;

const VECTORS: &str = include_str!("../vectors/aws-sigv4.json");

/// Requests that botocore and the SDK for JavaScript signed, with paths and queries that are awkward.
const OTHER_SIGNERS: &str = include_str!("../vectors/other-signers.json");

struct Vector {
    name: String,
    /// Whether it is of a service that normalises paths, as all here do.
    normalize: bool,
    signed: Vec<Request>,
}

fn vectors() -> Vec<Vector> {
    let all: Vec<serde_json::Value> = serde_json::from_str(VECTORS).unwrap();
    let of = |vector: &serde_json::Value| Vector {
        name: vector["name"].as_str().unwrap().to_owned(),
        normalize: vector["normalize"] == true,
        signed: ["header_signed", "query_signed"]
            .into_iter()
            .filter_map(|place| vector[place].as_str().map(Request::parse))
            .collect(),
    };
    all.iter().map(of).collect()
}

/// Service and moment, which one older vector has of its own.
fn circumstances(name: &str) -> (&'static str, u64) {
    match name {
        "double-url-encode" => ("lambda", 1_620_747_645),
        _ => ("service", VECTOR_SECS),
    }
}

#[test]
fn every_published_signature_verifies() {
    let mut verified = 0;
    for vector in vectors().iter().filter(|vector| vector.name != "post-sts-header-after") {
        let (name, now) = circumstances(&vector.name);
        for request in &vector.signed {
            let result = request.check(SECRET, service(name), now);
            let changes_path = ["/../", "/./", "//", "/.."].iter().any(|part| request.path.contains(part));
            if vector.normalize || !changes_path {
                assert_eq!(result, Ok(()), "{}: {request:?}", vector.name);
                verified += 1;
            } else {
                assert!(matches!(result, Err(AuthError::WrongSignature(_))), "{}", vector.name);
            }
        }
    }
    assert_eq!(verified, 63, "vectors went missing");
}

#[test]
fn a_token_that_is_not_signed_is_refused() {
    let vector = vectors().into_iter().find(|vector| vector.name == "post-sts-header-after").unwrap();
    let [in_header, in_query] = &vector.signed[..] else { panic!("two requests") };
    let text = "'x-amz-security-token' must be a 'SignedHeader' in the AWS Authorization.";
    let refused = in_header.check(SECRET, service("service"), VECTOR_SECS);
    assert_eq!(refused, Err(AuthError::WrongSignature(text.to_owned())));
    assert!(in_query.check(SECRET, service("service"), VECTOR_SECS).is_err());

    let mut without = in_header.clone();
    without.headers.retain(|(name, _)| name != "x-amz-security-token");
    assert_eq!(without.check(SECRET, service("service"), VECTOR_SECS), Ok(()));
    let mut without = in_query.clone();
    let kept: Vec<_> = without.query.split('&').filter(|piece| !piece.contains("Token")).collect();
    without.query = kept.join("&");
    assert_eq!(without.check(SECRET, service("service"), VECTOR_SECS), Ok(()));
}

#[test]
fn no_published_signature_verifies_with_another_secret() {
    for vector in vectors() {
        let (name, now) = circumstances(&vector.name);
        for request in &vector.signed {
            assert!(request.check("another", service(name), now).is_err(), "{}", vector.name);
        }
    }
}

#[test]
fn what_other_signers_sign_verifies() {
    let all: Vec<serde_json::Value> = serde_json::from_str(OTHER_SIGNERS).unwrap();
    assert_eq!(all.len(), 33);
    for vector in &all {
        let text = |name: &str| vector[name].as_str().unwrap();
        let request = Request::parse(text("signed"));
        let result = request.check(SECRET, service(text("service")), NOW_SECS);
        assert_eq!(result, Ok(()), "{}: {request:?}", text("signer"));
        assert!(request.check("another", service(text("service")), NOW_SECS).is_err());
    }
}
