//! What a signed call carries.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;

use super::{Signer, signed};

fn call(token: Option<&str>) -> hyper::Request<()> {
    let credentials = Credentials::new("AKIATEST", "hush", token.map(str::to_owned), None, "test");
    let signer = Signer { credentials, region: "eu-west-1".to_owned() };
    let now = UNIX_EPOCH + Duration::from_secs(1_795_219_200);
    signed("127.0.0.1:4566", &signer, "POST", "stacks/shop?x=1", b"{}", now).unwrap()
}

#[test]
fn a_call_is_signed_for_our_own_api() {
    let request = call(None);
    assert_eq!(request.uri(), "/_millpond/v1/stacks/shop?x=1");
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let scope = "AWS4-HMAC-SHA256 Credential=AKIATEST/20261121/eu-west-1/millpond/aws4_request, ";
    assert!(authorization.starts_with(scope), "{authorization}");
    let signed = "SignedHeaders=content-type;host;x-amz-date";
    assert!(authorization.contains(signed), "{authorization}");
    assert!(!format!("{request:?}").contains("hush"));
}

#[test]
fn a_session_token_goes_along_and_is_signed() {
    let request = call(Some("sealed"));
    assert_eq!(request.headers()["x-amz-security-token"], "sealed");
    let authorization = request.headers()["authorization"].to_str().unwrap();
    assert!(authorization.contains("x-amz-security-token"), "{authorization}");
}
